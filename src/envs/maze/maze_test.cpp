// The maze against the spec's list (icm.md section 8, item 8) and itself.
#include "envs/maze/maze.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <numbers>
#include <numeric>

#include "core/error.h"
#include "envs/conformance_kit.h"
#include "wire/json.h"

namespace hone {

long allocations_so_far();  // allocations_test.cpp

namespace {

using namespace maze;

// Turns towards one point after another and walks; each counts as reached within `near`. Found by a random search over such scripts.
int tics_along(const Map& map, Walker w, const std::vector<Spot>& way, double degrees, double near) {
  std::size_t i = 0;
  int tics = 0;
  for (bool there = false; !there && tics < 1000; ++tics) {
    while (i + 1 < way.size() && std::hypot(way[i].x - w.x, way[i].y - w.y) < near) ++i;
    const double off = std::remainder(std::atan2(way[i].y - w.y, way[i].x - w.x) - w.heading, 2 * std::numbers::pi) * 180 / std::numbers::pi;
    there = w.tic(map, off > degrees ? Push::left : off < -degrees ? Push::right : Push::forward);
    EXPECT_TRUE(map.fits(w.x, w.y, body));
  }
  return tics;
}

TEST(Maze, ShortestPathsTakeTheTicsOfThePaper) {  // 230 to 350 from both starts
  const Map map = make_map(Plan::full);
  Walker sparse, very;
  sparse.x = map.sparse.x, sparse.y = map.sparse.y;
  very.x = map.very_sparse.x, very.y = map.very_sparse.y, very.heading = std::numbers::pi;
  const int from_west = tics_along(map, sparse, {{641, -170}, {706, -59}, {801, 75}, {1056, 24}, {869, -19}, {1182, -1362}}, 3.52, 110.79);
  const int from_dead_end = tics_along(map, very, {{447, -669}, {460, -297}, {476, -228}, {743, 18}, {787, 43}, {1010, 34}, {933, 25}, {1130, -846}}, 3.22, 64.67);
  EXPECT_NEAR(from_west, 237, 2);
  EXPECT_NEAR(from_dead_end, 325, 2);
}

// icm.md section 8, item 9: tests/reference/vizdoom_walks.json is what ViZDoom did (vizdoom_parity.py --record); places and speeds to
// the last 65536th, when the vest was paid for and the level ended.
TEST(Maze, WalksAreViZDooms) {
  std::ifstream in(conformance::source_dir() + "/tests/reference/vizdoom_walks.json");
  const auto reference = wire::Json::parse(in);
  const Map map = make_map(Plan::full);
  const auto whole = [](double v) { return std::llround(v * 65536.0); };
  std::size_t places = 0;
  int reached = 0, walk_number = 0;
  for (const auto& walk : reference["walks"]) {
    Walker w;
    w.x = walk["spot"][0].get<double>() / 65536.0, w.y = walk["spot"][1].get<double>() / 65536.0;
    EXPECT_TRUE(std::any_of(map.spots.begin(), map.spots.end(), [&](const Spot& s) { return s.x == w.x && s.y == w.y; })) << walk_number;
    w.face(walk["heading"].get<double>() / 65536.0);
    int tic = 0, touched = 0;
    std::size_t place = 0;
    for (const auto& [action, tics] : walk["actions"].get<std::vector<std::pair<int, int>>>())
      for (int i = 0; i < tics; ++i) {
        ++tic;
        if (touched != 0) {
          ASSERT_EQ(tic, touched + 1) << walk_number;  // the level ends with the tic after
          continue;
        }
        if (w.tic(map, static_cast<Push>(action))) touched = tic;
        if (tic % walk["every"].get<int>() != 0) continue;
        const std::array<long long, 4> here{whole(w.x), whole(w.y), whole(w.vx), whole(w.vy)};
        ASSERT_EQ(here, (walk["places"][place++].get<std::array<long long, 4>>())) << "walk " << walk_number << ", tic " << tic;
      }
    EXPECT_EQ(walk["paid"].get<int>(), touched) << walk_number;
    EXPECT_EQ(walk["ended"].get<int>(), touched == 0 ? 0 : tic) << walk_number;
    places += place, reached += touched != 0, ++walk_number;
  }
  EXPECT_GE(places, 1000U);
  EXPECT_GE(reached, 17);
}

// One slot with its memory.
struct One {
  explicit One(const Settings& given, const BatchOptions& options = {}) : world(open_maze(given)), env(world->make(options)), obs(env->spec().observation.bytes()), last(obs.size()), info(env->spec().infos.size()) {}
  void reset(std::size_t task, Split split = Split::train) {
    const auto tasks = world->tasks(split);
    env->reset(std::span(&slot, 1), std::span(&tasks[task], 1), out());
  }
  void step(std::int32_t action) {
    env->send(std::span(&slot, 1), std::as_bytes(std::span(&action, 1)));
    env->recv(out(), 1);
  }
  Buffers out() { return {obs, last, std::span(&reward, 1), std::span(&terminated, 1), std::span(&truncated, 1), std::span(&fault, 1), info}; }
  std::unique_ptr<BatchWorld> world;
  std::unique_ptr<BatchEnv> env;
  std::vector<std::byte> obs, last;
  std::vector<float> info;
  float reward = 0.0F;
  std::uint8_t terminated = 0, truncated = 0, fault = 0;
  int slot = 0;
};

// From the spot north of it: turns to it and walks.
TEST(Maze, TheVestIsPaidForATicBeforeTheEnd) {
  for (const char* repeat : {"1", "4"}) {
    One one(settings({{"repeat", repeat}, {"start", "dense"}}));
    std::size_t task = 0;
    do one.reset(task++), one.step(0);
    while (std::abs(one.info[0] - 1039.328F) > 0.01F);
    double paid = 0.0;
    float paid_at = 0.0F;
    while (one.terminated == 0) {
      const double off = std::remainder(-std::numbers::pi / 2 - static_cast<double>(one.info[2]), 2 * std::numbers::pi);
      one.step(off > 0.15 ? 3 : off < -0.15 ? 2 : 1);
      ASSERT_EQ(one.truncated, 0);
      if (one.reward > 0.0F) paid_at = one.info[5];
      paid += static_cast<double>(one.reward);
    }
    EXPECT_EQ(paid, 1.0);
    if (std::string_view(repeat) == "1") {
      EXPECT_EQ(one.info[5], paid_at + 1);
    }
  }
}

TEST(Maze, SpeedSettlesAtEightAndAThird) {
  const Map map = make_map(Plan::full);
  Walker w;
  w.x = 240, w.y = -176;
  double before = w.x;
  for (int i = 0; i < 40; ++i) {
    before = w.x;
    w.tic(map, Push::forward);
  }
  EXPECT_NEAR(w.x - before, 0.78125 / (1 - 0.90625), 0.2);
  w.vx = 8.3333;
  before = w.x;
  w.tic(map, Push::nothing);  // coasts
  EXPECT_NEAR(w.x - before, 8.3333, 1e-9);
  EXPECT_NEAR(w.vx, 8.3333 * 0.90625, 1.0 / 65536);
  for (int i = 0; i < 60; ++i) w.tic(map, Push::nothing);
  EXPECT_EQ(w.vx, 0.0);  // slow enough is at rest
}

TEST(Maze, NinetyDegreesTakeTwentyNineTicsAndTheHoldResets) {
  const Map map = make_map(Plan::full);
  Walker w;
  w.x = 240, w.y = -176;
  int tics = 0;
  while (w.heading < std::numbers::pi / 2) w.tic(map, Push::left), ++tics;
  EXPECT_EQ(tics, 29);
  w.tic(map, Push::nothing);
  const double before = w.heading;
  w.tic(map, Push::right);
  EXPECT_NEAR(before - w.heading, 1.7578125 * std::numbers::pi / 180, 1e-9);
}

TEST(Maze, GeometryIsTheTables) {
  const Map map = make_map(Plan::full);
  EXPECT_EQ(map.areas.size(), 19U);
  EXPECT_EQ(map.rooms(), 9);
  EXPECT_EQ(map.spots.size(), 17U);
  EXPECT_EQ(map.walls.size(), 76U);  // one-sided lines of the original
  for (const Spot& s : map.spots) EXPECT_TRUE(map.fits(s.x, s.y, body)) << s.x << " " << s.y;
  std::map<std::string, int> doors{{"hub", 4}, {"west", 1}, {"north-middle", 3}, {"alcove", 1}, {"east", 2}, {"dead end", 2}};
  for (const Area& a : map.areas) {
    if (!doors.contains(a.name)) continue;
    EXPECT_EQ(std::accumulate(a.openings.begin(), a.openings.end(), 0, [](int n, const auto& o) { return n + static_cast<int>(o.size()); }), doors[a.name]) << a.name;
  }
  EXPECT_FALSE(map.fits(170, -176, body));   // leans through the west wall
  EXPECT_TRUE(map.fits(176, -176, body));    // leans on it
  EXPECT_TRUE(map.fits(350, -176, body));    // in a door
  EXPECT_FALSE(map.fits(350, -150, body));   // beside it
  for (const Plan plan : {Plan::three_rooms, Plan::five_rooms, Plan::other}) {
    const Map m = make_map(plan);
    EXPECT_EQ(m.rooms(), plan == Plan::three_rooms ? 3 : plan == Plan::five_rooms ? 5 : 9);
    for (const Spot& s : {m.vest, m.sparse, m.very_sparse}) EXPECT_TRUE(m.fits(s.x, s.y, body)) << m.name;
  }
}

TEST(Maze, RandomWalksNeverLeaveFreeSpace) {
  for (const Plan plan : {Plan::full, Plan::other}) {
    const Map map = make_map(plan);
    Rng rng(1);
    for (int walk = 0; walk < 20; ++walk) {
      Walker w;
      const Spot& s = map.spots[rng.below(map.spots.size())];
      w.x = s.x, w.y = s.y, w.heading = rng.uniform() * 6.28;
      for (int i = 0; i < 500; ++i) {
        const auto push = static_cast<Push>(rng.below(4));
        for (int k = 0; k < 4; ++k) w.tic(map, push);
        ASSERT_TRUE(map.fits(w.x, w.y, body)) << w.x << " " << w.y;
      }
    }
  }
}

TEST(Maze, TimesOutAtTwentyOneHundredTics) {
  for (const auto& [repeat, steps] : {std::pair{"4", 525}, {"1", 2100}, {"8", 263}}) {
    One one(settings({{"repeat", repeat}}));
    one.reset(0);
    int n = 0;
    do one.step(0), ++n;
    while (one.truncated == 0 && n < 3000);
    EXPECT_EQ(n, steps);
    EXPECT_EQ(one.info[5], 2100.0F);
    EXPECT_EQ(one.terminated, 0);
  }
}

TEST(Maze, DenseStartsAreUniformOverSpotsAndHeadings) {
  One one(settings({{"start", "dense"}, {"render", "direct"}, {"limit_tics", "1"}, {"repeat", "1"}}));
  std::map<std::pair<int, int>, int> spots;
  int eighths[8] = {};
  const int draws = 3400;
  one.reset(0);
  for (int i = 0; i < draws; ++i) {
    one.step(0);  // ends at once; info is of the ended episode
    ++spots[{static_cast<int>(one.info[0]), static_cast<int>(one.info[1])}];
    ++eighths[std::min(7, static_cast<int>((static_cast<double>(one.info[2]) / std::numbers::pi + 1.0) * 4.0))];
  }
  ASSERT_EQ(spots.size(), 17U);
  double chi = 0.0, chi_heading = 0.0;
  for (const auto& [spot, n] : spots) chi += std::pow(n - draws / 17.0, 2) / (draws / 17.0);
  for (const int n : eighths) chi_heading += std::pow(n - draws / 8.0, 2) / (draws / 8.0);
  EXPECT_LT(chi, 39.25);          // 16 degrees of freedom, p 0.001
  EXPECT_LT(chi_heading, 24.32);  // 7
}

TEST(Maze, StartsAsTheScriptsSay) {
  One sparse(settings({{"start", "sparse"}, {"limit_tics", "1"}, {"repeat", "1"}})), very(settings({{"start", "very_sparse"}, {"limit_tics", "1"}, {"repeat", "1"}}));
  for (std::size_t i = 0; i < 50; ++i) {
    sparse.reset(i), sparse.step(0);
    EXPECT_EQ(sparse.info[0], 240.0F);
    EXPECT_GE(sparse.info[2], 0.0F);
    EXPECT_LE(sparse.info[2], static_cast<float>(0.01 * 2 * std::numbers::pi));
    very.reset(i), very.step(0);
    EXPECT_NEAR(very.info[0], 543.986F, 1e-4F);
    EXPECT_GE(std::abs(very.info[2]), static_cast<float>(0.98 * std::numbers::pi));
  }
}

TEST(Maze, ResetShowsThreeBlackFramesAndOne) {
  One one({});
  one.reset(0);
  const std::size_t frame = side * side;
  const auto bright = [&](std::size_t f) {
    double sum = 0.0;
    for (std::size_t i = 0; i < frame; ++i) sum += std::to_integer<int>(one.obs[f * frame + i]);
    return sum / static_cast<double>(frame);
  };
  EXPECT_EQ(bright(0) + bright(1) + bright(2), 0.0);
  EXPECT_GT(bright(3), 20.0);
  one.step(1);
  EXPECT_EQ(bright(0) + bright(1), 0.0);
  EXPECT_GT(bright(2), 20.0);
}

// Direct is what full would show, up to the larger of grays not being the gray of larger colours.
TEST(Maze, DirectShowsWhatFullShows) {
  One direct(settings({{"start", "dense"}})), full(settings({{"start", "dense"}, {"render", "full"}}));
  Rng rng(2);
  direct.reset(3), full.reset(3);
  double off = 0.0;
  int most = 0, n = 0;
  for (int t = 0; t < 300; ++t) {
    const auto action = static_cast<std::int32_t>(rng.below(4));
    direct.step(action), full.step(action);
    for (std::size_t i = 3 * side * side; i < direct.obs.size(); ++i, ++n) {
      const int d = std::abs(std::to_integer<int>(direct.obs[i]) - std::to_integer<int>(full.obs[i]));
      off += d, most = std::max(most, d);
    }
  }
  EXPECT_LT(off / n, 0.3);
  EXPECT_LE(most, 60);
  One still_direct(settings({{"start", "dense"}, {"repeat", "1"}})), still_full(settings({{"start", "dense"}, {"repeat", "1"}, {"render", "full"}}));
  still_direct.reset(5), still_full.reset(5);  // nothing moved: two equal pictures
  for (std::size_t i = 0; i < still_direct.obs.size(); ++i) ASSERT_LE(std::abs(std::to_integer<int>(still_direct.obs[i]) - std::to_integer<int>(still_full.obs[i])), 1);
}

TEST(Maze, NoiseCoversItsShareAndIsFreshEachFrame) {  // icm.md 4.6: 43.3 %
  for (const char* render : {"direct", "full"}) {
    One one(settings({{"noise", "true"}, {"render", render}}));
    one.reset(0);
    one.step(0), one.step(0);  // stands still: what changes is noise
    int changed = 0;
    for (std::size_t i = 0; i < side * side; ++i) changed += one.obs[2 * side * side + i] != one.obs[3 * side * side + i];
    EXPECT_NEAR(changed / static_cast<double>(side * side), 0.433, 0.02) << render;
    for (std::size_t y = 0; y < 25; ++y)
      for (std::size_t x = 0; x < 40; ++x) ASSERT_EQ(one.obs[2 * side * side + y * side + x], one.obs[3 * side * side + y * side + x]) << render;
  }
}

// Rows at which ViZDoom's depth buffer has the edges (vizdoom 1.3.2, 160 by 120).
TEST(Maze, HeightsAreDooms) {
  const Map map = make_map(Plan::full);
  Grid middle{{screen_width / 2}, {}};
  for (int i = 0; i < screen_height; ++i) middle.rows.push_back(i);
  Camera one(map, TextureSet::train, middle, false), two(map, TextureSet::test, middle, false);
  std::vector<std::uint8_t> a(std::size_t{3} * screen_height), b(a.size());
  const auto walls = [&](double x, double y, double turns) {  // the two sets of textures have walls that differ and the same floor
    Walker w;
    w.x = x, w.y = y, w.face(turns);
    one.colour(w, a), two.colour(w, b);
    const auto differ = [&](int row) {
      for (int at = row; at < 3 * screen_height; at += screen_height)
        if (a[static_cast<std::size_t>(at)] != b[static_cast<std::size_t>(at)]) return true;
      return false;
    };
    int first = 0, last = screen_height - 1;
    while (!differ(first)) ++first;
    while (!differ(last)) --last;
    return std::pair{first, last};
  };
  EXPECT_EQ(walls(240, -176, 0.5).second, 108);             // 80 units before the west wall the floor begins at row 109
  EXPECT_EQ(walls(1039.328, -169.884, 0.75).first, 26);     // the alcove's end below the ceiling
}

TEST(Maze, GrayPicturesNeedTheirRowsInPairs) {
  const Map map = make_map(Plan::full);
  std::vector<std::uint8_t> out(pitch);
  Walker w;
  w.x = map.sparse.x, w.y = map.sparse.y;
  EXPECT_NO_THROW(Camera(map, TextureSet::train, {{80}, {4, 5, 9, 10}}, false).gray(w, out));
  for (const std::vector<int>& rows : {std::vector<int>{4, 5, 9}, {4, 6}}) {
    try {
      Camera(map, TextureSet::train, {{80}, rows}, false).gray(w, out);
      ADD_FAILURE() << rows.size();
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::internal);
    }
  }
}

TEST(Maze, RoomsLookDifferentAndTheVestIsBright) {
  const Map map = make_map(Plan::full);
  View view(map, TextureSet::train, Render::direct, false, false);
  Rng rng(1);
  std::vector<std::vector<std::uint8_t>> frames;
  for (const Area& a : map.areas) {
    if (!a.room) continue;
    Walker w;
    w.x = (a.x0 + a.x1) / 2 - 30, w.y = (a.y0 + a.y1) / 2, w.heading = 0.4;
    view.forget(), view.shoot(w, rng);
    frames.emplace_back(side * side);
    view.frame(frames.back());
  }
  for (std::size_t i = 0; i < frames.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double off = 0.0;
      for (std::size_t k = 0; k < frames[i].size(); ++k) off += std::abs(static_cast<double>(frames[i][k]) - static_cast<double>(frames[j][k]));
      EXPECT_GT(off / (side * side), 8.0) << i << " " << j;
    }
  Walker w;
  w.x = 1040, w.y = -120, w.heading = -std::numbers::pi / 2;  // 232 units before the vest
  std::vector<std::uint8_t> with(side * side), without(side * side);
  view.forget(), view.shoot(w, rng), view.frame(with);
  Map bare = map;
  bare.vest = {0, 0};
  View other(bare, TextureSet::train, Render::direct, false, false);
  other.shoot(w, rng), other.frame(without);
  int brighter = 0;
  for (std::size_t k = 0; k < with.size(); ++k) brighter += with[k] > without[k] + 40;
  EXPECT_GE(brighter, 6);
}

TEST(Maze, AStepAllocatesNothing) {
  for (const bool noise : {false, true}) {
    One one(settings({{"noise", noise ? "true" : "false"}, {"limit_tics", "200"}}));
    one.reset(0);
    one.step(1);
    const long before = allocations_so_far();
    for (int i = 0; i < 300; ++i) one.step(i % 4);
    EXPECT_EQ(allocations_so_far() - before, 0);
  }
}

TEST(Maze, LivingCostIsTakenEachTic) {
  One one(settings({{"living_cost", "true"}}));
  one.reset(0);
  one.step(0);
  EXPECT_NEAR(one.reward, -0.0004F, 1e-7F);
  EXPECT_EQ(one.world->score(1.0 - 0.0001 * 2000, 525), 1.0);
  EXPECT_EQ(one.world->score(-0.21, 525), 0.0);
}

TEST(Maze, MisuseIsNamed) {
  EXPECT_THROW(open_maze(settings({{"map", "castle"}})), Error);
  EXPECT_THROW(open_maze(settings({{"repeat", "0"}})), Error);
}

}  // namespace
}  // namespace hone
