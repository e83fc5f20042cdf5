#include "objective/sft.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "objective/objective_test_kit.h"

namespace hone::objective {
namespace {

using test::evaluate;

// Logits and labels of sft_dpo_reference, section 6; the first position has no label.
struct Golden {
  std::vector<std::vector<double>> logits{{0.5, 1.5, 0}, {0, 0, 0}, {1, -1, 3}};
  std::vector<int> targets{1, 0, 2};
  std::vector<double> logp() const {
    std::vector<double> out;
    for (std::size_t t = 0; t < logits.size(); ++t) {
      double sum = 0.0;
      for (const double z : logits[t]) sum += std::exp(z);
      out.push_back(logits[t][targets[t]] - std::log(sum));
    }
    return out;
  }
};

TEST(Sft, GoldenValuesOverOneCallAndTwo) {
  const auto logp = Golden{}.logp();
  EXPECT_NEAR(-logp[0], 0.464369, 1e-6);
  EXPECT_NEAR(-logp[1], 1.098612, 1e-6);
  EXPECT_NEAR(-logp[2], 0.142932, 1e-6);
  SftObjective one({3}, {});
  EXPECT_NEAR(evaluate(one, {{logp, {}}}).loss, 0.568638, 1e-6);
  SftObjective two({1, 2}, {});
  std::vector<Slopes> slopes(1);
  double loss = 0.0;
  loss += two.evaluate(std::vector<std::size_t>{0}, std::vector<Scores>{{{logp[0]}, {}}}, slopes);
  loss += two.evaluate(std::vector<std::size_t>{1}, std::vector<Scores>{{{logp[1], logp[2]}, {}}}, slopes);
  EXPECT_NEAR(loss, 0.568638, 1e-6);
  EXPECT_GT(std::abs(loss - 0.542571), 0.02);  // the mean of the calls' means
  EXPECT_NEAR(two.metrics().at("nll"), 0.568638, 1e-6);
}

// 20 random entries of the logits: the chain through d logp / dz = (one hot - p) against differences of the loss.
TEST(Sft, SlopesReachTheLogits) {
  Rng rng(4);
  Golden g{.logits = std::vector<std::vector<double>>(6, std::vector<double>(7)), .targets = {}};
  for (auto& row : g.logits) {
    for (double& z : row) z = rng.normal();
    g.targets.push_back(static_cast<int>(rng.below(row.size())));
  }
  for (const SftLoss kind : {SftLoss::nll, SftLoss::dft}) {
    SftObjective objective({6}, {.loss = kind});
    const auto probability = g.logp();  // dft: the factor stands still
    const auto slopes = evaluate(objective, {{g.logp(), {}}}).slopes[0].logp;
    const auto loss = [&] {
      double sum = 0.0;
      const auto logp = g.logp();
      for (std::size_t t = 0; t < logp.size(); ++t) sum -= (kind == SftLoss::dft ? std::exp(probability[t]) : 1.0) * logp[t] / 6.0;
      return sum;
    };
    for (int k = 0; k < 20; ++k) {
      const auto t = rng.below(g.logits.size()), v = rng.below(g.logits[t].size());
      double& z = g.logits[t][v];
      double sum = 0.0;
      for (const double x : g.logits[t]) sum += std::exp(x);
      const double chain = slopes[t] * ((static_cast<int>(v) == g.targets[t] ? 1.0 : 0.0) - std::exp(z) / sum), was = z;
      z = was + 1e-5;
      const double above = loss();
      z = was - 1e-5;
      const double below = loss();
      z = was;
      EXPECT_NEAR(chain, (above - below) / 2e-5, 1e-8);
    }
  }
}

TEST(Sft, DynamicFineTuningWeighsByTheProbability) {
  SftObjective objective({2}, {.loss = SftLoss::dft});
  const auto r = evaluate(objective, {{{std::log(0.5), std::log(0.25)}, {}}});
  EXPECT_NEAR(r.loss, (0.5 * std::log(2.0) + 0.25 * std::log(4.0)) / 2, 1e-12);
  EXPECT_NEAR(r.slopes[0].logp[0], -0.25, 1e-12);
  EXPECT_NEAR(r.slopes[0].logp[1], -0.125, 1e-12);
}

TEST(Sft, WeightsScaleASequenceNotTheCount) {
  SftObjective objective({1, 1}, {}, {2.0, 0.0});
  const auto r = evaluate(objective, {{{-1.0}, {}}, {{-5.0}, {}}});
  EXPECT_NEAR(r.loss, 1.0, 1e-12);
  EXPECT_EQ(r.slopes[1].logp[0], 0.0);
}

TEST(Sft, NothingToLearnFromIsNoLoss) {
  SftObjective objective({0, 0}, {});
  EXPECT_EQ(evaluate(objective, {{}, {}}).loss, 0.0);
}

TEST(Sft, WrongInputIsNamed) {
  EXPECT_THROW(SftObjective({1}, {}, {1.0, 2.0}), Error);
  EXPECT_THROW(SftObjective({-1}, {}), Error);
  SftObjective objective({2}, {});
  std::vector<Slopes> slopes(1);
  EXPECT_THROW(objective.evaluate(std::vector<std::size_t>{0}, std::vector<Scores>{{{-1.0}, {}}}, slopes), Error);
  EXPECT_THROW(objective.evaluate(std::vector<std::size_t>{1}, std::vector<Scores>{{{-1.0, -1.0}, {}}}, slopes), Error);
}

}  // namespace
}  // namespace hone::objective
