#include "nn/adapters.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "nn/textbook_kit.h"
#include "nn/trainer.h"

namespace hone::nn {
namespace {

using namespace nn_test;

const LoraOptions four{.rank = 4, .alpha = 6.0};

std::vector<TokenSequence> some(int count) {
  std::vector<TokenSequence> out;
  Rng rng(9);
  for (int i = 0; i < count; ++i) {
    TokenSequence s;
    for (int t = 0; t < 6 + i % 5; ++t) s.ids.push_back(static_cast<int>(rng.below(61))), s.trained.push_back(t > 2);
    out.push_back(std::move(s));
  }
  return out;
}

// Weight 1 on each trained token.
double likelihood(std::span<const std::size_t>, std::span<const SequenceScores> scores, std::span<SequenceGradient> gradients) {
  double loss = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    for (const float l : scores[i].logp) loss -= static_cast<double>(l);
    gradients[i].d_logp.assign(scores[i].logp.size(), -1.0F);
  }
  return loss;
}

struct Adapted : Trainer {
  explicit Adapted(Family family = Family::llama, Compute compute = Compute::f32, const LoraOptions& lora = four, int frozen = 0) : Trainer(tiny(family), compute, {}, lora, frozen) {
    randomise(parameters(), 3);
    if (adapters() != nullptr) adapters()->initialise(7);
    weights_changed();
  }
  // B, too.
  void randomise_adapters() {
    Rng rng(12);
    for (const auto& n : adapters()->named()) {
      float* w = data<float>(adapters()->values()) + n.at.offset;
      for (std::int64_t i = 0; i < n.at.count(); ++i) w[i] = 0.2F * static_cast<float>(rng.normal());
    }
    weights_changed();
  }
};

std::vector<float> all_of(Policy& policy, WeightSet set) {
  std::vector<float> out;
  for (const auto& w : policy.weights(set)) out.insert(out.end(), w.values.begin(), w.values.end());
  return out;
}

void expect_same_scores(const std::vector<SequenceScores>& a, const std::vector<SequenceScores>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].logp, b[i].logp) << i;
}

TEST(Lora, AtFirstTheBasePlaysToTheLastBitAndWithoutAdaptersItDoesAgain) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    const auto sequences = some(6);
    Adapted plain(Family::llama, compute, {}), t(Family::llama, compute);
    ASSERT_EQ(plain.adapters(), nullptr);
    const auto base = plain.score(sequences, 1.0F, Which::current);
    expect_same_scores(t.score(sequences, 1.0F, Which::current), base);
    const auto untouched = all_of(t, WeightSet::all), as_begun = all_of(t, WeightSet::trained);
    t.keep_reference();
    for (int i = 0; i < 4; ++i) t.step(sequences, likelihood, {.lr = 1e-2});
    EXPECT_NE(t.score(sequences, 1.0F, Which::current)[0].logp, base[0].logp);
    EXPECT_EQ(all_of(t, WeightSet::all), untouched);
    expect_same_scores(t.score(sequences, 1.0F, Which::reference), base);
    const auto learned = t.score(sequences, 1.0F, Which::current);  // the reference put nothing out of place
    std::size_t at = 0;
    const auto after = all_of(t, WeightSet::trained);
    for (auto& w : t.weights(WeightSet::trained)) std::copy_n(as_begun.begin() + static_cast<std::ptrdiff_t>(at), w.values.size(), w.values.begin()), at += w.values.size();
    t.weights_changed();
    expect_same_scores(t.score(sequences, 1.0F, Which::current), base);
    at = 0;
    for (auto& w : t.weights(WeightSet::trained)) std::copy_n(after.begin() + static_cast<std::ptrdiff_t>(at), w.values.size(), w.values.begin()), at += w.values.size();
    t.weights_changed();
    expect_same_scores(t.score(sequences, 1.0F, Which::current), learned);
  }
}

