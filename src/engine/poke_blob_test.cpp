// The baseline that learns nothing, on the world it plays.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "envs/poke/poke.h"
#include "learners/poke/blob.h"

namespace hone {
namespace {

// One slot.
struct Table {
  explicit Table(const Settings& given) : world(open_poke(given)), env(world->make({.autoreset = Autoreset::disabled, .split = Split::test})), obs(env->spec().observation.bytes()), last(obs.size()), info(env->spec().infos.size()) {}
  Buffers out() { return {obs, last, {&reward, 1}, {&over, 1}, {&cut, 1}, {&fault, 1}, info}; }
  void reset(const Task& task) { env->reset(std::span(&slot, 1), std::span(&task, 1), out()); }
  void step(const Poke& poke) {
    env->send(std::span(&slot, 1), std::as_bytes(std::span(&poke, 1)));
    env->recv(out(), 1);
  }
  double told(std::string_view name) const {
    const auto& names = env->spec().infos;
    return static_cast<double>(info[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())]);
  }
  std::unique_ptr<BatchWorld> world;
  std::unique_ptr<BatchEnv> env;
  std::vector<std::byte> obs, last;
  std::vector<float> info;
  int slot = 0;
  float reward = 0;
  std::uint8_t over = 0, cut = 0, fault = 0;
};

TEST(Blob, IsWhereTheThingIs) {
  Table table(settings({{"shapes", "disc"}}));
  double most = 0.0;  // its shadow counts as well
  for (std::size_t t = 0; t < 20; ++t) {
    table.reset(table.world->tasks(Split::test).at(t));
    const auto blob = find_blob(std::span(table.obs).first(table.obs.size() / 2), 64), goal = find_blob(std::span(table.obs).last(table.obs.size() / 2), 64);
    ASSERT_TRUE(blob && goal);
    table.step({0.01F, 0.01F, 0.0F, 0.01F});  // touches nothing; tells where the thing is
    most = std::max(most, std::hypot(0.4 * (blob->x - 0.5) - table.told("x"), 0.4 * (blob->y - 0.5) - table.told("y")));
    most = std::max(most, std::hypot(0.4 * (goal->x - 0.5) - table.told("goal_x"), 0.4 * (goal->y - 0.5) - table.told("goal_y")));
  }
  EXPECT_LT(most, 0.015);
  const std::vector<std::byte> empty(3 * 64 * 64, std::byte{90});
  EXPECT_FALSE(find_blob(empty, 64));
}

TEST(Blob, PushesDiscsToTheirGoals) {
  Table table(settings({{"shapes", "disc"}, {"distance", "2"}}));
  const BlobPusher pusher{.bins = {}, .view = 0.4, .finger_radius = 0.01};
  int reached = 0;
  for (std::size_t t = 0; t < 20; ++t) {
    table.reset(table.world->tasks(Split::test).at(t));
    for (int k = 0; k < 10 && table.over == 0; ++k) {
      const auto poke = pusher.push(std::span<const std::byte>(table.obs).first(table.obs.size() / 2), std::span<const std::byte>(table.obs).last(table.obs.size() / 2), 64);
      ASSERT_TRUE(poke);
      table.step(*poke);
      ASSERT_EQ(table.fault, 0);
    }
    reached += table.over != 0;
    table.over = 0;
  }
  EXPECT_GE(reached, 16);
}

}  // namespace
}  // namespace hone
