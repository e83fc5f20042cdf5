#include "core/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hone {
namespace {

TEST(Rng, MixingMatchesTheReferenceOfSplitmix64) {
  // First outputs of Vigna's splitmix64.c for state 0.
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix64(0x9e3779b97f4a7c15ULL), 0x6e789e6aa1b965f4ULL);
}

TEST(Rng, GeneratorMatchesTheReferenceOfXoshiro256StarStar) {
  // By hand from the published update with state {1, 2, 3, 4}: 11520, 0, 1509978240, 1215971899390074240.
  Rng rng;
  rng.restore({0, {1, 2, 3, 4}});
  EXPECT_EQ(rng.next(), 11520U);
  EXPECT_EQ(rng.next(), 0U);
  EXPECT_EQ(rng.next(), 1509978240U);
  EXPECT_EQ(rng.next(), 1215971899390074240U);
}

TEST(Rng, SplitsAreIndependentOfTheParentsPosition) {
  Rng a(7), b(7);
  a.next();
  EXPECT_EQ(a.split("x").next(), b.split("x").next());
  EXPECT_NE(a.split("x").next(), a.split("y").next());
  EXPECT_NE(a.split(1).next(), a.split(2).next());
}

TEST(Rng, DrawsAreInRangeAndRoughlyUniform) {
  Rng rng(3);
  double sum = 0.0;
  std::vector<int> seen(5, 0);
  for (int i = 0; i < 10000; ++i) {
    const double u = rng.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    ++seen[rng.below(5)];
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
  for (int n : seen) EXPECT_NEAR(n, 2000, 200);
}

TEST(Rng, NormalHasUnitVariance) {
  Rng rng(5);
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < 20000; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20000, 0.0, 0.03);
  EXPECT_NEAR(squares / 20000, 1.0, 0.05);
}

TEST(Rng, ShufflePermutesAndStateResumes) {
  Rng rng(9);
  std::vector<int> items{1, 2, 3, 4, 5, 6};
  const auto state = rng.state();
  rng.shuffle(items);
  EXPECT_EQ(std::set<int>(items.begin(), items.end()).size(), 6U);
  std::vector<int> again{1, 2, 3, 4, 5, 6};
  Rng other;
  other.restore(state);
  other.shuffle(again);
  EXPECT_EQ(items, again);
}

}  // namespace
}  // namespace hone
