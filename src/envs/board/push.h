// The rules of Sokoban, bare: no text, no allocation in a step. tests/reference/sokoban.py holds them against gym-sokoban.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "envs/board/moves.h"

namespace hone::board {

inline constexpr int largest_warehouse = 20;  // rows and columns
inline constexpr int most_boxes = 4;          // of a generated board; files may have more

// A position: walls and goals stay, boxes and player move.
struct Warehouse {
  static constexpr std::uint8_t wall = 1, goal = 2, box = 4;
  std::int32_t rows = 0, columns = 0;
  std::int16_t player = 0;
  std::int16_t astray = 0;  // boxes that are on no goal; 0 = solved
  std::array<std::uint8_t, largest_warehouse * largest_warehouse> cell{};

  std::uint8_t at(int c) const { return cell[static_cast<std::size_t>(c)]; }
  int cells() const { return rows * columns; }
  bool solved() const { return astray == 0; }
};

enum class Push : std::uint8_t { nothing, walked, pushed };

// The player goes one cell; a box there is pushed when the cell behind it is free. The border of a warehouse is walls.
inline Push push(Warehouse& w, Direction direction) {
  constexpr std::uint8_t wall = Warehouse::wall, goal = Warehouse::goal, box = Warehouse::box;
  if (direction == Direction::none) return Push::nothing;
  const int by = direction == Direction::left ? -1 : direction == Direction::right ? 1 : direction == Direction::up ? -w.columns : w.columns;
  const auto next = static_cast<std::size_t>(w.player + by);
  std::uint8_t& to = w.cell[next];
  if ((to & wall) != 0) return Push::nothing;
  w.player = static_cast<std::int16_t>(w.player + by);
  if ((to & box) == 0) return Push::walked;
  std::uint8_t& behind = w.cell[static_cast<std::size_t>(w.player + by)];
  if ((behind & (wall | box)) != 0) {
    w.player = static_cast<std::int16_t>(w.player - by);
    return Push::nothing;
  }
  to ^= box;
  behind ^= box;
  w.astray = static_cast<std::int16_t>(w.astray + ((to & goal) != 0 ? 1 : 0) - ((behind & goal) != 0 ? 1 : 0));
  return Push::pushed;
}

// A level in the usual signs (# wall, @ player, + player on a goal, $ box, * box on a goal, . goal, blank, - or _ floor), rows joined by
// newlines and filled up with floor. Throws Error{bad_input} naming `name` and the row: more than 20 rows or columns, a border that is not closed
// around what the player reaches, not one player, no box that is off its goal, or another number of boxes than goals.
Warehouse read_level(std::string_view level, const std::string& name);
// Whether walls keep the player in: no cell at the edge can be walked to, with all boxes taken away.
bool closed(const Warehouse& warehouse);
// The same signs back, blank for floor.
std::string to_text(const Warehouse& warehouse);

struct NamedLevel {
  std::string name;  // "medium_valid_000.txt#17"
  Warehouse warehouse;
};
// A file of levels as Boxoban has them (github.com/google-deepmind/boxoban-levels): a line "; NAME", then the rows, then a blank line.
// Throws Error{bad_input} with file and line.
std::vector<NamedLevel> read_levels(std::string_view text, const std::string& file);

// size by size with a wall around; boxes, their goals and the player on different cells inside.
Warehouse draw_warehouse(int size, int boxes, Rng& rng);

// No solution has fewer moves: every box goes at least its distance to the nearest goal, and the player to a box before the first push.
int least_moves(const Warehouse& warehouse);

// A shortest solution, by breadth-first search over player and boxes; boxes are never pushed where no goal can be reached from any more.
// Nothing when there is none of at most `max_moves` moves. Throws Error{budget} after `max_states` positions. At most 6 boxes.
class Solver {
 public:
  std::optional<std::vector<Direction>> solve(const Warehouse& start, int max_moves, std::size_t max_states = 20'000'000);

 private:
  void find_dead(const Warehouse& w);
  struct Node {
    std::uint64_t key;
    std::uint32_t parent;
    Direction by;
  };
  std::vector<Node> nodes_;               // in the order they were found
  std::vector<std::uint32_t> table_;      // open addressing: index into nodes_ + 1
  std::array<bool, largest_warehouse * largest_warehouse> dead_{};
};

}  // namespace hone::board
