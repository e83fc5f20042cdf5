// The list of grpo_reference, section 10, beyond advantages.
#include "objective/policy_loss.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "objective/kl.h"
#include "objective/objective_test_kit.h"
#include "objective/presets.h"

namespace hone::objective {
namespace {

using test::Even;
using test::evaluate;
using test::Result;

ObjectiveConfig with(Surrogate surrogate, Aggregate agg = Aggregate::seq_mean_token_mean) {
  ObjectiveConfig c;
  c.surrogate = surrogate, c.agg = agg;
  if (agg == Aggregate::len_weighted) c.ratio_level = RatioLevel::sequence;
  return c;
}

Result run(const Even& e, const ObjectiveConfig& c) {
  PolicyObjective objective(e.samples, c, Rng(1));
  return evaluate(objective, e.scores);
}

double slope(double advantage, double ratio, const ObjectiveConfig& c) {
  Even e;
  e.add(1, advantage, ratio);
  return run(e, c).slopes[0].logp[0];
}

// Samples that use everything: several groups, two lengths, all stored log-probabilities, drawn at random.
struct Mixed {
  std::vector<Sample> samples;
  std::vector<Scores> scores;
};
Mixed mixed(std::uint64_t seed, double spread = 0.3) {
  Rng rng(seed);
  Mixed m;
  for (int i = 0; i < 6; ++i) {
    Sample s = test::sample(i < 3 ? "a" : "b", 2 + i % 3, rng.uniform());
    Scores now;
    for (int t = 0; t < s.tokens; ++t) {
      const double old = -0.5 - rng.uniform();
      s.logp_old.push_back(static_cast<float>(old));
      s.logp_roll.push_back(static_cast<float>(old + 0.2 * rng.normal()));
      s.logp_ref.push_back(static_cast<float>(old + spread * rng.normal()));
      s.logp_past.push_back(static_cast<float>(old + spread * rng.normal()));
      s.entropy.push_back(static_cast<float>(rng.uniform()));
      now.logp.push_back(old + spread * rng.normal());
      now.entropy.push_back(1.0 + rng.uniform());
    }
    m.samples.push_back(s), m.scores.push_back(now);
  }
  return m;
}

TEST(PolicyLoss, AtRatioOneTheLossIsTheMeanAdvantageAndTheGradientReinforces) {
  for (const auto& [name, agg] : aggregate_names()) {
    Even e;
    e.add(2, 1.5, 1.0), e.add(8, -0.5, 1.0), e.add(3, 0.25, 1.0);
    const double n = 3, tokens = 13, sum = 2 * 1.5 - 8 * 0.5 + 3 * 0.25;
    const double expected = agg == Aggregate::seq_mean_token_mean ? (1.5 - 0.5 + 0.25) / n
                            : agg == Aggregate::token_mean_global || agg == Aggregate::token_mean_local ? sum / tokens
                            : agg == Aggregate::const_norm ? sum / (n * 8)
                            : agg == Aggregate::const_norm_nobatch ? sum / 8 : sum / n;
    const Result clip = run(e, with(Surrogate::ppo_clip, agg)), plain = run(e, with(Surrogate::reinforce, agg));
    EXPECT_NEAR(clip.loss, -expected, 1e-12) << name;
    for (std::size_t i = 0; i < e.samples.size(); ++i)
      for (int t = 0; t < e.samples[i].tokens; ++t) {
        EXPECT_NEAR(clip.slopes[i].logp[t], plain.slopes[i].logp[t], 1e-12) << name;
        EXPECT_NE(clip.slopes[i].logp[t], 0.0) << name;
      }
  }
}

TEST(PolicyLoss, SlopesOfEverySurrogateAreFiniteDifferences) {
  for (const auto& [name, kind] : surrogate_names())
    for (const RatioLevel level : {RatioLevel::token, RatioLevel::sequence})
      for (const double ratio : {0.5, 0.9, 1.0, 1.1, 1.5, 4.0})
        for (const double a : {1.0, -1.0}) {
          SCOPED_TRACE(name + " ratio " + std::to_string(ratio) + " A " + std::to_string(a) + " level " + std::to_string(static_cast<int>(level)));
          if (kind == Surrogate::cispo || kind == Surrogate::vespo) continue;  // their factor is detached: next test
          Even e;
          e.add(3, a, ratio), e.add(2, -a, 1.05);
          ObjectiveConfig c = with(kind);
          c.ratio_level = level, c.delta = 3.5, c.cov_lo = -1e9, c.cov_hi = 1e9, c.cov_share = 0.4;
          // gspo by token passes each token's gradient through its own probability: its value is the sequence's, so differences of the
          // loss know only their sum. kl_cov has a kink at ratio 1.
          if (kind == Surrogate::gspo && level == RatioLevel::token) continue;
          if (kind == Surrogate::kl_cov && ratio == 1.0) continue;
          PolicyObjective objective(e.samples, c, Rng(1));
          test::expect_slopes(objective, e.scores);
        }
}

TEST(PolicyLoss, DetachedFactorsMultiplyTheGradientOfTheLogarithm) {
  for (const double ratio : {0.5, 0.9, 1.0, 1.1, 1.5, 4.0})
    for (const double a : {1.0, -1.0}) {
      EXPECT_NEAR(slope(a, ratio, with(Surrogate::cispo)), -a * std::clamp(ratio, 0.8, 1.2), 1e-7);
      ObjectiveConfig c = with(Surrogate::cispo);
      c.cispo_bounds = CispoBounds::absolute, c.eps_hi = 2.0;
      EXPECT_NEAR(slope(a, ratio, c), -a * std::min(ratio, 2.0), 1e-7);
      const double k = a > 0 ? 2 : 3, lambda = a > 0 ? 3 : 2;
      EXPECT_NEAR(slope(a, ratio, with(Surrogate::vespo)), -a * std::exp(lambda + k * std::log(ratio) - lambda * ratio), 1e-6);
    }
}

TEST(PolicyLoss, ClippingStopsTheGradientOnOneSideOnly) {
  ObjectiveConfig c = with(Surrogate::ppo_clip), higher = c, dual = with(Surrogate::dual_clip);
  higher.eps_hi = 0.28;
  EXPECT_EQ(slope(1, 1.25, c), 0.0);
  EXPECT_NEAR(slope(1, 1.25, higher), -1.25, 1e-6);
  EXPECT_NEAR(slope(1, 0.5, c), -0.5, 1e-6);
  EXPECT_EQ(slope(-1, 0.75, c), 0.0);
  EXPECT_NEAR(slope(-1, 2.9, c), 2.9, 1e-6);
  EXPECT_NEAR(slope(-1, 2.9, dual), 2.9, 1e-6);
  EXPECT_EQ(slope(-1, 3.1, dual), 0.0);
  EXPECT_NEAR(slope(1, 3.1, with(Surrogate::no_clip)), -3.1, 1e-5);
}

TEST(PolicyLoss, ClipFractionsAreCountedApart) {
  Even e;
  e.add(1, 1, 1.5), e.add(2, -1, 0.5), e.add(1, -1, 3.5), e.add(4, 1, 1.0);
  PolicyObjective objective(e.samples, with(Surrogate::dual_clip), Rng(1));
  evaluate(objective, e.scores);
  const Metrics m = objective.metrics();
  EXPECT_EQ(m.at("clip_high"), 0.125);
  EXPECT_EQ(m.at("clip_low"), 0.25);
  EXPECT_EQ(m.at("clip_cap"), 0.125);
  EXPECT_NEAR(m.at("ratio_mean"), (1.5 + 1.0 + 3.5 + 4.0) / 8, 1e-6);
  EXPECT_NEAR(m.at("ratio_max"), 3.5, 1e-6);
  EXPECT_EQ(m.at("tokens"), 8.0);
}

TEST(PolicyLoss, AggregationOfALongAndAShortReply) {
  Even e;
  e.add(2, 1, 1.0), e.add(8, -1, 1.0);
  EXPECT_NEAR(run(e, with(Surrogate::ppo_clip)).loss, 0.0, 1e-12);
  EXPECT_NEAR(run(e, with(Surrogate::ppo_clip, Aggregate::token_mean_global)).loss, 0.6, 1e-12);
  EXPECT_NEAR(run(e, with(Surrogate::ppo_clip, Aggregate::seq_mean_token_sum)).loss, 3.0, 1e-12);
  ObjectiveConfig c = with(Surrogate::ppo_clip, Aggregate::const_norm);
  c.agg_L_max = 32;
  EXPECT_NEAR(run(e, c).loss, 6.0 / (2 * 32), 1e-12);
  c.agg = Aggregate::const_norm_nobatch;
  EXPECT_NEAR(run(e, c).loss, 6.0 / 32, 1e-12);
}

TEST(PolicyLoss, TheSizeOfACallChangesNothing) {
  for (const auto& [name, agg] : aggregate_names()) {
    if (agg == Aggregate::token_mean_local) continue;
    for (const Surrogate kind : {Surrogate::ppo_clip, Surrogate::clip_cov, Surrogate::kl_cov, Surrogate::vespo, Surrogate::gmpo}) {
      Mixed m = mixed(3);
      ObjectiveConfig c = with(kind, agg);
      c.kl_where = KlWhere::loss, c.kl_coef = 0.1, c.entropy_coef = 0.01, c.mismatch = Mismatch::tis_token, c.mismatch_normalise = true;
      c.cov_lo = -1e9, c.cov_share = 0.2, c.top_entropy = 0.5;
      PolicyObjective whole(m.samples, c, Rng(1));
      const Result all = evaluate(whole, m.scores);
      for (const std::size_t size : {std::size_t{1}, std::size_t{3}}) {
        PolicyObjective parts(m.samples, c, Rng(1));
        double loss = 0.0;
        for (std::size_t from = 0; from < m.samples.size(); from += size) {
          std::vector<std::size_t> which(size);
          std::iota(which.begin(), which.end(), from);
          std::vector<Slopes> slopes(size);
          loss += parts.evaluate(which, std::span(m.scores).subspan(from, size), slopes);
          for (std::size_t k = 0; k < size; ++k) {
            EXPECT_EQ(slopes[k].logp, all.slopes[from + k].logp) << name;
            EXPECT_EQ(slopes[k].entropy, all.slopes[from + k].entropy) << name;
          }
        }
        EXPECT_NEAR(loss, all.loss, 1e-12) << name;
        const Metrics one = whole.metrics(), other = parts.metrics();
        for (const auto& [key, value] : one) EXPECT_NEAR(value, other.at(key), 1e-9) << name << " " << key;
      }
    }
  }
}

TEST(PolicyLoss, TheLocalMeanDependsOnTheCall) {
  Even e;
  e.add(2, 1, 1.0), e.add(8, -1, 1.0);
  PolicyObjective objective(e.samples, with(Surrogate::ppo_clip, Aggregate::token_mean_local), Rng(1));
  EXPECT_NEAR(evaluate(objective, e.scores).loss, 0.6, 1e-12);
  std::vector<Slopes> slopes(1);
  double loss = 0.0;
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) loss += objective.evaluate(std::vector{i}, std::span(e.scores).subspan(i, 1), slopes);
  EXPECT_NEAR(loss, 0.0, 1e-12);  // the mean of -1 and 1
}

TEST(PolicyLoss, WhatIsMaskedDoesNotCount) {
  Even e;
  e.add(2, 1, 1.1), e.add(3, -1, 0.9);
  for (const auto& [name, agg] : aggregate_names()) {
    if (agg == Aggregate::const_norm || agg == Aggregate::const_norm_nobatch) continue;
    ObjectiveConfig c = with(Surrogate::ppo_clip, agg);
    c.truncated = Truncated::mask_loss;
    const double before = run(e, c).loss;
    Even more = e;
    more.add(7, 5, 1.3), more.add(0, 1, 1.0);
    more.samples[2].truncated = true;
    const Result after = run(more, c);
    EXPECT_EQ(after.loss, before) << name;
    EXPECT_EQ(after.slopes[2].logp, std::vector<double>(7, 0.0));
    for (auto& x : more.scores[2].logp) x -= 3.0;
    EXPECT_EQ(run(more, c).loss, before) << name;
    c.agg_count_empty = true;
    if (agg == Aggregate::seq_mean_token_mean) {
      EXPECT_NEAR(run(more, c).loss, before / 2, 1e-12);
    }
  }
}

TEST(PolicyLoss, DivergenceEstimates) {
  for (const double x : {-30.0, -3.0, -0.1, -1e-3, 0.0, 1e-3, 0.1, 3.0, 30.0}) {
    EXPECT_GE(kl(KlEstimate::k3, -x, 0.0, false).value, 0.0);
    EXPECT_NEAR(kl(KlEstimate::k1, -x, 0.0, false).value, -x, 1e-12);
    EXPECT_EQ(kl(KlEstimate::k3_plus, -x, 0.0, true).value, kl(KlEstimate::k3, -x, 0.0, true).value);
    EXPECT_EQ(kl(KlEstimate::k3_plus, -x, 0.0, true).slope, kl(KlEstimate::k2, -x, 0.0, true).slope);
    EXPECT_EQ(kl(KlEstimate::k1_plus, -x, 0.0, true).slope, kl(KlEstimate::k2, -x, 0.0, true).slope);
  }
  for (const double x : {0.1, 0.01, 0.001}) EXPECT_NEAR((kl(KlEstimate::k3, -x, 0, false).value - kl(KlEstimate::k2, -x, 0, false).value) / (x * x * x / 6), 1.0, x);
  for (const KlEstimate e : {KlEstimate::abs, KlEstimate::k2, KlEstimate::k3, KlEstimate::k3_plus}) EXPECT_EQ(kl(e, -1.0, -1.0, true).slope, 0.0);
  EXPECT_EQ(kl(KlEstimate::k3, -5.0, 0.0, true).value, 10.0);
  EXPECT_EQ(kl(KlEstimate::k3, -5.0, 0.0, true).slope, 0.0);
  EXPECT_NEAR(kl(KlEstimate::k3, -1.0, 0.0, true).slope, 1.0 - std::exp(1.0), 1e-12);
}

TEST(PolicyLoss, SlopesOfDivergenceEntropyAndWeights) {
  for (const KlEstimate estimate : {KlEstimate::k1, KlEstimate::abs, KlEstimate::k2, KlEstimate::k3})
    for (const bool times_ratio : {false, true})
      for (const RatioLevel level : {RatioLevel::token, RatioLevel::sequence})
        for (const EntropyAggregate entropy : {EntropyAggregate::same, EntropyAggregate::token_mean}) {
          Mixed m = mixed(7);
          ObjectiveConfig c = with(Surrogate::no_clip);
          c.ratio_level = level, c.kl_where = KlWhere::loss, c.kl_est = estimate, c.kl_coef = 0.3, c.kl_times_ratio = times_ratio, c.kl_clamp = false;
          c.entropy_coef = 0.1, c.entropy_agg = entropy, c.mismatch = Mismatch::tis_seq, c.top_entropy = 0.6;
          m.samples[1].weight = 0.25;
          m.samples[2].own.surrogate = Surrogate::shape_f, m.samples[2].own.old_logp = OldLogp::past;
          PolicyObjective objective(m.samples, c, Rng(1));
          test::expect_slopes(objective, m.scores);
        }
}

TEST(PolicyLoss, NoDivergenceNoPull) {
  Even e;
  e.add(3, 0.0, 1.0);
  e.samples[0].logp_ref = e.samples[0].logp_old;
  ObjectiveConfig c = with(Surrogate::ppo_clip);
  c.kl_where = KlWhere::loss, c.kl_coef = 1.0;
  const Result r = run(e, c);
  EXPECT_EQ(r.loss, 0.0);
  EXPECT_EQ(r.slopes[0].logp, std::vector<double>(3, 0.0));
}

TEST(PolicyLoss, ASequenceRatioForgetsTheOrderOfItsTokens) {
  Even e;
  e.add(3, 1, 1.0);
  e.scores[0].logp = {-0.9, -1.3, -1.0};
  Even permuted = e;
  permuted.scores[0].logp = {-1.3, -1.0, -0.9};
  permuted.samples[0].advantages = e.samples[0].advantages = {1, 2, 3};
  ObjectiveConfig gspo = with(Surrogate::gspo), token = with(Surrogate::no_clip);
  gspo.eps_lo = gspo.eps_hi = 1.0;
  EXPECT_NEAR(run(e, gspo).loss, run(permuted, gspo).loss, 1e-12);
  EXPECT_GT(std::abs(run(e, token).loss - run(permuted, token).loss), 0.01);
}

TEST(PolicyLoss, BothSequenceRatiosPullAlikeWhenTheReplyIsAveraged) {
  Mixed m = mixed(11, 0.05);
  ObjectiveConfig c = with(Surrogate::ppo_clip);
  c.ratio_level = RatioLevel::sequence;
  PolicyObjective shared(m.samples, c, Rng(1));
  c.ratio_level = RatioLevel::sequence_token;
  PolicyObjective own(m.samples, c, Rng(1));
  const Result a = evaluate(shared, m.scores), b = evaluate(own, m.scores);
  EXPECT_NEAR(a.loss, b.loss, 1e-12);
  for (std::size_t i = 0; i < m.samples.size(); ++i)
    for (std::size_t t = 0; t < a.slopes[i].logp.size(); ++t) EXPECT_NEAR(a.slopes[i].logp[t], b.slopes[i].logp[t], 1e-12);
}

TEST(PolicyLoss, MismatchWeights) {
  Even e;
  e.add(2, 1, 1.0);
  e.samples[0].logp_roll = {static_cast<float>(-1.0 - std::log(2.0)), -1.0F};
  const auto pulls = [&](Mismatch kind, double cap) {
    ObjectiveConfig c = with(Surrogate::ppo_clip, Aggregate::seq_mean_token_sum);
    c.mismatch = kind, c.mismatch_C = cap;
    auto s = run(e, c).slopes[0].logp;
    for (double& x : s) x = std::round(-x * 1e6) / 1e6;
    return s;
  };
  EXPECT_EQ(pulls(Mismatch::none, 10), (std::vector<double>{1, 1}));
  EXPECT_EQ(pulls(Mismatch::tis_token, 10), (std::vector<double>{2, 1}));
  EXPECT_EQ(pulls(Mismatch::tis_token, 1.5), (std::vector<double>{1.5, 1}));
  EXPECT_EQ(pulls(Mismatch::tis_seq, 10), (std::vector<double>{2, 2}));
  EXPECT_EQ(pulls(Mismatch::mis_seq, 1.5), (std::vector<double>{0, 0}));
  EXPECT_EQ(pulls(Mismatch::mis_token, 1.5), (std::vector<double>{0, 1}));
  ObjectiveConfig c = with(Surrogate::ppo_clip);
  PolicyObjective objective(e.samples, c, Rng(1));
  evaluate(objective, e.scores);
  EXPECT_NEAR(objective.metrics().at("mismatch_max"), std::log(2.0), 1e-6);
  EXPECT_NEAR(objective.metrics().at("mismatch_mean"), std::log(2.0) / 2, 1e-6);
  EXPECT_NEAR(objective.metrics().at("mismatch_kl"), -std::log(2.0) / 2, 1e-6);
}

TEST(PolicyLoss, StaleSamplesThatDidBadlyAreLeftOut) {
  Even e;
  e.add(2, 1, 0.1), e.add(2, -1, 0.1), e.add(2, -1, 0.9);
  ObjectiveConfig c = with(Surrogate::no_clip);
  c.off_policy_max = 1.0;
  const Result r = run(e, c);
  EXPECT_NE(r.slopes[0].logp[0], 0.0);
  EXPECT_EQ(r.slopes[1].logp[0], 0.0);
  EXPECT_NE(r.slopes[2].logp[0], 0.0);
}

// The record of a sample enters as a constant: no slope is ever given for it, and the slope by lp is that of a loss in which the detached
// factor stands still. On-policy (nothing stored) the ratio is 1 and pulls by A.
TEST(PolicyLoss, StopGradients) {
  Even e;
  e.add(2, 0.5, 1.3);
  e.samples[0].logp_old.clear();
  const Result r = run(e, with(Surrogate::ppo_clip, Aggregate::seq_mean_token_sum));
  EXPECT_NEAR(r.loss, -1.0, 1e-12);
  EXPECT_EQ(r.slopes[0].logp, (std::vector<double>{-0.5, -0.5}));
  // A mismatch weight with no stored lp_old is exp(lp - lp_roll), and pulls nothing by itself.
  e.samples[0].logp_roll = {-1.0F, -1.0F};
  ObjectiveConfig c = with(Surrogate::reinforce, Aggregate::seq_mean_token_sum);
  c.mismatch = Mismatch::tis_token;
  EXPECT_NEAR(run(e, c).slopes[0].logp[0], -0.5 * 1.3, 1e-6);
}

TEST(PolicyLoss, ShapingOfReplayedTokens) {
  Even e;
  e.add(1, 1, 1.0);
  e.samples[0].logp_past = {-1.0F};
  e.samples[0].own = preset("exgrpo_mixed").roles[0].second;
  const auto pull = [&](double w) {
    e.scores[0].logp[0] = -1.0 + std::log(w);
    return -run(e, with(Surrogate::no_clip)).slopes[0].logp[0];
  };
  EXPECT_NEAR(pull(1.0), 0.0826446, 1e-6);
  EXPECT_NEAR(pull(0.1), 0.25, 1e-6);
  EXPECT_LT(pull(1e4), 1e-4);
}

TEST(PolicyLoss, ThroughAPolicysLoss) {
  Mixed m = mixed(5);
  ObjectiveConfig c = with(Surrogate::dual_clip);
  c.entropy_coef = 0.1;
  PolicyObjective objective(m.samples, c, Rng(1));
  const Result direct = evaluate(objective, m.scores);
  std::vector<SequenceScores> scores(m.scores.size());
  std::vector<SequenceGradient> gradients(m.scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i].logp.assign(m.scores[i].logp.begin(), m.scores[i].logp.end());
    scores[i].entropy.assign(m.scores[i].entropy.begin(), m.scores[i].entropy.end());
  }
  const Loss loss = objective.loss();
  EXPECT_NEAR(loss(test::all_of(scores.size()), scores, gradients), direct.loss, 1e-5);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    ASSERT_EQ(gradients[i].d_logp.size(), direct.slopes[i].logp.size());
    for (std::size_t t = 0; t < gradients[i].d_logp.size(); ++t) EXPECT_NEAR(gradients[i].d_logp[t], direct.slopes[i].logp[t], 1e-5);
    EXPECT_EQ(gradients[i].d_entropy.size(), direct.slopes[i].entropy.size());
  }
  EXPECT_EQ(objective.metrics().at("tokens"), 18.0);
}

