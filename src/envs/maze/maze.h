// Rooms seen from inside: find the vest by what the eyes show (ViZDoom's my_way_home, icm.md section 4).
#pragma once

#include "core/config.h"
#include "core/env.h"
#include "envs/maze/view.h"

namespace hone {

struct MazeConfig {
  maze::Plan map = maze::Plan::full;
  maze::Start start = maze::Start::sparse;
  maze::TextureSet textures = maze::TextureSet::train;
  maze::Render render = maze::Render::direct;
  int repeat = 4, evaluation_repeat = 1, limit_tics = 2100;
  bool noise = false, hud = false, living_cost = false;
  int train = 1000, validation = 20, test = 50;
};
template <class V>
void visit(V& v, MazeConfig& c) {
  using namespace maze;
  v.choice("map", c.map, {{"three_rooms", Plan::three_rooms}, {"five_rooms", Plan::five_rooms}, {"full", Plan::full}, {"other", Plan::other}}, "the floor plan: cuts of the whole one, the whole, or another to try what was learned on");
  v.choice("start", c.start, {{"dense", Start::dense}, {"sparse", Start::sparse}, {"very_sparse", Start::very_sparse}}, "where an episode begins: anywhere, far from the vest, or farther and facing a wall");
  v.choice("textures", c.textures, {{"train", TextureSet::train}, {"test", TextureSet::test}}, "what the walls are drawn with; the two sets share none");
  v.choice("render", c.render, {{"direct", Render::direct}, {"full", Render::full}}, "only the pixels that the small frame is made from, or the whole screen in colours first");
  v.field("repeat", c.repeat, "tics an action is held while learning", {.min = 1, .max = 100});
  v.field("evaluation_repeat", c.evaluation_repeat, "the same in validation and test", {.min = 1, .max = 100});
  v.field("limit_tics", c.limit_tics, "an episode is cut off after this many (35 a second)", {.min = 1, .max = 1000000});
  v.field("noise", c.noise, "white noise on 43 % of the picture, drawn afresh each frame");
  v.field("hud", c.hud, "a plain strip over the lowest 20 of 120 rows");
  v.field("living_cost", c.living_cost, "0.0001 is taken off the reward each tic; without it only the vest counts (1)");
  v.field("train", c.train, "training tasks (seeds of start and heading)", {.min = 1, .max = 1000000});
  v.field("validation", c.validation, "validation tasks", {.min = 0, .max = 1000000});
  v.field("test", c.test, "test tasks", {.min = 1, .max = 1000000});
}

std::unique_ptr<BatchWorld> open_maze(const Settings& settings);

extern constinit const EnvEntry env_maze;

}  // namespace hone
