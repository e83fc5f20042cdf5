#include "envs/gridworld.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "core/rng.h"

namespace hone {

long allocations_so_far();  // allocations_test.cpp

namespace {

Settings with_map(std::vector<std::string> rows) {
  return {{"map", {std::move(rows), true, ""}}, {"slip", {{"0"}, false, ""}}};
}
std::string refusal(const Settings& given) {
  try {
    open_gridworld(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

// One slot with its memory.
struct One {
  explicit One(const BatchWorld& world) : env(world.make({})) {}
  Buffers out() {
    return {std::as_writable_bytes(std::span(&obs, 1)), std::as_writable_bytes(std::span(&last, 1)), std::span(&reward, 1), std::span(&terminated, 1),
            std::span(&truncated, 1), std::span(&fault, 1)};
  }
  void reset(Task task) { env->reset(std::span(&slot, 1), std::span(&task, 1), out()); }
  void step(std::int32_t action) {
    env->send(std::span(&slot, 1), std::as_bytes(std::span(&action, 1)));
    env->recv(out(), 1);
  }
  std::unique_ptr<BatchEnv> env;
  int slot = 0;
  std::int32_t obs = -1, last = -1;
  float reward = 0;
  std::uint8_t terminated = 0, truncated = 0, fault = 0;
};
Task start_at(int state, std::uint64_t seed = 1) {
  return {.id = "t", .env = "gridworld", .kind = "", .goal = "", .seed = seed, .params = {{"start", std::to_string(state)}}};
}

TEST(Gridworld, MovesBlocksEndsAndPaysAsTheMapSays) {
  // 0 1 2 / 3 4 5 / 6 7 8
  const auto world = open_gridworld(with_map({"..#", ".O.", "..G"}));
  One one(*world);
  one.reset(start_at(0));
  EXPECT_EQ(one.obs, 0);
  one.step(0);
  EXPECT_EQ(one.obs, 0);  // edge
  one.step(3);
  EXPECT_EQ(one.obs, 0);
  one.step(2);
  EXPECT_EQ(one.obs, 1);
  one.step(2);
  EXPECT_EQ(one.obs, 1);  // wall
  EXPECT_EQ(one.terminated, 0);
  one.step(1);  // pit
  EXPECT_EQ(one.terminated, 1);
  EXPECT_EQ(one.last, 4);
  EXPECT_EQ(one.obs, 0);  // started anew
  EXPECT_EQ(one.reward, 0.0F);
  for (const int a : {1, 1, 2}) one.step(a);
  EXPECT_EQ(one.obs, 7);
  one.step(2);
  EXPECT_EQ(one.reward, 1.0F);
  EXPECT_EQ(one.terminated, 1);
  EXPECT_EQ(one.last, 8);
  EXPECT_EQ(world->score(1.0, 4), 1.0);
}

TEST(Gridworld, ATimeLimitTruncatesAndDoesNotTerminate) {
  auto given = with_map({"...", "...", "..G"});
  given["step_limit"] = {{"3"}, false, ""};
  const auto world = open_gridworld(given);
  One one(*world);
  one.reset(start_at(0));
  one.step(0), one.step(0);
  EXPECT_EQ(one.truncated, 0);
  one.step(1);
  EXPECT_EQ(one.truncated, 1);
  EXPECT_EQ(one.terminated, 0);
  EXPECT_EQ(one.last, 3);
  one.reset(start_at(2));
  one.step(3), one.step(1), one.step(1);  // the goal with the last step: an end, not a limit
  EXPECT_EQ(one.terminated, 1);
  EXPECT_EQ(one.truncated, 0);
}

TEST(Gridworld, MovesSlipAsOftenAsTheLawSays) {
  auto given = with_map({"...", "...", "..G"});
  given["slip"] = {{"0.3"}, false, ""};
  given["step_limit"] = {{"1"}, false, ""};
  const auto world = open_gridworld(given);
  One one(*world);
  one.reset(start_at(4));
  std::map<int, int> landed;
  for (int i = 0; i < 6000; ++i) {
    one.step(3);
    ++landed[one.last];
  }
  EXPECT_NEAR(landed[1], 4200, 150);  // about 4 standard deviations
  EXPECT_NEAR(landed[3], 900, 115);
  EXPECT_NEAR(landed[5], 900, 115);
  EXPECT_EQ(landed.size(), 3U);
}

TEST(Gridworld, LandingsAreADistributionForEveryCellAndMove) {
  GridConfig c;
  const Grid grid = make_grid(c);
  for (int s = 0; s < grid.states(); ++s)
    for (int a = 0; a < 4; ++a) {
      double sum = 0.0;
      for (const auto& to : landings(grid, 0.25, s, a)) {
        sum += to.probability;
        EXPECT_TRUE(grid.at(s) == Cell::wall || grid.at(to.state) != Cell::wall) << s;  // nobody walks into a wall
        EXPECT_EQ(to.terminated, grid.at(to.state) == Cell::goal || grid.at(to.state) == Cell::pit);
      }
      EXPECT_NEAR(sum, 1.0, 1e-12);
    }
}

TEST(Gridworld, EveryMazeHasAWayFromEveryFreeCell) {
  std::set<std::string> mazes;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    GridConfig c;
    c.maze_seed = seed;
    c.walls = 0.35;
    const Grid grid = make_grid(c);
    std::string text;
    std::vector<int> distance(grid.cells.size(), -1);
    for (int s = 0; s < grid.states(); ++s) {
      text += ".#OG"[static_cast<std::size_t>(grid.at(s))];
      if (grid.at(s) == Cell::goal) distance[static_cast<std::size_t>(s)] = 0;
    }
    mazes.insert(text);
    // Relaxation until nothing changes: the slow, obvious search.
    for (bool changed = true; changed;) {
      changed = false;
      for (int s = 0; s < grid.states(); ++s)
        for (int a = 0; grid.at(s) == Cell::free && a < 4; ++a) {
          const int d = distance[static_cast<std::size_t>(neighbour(grid, s, a))];
          int& mine = distance[static_cast<std::size_t>(s)];
          if (d >= 0 && (mine < 0 || d + 1 < mine)) mine = d + 1, changed = true;
        }
    }
    for (int s = 0; s < grid.states(); ++s)
      if (grid.at(s) == Cell::free) {
        EXPECT_GT(distance[static_cast<std::size_t>(s)], 0);
      }
  }
  EXPECT_GT(mazes.size(), 45U);
}

TEST(Gridworld, OneHotAndXyShowTheSameCells) {
  auto given = with_map({"...", "...", "..G"});
  const auto state = open_gridworld(given);
  given["observe"] = {{"one_hot"}, false, ""};
  const auto one_hot = open_gridworld(given);
  given["observe"] = {{"xy"}, false, ""};
  const auto xy = open_gridworld(given);
  EXPECT_EQ(one_hot->make({})->spec().observation.shape, std::vector<std::int64_t>{9});
  std::vector<float> hot(9), pair(2), last(9);
  float reward = 0;
  std::uint8_t a = 0, b = 0, c = 0;
  const int slot = 0;
  const Task task = start_at(5);
  one_hot->make({})->reset(std::span(&slot, 1), std::span(&task, 1),
                          {std::as_writable_bytes(std::span(hot)), std::as_writable_bytes(std::span(last)), {&reward, 1}, {&a, 1}, {&b, 1}, {&c, 1}});
  xy->make({})->reset(std::span(&slot, 1), std::span(&task, 1),
                     {std::as_writable_bytes(std::span(pair)), std::as_writable_bytes(std::span(last)), {&reward, 1}, {&a, 1}, {&b, 1}, {&c, 1}});
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(hot[i], i == 5 ? 1.0F : 0.0F);
  EXPECT_EQ(pair, (std::vector<float>{0.5F, 1.0F}));
}

TEST(Gridworld, StepsWithoutAllocating) {
  const auto world = open_gridworld({});
  const auto env = world->make({.slots = 64});
  std::vector<Task> tasks;
  std::vector<int> all;
  for (int i = 0; i < 64; ++i) tasks.push_back(world->tasks(Split::train)[static_cast<std::size_t>(i) % 20]), all.push_back(i);
  std::vector<std::int32_t> obs(64), last(64), actions(64);
  std::vector<float> reward(64);
  std::vector<std::uint8_t> terminated(64), truncated(64), fault(64);
  const Buffers out{std::as_writable_bytes(std::span(obs)), std::as_writable_bytes(std::span(last)), reward, terminated, truncated, fault};
  env->reset(all, tasks, out);
  Rng rng(1);
  const long before = allocations_so_far();
  for (int t = 0; t < 500; ++t) {
    for (auto& a : actions) a = static_cast<std::int32_t>(rng.below(4));
    env->send(all, std::as_bytes(std::span(actions)));
    env->recv(out, 64);
  }
  EXPECT_EQ(allocations_so_far() - before, 0);
  const auto counted = std::make_unique<int>(1);  // that it counts at all
  EXPECT_GT(allocations_so_far() - before, *counted - 1);
}

TEST(Gridworld, MisuseIsNamed) {
  EXPECT_NE(refusal(with_map({"..", "...", "G.."})).find("row 2: expected rows of equal length"), std::string::npos);
  EXPECT_NE(refusal(with_map({"..x", "G.."})).find("row 1: expected . # O or G, got 'x'"), std::string::npos);
  EXPECT_NE(refusal(with_map({"...", "###", ".G."})).find("no way to a goal from row 1, column 1"), std::string::npos);
  EXPECT_NE(refusal(with_map({"..", ".."})).find("no way to a goal"), std::string::npos);
  EXPECT_NE(refusal(with_map({"", ""})).find("equal length"), std::string::npos);
  EXPECT_NE(refusal(with_map({".G"})).find("at least 3 free cells"), std::string::npos);
  EXPECT_NE(refusal(settings({{"rows", "2"}, {"cols", "2"}, {"walls", "0.6"}})).find("no maze with at least"), std::string::npos);
  const auto world = open_gridworld({});
  EXPECT_THROW(world->make({.slots = 0}), Error);
  One one(*world);
  EXPECT_THROW(one.step(0), Error);               // before reset
  EXPECT_THROW(one.reset(start_at(-1)), Error);   // no such cell
  Task none = start_at(0);
  none.params.clear();
  EXPECT_THROW(one.reset(none), Error);
  one.reset(world->tasks(Split::train).at(0));
  const std::int32_t a = 0;
  one.env->send(std::span(&one.slot, 1), std::as_bytes(std::span(&a, 1)));
  EXPECT_THROW(one.env->send(std::span(&one.slot, 1), std::as_bytes(std::span(&a, 1))), Error);  // twice
}

// Whatever is observed, a person sees the same maze and stands on the same cell.
TEST(Gridworld, ShowsEveryObservationAsTheSamePicture) {
  for (const char* observe : {"state", "one_hot", "xy"}) {
    auto given = with_map({"..#", ".O.", "..G"});
    given["observe"] = {{observe}, false, ""};
    const auto world = open_gridworld(given);
    const auto& shown = dynamic_cast<const Shown&>(*world);
    const auto env = world->make({});
    std::vector<std::byte> obs(env->spec().observation.bytes()), last(obs.size());
    float reward = 0;
    std::uint8_t terminated = 0, truncated = 0, fault = 0;
    const int slot = 0;
    const Task task = start_at(7);
    env->reset(std::span(&slot, 1), std::span(&task, 1), {obs, last, std::span(&reward, 1), std::span(&terminated, 1), std::span(&truncated, 1), std::span(&fault, 1)});
    EXPECT_EQ(shown.picture(obs), ". . #\n. O .\n. @ G") << observe;
  }
  const auto world = open_gridworld(with_map({"..#", ".O.", "..G"}));
  const auto names = dynamic_cast<const Shown&>(*world).action_names();
  const std::map<std::string, std::int32_t> leads_to{{"left", 3}, {"down", 6}, {"right", 4}, {"up", 0}};
  for (std::size_t a = 0; a < names.size(); ++a) {
    One one(*world);
    one.reset(start_at(3));
    one.step(static_cast<std::int32_t>(a));
    EXPECT_EQ(one.terminated != 0 ? one.last : one.obs, leads_to.at(names[a])) << names[a];
  }
}

}  // namespace
}  // namespace hone
