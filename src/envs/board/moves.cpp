#include "envs/board/moves.h"

#include <string>

#include "wire/text_file.h"

namespace hone::board {

std::string_view name_of(Direction move) {
  constexpr std::array<std::string_view, 5> names{"none", "Left", "Down", "Right", "Up"};
  return names[static_cast<std::size_t>(move)];
}

Direction read_move(std::string_view action) {
  constexpr std::string_view fence = "```";
  std::string_view said = action;
  for (std::size_t at = 0;;) {
    const std::size_t open = action.find(fence, at);
    const std::size_t close = open == std::string_view::npos ? open : action.find(fence, open + fence.size());
    if (close == std::string_view::npos) break;
    said = action.substr(open + fence.size(), close - open - fence.size());
    at = close + fence.size();
  }
  said = trimmed(said);
  if (said.size() == 1 && said[0] >= '1' && said[0] <= '4') return directions[static_cast<std::size_t>(said[0] - '1')];
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const Direction move : directions) {
    const std::string_view name = name_of(move);
    bool same = name.size() == said.size();
    for (std::size_t i = 0; same && i < name.size(); ++i) same = lower(name[i]) == lower(said[i]);
    if (same) return move;
  }
  return Direction::none;
}

}  // namespace hone::board
