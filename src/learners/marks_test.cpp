// Steps over marked replies: which prompt gets which reply for KTO's baseline, and what comes out, by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/policy_test_kit.h"
#include "learners/passes.h"

namespace hone {
namespace {

TokenSequence sequence(std::vector<int> prompt, const std::vector<int>& reply) {
  TokenSequence s;
  s.ids = std::move(prompt);
  s.trained.assign(s.ids.size(), 0);
  s.ids.insert(s.ids.end(), reply.begin(), reply.end());
  s.trained.resize(s.ids.size(), 1);
  return s;
}

// The policy gives token i the log-probability -i / 10, the reference -1 / 2 to any; it remembers what it was asked to score.
class Ruled : public IdlePolicy {
 public:
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which which) override {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) {
      out.emplace_back();
      for (std::size_t i = 0; i < s.ids.size(); ++i)
        if (s.trained[i] != 0) out.back().logp.push_back(which == Which::reference ? -0.5F : -0.1F * static_cast<float>(s.ids[i]));
      if (which == Which::current) asked.push_back(s.ids);
    }
    return out;
  }
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions&) override {
    const auto asked_before = asked;
    std::vector<std::size_t> which(sequences.size());
    std::iota(which.begin(), which.end(), std::size_t{0});
    slopes.resize(sequences.size());
    StepResult result;
    result.loss = loss(which, score(sequences, 1.0F, Which::current), slopes);
    asked = asked_before;
    for (const auto& s : sequences) taken.push_back(s.ids);
    return result;
  }
  std::vector<std::vector<int>> asked, taken;
  std::vector<SequenceGradient> slopes;
};

MarkedReplies replies(Ruled& policy, std::vector<std::pair<TokenSequence, bool>> rows, int max_length = 100) {
  MarkedReplies out;
  out.max_length = max_length;
  for (auto& [s, good] : rows) {
    const auto reference = policy.score(std::span(&s, 1), 1.0F, Which::reference);
    out.known.push_back({{.tokens = static_cast<int>(reference[0].logp.size()), .ref = 0.0, .ref_tokens = reference[0].logp}, good});
    out.sequences.push_back(std::move(s));
  }
  return out;
}

double sigmoid_of(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST(Marks, KtoOfTwoRepliesByHand) {
  Ruled policy;
  // Log ratios: good -0.1 - 0.2 + 1 = 0.7, bad -0.8 + 0.5 = -0.3. Mismatched: prompt 50 with reply 8 (-0.3), prompt 60 with reply 1 2 (0.7): z = 0.2.
  const auto given = replies(policy, {{sequence({50}, {1, 2}), true}, {sequence({60}, {8}), false}});
  const objective::KtoConfig config{.beta = 0.5, .desirable_weight = 1.0, .undesirable_weight = 2.0};
  const auto metrics = mark(given, PassConfig{TrainConfig{}}, config, {}, Rng(1), policy);
  std::sort(policy.asked.begin(), policy.asked.end());
  EXPECT_EQ(policy.asked, (std::vector<std::vector<int>>{{50, 8}, {60, 1, 2}}));
  EXPECT_NEAR(metrics.at("kl"), 0.2, 1e-6);
  EXPECT_NEAR(metrics.at("loss"), 0.5 * (sigmoid_of(-0.5 * (0.7 - 0.2)) + 2.0 * sigmoid_of(0.5 * (-0.3 - 0.2))), 1e-6);
  EXPECT_NEAR(metrics.at("rewards/chosen"), 0.35, 1e-6);
  EXPECT_NEAR(metrics.at("rewards/rejected"), -0.15, 1e-6);
  for (std::size_t i = 0; i < 2; ++i) {
    const bool good = policy.taken[i][0] == 50;
    const double s = sigmoid_of(0.5 * ((good ? 0.7 : -0.3) - 0.2)), slope = 0.5 * s * (1.0 - s) * (good ? -1.0 : 2.0) / 2.0;
    for (const float d : policy.slopes[i].d_logp) EXPECT_NEAR(d, slope, 1e-6);
  }
}

TEST(Marks, NoPromptIsGivenAReplyToItself) {
  Ruled policy;
  const auto given = replies(policy, {{sequence({50}, {1}), true}, {sequence({50}, {2}), false}, {sequence({60}, {3}), true}});
  mark(given, PassConfig{TrainConfig{}}, {}, {}, Rng(1), policy);
  ASSERT_EQ(policy.asked.size(), 3U);
  for (const auto& ids : policy.asked) EXPECT_EQ(ids[0] == 60, ids[1] != 3) << ids[0] << " " << ids[1];
  // One prompt alone: nothing to compare with, and z is 0.
  policy.asked.clear();
  const auto metrics = mark(replies(policy, {{sequence({50}, {1}), true}, {sequence({50}, {2}), false}}), PassConfig{TrainConfig{}}, {}, {}, Rng(1), policy);
  EXPECT_TRUE(policy.asked.empty());
  EXPECT_EQ(metrics.at("kl"), 0.0);
}

TEST(Marks, MismatchedRepliesAreCutAtMaxLength) {
  Ruled policy;
  mark(replies(policy, {{sequence({50, 51, 52}, {1}), true}, {sequence({60}, {2, 3, 4}), false}}, 4), PassConfig{TrainConfig{}}, {}, {}, Rng(1), policy);
  std::sort(policy.asked.begin(), policy.asked.end());
  EXPECT_EQ(policy.asked, (std::vector<std::vector<int>>{{50, 51, 52, 2}, {60, 1}}));
}

}  // namespace
}  // namespace hone
