#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace hone::cli {

namespace {

// Columns that UTF-8 text takes, counting every code point as one.
std::size_t width(std::string_view text) {
  std::size_t n = 0;
  for (unsigned char c : text) n += (c & 0xC0U) != 0x80U;
  return n;
}

bool numeric(std::string_view cell) { return !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell[0])) != 0 || cell[0] == '+' || cell[0] == '-' || cell[0] == '.'); }

}  // namespace

bool colour() {
  static const bool on = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return on;
}
bool interactive() {
  static const bool on = isatty(STDERR_FILENO) != 0;
  return on;
}

std::string bold(std::string_view text) { return colour() ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text); }
std::string dim(std::string_view text) { return colour() ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text); }

void print(std::string_view text) { fmt::print(stdout, "{}\n", text); }
void print_json(const wire::Json& json) {
  fmt::print(stdout, "{}\n", wire::dump(json));
  std::fflush(stdout);
}
void note(std::string_view text) { fmt::print(stderr, "{}\n", text); }

void fail(std::string_view text, bool json, std::string_view kind) {
  if (json) print_json({{"error", text}, {"kind", kind}});
  fmt::print(stderr, "hone: {}\n", text);
}

std::string printable(std::string_view text, std::size_t most) {
  std::string out;
  std::size_t n = 0;
  const std::string good = wire::valid_utf8(text);
  for (std::size_t i = 0; i < good.size(); ++i) {
    const auto c = static_cast<unsigned char>(good[i]);
    if ((c & 0xC0U) != 0x80U && ++n > most) return out + "…";
    out += c == '\n' || c == '\t' ? ' ' : (c < 0x20 || c == 0x7f ? '.' : good[i]);
  }
  return out;
}

void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& h : head) widths.push_back(width(h));
  std::vector<std::vector<std::string>> cut = rows;
  for (auto& row : cut)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      row[i] = printable(row[i]);
      widths[i] = std::max(widths[i], width(row[i]));
    }
  auto line = [&](const std::vector<std::string>& cells, bool heading) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string pad(widths[i] - std::min(widths[i], width(cells[i])), ' ');
      const bool right = !heading && numeric(cells[i]);
      out += (i == 0 ? "" : "  ") + (right ? pad + cells[i] : cells[i] + (i + 1 == cells.size() ? "" : pad));
    }
    print(heading ? bold(out) : out);
  };
  line(head, true);
  for (const auto& row : cut) line(row, false);
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
  if (n < 1e6) return fmt::format("{:.1f} k", n / 1e3);
  return fmt::format("{:.1f} M", n / 1e6);
}

std::string bytes_text(double bytes) {
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes / 1e3);
  if (bytes < 1e9) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.2f} GB", bytes / 1e9);
}

void Bar::start(std::string label, double total) {
  finish();
  label_ = std::move(label);
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
  const std::string of = total_ > 0 ? fmt::format("{:.0f}/{:.0f}", done, total_) : fmt::format("{:.0f}", done);
  if (!interactive()) {
    fmt::print(stderr, "{:<28} {:>9}  {}  {}\n", label_, of, tail, left);
    return;
  }
  constexpr int kCells = 24;
  const int full = total_ > 0 ? static_cast<int>(kCells * std::min(1.0, done / total_)) : 0;
  std::string bar;
  for (int i = 0; i < kCells; ++i) bar += i < full ? "█" : "░";
  fmt::print(stderr, "\r\x1b[2K{:<28} {} {:>9}  {}  {}", label_, bar, of, tail, left);
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
