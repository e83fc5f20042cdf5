#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace hone::cli {

namespace {

// "12", "-0.5", "2:05", "37.5 %", "98.1 MB": digits with sign, dot or colon, then perhaps a unit after a blank.
bool numeric(std::string_view cell) {
  std::size_t i = !cell.empty() && (cell[0] == '+' || cell[0] == '-') ? 1 : 0;
  const std::size_t digits = i;
  while (i < cell.size() && (std::isdigit(static_cast<unsigned char>(cell[i])) != 0 || cell[i] == '.' || cell[i] == ':')) ++i;
  if (i == digits) return false;
  if (const auto rest = cell.substr(i); rest.starts_with("e-") || rest.starts_with("e+"))  // a small p
    return rest.find_first_not_of("0123456789", 2) == std::string_view::npos;
  if (i == cell.size()) return true;
  const auto unit = cell.substr(i + 1);
  return cell[i] == ' ' && !unit.empty() && unit.size() <= 2 && unit.find_first_of("0123456789 ") == std::string_view::npos;
}

constexpr std::size_t kLabel = 28;  // columns of a bar's label

// Bytes of the character at `at` that a terminal would act on, 0 for one it only shows. C1 controls are U+0080 to U+009F; U+202A
// to U+202E and U+2066 to U+2069 turn the direction of what follows.
std::size_t acted_on(std::string_view good, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < good.size() ? static_cast<unsigned char>(good[at + i]) : 0U; };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return 2;
  if (byte(0) == 0xE2 && ((byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE) || (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9))) return 3;
  return 0;
}

// Lines of at most `most` columns, broken at blanks where there is one.
std::vector<std::string> wrapped(std::string_view text, std::size_t most) {
  std::vector<std::string> lines;
  while (width(text) > most) {
    std::size_t end = 0, blank = 0;  // bytes
    for (std::size_t n = 0; end < text.size(); ++end) {
      if ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) continue;
      if (text[end] == ' ') blank = end;
      if (n++ == most) break;
    }
    const std::size_t at = blank > 0 ? blank : end;
    lines.emplace_back(text.substr(0, at));
    text.remove_prefix(blank > 0 ? at + 1 : at);
  }
  lines.emplace_back(text);
  return lines;
}

std::string painted(const char* code, std::string_view text) { return colour() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text); }

}  // namespace

std::size_t width(std::string_view text) {
  std::size_t n = 0;
  for (const unsigned char c : text) n += (c & 0xC0U) != 0x80U;
  return n;
}

std::size_t terminal_width() {
  if (isatty(STDOUT_FILENO) == 0) return std::string::npos;
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool colour() {
  const auto on_terminal = [] {
    const char* none = std::getenv("NO_COLOR");  // no-color.org: set and not empty
    const char* term = std::getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && (none == nullptr || *none == 0) && (term == nullptr || std::string_view(term) != "dumb");
  };
  static const bool on = on_terminal();
  return on;
}
bool interactive() {
  static const bool on = isatty(STDERR_FILENO) != 0;
  return on;
}

std::string bold(std::string_view text) { return painted("1", text); }
std::string dim(std::string_view text) { return painted("2", text); }
std::string green(std::string_view text) { return painted("32", text); }
std::string red(std::string_view text) { return painted("31", text); }

void print(std::string_view text) { fmt::print(stdout, "{}\n", text); }
void print_json(const wire::Json& json) {
  fmt::print(stdout, "{}\n", wire::dump(json));
  std::fflush(stdout);
}
void note(std::string_view text) { fmt::print(stderr, "{}\n", text); }

void fail(std::string_view text, bool json, std::string_view kind) {
  if (json) print_json({{"error", text}, {"kind", kind}});
  const bool named = text.starts_with("hone ") || text.starts_with("hone:");  // "hone learn: ..." says it already
  fmt::print(stderr, "{}{}\n", named ? "" : "hone: ", printable_lines(text));  // it may quote a file or a program
}

std::string printable(std::string_view text, std::size_t most) {
  std::string out;
  std::size_t n = 0;
  const std::string good = wire::valid_utf8(text);
  for (std::size_t i = 0; i < good.size();) {
    if (n++ == most) return out + "…";
    const std::size_t acted = acted_on(good, i);
    if (acted > 0) {
      out += good[i] == '\n' || good[i] == '\t' ? ' ' : '.';
      i += acted;
      continue;
    }
    do out += good[i++];
    while (i < good.size() && (static_cast<unsigned char>(good[i]) & 0xC0U) == 0x80U);
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find('\n');
    out += printable(text.substr(0, end), std::string::npos);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

namespace {
void print_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths, const std::vector<bool>& right, bool heading) {
  std::vector<std::vector<std::string>> lines;
  std::size_t most = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    lines.push_back(wrapped(cells[i], widths[i]));
    most = std::max(most, lines[i].size());
  }
  for (std::size_t n = 0; n < most; ++n) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = n < lines[i].size() ? lines[i][n] : "";
      const std::string pad(i + 1 == cells.size() && !right[i] ? 0 : widths[i] - std::min(widths[i], width(cell)), ' ');  // nothing stands behind the last
      out += (i == 0 ? "" : "  ") + (right[i] ? pad + cell : cell + pad);
    }
    out.resize(out.find_last_not_of(' ') + 1);
    print(heading ? bold(out) : out);
  }
}
}  // namespace

