// Against TRL's and verl's own functions with autograd's gradients, on recorded tensors (tests/reference/objectives.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "objective/kto.h"
#include "objective/objective_test_kit.h"
#include "objective/preference.h"
#include "objective/sft.h"

namespace hone::objective {
namespace {

using nlohmann::json;
using test::evaluate;
using Rows = std::vector<std::vector<double>>;

constexpr double kTolerance = 1e-5;

const json& recorded() {
  static const json all = [] {
    const char* root = std::getenv("HONE_SOURCE_DIR");
    std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests/reference/objectives.json");
    return json::parse(in);
  }();
  return all;
}

Settings settings_of(const json& given) {
  Settings out;
  for (const auto& [name, value] : given.items()) out[name] = Setting{{value.get<std::string>()}, false, "objectives.json"};
  return out;
}

void expect_rows(const Rows& got, const json& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), expected[i].size());
    for (std::size_t t = 0; t < got[i].size(); ++t) EXPECT_NEAR(got[i][t], expected[i][t].get<double>(), kTolerance) << "row " << i << " token " << t;
  }
}

void expect_metrics(const Metrics& got, const json& expected) {
  for (const auto& [name, value] : expected.items()) EXPECT_NEAR(got.at(name), value.get<double>(), kTolerance) << name;
}

Rows logp_of(const std::vector<Slopes>& slopes) {
  Rows out;
  for (const auto& s : slopes) out.push_back(s.logp);
  return out;
}

struct Batch {
  std::vector<Sample> samples;
  std::vector<Scores> scores;
};
Batch batch() {
  const json& b = recorded().at("batch");
  Batch out;
  for (std::size_t i = 0; i < b.at("tokens").size(); ++i) {
    Sample s = test::sample(b["groups"][i], b["tokens"][i], b["rewards"][i].get<double>());
    s.truncated = b["truncated"][i] == 1;
    s.logp_now = b["logp"][i].get<std::vector<float>>();
    s.logp_old = b["old"][i].get<std::vector<float>>();
    s.logp_roll = b["roll"][i].get<std::vector<float>>();
    s.logp_ref = b["ref"][i].get<std::vector<float>>();
    s.entropy = b["entropy"][i].get<std::vector<float>>();
    out.samples.push_back(s);
    out.scores.push_back({b["logp"][i].get<std::vector<double>>(), b["entropy"][i].get<std::vector<double>>()});
  }
  return out;
}

TEST(Parity, AdvantagesOfVerl) {
  ASSERT_GE(recorded().at("advantages").size(), 8U);
  for (const json& c : recorded().at("advantages")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Batch b = batch();
    expect_rows(advantages(std::span(b.samples).first(c.at("samples").get<std::size_t>()), read_config<ObjectiveConfig>(settings_of(c.at("settings")))).of, c.at("values"));
  }
}

TEST(Parity, AdvantagesOfTrlWithSeveralAndMissingRewards) {
  ASSERT_GE(recorded().at("reward_functions").size(), 4U);
  for (const json& c : recorded().at("reward_functions")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    auto config = read_config<ObjectiveConfig>(settings_of(c.at("settings")));
    config.reward_weights = c.at("weights").get<std::vector<std::string>>();
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < c.at("rewards").size(); ++i) {
      samples.push_back(test::sample(c["groups"][i], 1));
      for (const json& r : c["rewards"][i]) samples.back().rewards.push_back(r.is_null() ? std::nan("") : r.get<double>());
    }
    const auto got = advantages(samples, config).of;
    ASSERT_EQ(got.size(), c.at("values").size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i][0], c["values"][i].get<double>(), kTolerance) << i;
  }
}

