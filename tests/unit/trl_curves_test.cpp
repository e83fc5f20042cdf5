// Twenty optimiser steps beside TRL's own trainers and peft's adapters, on the batches that they made (tests/reference/trl_curves.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/policy_module.h"
#include "nn/named_weights_kit.h"
#include "objective/preference.h"
#include "objective/sft.h"

namespace hone {
namespace {

using nlohmann::json;

const json& recorded() {
  static const json all = [] {
    const char* root = std::getenv("HONE_SOURCE_DIR");
    std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests/reference/trl_curves.json");
    return json::parse(in);
  }();
  return all;
}

std::string why_not() {
  if (const char* bin = std::getenv("HONE_BIN"); bin != nullptr && std::getenv("HONE_NN") == nullptr)
    setenv("HONE_NN", (std::filesystem::path(bin).parent_path() / "libhone_nn.so").c_str(), 1);
  return why_no_policy();
}

std::unique_ptr<Policy> opened(bool adapters) {
  auto policy = open_policy({.arch = {.family = Family::llama, .vocab = 37, .width = 32, .layers = 2, .heads = 4, .kv_heads = 2, .head_dim = 8, .ff = 48, .context = 256,
                                      .rope_theta = 1000.0F, .norm_eps = 1e-5F, .tied = true},
                             .precision = Precision::f32, .threads = 1, .lora = {.rank = adapters ? 4 : 0, .alpha = 8.0}});
  for (auto& w : policy->weights(WeightSet::all)) nn_test::fill_by_name(w.name, w.shape.size() == 1, w.values);
  if (adapters)
    for (auto& w : policy->weights(WeightSet::trained))
      if (w.name.ends_with("lora_A.weight")) nn_test::fill_by_name(w.name, false, w.values);
  policy->weights_changed();
  return policy;
}

std::vector<TokenSequence> sequences_of(const json& step) {
  std::vector<TokenSequence> out;
  for (const auto& s : step) {
    out.push_back({s["ids"].get<std::vector<int>>(), s["trained"].get<std::vector<std::uint8_t>>()});
    out.back().trained[0] = 0;  // nothing comes before it
  }
  return out;
}

int trained(const TokenSequence& s) { return static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)); }

StepResult step_of(Policy& policy, const std::string& kind, const std::vector<TokenSequence>& sequences, StepOptions options) {
  if (kind == "sft") {
    std::vector<int> tokens;
    for (const auto& s : sequences) tokens.push_back(trained(s));
    objective::SftObjective objective(tokens, {});
    return policy.step(sequences, objective.loss(), options);
  }
  std::vector<objective::Pair> pairs;
  const auto reference = policy.score(sequences, 1.0F, Which::reference);
  for (std::size_t i = 0; i < sequences.size(); i += 2)
    pairs.push_back({{.tokens = trained(sequences[i]), .ref = 0.0, .ref_tokens = reference[i].logp}, {.tokens = trained(sequences[i + 1]), .ref = 0.0, .ref_tokens = reference[i + 1].logp}});
  objective::PreferenceObjective objective(std::move(pairs), {});
  options.together = 2;
  return policy.step(sequences, objective.loss(), options);
}

TEST(TrlCurves, TwentyStepsOfSftAndDpoWithAndWithoutAdapters) {
  if (const auto why = why_not(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_EQ(recorded()["curves"].size(), 4U);
  for (const auto& curve : recorded()["curves"]) {
    const auto kind = curve["kind"].get<std::string>();
    const auto policy = opened(curve["adapters"].get<bool>());
    if (kind == "dpo") policy->keep_reference();
    ASSERT_EQ(curve["steps"].size(), 20U);
    double farthest = 0.0, first = 0.0, last = 0.0;
    for (std::size_t i = 0; i < 20; ++i) {
      const auto result = step_of(*policy, kind, sequences_of(curve["steps"][i]), {.lr = curve["lr"][i].get<double>(), .weight_decay = 0.01, .clip = 1.0});
      const auto expected = curve["loss"][i].get<double>(), norm = curve["gradient_norm"][i].get<double>();
      EXPECT_NEAR(result.loss, expected, 1e-3) << kind << " adapters " << curve["adapters"] << " step " << i;
      EXPECT_NEAR(result.gradient_norm, norm, 1e-2 * norm + 1e-3) << kind << " adapters " << curve["adapters"] << " step " << i;
      farthest = std::max(farthest, std::abs(result.loss - expected));
      if (i == 0) first = result.loss;
      last = result.loss;
    }
    std::printf("  %s%s: %.3f to %.3f, farthest from TRL %.1e\n", kind.c_str(), curve["adapters"].get<bool>() ? ", adapters" : "", first, last, farthest);
    EXPECT_GT(std::abs(first - last), 0.05);  // a curve, not a line
  }
}

TEST(TrlCurves, AdaptersHavePeftsNamesAndShapes) {
  if (const auto why = why_not(); !why.empty()) GTEST_SKIP() << why;
  std::map<std::string, std::vector<std::int64_t>> ours;
  for (const auto& w : opened(true)->weights(WeightSet::trained)) ours[w.name] = w.shape;
  for (const auto& curve : recorded()["curves"]) {
    if (!curve["adapters"].get<bool>()) continue;
    const auto theirs = curve["names"].get<std::map<std::string, std::vector<std::int64_t>>>();
    EXPECT_EQ(ours, theirs);
  }
}

}  // namespace
}  // namespace hone