void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  const std::size_t last = head.size() - 1, screen = terminal_width();
  std::vector<std::vector<std::string>> shown = rows;
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  std::size_t before = 0;  // columns that stand left of this one
  for (std::size_t i = 0; i < head.size(); ++i) {
    bool any = false, all = true;
    std::size_t widest = width(head[i]);
    for (auto& row : shown) {
      row[i] = printable(row[i], std::string::npos);
      any = any || !row[i].empty();
      all = all && (row[i].empty() || numeric(row[i]));
      widest = std::max(widest, width(row[i]));
    }
    // 36: an id stays in one piece
    if (screen != std::string::npos) widest = std::min(widest, i < last ? std::size_t{36} : std::max(std::size_t{20}, screen - std::min(screen, before)));
    widths.push_back(widest);
    right.push_back(any && all);
    before += widest + 2;
  }
  print_row(head, widths, right, true);
  for (const auto& row : shown) print_row(row, widths, right, false);
}

SlowTable::SlowTable(const std::vector<std::string>& head, std::vector<std::size_t> widths) : widths_(std::move(widths)) {
  const std::size_t screen = terminal_width();
  std::size_t before = 0;
  for (std::size_t& w : widths_) before += w + 2;
  widths_.push_back(screen == std::string::npos ? screen : std::max(std::size_t{20}, screen - std::min(screen, before)));
  print_row(head, widths_, std::vector<bool>(head.size(), false), true);
  std::fflush(stdout);
}

void SlowTable::add(const std::vector<std::string>& row) {
  std::vector<std::string> shown;
  for (const auto& cell : row) shown.push_back(printable(cell, std::string::npos));
  print_row(shown, widths_, std::vector<bool>(row.size(), false), false);
  std::fflush(stdout);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string count(double n) {
  if (n < 10000) return fmt::format("{:.0f}", n);
  if (n < 999950) return fmt::format("{:.1f} k", n / 1e3);
  if (n < 999950000) return fmt::format("{:.1f} M", n / 1e6);
  return fmt::format("{:.2f} B", n / 1e9);
}

std::string counted(double n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count(n), n == 1 ? std::string(one) : many.empty() ? std::string(one) + "s" : std::string(many));
}

std::string bytes_text(double bytes) {
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes / 1e3);
  if (bytes < 1e9) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.2f} GB", bytes / 1e9);
}

void Bar::start(std::string_view label, double total, std::string_view unit) {
  finish();
  label_ = printable(label, kLabel - 1);
  unit_ = unit.empty() ? "" : " " + std::string(unit);
  total_ = total;
  first_done_ = -1.0;
  done_ = 0.0;
  open_ = true;
  started_ = std::chrono::steady_clock::now();
  drawn_ = {};
}

void Bar::update(double done, std::string_view tail) {
  if (!open_) return;
  if (first_done_ < 0) first_done_ = std::max(0.0, done - 1);  // what a resumed run read back took no time
  done_ = done;
  const auto now = std::chrono::steady_clock::now();
  const auto pause = interactive() ? std::chrono::milliseconds(80) : std::chrono::milliseconds(5000);
  const bool last = total_ > 0 && done >= total_;
  if (!last && now - drawn_ < pause) return;
  drawn_ = now;
  draw(done, tail, last);
}

void Bar::draw(double done, std::string_view tail, bool last) {
  const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  std::string left;
  if (total_ > done && done > first_done_ && spent > 0.5) left = duration(spent / (done - first_done_) * (total_ - done)) + " left";
  else if (last) left = duration(spent);
  const std::string of = (total_ > 0 ? fmt::format("{:.0f}/{:.0f}", done, total_) : fmt::format("{:.0f}", done)) + unit_;
  if (!interactive()) {
    std::string text = fmt::format("{:<{}} {:>9}  {}  {}", label_, kLabel, of, tail, left);
    text.resize(text.find_last_not_of(' ') + 1);
    note(text);
    return;
  }
  constexpr int kCells = 24;
  const int full = total_ > 0 ? static_cast<int>(kCells * std::min(1.0, done / total_)) : 0;
  std::string bar;
  for (int i = 0; i < kCells; ++i) bar += i < full ? "█" : "░";
  fmt::print(stderr, "\r\x1b[2K{:<{}} {} {:>9}  {}  {}", label_, kLabel, bar, of, tail, left);
  if (last) {
    fmt::print(stderr, "\n");
    open_ = false;
  }
  std::fflush(stderr);
}

void Bar::finish() {
  if (open_ && interactive() && first_done_ >= 0) fmt::print(stderr, "\n");
  open_ = false;
}

}  // namespace hone::cli