TEST(Parity, PolicyLossesOfTrlAndVerl) {
  ASSERT_GE(recorded().at("policy").size(), 50U);
  for (const json& c : recorded().at("policy")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    Batch b = batch();
    for (std::size_t i = 0; i < b.samples.size(); ++i) b.samples[i].advantages = {recorded()["batch"]["advantages"][i].get<double>()};
    PolicyObjective objective(b.samples, read_config<ObjectiveConfig>(settings_of(c.at("settings"))), Rng(1));
    const auto r = evaluate(objective, b.scores);
    EXPECT_NEAR(r.loss, c.at("loss").get<double>(), kTolerance);
    expect_rows(logp_of(r.slopes), c.at("logp"));
    if (!c.contains("entropy")) continue;
    Rows entropy;
    for (const auto& s : r.slopes) entropy.push_back(s.entropy);
    expect_rows(entropy, c.at("entropy"));
  }
}

// Chosen replies first, then the rejected ones, as the libraries hold them.
Reply reply(std::size_t row) {
  const json& p = recorded().at("pairs");
  const auto ref = p["ref"][row].get<std::vector<float>>();
  return {static_cast<int>(ref.size()), 0.0, ref};
}

TEST(Parity, PreferenceLossesOfTrl) {
  ASSERT_GE(recorded().at("preference").size(), 22U);
  const Rows logp = recorded().at("pairs").at("logp");
  const std::size_t n = logp.size() / 2;
  for (const json& c : recorded().at("preference")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    PreferenceConfig config;
    config.losses = c.at("losses").get<std::vector<std::string>>();
    config.loss_weights = c.at("weights").get<std::vector<std::string>>();
    config = read_config(settings_of(c.at("settings")), config);
    std::vector<Pair> pairs;
    std::vector<Scores> scores;
    for (std::size_t k = 0; k < n; ++k) {
      pairs.push_back({reply(k), reply(n + k)});
      scores.push_back({logp[k], {}}), scores.push_back({logp[n + k], {}});
    }
    PreferenceObjective objective(pairs, config);
    const auto r = evaluate(objective, scores);
    EXPECT_NEAR(r.loss, c.at("loss").get<double>(), kTolerance);
    Rows got;
    for (std::size_t k = 0; k < 2 * n; ++k) got.push_back(r.slopes[k < n ? 2 * k : 2 * (k - n) + 1].logp);
    expect_rows(got, c.at("logp"));
    expect_metrics(objective.metrics(), c.at("metrics"));
  }
}

TEST(Parity, UnpairedLossesOfTrl) {
  ASSERT_GE(recorded().at("unpaired").size(), 2U);
  const Rows logp = recorded().at("pairs").at("logp");
  for (const json& c : recorded().at("unpaired")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto config = read_config<KtoConfig>(settings_of(c.at("settings")));
    const auto policy = c.at("others").at("policy").get<std::vector<double>>(), reference = c.at("others").at("reference").get<std::vector<double>>();
    std::vector<MarkedReply> replies;
    std::vector<Scores> scores;
    for (std::size_t k = 0; k < logp.size(); ++k) replies.push_back({reply(k), k < logp.size() / 2}), scores.push_back({logp[k], {}});
    KtoObjective objective(replies, config, config.loss == KtoLoss::kto ? kto_baseline(policy, reference) : 0.0);
    const auto r = evaluate(objective, scores);
    EXPECT_NEAR(r.loss, c.at("loss").get<double>(), kTolerance);
    expect_rows(logp_of(r.slopes), c.at("logp"));
    expect_metrics(objective.metrics(), c.at("metrics"));
  }
}

TEST(Parity, DynamicFineTuningOfTrl) {
  const json& p = recorded().at("pairs");
  std::vector<int> tokens;
  std::vector<Scores> scores;
  for (const auto& row : p.at("logp").get<Rows>()) tokens.push_back(static_cast<int>(row.size())), scores.push_back({row, {}});
  SftObjective objective(tokens, {.loss = SftLoss::dft});
  const auto r = evaluate(objective, scores);
  EXPECT_NEAR(r.loss, p.at("dft").at("loss").get<double>(), kTolerance);
  expect_rows(logp_of(r.slopes), p.at("dft").at("logp"));
}

}  // namespace
}  // namespace hone::objective
