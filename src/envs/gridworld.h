// gridworld: find the goal in a small maze with walls and pits, reflex tempo. One maze per world; tasks differ in the cell one
// starts from. Start cells of train, validation and test are disjoint, so a policy that is good on test generalised over the maze
// rather than remembered a route. Rules after FrozenLake (Gymnasium): reward 1 at the goal, 0 elsewhere, a pit ends the episode.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "core/reflex.h"

namespace hone {

enum class GridObserve { state, one_hot, xy };

struct GridConfig {
  int rows = 8, cols = 8;
  double walls = 0.2, pits = 0.08;
  std::uint64_t maze_seed = 1;
  std::vector<std::string> map;
  double slip = 0.1;
  int step_limit = 100;
  GridObserve observe = GridObserve::state;
};

template <class V>
void visit(V& v, GridConfig& c) {
  v.field("rows", c.rows, "rows of the maze", {.min = 2, .max = 256});
  v.field("cols", c.cols, "columns of the maze", {.min = 2, .max = 256});
  v.field("walls", c.walls, "share of cells that are walls", {.min = 0, .max = 0.6});
  v.field("pits", c.pits, "share of cells that are pits", {.min = 0, .max = 0.4});
  v.field("maze_seed", c.maze_seed, "which maze");
  v.field("map", c.map, "a maze of your own, one text per row: . free, # wall, O pit, G goal; replaces rows, cols, walls, pits");
  v.field("slip", c.slip, "chance that a move goes to one side instead", {.min = 0, .max = 1});
  v.field("step_limit", c.step_limit, "steps until an episode is cut off", {.min = 1, .max = 1e6});
  v.choice("observe", c.observe, {{"state", GridObserve::state}, {"one_hot", GridObserve::one_hot}, {"xy", GridObserve::xy}},
           "state = number of the cell (i32); one_hot = f32 per cell; xy = row and column scaled to 0..1 (f32)");
}

enum class Cell : std::uint8_t { free, wall, pit, goal };

// Cells in row-major order. From every free cell there is a way to a goal.
struct Grid {
  int rows = 0, cols = 0;
  std::vector<Cell> cells;
  Cell at(int state) const { return cells[static_cast<std::size_t>(state)]; }
  int states() const { return rows * cols; }
};

// Throws Error{bad_input} for a bad map, or when no maze of these settings can be made.
Grid make_grid(const GridConfig& config);

// Actions: 0 left, 1 down, 2 right, 3 up. Where a move in that direction leads: walls and edges keep one in place.
int neighbour(const Grid& grid, int state, int action);

// The whole transition law, for planning: with probability 1 - slip the action, with slip / 2 each of the two sideways ones.
struct Landing {
  double probability = 0.0;
  int state = 0;
  float reward = 0.0F;
  bool terminated = false;
};
std::array<Landing, 3> landings(const Grid& grid, double slip, int state, int action);

std::unique_ptr<BatchWorld> open_gridworld(const Settings& settings);

extern constinit const EnvEntry env_gridworld;

}  // namespace hone
