// The rules of FrozenLake (Gymnasium's FrozenLake-v1), bare: no text, no allocation in a step. tests/reference/frozen_lake.py
// holds them against Gymnasium.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/rng.h"
#include "envs/board/moves.h"

namespace hone::board {

inline constexpr int largest_lake = 16;  // rows and columns

struct Lake {
  int size = 0;
  std::int16_t start = 0, goal = 0;
  std::array<bool, largest_lake * largest_lake> hole{};

  bool is_hole(int cell) const { return hole[static_cast<std::size_t>(cell)]; }
  int cells() const { return size * size; }
};

// Gymnasium's maps "4x4" and "8x8": S start, F frozen, H hole, G goal, rows joined by newlines.
extern const std::string_view lake_4x4, lake_8x8;

// A square map in these letters, at most 16 by 16, with one S and one G. Throws Error{bad_input} naming `name` and the row.
Lake read_lake(std::string_view map, const std::string& name);
// The same letters back.
std::string to_text(const Lake& lake);

// Tiles are frozen with probability `frozen` each, then two different cells become start and goal.
Lake draw_lake(int size, double frozen, Rng& rng);

// Fewest moves from start to goal without a hole, when moves do not slip; nothing if there is no way.
std::optional<int> shortest_path(const Lake& lake);

// Where the move asked for goes: slipping is a third each of one turn left, straight on and one turn right (as Gymnasium's
// is_slippery). One draw a move.
inline Direction slipped(Direction asked, Rng& rng) {
  const auto at = static_cast<std::uint64_t>(asked) - 1;
  return directions[(at + 3 + rng.below(3)) % 4];
}

}  // namespace hone::board
