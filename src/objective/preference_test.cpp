#include "objective/preference.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "objective/kto.h"
#include "objective/objective_test_kit.h"

namespace hone::objective {
namespace {

using test::evaluate;

PreferenceConfig with(const std::string& loss, double beta = 0.1, double smoothing = 0.0) {
  PreferenceConfig c;
  c.losses = {loss}, c.beta = beta, c.label_smoothing = smoothing;
  return c;
}

struct Row {
  double c, r, ref_c, ref_r;
  int nc, nr;
};
std::vector<Scores> scores_of(const std::vector<Row>& rows) {
  std::vector<Scores> out;
  for (const Row& row : rows) {
    out.push_back({std::vector<double>(row.nc, row.c / row.nc), {}});
    out.push_back({std::vector<double>(row.nr, row.r / row.nr), {}});
  }
  return out;
}
PreferenceObjective objective_of(const std::vector<Row>& rows, const PreferenceConfig& c) {
  std::vector<Pair> pairs;
  for (const Row& row : rows) pairs.push_back({{row.nc, row.ref_c, {}}, {row.nr, row.ref_r, {}}});
  return {pairs, c};
}
double loss_of(const Row& row, const PreferenceConfig& c) {
  auto objective = objective_of({row}, c);
  return evaluate(objective, scores_of({row})).loss;
}

const Row kFirst{-12, -15, -13, -14, 4, 5}, kSecond{-50, -40, -48, -45, 10, 8}, kThird{-20, -20, -20, -20, 7, 9};

TEST(Preference, GoldenValues) {
  struct Golden {
    Row row;
    double beta, sigmoid, hinge, ipo, robust, norm, slope;
  };
  for (const Golden& g : {Golden{kFirst, 0.1, 0.598139, 0.8, 20.7025, 0.573139, 0.670900, -0.045017}, Golden{kSecond, 0.5, 3.529750, 4.5, 3.330625, 3.967250, 0.920518, -0.485344},
                          Golden{kThird, 0.1, 0.693147, 1.0, 25.0, 0.693147, 0.693147, -0.05}}) {
    EXPECT_NEAR(loss_of(g.row, with("sigmoid", g.beta)), g.sigmoid, 1e-5);
    EXPECT_NEAR(loss_of(g.row, with("hinge", g.beta)), g.hinge, 1e-5);
    EXPECT_NEAR(loss_of(g.row, with("ipo", g.beta)), g.ipo, 1e-5);
    EXPECT_NEAR(loss_of(g.row, with("robust", g.beta, 0.1)), g.robust, 1e-5);
    EXPECT_NEAR(loss_of(g.row, with("sigmoid_norm", g.beta)), g.norm, 1e-5);
    auto objective = objective_of({g.row}, with("sigmoid", g.beta));
    const auto slopes = evaluate(objective, scores_of({g.row})).slopes;
    for (const double s : slopes[0].logp) EXPECT_NEAR(s, g.slope, 1e-5);
    for (const double s : slopes[1].logp) EXPECT_NEAR(s, -g.slope, 1e-5);
  }
}

TEST(Preference, PolicyEqualToReferenceIsLnTwoWithoutMargin) {
  auto objective = objective_of({kThird}, with("sigmoid"));
  EXPECT_NEAR(evaluate(objective, scores_of({kThird})).loss, std::log(2.0), 1e-12);
  const Metrics m = objective.metrics();
  EXPECT_NEAR(m.at("rewards/margins"), 0.0, 1e-12);
  EXPECT_NEAR(m.at("logps/chosen"), -20.0, 1e-9);
}

TEST(Preference, MetricsAreMeansOverPairs) {
  const std::vector<Row> rows{kFirst, kSecond, {-4, -4, -4, -4, 1, 1}};
  auto objective = objective_of(rows, with("sigmoid", 0.5));
  evaluate(objective, scores_of(rows));
  const Metrics m = objective.metrics();
  EXPECT_NEAR(m.at("rewards/chosen"), 0.5 * (1 - 2 + 0) / 3, 1e-9);
  EXPECT_NEAR(m.at("rewards/rejected"), 0.5 * (-1 + 5 + 0) / 3, 1e-9);
  EXPECT_NEAR(m.at("rewards/margins"), 0.5 * (2 - 7) / 3, 1e-9);
  EXPECT_NEAR(m.at("rewards/accuracies"), 1.0 / 3, 1e-12);  // strict: a tie is not right
  EXPECT_NEAR(m.at("logps/rejected"), -59.0 / 3, 1e-9);
  EXPECT_EQ(m.at("tokens"), 29.0);
}

TEST(Preference, SwappingTheRepliesTurnsTheSign) {
  const Row swapped{kFirst.r, kFirst.c, kFirst.ref_r, kFirst.ref_c, kFirst.nr, kFirst.nc};
  EXPECT_NEAR(loss_of(swapped, with("sigmoid")), -std::log(1.0 / (1.0 + std::exp(0.2))), 1e-9);
  EXPECT_NEAR(loss_of(kFirst, with("sigmoid")), -std::log(1.0 / (1.0 + std::exp(-0.2))), 1e-9);
}

TEST(Preference, SlopesOfEveryLossAreFiniteDifferences) {
  const std::vector<Row> rows{{-3, -4, -3.5, -3.4, 3, 4}, {-6, -2, -5, -2.5, 4, 2}, {-1.5, -2.75, -1.6, -2.2, 2, 3}};
  for (const auto& [name, kind] : preference_loss_names())
    for (const Divergence f : {Divergence::reverse_kl, Divergence::forward_kl, Divergence::js, Divergence::alpha})
      for (const double ld : {1.0, 0.5}) {
        SCOPED_TRACE(name + " f " + std::to_string(static_cast<int>(f)) + " ld " + std::to_string(ld));
        PreferenceConfig c = with(name, 0.7, 0.1);
        c.f_divergence = f, c.ld_alpha = ld, c.discopop_tau = 0.5;
        std::vector<Pair> pairs;
        for (const Row& row : rows)
          pairs.push_back({{row.nc, 0.0, std::vector<float>(row.nc, static_cast<float>(row.ref_c / row.nc))}, {row.nr, 0.0, std::vector<float>(row.nr, static_cast<float>(row.ref_r / row.nr))}});
        PreferenceObjective objective(pairs, c);
        test::expect_slopes(objective, scores_of(rows), 1e-5, 1e-7);
      }
}

TEST(Preference, TheSizeOfACallChangesNothing) {
  const std::vector<Row> rows{kFirst, kSecond, kThird};
  const auto scores = scores_of(rows);
  for (const auto& [name, kind] : preference_loss_names()) {
    auto objective = objective_of(rows, with(name, 0.3, 0.1));
    const auto whole = evaluate(objective, scores);
    if (kind == PreferenceLoss::aot || kind == PreferenceLoss::aot_unpaired) {
      std::vector<Slopes> slopes(2);
      EXPECT_THROW(objective.evaluate(std::vector<std::size_t>{0, 1}, std::span(scores).first(2), slopes), Error);
      continue;
    }
    double loss = 0.0;
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
      std::vector<Slopes> slopes(2);
      loss += objective.evaluate(std::vector<std::size_t>{2 * k, 2 * k + 1}, std::span(scores).subspan(2 * k, 2), slopes);
      EXPECT_EQ(slopes[0].logp, whole.slopes[2 * k].logp) << name;
      EXPECT_EQ(slopes[1].logp, whole.slopes[2 * k + 1].logp) << name;
    }
    EXPECT_NEAR(loss, whole.loss, 1e-12) << name;
  }
}

TEST(Preference, NothingOverflows) {
  for (const double far : {-1e4, 1e4})
    for (const auto& [name, kind] : preference_loss_names()) {
      if (kind == PreferenceLoss::discopop || kind == PreferenceLoss::orpo) continue;  // an exponential by definition; a probability of 1
      const Row row{-5, -5 - far, -5, -5, 5, 5};
      auto objective = objective_of({row}, with(name, 1.0, 0.1));
      const auto r = evaluate(objective, scores_of({row}));
      EXPECT_TRUE(std::isfinite(r.loss)) << name;
      for (const auto& s : r.slopes)
        for (const double x : s.logp) EXPECT_TRUE(std::isfinite(x)) << name;
    }
}

TEST(Preference, LossesAddUpWithTheirWeights) {
  PreferenceConfig c = with("sigmoid");
  c.losses = {"sigmoid", "sft"}, c.loss_weights = {"2", "0.5"};
  EXPECT_NEAR(loss_of(kFirst, c), 2 * loss_of(kFirst, with("sigmoid")) + 0.5 * 3.0, 1e-9);
}

TEST(Preference, WrongInputIsNamed) {
  EXPECT_THROW(objective_of({kFirst}, with("sigmod")), Error);
  EXPECT_THROW(objective_of({kFirst}, with("exo_pair")), Error);
  PreferenceConfig two = with("sigmoid");
  two.loss_weights = {"1", "2"};
  EXPECT_THROW(objective_of({kFirst}, two), Error);
  PreferenceConfig ld = with("sigmoid");
  ld.ld_alpha = 0.5;
  EXPECT_THROW(objective_of({kFirst}, ld), Error);
  auto objective = objective_of({kFirst, kSecond}, with("sigmoid"));
  const auto scores = scores_of({kFirst, kSecond});
  std::vector<Slopes> slopes(1);
  EXPECT_THROW(objective.evaluate(std::vector<std::size_t>{0}, std::span(scores).first(1), slopes), Error);
  slopes.resize(2);
  EXPECT_THROW(objective.evaluate(std::vector<std::size_t>{1, 2}, std::span(scores).subspan(1, 2), slopes), Error);
}

TEST(Kto, SlopesAreFiniteDifferencesAndACallsSizeChangesNothing) {
  const std::vector<MarkedReply> replies{{{2, -3.0, {}}, true}, {{3, -4.0, {}}, false}, {{1, -0.5, {}}, true}};
  const std::vector<Scores> scores{{{-1.0, -1.5}, {}}, {{-2, -2, -1}, {}}, {{-0.7}, {}}};
  for (const KtoLoss loss : {KtoLoss::kto, KtoLoss::apo_zero_unpaired}) {
    KtoObjective objective(replies, {.loss = loss, .beta = 0.5, .desirable_weight = 1.5, .undesirable_weight = 0.5}, 0.25);
    test::expect_slopes(objective, scores, 1e-5, 1e-8);
    const auto whole = evaluate(objective, scores);
    double sum = 0.0;
    for (std::size_t k = 0; k < 3; ++k) {
      std::vector<Slopes> slopes(1);
      sum += objective.evaluate(std::vector{k}, std::span(scores).subspan(k, 1), slopes);
      EXPECT_EQ(slopes[0].logp, whole.slopes[k].logp);
    }
    EXPECT_NEAR(sum, whole.loss, 1e-12);
  }
}

TEST(Kto, TheBaselineIsNeverNegative) {
  EXPECT_EQ(kto_baseline(std::vector{-5.0, -3.0}, std::vector{-4.0, -3.0}), 0.0);
  EXPECT_EQ(kto_baseline(std::vector{-3.0, -3.0}, std::vector{-4.0, -3.0}), 0.5);
  EXPECT_THROW(kto_baseline({}, {}), Error);
  EXPECT_THROW(KtoObjective({}, {}, -1.0), Error);
}

}  // namespace
}  // namespace hone::objective
