#include "engine/trainable.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "models/policy_module.h"
#include "models/safetensors.h"
#include "models/weights/weights.h"
#include "wire/json.h"

namespace hone {
namespace {

#define NEEDS_NN() \
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why

TrainableConfig small() {
  TrainableConfig c;
  c.precision = Precision::f32;
  c.threads = 1;
  c.width = 16, c.layers = 2, c.heads = 2, c.context = 64, c.batch = 2;
  return c;
}

const std::vector<TokenSequence> two{{{10, 20, 30, 40, 50}, {0, 0, 1, 1, 1}}, {{11, 20, 31, 40}, {0, 0, 1, 1}}};

// -sum of the log-probabilities, times `factor`.
Loss likelihood(double factor = 1.0) {
  return [factor](std::span<const std::size_t>, std::span<const SequenceScores> scores, std::span<SequenceGradient> gradients) {
    double loss = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (const float l : scores[i].logp) loss -= factor * static_cast<double>(l);
      gradients[i].d_logp.assign(scores[i].logp.size(), static_cast<float>(-factor));
    }
    return loss;
  };
}

std::vector<float> played(Trainable& t) {
  std::vector<float> out;
  for (const auto& s : t.policy().score(two, 1.0F, Which::current)) out.insert(out.end(), s.logp.begin(), s.logp.end());
  return out;
}

std::vector<float> flat(Policy& policy, WeightSet set) {
  std::vector<float> out;
  for (const auto& w : policy.weights(set)) out.insert(out.end(), w.values.begin(), w.values.end());
  return out;
}

TEST(Trainable, WhatPlaysIsTheBeginningTheTrainingOrTheLesson) {
  NEEDS_NN();
  for (const int rank : {0, 2})
    for (const double ema : {0.0, 0.5}) {
      auto config = small();
      config.lora_rank = rank;
      Trainable t("tiny", config, 3, {});
      const auto begun = played(t);
      t.play(Plays::lesson);
      EXPECT_EQ(played(t), begun);  // nothing learned yet
      t.play(Plays::training);
      for (int i = 0; i < 3; ++i) t.policy().step(two, likelihood(), {.lr = 1e-2, .ema = ema});
      const auto trained = played(t), weights = flat(t.policy(), WeightSet::trained), average = flat(t.policy(), WeightSet::average);
      EXPECT_NE(trained, begun);
      EXPECT_EQ(average.empty(), ema == 0.0);
      t.play(Plays::first);
      EXPECT_EQ(played(t), begun);
      t.play(Plays::lesson);
      const auto lesson = played(t);
      EXPECT_EQ(lesson == trained, ema == 0.0);
      EXPECT_EQ(flat(t.policy(), WeightSet::trained), ema == 0.0 ? weights : average);
      t.play(Plays::first);
      EXPECT_EQ(played(t), begun);
      t.play(Plays::training);
      EXPECT_EQ(played(t), trained);
      EXPECT_EQ(flat(t.policy(), WeightSet::trained), weights);
      EXPECT_EQ(flat(t.policy(), WeightSet::average), average);
    }
}

TEST(Trainable, AdaptersAreMergedForOthersAndSavedAsPeftDoes) {
  NEEDS_NN();
  test::Folder scratch;
  auto config = small();
  config.lora_rank = 2;
  config.lora_alpha = 3.0;
  config.lora_targets = {"q_proj", "down_proj"};
  Trainable t("tiny", config, 3, {});
  for (int i = 0; i < 3; ++i) t.policy().step(two, likelihood(), {.lr = 1e-2, .ema = 0.5});
  t.publish(scratch / "model");  // the average
  EXPECT_EQ(flat(t.policy(), WeightSet::trained), flat(t.policy(), WeightSet::average));
  for (const auto& place : {scratch / "model/safetensors", scratch / "model/model.gguf"}) {
    const auto file = open_weights(place);
    for (const auto& tensor : file->tensors()) {
      std::vector<float> expected(static_cast<std::size_t>(tensor.count())), got(expected.size());
      t.policy().read(tensor.name, expected);
      file->read(tensor.name, got);
      EXPECT_EQ(got, expected) << place << " " << tensor.name;
    }
  }
  std::ifstream in(scratch / "model/adapter/adapter_model.safetensors", std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  const std::string file = bytes.str();
  std::map<std::string, SafeTensor> saved;
  for (auto& s : read_safetensors(file, "adapter")) saved[s.name] = s;
  const auto weights = t.policy().weights(WeightSet::trained);
  ASSERT_EQ(weights.size(), 8U);
  EXPECT_EQ(saved.size(), weights.size());
  for (const auto& w : weights) {
    ASSERT_TRUE(saved.contains(w.name)) << w.name;
    EXPECT_EQ(saved[w.name].shape, w.shape);
    EXPECT_EQ(std::memcmp(file.data() + saved[w.name].begin, w.values.data(), w.values.size() * sizeof(float)), 0) << w.name;
  }
  EXPECT_TRUE(saved.contains("base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"));
  std::ifstream json(scratch / "model/adapter/adapter_config.json");
  const auto facts = nlohmann::json::parse(json);
  EXPECT_EQ(facts["peft_type"], "LORA");
  EXPECT_EQ(facts["r"], 2);
  EXPECT_EQ(facts["lora_alpha"], 3.0);
  EXPECT_EQ(facts["target_modules"], (std::vector<std::string>{"q_proj", "down_proj"}));
}

// Takes a step every round; from round `bad` on its loss is not a number.
class Falls final : public Learner {
 public:
  explicit Falls(int bad) : bad_(bad) {}
  Need next(const Progress&) override {
    Need need;
    need.done = round_ >= 4;
    return need;
  }
  Update learn(const Experience&, const Lessons&, Tools& tools) override {
    tools.policy()->step(two, likelihood(round_ >= bad_ ? std::nan("") : 1.0), {.lr = 1e-2});
    ++round_;
    return {};
  }
  void save(Sink& sink) const override { put(sink, round_); }
  void load(Source& source) override { get(source, round_); }

 private:
  int bad_, round_ = 0;
};

TEST(Trainable, ALossThatIsNotANumberEndsTheRunAndNamesTheLastGoodWeightsWhichItGoesOnFrom) {
  NEEDS_NN();
  test::Folder scratch;
  test::Bench bench(scratch);
  const auto go = [&](const std::string& run, Trainable& trainable, int bad, const std::string& folder) {
    Falls learner(bad);
    LearnPlan plan;
    plan.store = &bench.store;
    plan.run = run;
    plan.recipe = &bench.recipe;
    plan.stage = bench.stage();
    plan.learner = &learner;
    plan.embedder = &bench.embedder;
    plan.trainable = &trainable;
    plan.weights = scratch / folder;
    std::filesystem::create_directories(plan.weights);
    return learn(plan);
  };
  Trainable whole("tiny", small(), 3, {});
  go(bench.new_run(), whole, 100, "whole");

  const auto run = bench.new_run();
  Trainable broken("tiny", small(), 3, {});
  const auto file = scratch / "broken/round-2.policy";
  try {
    go(run, broken, 2, "broken");
    ADD_FAILURE() << "expected an Error";
  } catch (const Error& e) {
    const std::string said = e.what();
    EXPECT_EQ(e.fault(), Fault::bad_input);
    EXPECT_NE(said.find("round 2: policy: step 3 is not finite (loss nan"), std::string::npos) << said;
    EXPECT_NE(said.find("the weights of the round before are in " + file.string()), std::string::npos) << said;
  }
  ASSERT_TRUE(std::filesystem::exists(file));
  Trainable again("tiny", small(), 3, {});
  go(run, again, 100, "broken");  // another setting, say: the same run goes on from there
  EXPECT_EQ(flat(again.policy(), WeightSet::trained), flat(whole.policy(), WeightSet::trained));

  // In the first round there is nothing to name yet.
  Trainable first("tiny", small(), 3, {});
  try {
    go(bench.new_run(), first, 0, "first");
    ADD_FAILURE() << "expected an Error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("round 0: policy: step 1 is not finite"), std::string::npos) << e.what();
    EXPECT_EQ(std::string(e.what()).find("round before"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace hone
