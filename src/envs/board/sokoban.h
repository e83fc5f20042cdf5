// sokoban: push the boxes to their goals (as ERL, arXiv 2602.13949, plays it: one box, a solution of at most eight moves, eight moves),
// or levels from files in Boxoban's format. By default the signs mean nothing and the rules are not told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "envs/board/game.h"
#include "envs/board/push.h"
#include "envs/splits.h"

namespace hone {

struct SokobanConfig {
  std::vector<std::string> levels;
  int min_size = 6, max_size = 8, boxes = 1;
  int max_solution = 8;
  board::PlayConfig play;
  SplitConfig splits{.train = 1000, .validation = 100, .test = 100, .fit = false, .split_seed = 1};
};

template <class V>
void visit(V& v, SokobanConfig& c) {
  v.field("levels", c.levels, "files of levels as Boxoban has them, or folders of them (*.txt), instead of generated ones");
  v.field("min_size", c.min_size, "fewest rows and columns of a generated level, its walls included", {.min = 4, .max = 16});
  v.field("max_size", c.max_size, "most rows and columns", {.min = 4, .max = 16});
  v.field("boxes", c.boxes, "boxes of a generated level", {.min = 1, .max = board::most_boxes});
  v.field("max_solution", c.max_solution, "moves of a shortest solution of a generated level, at most; 0 = as max_steps", {.min = 0, .max = 60});
  board::visit_play(v, c.play, "moves per try; 0 = 8, with levels from files 120");
  visit(v, c.splits);
}

void validate(const SokobanConfig& config);  // throws Error{bad_input}

// The levels behind the tasks of each split; what tests and benchmarks play bare. No layout is there twice.
struct SokobanSplits {
  std::vector<board::NamedLevel> train, validation, test;
};
SokobanSplits make_sokoban(const SokobanConfig& config);

std::unique_ptr<World> open_sokoban(const Settings& settings);

extern constinit const EnvEntry env_sokoban;

}  // namespace hone
