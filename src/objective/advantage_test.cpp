#include "objective/advantage.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "objective/objective_test_kit.h"

namespace hone::objective {
namespace {

using test::sample;

std::vector<double> of_rewards(Advantage adv, const std::vector<double>& rewards, ObjectiveConfig c = {}) {
  c.adv = adv;
  std::vector<Sample> samples;
  for (const double r : rewards) samples.push_back(sample("task", 1, r));
  std::vector<double> out;
  for (const auto& a : advantages(samples, c).of) out.push_back(a.at(0));
  return out;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected, double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << i;
}

TEST(Advantage, TableOfTheSpecification) {
  const std::vector<double> r{1, 0, 0, 0};
  expect_near(of_rewards(Advantage::grpo, r), {1.5, -.5, -.5, -.5});
  expect_near(of_rewards(Advantage::dr_grpo, r), {.75, -.25, -.25, -.25});
  expect_near(of_rewards(Advantage::rloo, r), {1, -1.0 / 3, -1.0 / 3, -1.0 / 3});
  expect_near(of_rewards(Advantage::raft, r), {1, 0, 0, 0});
  expect_near(of_rewards(Advantage::gpg, r), {3, -1, -1, -1});           // N / nonzero = 4
  expect_near(of_rewards(Advantage::pass_k, r), {2, 0, 0, 0});           // 1 / 0.5
  ObjectiveConfig plain;
  plain.pass_k_std = false;
  expect_near(of_rewards(Advantage::pass_k, r, plain), {1, 0, 0, 0});
}

TEST(Advantage, EqualRewardsGiveExactlyZero) {
  using enum Advantage;
  for (const Advantage adv : {grpo, dr_grpo, batch_std, rloo, reinforce_pp_baseline, opo, gpg, pass_k, gdpo})
    for (const double r : {1.0, 0.1})
      for (const double a : of_rewards(adv, std::vector<double>(3, r))) EXPECT_EQ(a, 0.0) << static_cast<int>(adv);
}

TEST(Advantage, GroupsAreByKeyNotByPlace) {
  std::vector<Sample> samples{sample("a", 1, 1), sample("b", 1, 5), sample("a", 1, 0), sample("b", 1, 3)};
  const auto got = advantages(samples, {.adv = Advantage::dr_grpo});
  EXPECT_EQ(got.of, (std::vector<std::vector<double>>{{.5}, {1}, {-.5}, {-1}}));
  std::swap(samples[0], samples[3]);
  EXPECT_EQ(advantages(samples, {.adv = Advantage::dr_grpo}).of, (std::vector<std::vector<double>>{{-1}, {1}, {-.5}, {.5}}));
}

TEST(Advantage, DuplicatedRowsKeepTheMeanButNotTheStandardDeviation) {
  const std::vector<double> once{1, 0, 0}, twice{1, 0, 0, 1, 0, 0};
  EXPECT_NEAR(of_rewards(Advantage::dr_grpo, once)[0], of_rewards(Advantage::dr_grpo, twice)[0], 1e-12);
  EXPECT_GT(of_rewards(Advantage::grpo, twice)[0], of_rewards(Advantage::grpo, once)[0] + 0.05);
}

TEST(Advantage, ASingletonIsRawOrZero) {
  for (const Advantage adv : {Advantage::grpo, Advantage::dr_grpo, Advantage::rloo, Advantage::opo}) {
    EXPECT_NEAR(of_rewards(adv, {0.7})[0], 0.7, 1e-5);
    ObjectiveConfig zero;
    zero.singleton = Singleton::zero;
    EXPECT_EQ(of_rewards(adv, {0.7}, zero)[0], 0.0);
  }
  EXPECT_THROW(of_rewards(Advantage::pass_k, {1}), Error);
}

TEST(Advantage, AnUnscorableSampleCountsInNoMean) {
  std::vector<Sample> samples{sample("a", 1, 1), sample("a", 1, 0), sample("a", 1)};
  const auto got = advantages(samples, {.adv = Advantage::dr_grpo});
  EXPECT_EQ(got.of, (std::vector<std::vector<double>>{{.5}, {-.5}, {0}}));
  EXPECT_NEAR(got.metrics.at("rewards_missing"), 1.0 / 3, 1e-12);
  EXPECT_EQ(got.metrics.at("passed"), 0.5);
}

TEST(Advantage, GroupsWithoutVarianceAreDroppedOrNamed) {
  std::vector<Sample> samples{sample("a", 1, 1), sample("a", 1, 1), sample("b", 1, 1), sample("b", 1, 0), sample("c", 1, 1)};
  EXPECT_EQ(advantages(samples, {}).dropped, (std::vector<std::uint8_t>{0, 0, 0, 0, 0}));
  EXPECT_EQ(advantages(samples, {.zero_var = ZeroVariance::drop}).dropped, (std::vector<std::uint8_t>{1, 1, 0, 0, 0}));
  const auto again = advantages(samples, {.zero_var = ZeroVariance::resample});
  EXPECT_EQ(again.resample, std::vector<std::string>{"a"});
  EXPECT_EQ(again.metrics.at("groups_constant"), 0.5);  // of the two with more than one sample
}

TEST(Advantage, ReinforcePlusPlusDiscountsAndWhitens) {
  std::vector<Sample> samples{sample("a", 3, 1), sample("b", 2, 0)};
  const auto got = advantages(samples, {.adv = Advantage::reinforce_pp, .gamma = 0.5}).of;
  // Returns .25 .5 1 0 0: mean .35, variance (.01 + .0225 + .4225 + .1225 + .1225) / 4 = .175
  for (const auto& [value, at] : {std::pair{got[0][0], -.1}, {got[0][1], .15}, {got[0][2], .65}, {got[1][0], -.35}, {got[1][1], -.35}})
    EXPECT_NEAR(value, at / std::sqrt(.175), 1e-6);
}

TEST(Advantage, SeveralRewardFunctions) {
  std::vector<Sample> samples(4);
  const std::vector<std::vector<double>> rewards{{1, 10}, {0, 30}, {std::nan(""), 20}, {std::nan(""), std::nan("")}};
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = sample("a", 1), samples[i].rewards = rewards[i];
  const auto sum = advantages(samples, {.adv = Advantage::dr_grpo, .reward_weights = {"10", "1"}}).of;  // 20 30 20 -
  EXPECT_NEAR(sum[0][0], -10.0 / 3, 1e-12);
  EXPECT_EQ(sum[3][0], 0.0);
  const auto apart = advantages(samples, {.adv = Advantage::gdpo}).of;
  // (.7071 - 1, -.7071 + 1, 0) has mean 0 and deviation .29289: -1, 1, 0
  EXPECT_NEAR(apart[0][0], -1.0, 1e-4);
  EXPECT_NEAR(apart[1][0], 1.0, 1e-4);
  EXPECT_NEAR(apart[2][0], 0.0, 1e-4);
  EXPECT_EQ(apart[3][0], 0.0);
  EXPECT_THROW(advantages(samples, {.reward_weights = {"1"}}), Error);
  EXPECT_THROW(advantages(samples, {.reward_weights = {"one", "1"}}), Error);
}

TEST(Advantage, PenaltyNearTheLengthLimit) {
  std::vector<Sample> samples;
  for (const int length : {16384, 18432, 20480, 22528}) samples.push_back(sample("a", 1, 0)), samples.back().length = length;
  ObjectiveConfig c{.adv = Advantage::raft, .truncated = Truncated::soft_penalty};
  for (auto& s : samples) s.reward = 2;
  const auto got = advantages(samples, c).of;
  EXPECT_EQ(got, (std::vector<std::vector<double>>{{2}, {1.5}, {1}, {0.5}}));
  c.truncated = Truncated::zero_advantage;
  samples[0].truncated = true;
  EXPECT_EQ(advantages(samples, c).of[0][0], 0.0);
  EXPECT_EQ(advantages(samples, c).of[1][0], 2.0);
}

TEST(Advantage, DivergenceInTheReward) {
  Sample s = sample("a", 2, 1);
  s.logp_old = {-1, -2}, s.logp_ref = {-2, -2.5};  // k1: 1 and .5
  ObjectiveConfig c{.adv = Advantage::raft, .kl_where = KlWhere::reward, .kl_coef = 0.1};
  EXPECT_NEAR(advantages(std::vector{s}, c).of[0][0], 0.85, 1e-6);
  s.logp_ref.clear();
  EXPECT_THROW(advantages(std::vector{s}, c), Error);
}

TEST(Advantage, WrongInputIsNamed) {
  Sample s = sample("kitchen/3", 2, 1);
  s.logp_old = {-1};
  try {
    advantages(std::vector{s}, {});
    FAIL() << "expected an error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "sample 0 (group 'kitchen/3'): logp_old: expected one value per trained token (2), got 1");
  }
  s.logp_old = {-1, std::nanf("")};
  EXPECT_THROW(advantages(std::vector{s}, {}), Error);
  EXPECT_THROW(advantages(std::vector{sample("a", 1, std::nan(""))}, {}), Error);
}

}  // namespace
}  // namespace hone::objective
