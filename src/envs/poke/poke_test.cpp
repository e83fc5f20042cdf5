#include "envs/poke/poke.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include "core/error.h"
#include "core/rng.h"
#include "envs/poke/scene.h"

namespace hone {

long allocations_so_far();  // allocations_test.cpp

namespace {

using namespace poke;

constexpr double pi = std::numbers::pi;

Settings quick(std::initializer_list<std::pair<std::string, std::string>> more = {}) {
  Settings out = settings({{"pixels", "16"}});
  for (const auto& [name, value] : settings(more)) out[name] = value;
  return out;
}

// One slot with its memory.
struct One {
  explicit One(const BatchWorld& world, Split split = Split::train)
      : env(world.make({.autoreset = Autoreset::disabled, .split = split})), obs(env->spec().observation.bytes()), last(obs.size()), info(env->spec().infos.size()) {}
  Buffers out() { return {obs, last, {&reward, 1}, {&terminated, 1}, {&truncated, 1}, {&fault, 1}, info}; }
  void reset(const Task& task) { env->reset(std::span(&slot, 1), std::span(&task, 1), out()); }
  void step(std::array<float, 4> action) {
    env->send(std::span(&slot, 1), std::as_bytes(std::span(action)));
    env->recv(out(), 1);
  }
  bool over() const { return terminated != 0 || truncated != 0; }
  double told(const char* name) const {
    const auto& names = env->spec().infos;
    return static_cast<double>(info[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())]);
  }
  std::span<const std::byte> now() const { return std::span(obs).first(obs.size() / 2); }
  std::span<const std::byte> goal() const { return std::span(obs).last(obs.size() / 2); }
  std::unique_ptr<BatchEnv> env;
  std::vector<std::byte> obs, last;
  std::vector<float> info;
  int slot = 0;
  float reward = 0;
  std::uint8_t terminated = 0, truncated = 0, fault = 0;
};

std::array<float, 4> random_action(Rng& rng, double longest = 0.10) {
  return {static_cast<float>(0.999 * rng.uniform()), static_cast<float>(0.999 * rng.uniform()), static_cast<float>(6.283 * rng.uniform()),
          static_cast<float>(0.01 + (longest - 0.01) * rng.uniform())};
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

TEST(Poke, TheExecutedPokeIsTheOneSaidWhereTheFingerIsFreeToStart) {
  const auto world = open_poke(quick({{"aim", "said"}}));
  One one(*world);
  Rng rng(1);
  int free = 0;
  for (const Task& task : world->tasks(Split::train)) {
    one.reset(task);
    const auto a = random_action(rng);
    one.step(a);
    EXPECT_NEAR(one.told("length"), static_cast<double>(a[3]), 1e-6);
    EXPECT_NEAR(std::remainder(one.told("theta") - static_cast<double>(a[2]), 2 * pi), 0.0, 1e-5);
    const double dx = one.told("px") - static_cast<double>(a[0]), dy = one.told("py") - static_cast<double>(a[1]);
    if (std::hypot(dx, dy) > 1e-5) {  // moved back, along its own direction
      EXPECT_LT(dx * std::cos(static_cast<double>(a[2])) + dy * std::sin(static_cast<double>(a[2])), 0.0);
      EXPECT_NEAR(dx * std::sin(static_cast<double>(a[2])) - dy * std::cos(static_cast<double>(a[2])), 0.0, 1e-5);
      EXPECT_EQ(one.told("moved"), 1.0) << "it started on a thing";
    } else {
      ++free;
    }
  }
  EXPECT_GT(free, 100);
}

TEST(Poke, RandomPokesOfTheTrainSplitMeetTheThing) {
  const auto moved = [](const char* aim) {
    const auto world = open_poke(quick({{"aim", aim}}));
    One one(*world);
    Rng rng(2);
    int out = 0;
    for (const Task& task : world->tasks(Split::train)) one.reset(task), one.step(random_action(rng)), out += one.told("moved") != 0.0;
    return out;
  };
  const int at_object = moved("split"), said = moved("said");
  EXPECT_GT(at_object, 170);  // of 200
  EXPECT_LT(said, 100);
}

TEST(Poke, InTrainThereIsNoGoalNoRewardAndWhatLeavesTheMiddleIsPutBack) {
  const auto world = open_poke(quick({{"objects", "2"}}));
  One one(*world);
  Rng rng(3);
  int put_back = 0;
  for (int e = 0; e < 4; ++e) {
    one.reset(world->tasks(Split::train).at(static_cast<std::size_t>(e)));
    for (int t = 0; t < 50; ++t) {
      one.step(random_action(rng));
      EXPECT_EQ(one.reward, 0.0F);
      EXPECT_TRUE(std::all_of(one.goal().begin(), one.goal().end(), [](std::byte b) { return b == std::byte{0}; }));
      EXPECT_LE(std::abs(one.told("x")), 0.14 + 1e-6);
      EXPECT_LE(std::abs(one.told("y")), 0.14 + 1e-6);
      put_back += one.told("reset") != 0.0;
      EXPECT_EQ(one.terminated, 0);
      EXPECT_EQ(one.truncated != 0, t == 49);
    }
  }
  EXPECT_GT(put_back, 10);
}

// The before picture of a step is the picture after the step before; where nothing moves, the same picture (no noise without variation).
TEST(Poke, APokeThatTouchesNothingLeavesPoseAndPictureAsTheyWere) {
  const auto world = open_poke(quick({{"aim", "said"}, {"middle", "0.08"}}));
  One one(*world);
  one.reset(world->tasks(Split::train).at(0));
  one.step({0.02F, 0.02F, 0.0F, 0.01F});
  const std::array<double, 3> pose{one.told("x"), one.told("y"), one.told("angle")};
  const auto picture = one.obs;
  one.step({0.02F, 0.02F, 1.0F, 0.02F});
  EXPECT_EQ((std::array<double, 3>{one.told("x"), one.told("y"), one.told("angle")}), pose);
  EXPECT_EQ(one.told("moved"), 0.0);
  EXPECT_EQ(one.obs, picture);
}

TEST(Poke, AnEpisodeWithAGoalPaysAtItsEndWhatIsLeftOfTheWay) {
  const auto world = open_poke(quick({{"distance", "2"}, {"aim", "oracle"}, {"shapes", "disc"}}));
  One one(*world, Split::test);
  for (const std::size_t task : {0U, 1U, 2U}) {
    one.reset(world->tasks(Split::test).at(task));
    EXPECT_FALSE(equal(one.now(), one.goal()));
    double total = 0.0;
    int steps = 0;
    while (true) {
      one.step({0, 0, 0, 0.05F});
      ++steps;
      total += static_cast<double>(one.reward);
      EXPECT_NEAR(one.told("distance"), std::hypot(one.told("x") - one.told("goal_x"), one.told("y") - one.told("goal_y")), 1e-6);
      EXPECT_NEAR(one.told("relative"), one.told("distance") / 0.2, 1e-5) << "goals are distance * length_max away";
      if (one.over()) break;
      EXPECT_EQ(one.reward, 0.0F);
    }
    EXPECT_EQ(one.terminated, 1);
    EXPECT_LE(steps, 4);
    EXPECT_LE(one.told("distance"), 0.02);
    EXPECT_NEAR(world->score(total, steps), 1.0 - one.told("relative"), 1e-5);
  }
  const auto still = open_poke(quick({{"pokes", "3"}, {"middle", "0.08"}}));
  One idle(*still, Split::test);
  idle.reset(still->tasks(Split::test).at(0));
  for (int t = 0; t < 3; ++t) idle.step({0.01F, 0.01F, 0, 0.01F});
  EXPECT_EQ(idle.truncated, 1);
  EXPECT_EQ(idle.reward, 0.0F);
  EXPECT_EQ(idle.told("relative"), 1.0);
}

TEST(Poke, ScoredByTheGoalReachedAnEpisodePaysOneOrNothing) {
  const auto play = [](const char* aim, std::array<float, 4> action) {
    const auto world = open_poke(quick({{"aim", aim}, {"shapes", "disc"}, {"score", "reached"}, {"middle", "0.08"}}));
    One one(*world, Split::test);
    one.reset(world->tasks(Split::test).at(0));
    double total = 0.0;
    int steps = 0;
    while (!one.over()) one.step(action), total += static_cast<double>(one.reward), ++steps;
    EXPECT_NEAR(one.told("turn"), std::abs(std::remainder(one.told("angle") - one.told("goal_angle"), 2 * pi)), 1e-5);
    return std::pair(world->score(total, steps), one.terminated != 0);
  };
  EXPECT_EQ(play("oracle", {0, 0, 0, 0.05F}), std::pair(1.0, true));
  EXPECT_EQ(play("said", {0.01F, 0.01F, 0, 0.01F}), std::pair(0.0, false));
}

// Mean relative distance after each poke, over tasks; an episode that is over stays where it ended.
std::vector<double> curve(const BatchWorld& world, int tasks, int pokes, std::uint64_t seed) {
  std::vector<double> out(static_cast<std::size_t>(pokes), 0.0);
  One one(world, Split::test);
  Rng rng(seed);
  const auto all = world.tasks(Split::test);
  for (int k = 0; k < tasks; ++k) {
    one.reset(all.at(static_cast<std::size_t>(k)));
    bool over = false;
    for (double& mean : out) {
      if (!over) one.step(random_action(rng)), over = one.over();
      mean += one.told("relative") / tasks;
    }
  }
  return out;
}

TEST(Poke, StraightPushesReachTheGoalAndRandomOnesDoNot) {
  const auto oracle = curve(*open_poke(quick({{"distance", "2"}, {"aim", "oracle"}, {"variation", "some"}})), 200, 10, 4);
  const auto random = curve(*open_poke(quick({{"distance", "2"}, {"aim", "object"}, {"variation", "some"}})), 200, 10, 4);
  for (int t = 1; t < 4; ++t) EXPECT_LT(oracle[static_cast<std::size_t>(t)], oracle[static_cast<std::size_t>(t - 1)]);
  EXPECT_LT(oracle[0], 0.65);
  EXPECT_LT(oracle.back(), 0.12);
  EXPECT_GT(random.back(), 0.7);
}

// What "distance" counts in: no single poke of the train split moves the thing farther than length_max, so a goal at distance 2 is
// farther than any displacement seen there.
TEST(Poke, FarGoalsAreFartherThanAnyDisplacementOfTraining) {
  const auto world = open_poke(quick());
  One one(*world);
  Rng rng(5);
  double farthest = 0.0;
  int pairs = 0;
  for (std::size_t task = 0; task < 20; ++task) {
    one.reset(world->tasks(Split::train).at(task));
    double x = 0.0, y = 0.0;
    bool known = false;
    for (int t = 0; t < 50; ++t) {
      one.step(random_action(rng));
      if (known && one.told("reset") == 0.0) farthest = std::max(farthest, std::hypot(one.told("x") - x, one.told("y") - y)), ++pairs;
      x = one.told("x"), y = one.told("y"), known = true;
    }
  }
  EXPECT_GT(pairs, 500);
  EXPECT_LT(farthest, 0.105);
  EXPECT_GT(farthest, 0.07);
}

TEST(Poke, GoesOnBitByBitAfterSaveAndLoadWhateverVaries) {
  const auto world = open_poke(quick({{"objects", "3"}, {"variation", "all"}}));
  for (const Split split : {Split::train, Split::test}) {
    One a(*world, split), b(*world, split);
    a.reset(world->tasks(split).at(1));
    Rng rng(6);
    for (int t = 0; t < 4; ++t) a.step(random_action(rng));
    MemorySink sink;
    dynamic_cast<Savable&>(*a.env).save(sink);
    MemorySource source(sink.data);
    dynamic_cast<Savable&>(*b.env).load(source);
    for (int t = 0; t < 5 && !a.over(); ++t) {
      const auto action = random_action(rng);
      a.step(action), b.step(action);
      EXPECT_EQ(a.obs, b.obs);
      EXPECT_EQ(a.info, b.info);
    }
  }
}

TEST(Poke, StepsAndNewEpisodesWithoutAllocating) {
  const auto world = open_poke(quick({{"objects", "3"}, {"variation", "all"}, {"episode", "10"}}));
  const auto env = world->make({.slots = 4});
  const std::size_t size = env->spec().observation.bytes();
  std::vector<Task> tasks = world->tasks(Split::train);
  tasks.resize(4);
  std::vector<int> all(4);
  std::iota(all.begin(), all.end(), 0);
  std::vector<std::byte> obs(4 * size), last(4 * size);
  std::vector<float> reward(4), info(4 * env->spec().infos.size());
  std::vector<std::uint8_t> terminated(4), truncated(4), fault(4);
  const Buffers out{obs, last, reward, terminated, truncated, fault, info};
  env->reset(all, tasks, out);
  Rng rng(7);
  std::array<std::array<float, 4>, 4> actions{};
  long before = 0;
  for (int t = 0; t < 60; ++t) {
    if (t == 5) before = allocations_so_far();
    for (auto& a : actions) a = random_action(rng);
    env->send(all, std::as_bytes(std::span(actions)));
    env->recv(out, 4);
  }
  EXPECT_EQ(allocations_so_far() - before, 0);  // of operator new; Box2D takes its memory from malloc
}

TEST(Poke, ThePictureShowsTheThingWhereTheMaskAndThePoseSay) {
  const Camera turned_camera{.scale = 0.98, .roll = 0.03, .lean = 0.98, .shift = {0.004, -0.006}};
  for (const Camera& camera : {Camera{}, turned_camera}) {
    const Vec p{0.03, -0.08}, back = camera.to_table(camera.to_picture(p));
    EXPECT_NEAR(back.x, p.x, 1e-12);
    EXPECT_NEAR(back.y, p.y, 1e-12);
    const int n = 64;
    Painter painter(n);
    std::vector<std::byte> empty(3 * n * n), seen(empty.size());
    std::vector<std::uint8_t> mask(n * n);
    Look look;
    look.shadow = 0.0;
    painter.prepare(look, camera);
    for (const Shape& shape : shapes()) {
      const Thing t{.shape = &shape, .pose = {0.05F, -0.04F, 0.7F}};
      painter.paint({}, Rng(1), empty);
      painter.paint(std::span(&t, 1), Rng(1), seen);
      paint_mask(std::span(&t, 1), camera, n, mask);
      int covered = 0, red = 0;
      Vec middle;
      for (int i = 0; i < n * n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (mask[at] == 0) continue;
        ++covered;
        middle = middle + Vec{(i % n + 0.5) / n, (i / n + 0.5) / n};
        red += std::to_integer<int>(seen[at]) > std::to_integer<int>(seen[at + n * n]);
      }
      EXPECT_GE(red, covered * 8 / 10) << shape.name << ": what the mask covers has the thing's colour";
      const Vec away = camera.to_table((1.0 / covered) * middle) - to_table(t.pose, {});
      EXPECT_LT(length_of(away), 0.04) << shape.name;
    }
  }
}

TEST(Poke, EveryShapeLooksDifferent) {
  const int n = 64;
  Painter painter(n);
  painter.prepare({}, {});
  std::vector<std::vector<std::byte>> pictures;
  for (const Shape& shape : shapes()) {
    const Thing t{.shape = &shape, .pose = {0, 0, 0.3F}};
    painter.paint(std::span(&t, 1), Rng(1), pictures.emplace_back(3 * n * n));
  }
  for (std::size_t i = 0; i < pictures.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      int different = 0;
      for (std::size_t k = 0; k < n * n; ++k) different += std::abs(std::to_integer<int>(pictures[i][k]) - std::to_integer<int>(pictures[j][k])) > 40;
      EXPECT_GT(different, 25) << shapes()[i].name << " and " << shapes()[j].name;
    }
}

TEST(Poke, VariationChangesWhatItSaysAndNothingElse) {
  const auto scene = [](PokeVariation v, std::uint64_t seed) { return make_scene({.variation = v}, shapes_named({"train"}), false, Rng(seed)); };
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const Scene none = scene(PokeVariation::none, seed), some = scene(PokeVariation::some, seed), all = scene(PokeVariation::all, seed);
    EXPECT_EQ(none.things[0].mass, 0.3);
    EXPECT_EQ(none.look.noise, 0.0F);
    EXPECT_NE(some.things[0].mass, 0.3);
    EXPECT_GE(some.things[0].mass, 0.05);
    EXPECT_LE(some.things[0].mass, 1.0);
    EXPECT_GE(some.physics.table_friction, 0.2);
    EXPECT_LE(some.physics.table_friction, 0.7);
    EXPECT_NE(some.look.colours, none.look.colours);
    EXPECT_EQ(some.look.ground, none.look.ground);
    EXPECT_EQ(some.camera.roll, 0.0);
    EXPECT_NE(all.look.ground, none.look.ground);
    EXPECT_NE(all.camera.roll, 0.0);
    EXPECT_EQ(none.things[0].shape, all.things[0].shape);
    EXPECT_EQ(none.things[0].pose, all.things[0].pose);
  }
}

TEST(Poke, MisuseIsNamed) {
  const auto refusal = [](std::initializer_list<std::pair<std::string, std::string>> given) -> std::string {
    try {
      open_poke(settings(given));
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal({{"shapes", "hamer"}}).find("poke: field 'shapes': unknown shape 'hamer'"), std::string::npos) << refusal({{"shapes", "hamer"}});
  EXPECT_NE(refusal({{"objects", "4"}}).find("objects"), std::string::npos);
  EXPECT_NE(refusal({{"variation", "much"}}).find("variation"), std::string::npos);
  EXPECT_NE(refusal({{"length_min", "0.06"}, {"length_max", "0.05"}}).find("poke: field 'length_max': expected at least length_min (0.06), got 0.05"), std::string::npos);
  EXPECT_NE(refusal({{"distance", "5"}}).find("poke: field 'distance': expected"), std::string::npos);
  EXPECT_NE(refusal({{"distance", "0.1"}}).find("above the threshold"), std::string::npos);
  EXPECT_EQ(refusal({{"distance", "3"}}), "accepted");
  const auto world = open_poke(quick());
  One one(*world);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::array<float, 4> bad : {std::array<float, 4>{1.0F, 0, 0, 0.05F}, {0, -0.1F, 0, 0.05F}, {0, 0, 6.2832F, 0.05F}, {0, 0, 0, 0.005F}, {0, 0, 0, 0.11F}, {nan, 0, 0, 0.05F}}) {
    one.reset(world->tasks(Split::train).at(0));
    one.step(bad);
    EXPECT_EQ(one.fault, 1);
  }
  for (const std::array<float, 4> good : {std::array<float, 4>{0, 0, 0, 0.01F}, {0.999F, 0.999F, 6.283F, 0.1F}}) {
    one.reset(world->tasks(Split::train).at(0));
    one.step(good);
    EXPECT_EQ(one.fault, 0);
  }
}

TEST(Poke, APersonSeesBothPicturesAndPushesByName) {
  const auto world = open_poke(quick());
  const auto& shown = dynamic_cast<const Shown&>(*world);
  One one(*world);
  one.reset(world->tasks(Split::validation).at(0));
  const std::string picture = shown.picture(one.obs);
  EXPECT_EQ(std::count(picture.begin(), picture.end(), '\n'), 7);  // 16 rows of pixels, two to a line
  // The left half shows a thing, and the right one another place for it.
  const std::string line_end = "\n";
  EXPECT_NE(picture.find("\u2588"), std::string::npos);
  std::string left, right;
  std::size_t things = 0;
  for (std::size_t from = 0; from < picture.size();) {
    const std::size_t to = std::min(picture.find(line_end, from), picture.size()), middle = picture.find("|  |", from);
    ASSERT_LT(middle, to);
    left += picture.substr(from, middle - from), right += picture.substr(middle + 3, to - middle - 4);
    from = to + 1;
  }
  EXPECT_NE(left, right);
  for (const std::string& half : {left, right}) things += half.find("\u2588") != std::string::npos;
  EXPECT_EQ(things, 2U);
  const auto names = shown.action_names();
  ASSERT_EQ(names.size(), 16U);
  const std::map<std::string, std::pair<int, int>> leads{{"east", {1, 0}}, {"north far", {0, -1}}, {"west far", {-1, 0}}, {"south", {0, 1}}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!leads.contains(names[i])) continue;
    std::array<float, 4> action{};
    ASSERT_EQ(shown.action(i).size(), sizeof action);
    std::memcpy(action.data(), shown.action(i).data(), sizeof action);
    const auto before = open_poke(quick({{"shapes", "disc"}}));
    One disc(*before);
    disc.reset(before->tasks(Split::validation).at(0));
    const Scene start = make_scene({.shapes = {"disc"}, .pixels = 16}, shapes_named({"disc"}), true, Rng(mix64(before->tasks(Split::validation).at(0).seed ^ mix64(0))).split("scene"));
    disc.step(action);
    const double dx = disc.told("x") - static_cast<double>(start.things[0].pose.x), dy = disc.told("y") - static_cast<double>(start.things[0].pose.y);
    EXPECT_GT(dx * leads.at(names[i]).first + dy * leads.at(names[i]).second, 0.01) << names[i];
  }
}

}  // namespace
}  // namespace hone
