#include "cli/play_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/terminal.h"
#include "core/config.h"

namespace hone::cli {

namespace {

struct Command {
  Typed::Kind kind;
  std::string_view brief, whole;
};
constexpr std::array<Command, 4> commands{{{Typed::help, "?", "help"}, {Typed::undo, "u", "undo"}, {Typed::skip, "", "skip"}, {Typed::quit, "q", "quit"}}};

std::string_view trimmed(std::string_view s) {
  const std::size_t from = s.find_first_not_of(" \t\r"), to = s.find_last_not_of(" \t\r");
  return from == std::string_view::npos ? std::string_view() : s.substr(from, to - from + 1);
}

// ASCII letters lowered, runs of blanks and '_' one blank.
std::string folded(std::string_view s) {
  std::string out;
  for (const char c : trimmed(s)) {
    const bool gap = c == ' ' || c == '_' || c == '\t';
    if (gap && out.ends_with(' ')) continue;
    out += gap ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

bool begins_a_choice(std::string_view word, const std::vector<std::string>& choices) {
  return !word.empty() && std::any_of(choices.begin(), choices.end(), [&](const std::string& c) { return folded(c).starts_with(word); });
}

std::string unfit(std::string_view line) {
  if (line.size() > longest_line) return fmt::format("expected at most {} bytes in a line", longest_line);
  if (wire::valid_utf8(line) != line) return "expected UTF-8, got other bytes";
  std::string plain(line);
  std::replace(plain.begin(), plain.end(), '\t', ' ');
  if (printable(plain, std::string::npos) != plain) return "expected text, got control characters (an arrow key?)";
  return {};
}

Typed ambiguous(std::string_view text, const std::vector<const std::string*>& fitting) {
  constexpr std::size_t most = 6;
  std::string names;
  for (std::size_t i = 0; i < fitting.size() && i < most; ++i) names += (i == 0 ? "" : ", ") + printable(*fitting[i]);
  return {Typed::refused, fmt::format("'{}' may be {}{}", printable(text), names, fitting.size() > most ? ", ..." : "")};
}

Typed unknown(std::string_view text, const std::vector<std::string>& choices) {
  std::vector<std::string> names;
  for (const auto& c : choices) names.push_back(folded(c));
  const std::string near = nearest_name(folded(text), names);
  return {Typed::refused, fmt::format("no action here is called '{}'{}; ={} sends it as it is, ? for help", printable(text), near.empty() ? "" : "; did you mean '" + printable(near) + "'?", printable(text))};
}

Typed pick(std::string_view text, const std::vector<std::string>& choices) {
  const std::string word = folded(text);
  std::vector<const std::string*> equal, beginning;
  for (const auto& c : choices) {
    if (c == text) return {Typed::action, c};
    const std::string name = folded(c);
    if (name == word) equal.push_back(&c);
    if (name.starts_with(word)) beginning.push_back(&c);
  }
  if (equal.size() == 1) return {Typed::action, *equal[0]};
  if (text.find_first_not_of("0123456789") == std::string_view::npos && beginning.empty()) {
    const std::size_t n = text.size() > 9 ? 0 : std::stoul(std::string(text));
    if (n >= 1 && n <= choices.size()) return {Typed::action, choices[n - 1]};
    return {Typed::refused, fmt::format("expected a number from 1 to {}, got {}", choices.size(), printable(text))};
  }
  if (beginning.size() == 1) return {Typed::action, *beginning[0]};
  return beginning.empty() ? unknown(text, choices) : ambiguous(text, equal.empty() ? beginning : equal);
}

}  // namespace

Typed read_typed(std::string_view line, const std::vector<std::string>& choices) {
  const std::string_view text = trimmed(line);
  if (std::string why = unfit(text); !why.empty()) return {Typed::refused, std::move(why)};
  if (text.empty()) return {Typed::refused, "expected an action; ? for help"};
  if (text.front() == '=') return {Typed::action, std::string(text.substr(1))};
  const std::string word = folded(text);
  const bool is_choice = std::any_of(choices.begin(), choices.end(), [&](const std::string& c) { return folded(c) == word; });
  for (const auto& command : commands)
    if (!is_choice && (word == command.whole || (word == command.brief && !begins_a_choice(command.brief, choices)))) return {command.kind, {}};
  return choices.empty() ? Typed{Typed::action, std::string(text)} : pick(text, choices);
}

std::string command_names(Typed::Kind kind, const std::vector<std::string>& choices) {
  for (const auto& command : commands)
    if (command.kind == kind)
      return command.brief.empty() || begins_a_choice(command.brief, choices) ? std::string(command.whole) : fmt::format("{}, {}", command.brief, command.whole);
  return {};
}

std::vector<std::string> in_columns(const std::vector<std::string>& choices, std::size_t most) {
  constexpr std::size_t between = 2, usual = 100;
  if (choices.empty()) return {};
  const std::size_t digits = std::max<std::size_t>(2, std::to_string(choices.size()).size());
  std::vector<std::string> cells;
  std::size_t widest = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    cells.push_back(fmt::format("{:>{}} {}", i + 1, digits, printable(choices[i], std::string::npos)));
    widest = std::max(widest, width(cells.back()));
  }
  const std::size_t columns = std::max<std::size_t>(1, (std::min(most, usual) + between) / (widest + between));
  const std::size_t rows = (cells.size() + columns - 1) / columns;
  std::vector<std::string> lines(rows);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string& line = lines[i % rows];
    if (!line.empty()) line.append(i / rows * (widest + between) - width(line), ' ');
    line += cells[i];
  }
  return lines;
}

}  // namespace hone::cli
