#include "objective/alarms.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hone::objective {
namespace {

const Metrics kHealthy{{"groups_constant", 0.3}, {"rewards_missing", 0.0}, {"entropy", 1.0}, {"length_mean", 100}, {"kl_ref", 0.01}, {"kl_old", 0.001}, {"passed", 0.4}};

// What is said in the last of `rounds` rounds, after five healthy ones.
std::vector<std::string> after(const std::string& name, double value, int rounds) {
  Alarms alarms({});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(alarms.round(kHealthy).empty());
  Metrics sick = kHealthy;
  sick[name] = value;
  std::vector<std::string> said;
  for (int i = 0; i < rounds; ++i) said = alarms.round(sick);
  EXPECT_TRUE(alarms.round(kHealthy).empty()) << "a condition that is over is not reported";
  return said;
}

struct Case {
  std::string name;
  double just_right, too_far;
  int rounds;  // until the alarm
  std::string words;
};
class EveryAlarm : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Alarms, EveryAlarm, testing::Values(
    Case{"groups_constant", 0.8, 0.81, 2, "Groups without variance: 81 %"},
    Case{"rewards_missing", 0.05, 0.06, 2, "Missing rewards: 6 %"},
    Case{"entropy", 0.2, 0.19, 2, "Entropy collapse: 0.19 nats per token, 1 in the first rounds"},
    Case{"entropy", 0.2, 0.005, 2, "Entropy collapse: 0.005"},
    Case{"length_mean", 200, 201, 2, "Length drift: replies have 201 tokens on average, 100 in the first rounds"},
    Case{"length_mean", 50, 49, 2, "Length drift: replies have 49"},
    Case{"kl_ref", 0.5, 0.51, 1, "Divergence blow-up: 0.51 nats per token from the reference"},
    Case{"kl_old", 0.5, 9.0, 1, "Divergence blow-up: 9 nats per token from the policy that played"},
    Case{"kl_ref", 0.5, std::numeric_limits<double>::quiet_NaN(), 1, "Divergence blow-up: nan"},
    Case{"passed", 0.001, 0.0, 5, "The verifier never passes: no reply of the last 5 rounds"}));

TEST_P(EveryAlarm, SpeaksWhenItsConditionHoldsAndNotBefore) {
  const Case& c = GetParam();
  const auto said = after(c.name, c.too_far, c.rounds);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].substr(0, c.words.size()), c.words);
  EXPECT_TRUE(after(c.name, c.too_far, c.rounds - 1).empty());
  EXPECT_TRUE(after(c.name, c.just_right, c.rounds + 3).empty());
}

TEST(Alarms, WhatARoundDoesNotHaveIsNotJudged) {
  Alarms alarms({});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(alarms.round({}).empty());
}

TEST(Alarms, TheFloorOfEntropyNeedsNoFirstRounds) {
  Alarms alarms({.baseline_rounds = 100});
  EXPECT_TRUE(alarms.round({{"entropy", 0.001}}).empty());
  EXPECT_EQ(alarms.round({{"entropy", 0.001}}).size(), 1U);
}

TEST(Alarms, GoOnAfterAnInterruption) {
  struct Bytes final : Sink, Source {
    std::vector<std::byte> kept;
    void write(std::span<const std::byte> bytes) override { kept.insert(kept.end(), bytes.begin(), bytes.end()); }
    void read(std::span<std::byte> bytes) override { std::memcpy(bytes.data(), kept.data(), bytes.size()); }
  } bytes;
  Alarms before({});
  for (int i = 0; i < 3; ++i) before.round(kHealthy);
  Metrics shorter = kHealthy;
  shorter["length_mean"] = 10;
  EXPECT_TRUE(before.round(shorter).empty());
  before.save(bytes);
  Alarms fresh({}), resumed({});
  resumed.load(bytes);
  EXPECT_EQ(resumed.round(shorter).size(), 1U);
  EXPECT_TRUE(fresh.round(shorter).empty());
}

}  // namespace
}  // namespace hone::objective
