// Printing for people: tables, colours where there is a terminal, one progress line. Data goes to standard output, everything
// said about it to standard error.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "wire/json.h"

namespace hone::cli {

bool colour();       // standard output is a terminal that takes colours, and NO_COLOR is not set
bool interactive();  // standard error is a terminal

std::string bold(std::string_view text);
std::string dim(std::string_view text);
std::string green(std::string_view text);
std::string red(std::string_view text);

std::size_t width(std::string_view text);  // columns that UTF-8 text takes, counting every code point as one
std::size_t terminal_width();              // of standard output; no limit (npos) where it is no terminal

void print(std::string_view text);       // a line on standard output
void print_json(const wire::Json& json);  // one line on standard output, flushed
void note(std::string_view text);        // a line on standard error
void fail(std::string_view text, bool json, std::string_view kind);

// Columns as wide as their content; columns of numbers to the right. Nothing is cut: on a terminal long cells go on in the next
// line of their column, elsewhere lines are as long as they need be.
void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

// The same with rows that are shown as they come: `widths` are those of all columns but the last.
class SlowTable {
 public:
  SlowTable(const std::vector<std::string>& head, std::vector<std::size_t> widths);
  void add(const std::vector<std::string>& row);

 private:
  std::vector<std::size_t> widths_;
};

std::string percent(double share);           // "37.5 %"
std::string duration(double seconds);        // "4 s", "2:05", "1:02:05"
std::string count(double number);            // "812", "12.3 k", "4.1 M", "1.54 B"
std::string counted(double number, std::string_view one, std::string_view many = {});  // "1 task", "2 tasks"; many: one + "s"
std::string bytes_text(double bytes);        // "98.1 MB"
// One line. What a terminal would act on is shown as a dot: control characters (C0, DEL, C1) and those that turn the direction
// of writing; bytes that are no UTF-8 as U+FFFD.
std::string printable(std::string_view text, std::size_t most = 60);
std::string printable_lines(std::string_view text);  // the same, line breaks kept and nothing cut

// One line that is redrawn in place on a terminal, or a line now and then where there is none.
class Bar {
 public:
  void start(std::string_view label, double total, std::string_view unit = {});
  void update(double done, std::string_view tail);
  void tail(std::string_view tail) { update(done_, tail); }  // same place, other words
  void finish();  // clears the line
  ~Bar() { finish(); }

 private:
  void draw(double done, std::string_view tail, bool last);
  std::string label_, unit_;
  double total_ = 0.0, done_ = 0.0, first_done_ = -1.0;
  bool open_ = false;
  std::chrono::steady_clock::time_point started_, drawn_;
};

}  // namespace hone::cli