TEST(PolicyLoss, PresetsAreValidAndNamed) {
  for (const Preset& p : presets()) EXPECT_NO_THROW(validate(p.config)) << p.name;
  EXPECT_EQ(preset("dapo").config.eps_hi, 0.28);
  EXPECT_EQ(preset("verl_default").config.surrogate, Surrogate::dual_clip);
  EXPECT_EQ(preset("trl_default").config.adv_eps, 1e-4);
  EXPECT_EQ(preset("erl").roles[0].second.adv, Advantage::raft);
  EXPECT_THROW(preset("grop"), Error);
}

TEST(PolicyLoss, SettingsAreReadAndChecked) {
  const auto c = read_config<ObjectiveConfig>(settings({{"adv", "rloo"}, {"surrogate", "gspo"}, {"kl_where", "loss"}, {"kl_est", "k3+"}, {"kl_coef", "0.01"}}));
  EXPECT_EQ(c.adv, Advantage::rloo);
  EXPECT_EQ(c.kl_est, KlEstimate::k3_plus);
  EXPECT_THROW(read_config<ObjectiveConfig>(settings({{"adv", "grop"}})), Error);
  EXPECT_THROW(read_config<ObjectiveConfig>(settings({{"kl_coef", "0.01"}})), Error);
  EXPECT_THROW(read_config<ObjectiveConfig>(settings({{"agg", "len_weighted"}})), Error);
  EXPECT_THROW(read_config<ObjectiveConfig>(settings({{"surrogate", "two_sided"}, {"delta", "1.1"}})), Error);
  EXPECT_THROW(read_config<ObjectiveConfig>(settings({{"mismatch_Cmin", "3"}})), Error);
}

TEST(PolicyLoss, WhatIsMissingIsNamed) {
  Even e;
  e.add(2, 1, 1.0);
  ObjectiveConfig c = with(Surrogate::ppo_clip);
  c.kl_where = KlWhere::loss, c.kl_coef = 0.1;
  try {
    run(e, c);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "sample 0 (group 'g0'): kl_where: loss needs logp_ref of every trained token, got none");
  }
  e.scores[0].logp.pop_back();
  EXPECT_THROW(run(e, with(Surrogate::ppo_clip)), Error);
}

}  // namespace
}  // namespace hone::objective
