// The four moves of board games and how a move is read from text (ERL, arXiv 2602.13949; its code's numbering and grammar).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace hone::board {

enum class Direction : std::uint8_t { none, left, down, right, up };  // none: nothing that is a move; it costs a turn

inline constexpr std::array<Direction, 4> directions{Direction::left, Direction::down, Direction::right, Direction::up};

// "Left", "Down", "Right", "Up"; none is "none".
std::string_view name_of(Direction move);

// What stands in the last pair of triple backticks, and without such a pair the whole text: a move's name in any case, or its number 1
// to 4, with blanks around it. Anything else is none. A pair is opened and closed from left to right; a fence left over counts for nothing.
Direction read_move(std::string_view action);

// The neighbour of a cell on a board that is `columns` wide and `rows` high, or the cell itself at the edge.
inline int beside(int cell, Direction move, int rows, int columns) {
  const int r = cell / columns, c = cell % columns;
  switch (move) {
    case Direction::left: return c > 0 ? cell - 1 : cell;
    case Direction::down: return r + 1 < rows ? cell + columns : cell;
    case Direction::right: return c + 1 < columns ? cell + 1 : cell;
    case Direction::up: return r > 0 ? cell - columns : cell;
    case Direction::none: break;
  }
  return cell;
}

}  // namespace hone::board
