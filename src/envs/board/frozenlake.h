// frozenlake: from start to goal over a small board with holes, eight moves (FrozenLake as ERL, arXiv 2602.13949, plays it). By default
// the signs mean nothing and the rules are not told. Splits never share a layout.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "envs/board/game.h"
#include "envs/board/lake.h"
#include "envs/splits.h"

namespace hone {

enum class LakeMap { generated, four, eight };

struct FrozenLakeConfig {
  LakeMap map = LakeMap::generated;
  int min_size = 2, max_size = 9;
  double min_frozen = 0.6, max_frozen = 0.85;
  int max_path = 6;
  bool slippery = false;
  board::PlayConfig play;
  SplitConfig splits{.train = 1000, .validation = 100, .test = 100, .fit = false, .split_seed = 1};
};

template <class V>
void visit(V& v, FrozenLakeConfig& c) {
  v.choice("map", c.map, {{"generated", LakeMap::generated}, {"4x4", LakeMap::four}, {"8x8", LakeMap::eight}},
           "generated boards, or one of Gymnasium's two maps, where tasks differ in the cell one starts from (the first test task starts at its S)");
  v.field("min_size", c.min_size, "fewest rows and columns of a generated board", {.min = 2, .max = board::largest_lake});
  v.field("max_size", c.max_size, "most rows and columns", {.min = 2, .max = board::largest_lake});
  v.field("min_frozen", c.min_frozen, "least chance of a cell to be frozen rather than a hole; each board has its own", {.min = 0, .max = 1});
  v.field("max_frozen", c.max_frozen, "greatest chance", {.min = 0, .max = 1});
  v.field("max_path", c.max_path, "moves of the shortest way to the goal, at most; 0 = as max_steps", {.min = 0, .max = 256});
  v.field("slippery", c.slippery, "a move goes where it should in a third of cases, else to one of the two sides");
  board::visit_play(v, c.play, "moves per try; 0 = 8, with map 4x4 or 8x8 Gymnasium's 100 or 200");
  visit(v, c.splits);
}

void validate(const FrozenLakeConfig& config);  // throws Error{bad_input}

// The layouts behind the tasks of each split; what tests and benchmarks play bare.
struct LakeSplits {
  std::vector<board::Lake> train, validation, test;
};
LakeSplits make_lakes(const FrozenLakeConfig& config);

std::unique_ptr<World> open_frozenlake(const Settings& settings);

extern constinit const EnvEntry env_frozenlake;

}  // namespace hone
