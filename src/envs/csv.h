// Comma-separated text by RFC 4180: quoted fields with doubled quotes and line breaks inside, LF, CRLF or CR line ends, an
// optional UTF-8 byte-order mark. Blank lines are skipped. A quote inside an unquoted field is taken as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

struct CsvRow {
  int line = 0;  // where it starts, 1-based
  std::vector<std::string> fields;
};

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;  // each has as many fields as the header
};

// Throws Error{bad_input} with `name`:line:column for an unclosed quote, text after a closing quote, a row whose number of
// fields differs from the header's, a NUL byte or text that is not UTF-8, and for a text without a header.
CsvTable parse_csv(std::string_view text, const std::string& name);

}  // namespace hone
