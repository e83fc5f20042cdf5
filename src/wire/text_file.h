// Text files as this program reads them: whole, checked, one JSON value a line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "wire/json.h"

namespace hone {

// The bytes of a file. Throws Error{usage} where there is none, Error{bad_input} for a directory, Error{io}.
std::string read_text_file(const std::string& path);

// Without a leading UTF-8 byte-order mark.
std::string_view without_bom(std::string_view text);

// Throws Error{bad_input} naming `name`:line:column (column in bytes, 1-based) of the first NUL byte or of the first byte that
// is not part of valid UTF-8.
void require_utf8(std::string_view text, const std::string& name);

// Calls `each(value, line, at)` for every line that is not blank; `at` is "name:line". A leading byte-order mark is skipped.
// Throws Error{bad_input} with name and line for a NUL byte, for text that is not UTF-8 and for a line that is not JSON.
using EachLine = std::function<void(const wire::Json& value, int line, const std::string& at)>;
void for_each_json_line(std::string_view text, const std::string& name, const EachLine& each);

// Without ASCII blanks at both ends.
std::string_view trimmed(std::string_view text);
// The same, and every run of ASCII blanks or control characters inside is one space.
std::string one_line(std::string_view text);
// At most `limit` bytes, cut between characters and marked with " ..."; bytes that are not UTF-8 are repaired.
std::string clipped(std::string_view text, std::size_t limit);

}  // namespace hone
