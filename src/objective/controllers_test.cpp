#include "objective/controllers.h"

#include <gtest/gtest.h>

namespace hone::objective {
namespace {

TEST(Controllers, EntropyBonusComesAndGoesAroundItsTarget) {
  EntropyController c{.target = 0.5, .delta = 0.25, .least = 0.0, .most = 0.5, .coef = 0.0};
  for (const double expected : {0.25, 0.5, 0.5}) {
    c.observe(0.5);
    EXPECT_EQ(c.coef, expected);
    EXPECT_EQ(c.applied(), expected);
  }
  for (const double expected : {0.25, 0.0, 0.0}) {
    c.observe(0.6);
    EXPECT_EQ(c.coef, expected);
    EXPECT_EQ(c.applied(), 0.0);
  }
}

TEST(Controllers, WeightOfTheDivergenceFollowsIt) {
  KlController c{.coef = 1.0, .target = 0.1, .horizon = 100};
  c.observe(0.11, 50);  // 10 % too much, half a horizon
  EXPECT_NEAR(c.coef, 1.05, 1e-12);
  c.observe(9.0, 50);   // counted as 20 %
  EXPECT_NEAR(c.coef, 1.05 * 1.1, 1e-12);
  c.observe(0.0, 100);
  EXPECT_NEAR(c.coef, 1.05 * 1.1 * 0.8, 1e-12);
}

}  // namespace
}  // namespace hone::objective
