#include "envs/csv.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "wire/text_file.h"

namespace hone {

namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  // The next row that is not blank, or nothing at the end.
  std::optional<CsvRow> row() {
    while (at_ < text_.size()) {
      CsvRow out{line_, {}};
      do out.fields.push_back(field());
      while (take(','));
      line_end();
      if (out.fields.size() > 1 || !out.fields[0].empty()) return out;
    }
    return std::nullopt;
  }

 private:
  [[noreturn]] void fail(int line, std::size_t column, const std::string& what) const {
    throw Error(Fault::bad_input, name_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what);
  }
  std::size_t column() const { return at_ - line_start_ + 1; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void new_line() {
    ++line_;
    line_start_ = at_;
  }
  void line_end() {
    if (at_ >= text_.size()) return;
    if (take('\r')) take('\n');
    else take('\n');
    new_line();
  }

  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  std::string quoted() {
    const int opened_line = line_;
    const std::size_t opened_column = column();
    ++at_;
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) fail(opened_line, opened_column, "this quote is never closed");
      const char c = text_[at_++];
      if (c == '"') {
        if (!take('"')) break;
      } else if (c == '\n' || (c == '\r' && (at_ >= text_.size() || text_[at_] != '\n'))) {
        new_line();
      }
      out += c;
    }
    if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
      fail(line_, column(), "expected a comma or the end of the line after a closing quote (write a quote inside a quoted field "
                            "twice)");
    return out;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
};

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& name) {
  text = without_bom(text);
  require_utf8(text, name);
  CsvReader reader(text, name);
  CsvTable table;
  auto header = reader.row();
  if (!header) throw Error(Fault::bad_input, name + ":1:1: expected a header line with the names of the fields, got an empty file");
  table.header = std::move(header->fields);
  while (auto row = reader.row()) {
    if (row->fields.size() != table.header.size())
      throw Error(Fault::bad_input, name + ":" + std::to_string(row->line) + ":1: expected " +
                                        std::to_string(table.header.size()) + " fields as in the header, got " +
                                        std::to_string(row->fields.size()) + " (a text with a comma in it must be quoted)");
    table.rows.push_back(std::move(*row));
  }
  return table;
}

}  // namespace hone
