#include "learners/icm/returns.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone {
namespace {

// Two slots, three steps; slot 1 ends after its second step. Worked by hand with gamma 0.5, lambda 1.
TEST(Returns, AreDiscountedSumsWithinTheEpisode) {
  const std::vector<float> reward{1, 0, 0, 2, 4, 1}, value{1, 1, 2, 2, 3, 3}, last{8, 6};
  const std::vector<std::uint8_t> ended{0, 0, 0, 1, 0, 0};
  const auto r = returns_of(reward, value, ended, last, 2, 0.5, 1.0);
  // Slot 0: R2 = 4 + 0.5 * 8 = 8; R1 = 0 + 4 = 4; R0 = 1 + 2 = 3. Slot 1: R2 = 1 + 3 = 4; ended: R1 = 2; R0 = 0 + 1 = 1.
  EXPECT_EQ(r.target, (std::vector<float>{3, 1, 4, 2, 8, 4}));
  EXPECT_EQ(r.advantage, (std::vector<float>{2, 0, 2, 0, 5, 1}));  // with lambda 1: return less value
}

TEST(Returns, LambdaWeighsTheErrors) {
  const std::vector<float> reward{1, 0}, value{1, 2}, last{4};
  const std::vector<std::uint8_t> ended{0, 0};
  const auto r = returns_of(reward, value, ended, last, 1, 0.5, 0.5);
  // delta1 = 0 + 2 - 2 = 0; delta0 = 1 + 1 - 1 = 1; A1 = 0; A0 = 1 + 0.25 * 0.
  EXPECT_EQ(r.advantage, (std::vector<float>{1, 0}));
  EXPECT_EQ(r.target, (std::vector<float>{2, 2}));
  const auto one_step = returns_of(reward, value, ended, last, 1, 0.5, 0.0);
  EXPECT_EQ(one_step.advantage, (std::vector<float>{1, 0}));
}

struct Case {
  std::vector<float> logits{0.3F, -0.2F, 0.9F, 0.1F, 0.4F, -1.0F}, values{0.5F, -0.25F};
  std::vector<int> actions{2, 0};
  std::vector<float> advantage{0.7F, -1.2F}, target{1.0F, 0.5F}, old_logp{-0.9F, -0.6F};
  std::vector<std::uint8_t> counts{1, 1};
  ActorBatch batch() const { return {logits, values, actions, advantage, target, old_logp, counts}; }
};

// The loss as it is defined, in double.
double loss_of(const Case& c, const ActorLoss& l) {
  double sum = 0.0, counted = 0.0;
  for (std::size_t i = 0; i < 2; ++i) {
    if (c.counts[i] == 0) continue;
    ++counted;
    double z = 0.0, entropy = 0.0;
    for (std::size_t a = 0; a < 3; ++a) z += std::exp(static_cast<double>(c.logits[i * 3 + a]));
    for (std::size_t a = 0; a < 3; ++a) {
      const double p = std::exp(static_cast<double>(c.logits[i * 3 + a])) / z;
      entropy -= p * std::log(p);
    }
    const double logp = static_cast<double>(c.logits[i * 3 + static_cast<std::size_t>(c.actions[i])]) - std::log(z), advantage = static_cast<double>(c.advantage[i]);
    if (l.clip > 0.0) {
      const double ratio = std::exp(logp - static_cast<double>(c.old_logp[i]));
      sum -= std::min(ratio * advantage, std::clamp(ratio, 1 - l.clip, 1 + l.clip) * advantage);
    } else {
      sum -= logp * advantage;
    }
    sum += l.value_weight * 0.5 * std::pow(static_cast<double>(c.values[i]) - static_cast<double>(c.target[i]), 2) - l.entropy_weight * entropy;
  }
  return sum / counted;
}

TEST(ActorSlopes, AreTheLossesDerivatives) {
  for (const double clip : {0.0, 0.05, 0.5})
    for (const std::uint8_t second : {std::uint8_t{1}, std::uint8_t{0}}) {
      Case c;
      c.counts[1] = second;
      const ActorLoss loss{.value_weight = 0.5, .entropy_weight = 0.03, .clip = clip};
      std::vector<float> d_logits(6), d_values(2);
      const auto report = actor_slopes(c.batch(), loss, d_logits, d_values);
      EXPECT_EQ(report.clipped > 0.0, clip == 0.05);
      const auto slope = [&](float& at) {
        const float before = at;
        at = before + 1e-3F;
        const double up = loss_of(c, loss), above = at;
        at = before - 1e-3F;
        const double down = loss_of(c, loss), below = at;
        at = before;
        return (up - down) / (above - below);
      };
      for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(d_logits[i], slope(c.logits[i]), 2e-4) << clip << " logit " << i;
      for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(d_values[i], slope(c.values[i]), 2e-4) << clip << " value " << i;
    }
}

TEST(ActorSlopes, EveryValueIsJudgedByItsOwnTarget) {
  const std::vector<float> logits(4), values{1, 2, 3, 4}, advantage{0, 0}, target{1, 1, 5, 4}, old(2);  // misses 0, 1, -2, 0
  const std::vector<int> actions{0, 1};
  const std::vector<std::uint8_t> counts{1, 1};
  std::vector<float> d_logits(4), d_values(4);
  const auto report = actor_slopes({logits, values, actions, advantage, target, old, counts}, {.value_weight = 0.5, .entropy_weight = 0.0, .clip = 0.0}, d_logits, d_values);
  EXPECT_EQ(d_values, (std::vector<float>{0.0F, 0.25F, -0.5F, 0.0F}));  // 0.5 * miss / 2
  EXPECT_EQ(report.value, 2.5);                                         // (1 + 4) / 2
}

TEST(ActorSlopes, NothingThatCountsIsNoSlope) {
  Case c;
  c.counts = {0, 0};
  std::vector<float> d_logits(6, 1.0F), d_values(2, 1.0F);
  actor_slopes(c.batch(), {}, d_logits, d_values);
  EXPECT_EQ(d_logits, std::vector<float>(6));
  EXPECT_EQ(d_values, std::vector<float>(2));
}

}  // namespace
}  // namespace hone
