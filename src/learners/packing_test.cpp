#include "learners/packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/policy_test_kit.h"
#include "core/rng.h"
#include "learners/passes.h"

namespace hone {
namespace {

std::vector<std::vector<std::size_t>> lengths_in(const std::vector<std::vector<std::size_t>>& bins, const std::vector<std::size_t>& lengths) {
  std::vector<std::vector<std::size_t>> out;
  for (const auto& bin : bins) {
    out.emplace_back();
    for (const std::size_t i : bin) out.back().push_back(lengths[i]);
  }
  return out;
}

TEST(Packing, TheExampleOfTrl) {
  // Lengths 5, 2, 3, 1 in bins of 4 (sft_dpo_reference, section 3.3); the 5 is cut to 4 before, as max_length does.
  const std::vector<std::size_t> lengths{4, 2, 3, 1};
  EXPECT_EQ(lengths_in(pack(lengths, 4), lengths), (std::vector<std::vector<std::size_t>>{{4}, {3, 1}, {2}}));
}

TEST(Packing, TheFullestBinThatFitsIsTaken) {
  // 6 and 5 open a bin each (4 and 5 left); 4 fits both and goes where 4 are left, 3 then where 5 are, the last 2 there too.
  const std::vector<std::size_t> lengths{2, 3, 4, 5, 6};
  EXPECT_EQ(lengths_in(pack(lengths, 10), lengths), (std::vector<std::vector<std::size_t>>{{6, 4}, {5, 3, 2}}));
  EXPECT_TRUE(pack({}, 10).empty());
  EXPECT_THROW(pack(lengths, 5), Error);
}

TEST(Packing, EverySequenceOnceAndTheSameNumberOfBinsInAnyOrder) {
  Rng rng(7);
  std::vector<std::size_t> lengths;
  for (int i = 0; i < 500; ++i) lengths.push_back(1 + static_cast<std::size_t>(rng.below(100)));
  const auto total = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
  std::size_t bins = 0;
  for (int trial = 0; trial < 5; ++trial) {
    rng.shuffle(lengths);
    const auto packed = pack(lengths, 100);
    std::vector<int> seen(lengths.size());
    int half_empty = 0;
    for (const auto& bin : packed) {
      std::size_t sum = 0;
      for (const std::size_t i : bin) sum += lengths[i], ++seen[i];
      EXPECT_LE(sum, 100U);
      half_empty += sum <= 50 ? 1 : 0;
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 500);
    EXPECT_LE(half_empty, 1) << "two of them would fit into one";
    if (trial == 0) bins = packed.size();
    EXPECT_EQ(packed.size(), bins);
    EXPECT_LE(static_cast<double>(packed.size()), 11.0 / 9.0 * static_cast<double>((total + 99) / 100) + 1.0);  // the bound known of decreasing fits
  }
}

// Remembers which sequences each step had.
class Noting : public IdlePolicy {
 public:
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which) override {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) out.push_back({std::vector<float>(trained(s), -1.0F), {}});
    return out;
  }
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions& options) override {
    steps.emplace_back(sequences.begin(), sequences.end());
    lr.push_back(options.lr);
    std::vector<std::size_t> which(sequences.size());
    std::iota(which.begin(), which.end(), std::size_t{0});
    std::vector<SequenceGradient> gradients(sequences.size());
    StepResult result;
    result.loss = loss(which, score(sequences, 1.0F, Which::current), gradients);
    for (const auto& s : sequences) result.trained += static_cast<std::int64_t>(trained(s));
    return result;
  }
  static std::size_t trained(const TokenSequence& s) { return static_cast<std::size_t>(std::count(s.trained.begin(), s.trained.end(), 1)); }
  static std::size_t tokens(const std::vector<TokenSequence>& step) {
    std::size_t n = 0;
    for (const auto& s : step) n += s.ids.size();
    return n;
  }

  std::vector<std::vector<TokenSequence>> steps;
  std::vector<double> lr;
};

// `n` sequences of 2 to 30 tokens, the first of which names the sequence.
std::vector<TokenSequence> some(int n, Rng rng) {
  std::vector<TokenSequence> out;
  for (int i = 0; i < n; ++i) {
    TokenSequence s;
    s.ids.assign(2 + static_cast<std::size_t>(rng.below(29)), 5);
    s.ids[0] = i;
    s.trained.assign(s.ids.size(), 0);
    s.trained.back() = 1;
    out.push_back(std::move(s));
  }
  return out;
}

TEST(Packing, AStepOfSftIsFilledByTokensAndAPassHasEverySequenceOnce) {
  PassConfig config{TrainConfig{.lr = 1.0, .schedule = Schedule::linear, .sequences_per_step = 3}};
  config.tokens_per_step = 64;
  const auto sequences = some(80, Rng(3));
  std::vector<std::size_t> steps;
  std::vector<std::vector<int>> first_of_pass;
  Noting policy;
  for (std::int64_t pass = 0; pass < 2; ++pass) {
    policy.steps.clear();
    const auto metrics = imitate(sequences, config, {}, {pass, 2}, Rng(11).split(static_cast<std::uint64_t>(pass)), policy);
    EXPECT_EQ(metrics.at("tokens"), 80.0);
    std::vector<int> seen(80);
    std::size_t used = 0;
    for (const auto& step : policy.steps) {
      EXPECT_LE(Noting::tokens(step), 64U);
      used += Noting::tokens(step);
      for (const auto& s : step) ++seen[static_cast<std::size_t>(s.ids[0])];
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 80);
    EXPECT_GT(static_cast<double>(used), 0.9 * 64.0 * static_cast<double>(policy.steps.size())) << "steps are nearly full";
    steps.push_back(policy.steps.size());
    first_of_pass.emplace_back();
    for (const auto& s : policy.steps[0]) first_of_pass.back().push_back(s.ids[0]);
  }
  EXPECT_EQ(steps[0], steps[1]);
  EXPECT_NE(first_of_pass[0], first_of_pass[1]) << "another order in every pass";
  // The learning rate falls over the steps there are, from lr to the last step above 0.
  ASSERT_EQ(policy.lr.size(), 2 * steps[0]);
  for (std::size_t i = 0; i < policy.lr.size(); ++i) EXPECT_NEAR(policy.lr[i], 1.0 - static_cast<double>(i) / static_cast<double>(policy.lr.size()), 1e-12);
}

TEST(Packing, StepsOfPairsHoldWholePairs) {
  PassConfig config{TrainConfig{.lr = 1.0}};
  config.tokens_per_step = 90;
  Pairs pairs;
  pairs.sequences = some(40, Rng(5));
  for (int i = 0; i < 20; ++i) pairs.known.push_back({{.tokens = 1, .ref = -1.0, .ref_tokens = {}}, {.tokens = 1, .ref = -1.0, .ref_tokens = {}}});
  for (const bool marks : {false, true}) {
    Noting policy;
    if (marks) mark(replies_of(pairs), config, {}, {}, Rng(2), policy);
    else prefer(pairs, config, {}, {}, Rng(2), policy);
    std::vector<int> seen(40);
    for (const auto& step : policy.steps) {
      EXPECT_LE(Noting::tokens(step), 90U);
      for (std::size_t i = 0; i < step.size(); i += 2) EXPECT_EQ(step[i].ids[0] + 1, step[i + 1].ids[0]);
      for (const auto& s : step) ++seen[static_cast<std::size_t>(s.ids[0])];
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 40);
    EXPECT_GT(policy.steps.size(), 1U);
  }
}

}  // namespace
}  // namespace hone
