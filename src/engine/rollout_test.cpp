#include "engine/rollout.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone {
namespace {

TEST(RandomActor, DrawsEveryNumberOfABoxFromItsOwnRange) {
  const Space space{SpaceKind::box, Dtype::f32, {2}, 0.0, 10.0, {{0.0, 1.0}, {4.0, 10.0}}};
  RandomActor actor(space);
  Rng rng(1);
  std::vector<float> actions(2 * 4000);
  actor.act({{}, {}, 4000}, true, rng, std::as_writable_bytes(std::span(actions)), {}, {});
  double sums[2]{};
  for (std::size_t i = 0; i < actions.size(); ++i) {
    EXPECT_GE(actions[i], i % 2 == 0 ? 0.0F : 4.0F);
    EXPECT_LT(actions[i], i % 2 == 0 ? 1.0F : 10.0F);
    sums[i % 2] += static_cast<double>(actions[i]) / 4000;
  }
  EXPECT_NEAR(sums[0], 0.5, 0.03);
  EXPECT_NEAR(sums[1], 7.0, 0.15);
  EXPECT_THROW(RandomActor({SpaceKind::box, Dtype::u8, {2}, 0.0, 255.0}), Error);
}

TEST(RandomActor, DrawsFromAListAsBefore) {
  RandomActor actor({SpaceKind::discrete, Dtype::i32, {}, 3.0, 5.0});
  Rng rng(1);
  std::vector<std::int32_t> actions(300);
  actor.act({{}, {}, 300}, true, rng, std::as_writable_bytes(std::span(actions)), {}, {});
  int seen[3]{};
  for (const auto a : actions) {
    ASSERT_GE(a, 3);
    ASSERT_LE(a, 5);
    ++seen[a - 3];
  }
  for (const int n : seen) EXPECT_GT(n, 70);
}

}  // namespace
}  // namespace hone
