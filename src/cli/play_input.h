// What a person typed, understood against the actions on offer. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

inline constexpr std::size_t longest_line = 4096;  // bytes of what may be typed

struct Typed {
  enum Kind { action, help, undo, skip, quit, refused };
  Kind kind = refused;
  std::string text;  // the action, or why it was refused
};

// With choices: a number, a choice, or a beginning that only one choice has; case and '_' for a blank don't matter. Without: any
// text. Commands are ? help, u undo, skip, q quit; a short form that a choice begins with stands for the choice. "=text" is
// the action `text`, whatever it says.
Typed read_typed(std::string_view line, const std::vector<std::string>& choices);

// "u, undo" or, when a choice begins with u, "undo".
std::string command_names(Typed::Kind command, const std::vector<std::string>& choices);

// The choices with their numbers, in columns read downwards, no line wider than `most` columns where that is possible.
std::vector<std::string> in_columns(const std::vector<std::string>& choices, std::size_t most);

}  // namespace hone::cli
