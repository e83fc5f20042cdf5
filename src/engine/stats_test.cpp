#include "engine/stats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace hone {
namespace {

TEST(Stats, McNemarMatchesTheBinomialByHand) {
  EXPECT_DOUBLE_EQ(mcnemar_exact(0, 0), 1.0);
  EXPECT_NEAR(mcnemar_exact(0, 5), 2.0 / 32.0, 1e-12);          // 2 * C(5,0) / 2^5
  EXPECT_NEAR(mcnemar_exact(1, 9), 2.0 * 11.0 / 1024.0, 1e-12);  // 2 * (1 + 10) / 2^10
  EXPECT_NEAR(mcnemar_exact(9, 1), mcnemar_exact(1, 9), 1e-15);
  EXPECT_DOUBLE_EQ(mcnemar_exact(4, 4), 1.0);                    // doubled tail is capped
}

TEST(Stats, WilsonMatchesPublishedValues) {
  // Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
  const auto a = wilson(81, 263);
  EXPECT_NEAR(a.low, 0.2553, 5e-5);
  EXPECT_NEAR(a.high, 0.3662, 5e-5);
  EXPECT_NEAR(wilson(0, 20).high, 0.1611, 5e-5);
}

TEST(Stats, BootstrapCoversTheMeanAndIsSeeded) {
  std::vector<double> v(100, 0.0);
  for (int i = 0; i < 30; ++i) v[i] = 1.0;
  const auto a = bootstrap_mean(v, Rng(1)), b = bootstrap_mean(v, Rng(1));
  EXPECT_DOUBLE_EQ(a.mean, 0.3);
  EXPECT_EQ(a.low, b.low);
  // Normal approximation: 0.3 +- 1.96 * sqrt(0.3 * 0.7 / 100) = 0.21 to 0.39.
  EXPECT_NEAR(a.low, 0.21, 0.02);
  EXPECT_NEAR(a.high, 0.39, 0.02);
}

TEST(Stats, AllAlikeStillHasAnInterval) {
  const auto zero = bootstrap_mean(std::vector<double>(20, 0.0), Rng(1));
  EXPECT_EQ(zero.mean, 0.0);
  EXPECT_GT(zero.high, 0.1);
  EXPECT_EQ(bootstrap_mean({}, Rng(1)).n, 0);
}

TEST(Stats, StandardErrorOfFoldsByHand) {
  // 0.2, 0.4, 0.6, 0.4: mean 0.4, squares 0.08, deviation sqrt(0.08 / 3), error deviation / 2
  const auto four = mean_and_error(std::vector<double>{0.2, 0.4, 0.6, 0.4});
  EXPECT_NEAR(four.mean, 0.4, 1e-12);
  EXPECT_NEAR(four.error, 0.0816496580927726, 1e-12);
  EXPECT_EQ(four.n, 4);
  EXPECT_EQ(mean_and_error(std::vector<double>{0.7}).error, 0.0);
}

TEST(Stats, EqualPairsDoNotProveThatNoPairDiffers) {
  const std::vector<double> none(10, 0.0), all(10, 1.0);
  const double u = wilson(0, 10).high;  // 0.2775, Wilson (1927)
  EXPECT_NEAR(u, 0.2775, 5e-5);
  const auto same = bootstrap_difference(all, all, Rng(1)), better = bootstrap_difference(none, all, Rng(1)), worse = bootstrap_difference(all, none, Rng(1));
  EXPECT_DOUBLE_EQ(same.mean, 0.0);
  EXPECT_DOUBLE_EQ(same.low, -u);
  EXPECT_DOUBLE_EQ(same.high, u);
  EXPECT_NEAR(better.low, 1.0 - u, 1e-12);
  EXPECT_DOUBLE_EQ(better.high, 1.0);
  EXPECT_NEAR(worse.high, u - 1.0, 1e-12);
}

TEST(Stats, PermutationTestIsExactForFewPairs) {
  // Three pairs, all better by the same amount: only the two uniform sign assignments of eight are as extreme.
  EXPECT_NEAR(permutation_test(std::vector<double>{0, 0, 0}, std::vector<double>{0.5, 0.5, 0.5}, Rng(1)), 0.25, 1e-12);
  EXPECT_DOUBLE_EQ(permutation_test(std::vector<double>{1, 1}, std::vector<double>{1, 1}, Rng(1)), 1.0);
}

TEST(Stats, PairedDifferenceIsNarrowerThanUnpaired) {
  std::vector<double> base, learned;
  for (int i = 0; i < 100; ++i) {
    base.push_back(i < 40 ? 1.0 : 0.0);
    learned.push_back(i < 60 ? 1.0 : 0.0);  // keeps every task that the baseline solved
  }
  const auto c = compare_paired(base, learned, Rng(3));
  EXPECT_NEAR(c.difference.mean, 0.2, 1e-12);
  EXPECT_GT(c.difference.low, 0.1);
  EXPECT_STREQ(c.test, "exact McNemar");
  EXPECT_LT(c.p, 1e-5);  // 0 against 20 discordant pairs
  EXPECT_THROW(compare_paired(base, std::vector<double>(3, 1.0), Rng(1)), Error);
}

}  // namespace
}  // namespace hone