// The textbook's gradient of the merged matrices, taken on to A and B by autograd through W = W0 + s B A.
TEST(Lora, GradientsAreAutogradsThroughTheMergedMatrix) {
  for (const Family family : {Family::llama, Family::qwen2, Family::qwen3})
    for (const bool checkpointing : {false, true}) {
      Adapted t(family);
      t.randomise_adapters();
      t.decoder().checkpointing(checkpointing);
      const auto sequences = some(5);
      Flat flat;
      std::vector<int> rows, targets;
      for (const auto& s : sequences) {
        const int first = static_cast<int>(flat.ids.size());
        for (std::size_t i = 1; i < s.ids.size(); ++i)
          if (s.trained[i]) rows.push_back(first + static_cast<int>(i) - 1), targets.push_back(s.ids[i]);
        flat.append(s.ids);
      }
      t.step(sequences, likelihood, {.lr = 0.0, .clip = 0.0});
      Parameters merged(t.parameters().arch(), Compute::f32);
      for (const auto& n : merged.layout().named) t.read(n.name, {data<float>(merged.master()) + n.at.offset, static_cast<std::size_t>(n.at.count())});
      merged.refresh();
      const auto book = textbook(merged, flat, rows, targets, 1.0, std::vector<float>(rows.size(), -1.0F), std::vector<float>(rows.size()));
      std::size_t seen = 0;
      for (const auto& n : merged.layout().named) {
        if (n.vector) continue;
        const std::string name = "base_model.model." + n.name.substr(0, n.name.rfind('.'));
        const auto& named = t.adapters()->named();
        const auto a_at = std::find_if(named.begin(), named.end(), [&](const auto& x) { return x.name == name + ".lora_A.weight"; });
        if (a_at == named.end()) continue;
        ++seen;
        const auto part = [&](const at::Tensor& flat_array, const Span& s) { return flat_array.narrow(0, s.offset, s.count()).view({s.rows, s.columns}).to(at::kDouble).clone(); };
        at::Tensor a = part(t.adapters()->values(), a_at->at).requires_grad_(true), b = part(t.adapters()->values(), (a_at + 1)->at).requires_grad_(true);
        const at::Tensor w = part(t.parameters().master(), n.at) + 1.5 * b.matmul(a);  // alpha / rank
        (w * part(book.gradient, n.at)).sum().backward();
        for (const auto& [span, expected] : {std::pair{a_at->at, a.grad()}, std::pair{(a_at + 1)->at, b.grad()}}) {
          const at::Tensor got = part(t.adapters()->gradient(), span);
          EXPECT_LT((got - expected).norm().item<double>() / expected.norm().item<double>(), 5e-5) << n.name << " " << to_string(family);
        }
      }
      EXPECT_EQ(seen, 14U);  // seven matrices in two layers
    }
}

TEST(Lora, WhatIsReadIsWhatPlays) {
  Adapted t;
  t.randomise_adapters();
  Trainer merged(tiny(Family::llama), Compute::f32, {});
  for (auto& w : merged.weights(WeightSet::all)) t.read(w.name, w.values);
  merged.weights_changed();
  const auto sequences = some(4);
  expect_same_scores(t.score(sequences, 1.0F, Which::current), merged.score(sequences, 1.0F, Which::current));
  std::vector<float> wrong(3);
  EXPECT_THROW(t.read("model.norm.weight", wrong), Error);
  EXPECT_THROW(t.read("model.norm", wrong), Error);
}

TEST(Lora, OnlySomeMatricesOfSomeLayers) {
  Adapted t(Family::qwen2, Compute::f32, {.rank = 2, .alpha = 2.0, .targets = {"v_proj", "down_proj"}}, 1);
  std::vector<std::string> names;
  for (const auto& w : t.weights(WeightSet::trained)) names.push_back(w.name + " " + std::to_string(w.shape[0]) + "x" + std::to_string(w.shape[1]));
  EXPECT_EQ(names, (std::vector<std::string>{"base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight 2x32", "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight 16x2",
                                             "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight 2x48", "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight 32x2"}));
  const auto sequences = some(4);
  const double before = t.step(sequences, likelihood, {.lr = 1e-2, .clip = 0.0}).loss;
  double after = before;
  for (int i = 0; i < 30; ++i) after = t.step(sequences, likelihood, {.lr = 1e-2, .clip = 0.0}).loss;
  EXPECT_LT(after, 0.9 * before);
  try {
    Adapted bad(Family::llama, Compute::f32, {.rank = 2, .alpha = 2.0, .targets = {"q_proj", "c_attn"}});
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    EXPECT_STREQ(e.what(), "policy: lora targets: expected some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, got 'c_attn'");
  }
}

TEST(Lora, ResumedRunsEndWithTheSameBytesOverTheSameBaseOnly) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    const auto sequences = some(6);
    const StepOptions options{.lr = 1e-2, .weight_decay = 0.01, .ema = 0.5};
    Adapted straight(Family::llama, compute), first(Family::llama, compute), second(Family::llama, compute), other(Family::llama, compute);
    for (int i = 0; i < 5; ++i) straight.step(sequences, likelihood, options);
    first.keep_reference();
    for (int i = 0; i < 2; ++i) first.step(sequences, likelihood, options);
    MemorySink saved;
    first.save(saved);
    MemorySource source(saved.data);
    second.load(source);
    for (int i = 0; i < 3; ++i) second.step(sequences, likelihood, options);
    EXPECT_EQ(all_of(straight, WeightSet::trained), all_of(second, WeightSet::trained));
    EXPECT_EQ(all_of(straight, WeightSet::average), all_of(second, WeightSet::average));
    expect_same_scores(second.score(sequences, 1.0F, Which::current), straight.score(sequences, 1.0F, Which::current));
    expect_same_scores(second.score(sequences, 1.0F, Which::reference), first.score(sequences, 1.0F, Which::reference));
    other.weights(WeightSet::all)[0].values[3] += 1.0F;
    other.weights_changed();
    MemorySource again(saved.data);
    try {
      other.load(again);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::corrupt);
    }
  }
}

}  // namespace
}  // namespace hone::nn
