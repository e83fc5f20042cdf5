#include "nn/trainer.h"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include "core/error.h"
#include "nn/textbook_kit.h"

namespace hone::nn {
namespace {

using namespace nn_test;

TokenSequence sequence(std::uint64_t seed, int prompt, int reply) {
  Rng rng(seed);
  TokenSequence s;
  for (int i = 0; i < prompt + reply; ++i) {
    s.ids.push_back(static_cast<int>(rng.below(61)));
    s.trained.push_back(i >= prompt);
  }
  return s;
}

std::vector<TokenSequence> some(int count) {
  std::vector<TokenSequence> out;
  for (int i = 0; i < count; ++i) out.push_back(sequence(50 + i, 3 + i % 4, 4 + (3 * i) % 9));
  return out;
}

std::int64_t trained(const std::vector<TokenSequence>& sequences) {
  std::int64_t n = 0;
  for (const auto& s : sequences) n += std::count(s.trained.begin(), s.trained.end(), 1);
  return n;
}

// Mean negative log-likelihood over all trained tokens of the step.
Loss likelihood(const std::vector<TokenSequence>& sequences) {
  const double n = static_cast<double>(trained(sequences));
  return [n](std::span<const std::size_t>, std::span<const SequenceScores> scores, std::span<SequenceGradient> gradients) {
    double loss = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (const float l : scores[i].logp) loss -= l / n;
      gradients[i].d_logp.assign(scores[i].logp.size(), static_cast<float>(-1.0 / n));
    }
    return loss;
  };
}

std::vector<float> weights(Trainer& t) {
  const float* w = data<float>(t.parameters().master());
  return {w, w + t.parameters().layout().total};
}

struct Fresh : Trainer {
  explicit Fresh(Compute compute = Compute::f32) : Trainer(tiny(Family::llama), compute, {}) { randomise(parameters(), 3); }
};

TEST(Trainer, AStepIsTorchsAdamWOnTheTextbooksGradient) {
  Fresh t;
  const auto sequences = some(5);
  Flat flat;
  std::vector<int> rows, targets;
  for (const auto& s : sequences) {
    const int first = static_cast<int>(flat.ids.size());
    for (std::size_t i = 1; i < s.ids.size(); ++i)
      if (s.trained[i]) rows.push_back(first + static_cast<int>(i) - 1), targets.push_back(s.ids[i]);
    flat.append(s.ids);
  }
  const StepOptions options{.lr = 1e-2, .weight_decay = 0.0, .clip = 0.0};
  at::Tensor w = t.parameters().master().detach().clone().requires_grad_(true);
  torch::optim::AdamW adam({w}, torch::optim::AdamWOptions(1e-2).weight_decay(0.0));
  for (int step = 0; step < 3; ++step) {
    const auto book = textbook(t.parameters(), flat, rows, targets, 1.0, std::vector<float>(rows.size(), -1.0F / static_cast<float>(rows.size())), std::vector<float>(rows.size()));
    w.mutable_grad() = book.gradient;
    adam.step();
    const auto result = t.step(sequences, likelihood(sequences), options);
    EXPECT_NEAR(result.gradient_norm, book.gradient.norm().item<double>(), 1e-5);
    EXPECT_EQ(result.trained, static_cast<std::int64_t>(rows.size()));
    EXPECT_LT((t.parameters().master() - w.detach()).abs().max().item<float>(), 5e-4F) << step;  // a step moves each weight by 1e-2
    w.detach().copy_(t.parameters().master());
  }
}

TEST(Trainer, PiecesOfAStepChangeNothingButRounding) {
  const auto sequences = some(8);
  std::vector<std::vector<float>> after;
  for (const int most : {1, 25, 8192}) {
    Fresh t;
    t.step(sequences, likelihood(sequences), {.lr = 0.0, .clip = 0.0, .microbatch_tokens = most});
    const float* g = data<float>(t.parameters().gradient());
    after.emplace_back(g, g + t.parameters().layout().total);
  }
  double length = 0.0, off = 0.0;
  for (std::size_t i = 0; i < after[0].size(); ++i) {
    length += static_cast<double>(after[0][i]) * after[0][i];
    off += std::pow(after[0][i] - after[1][i], 2) + std::pow(after[0][i] - after[2][i], 2);
  }
  EXPECT_LT(std::sqrt(off / length), 1e-5);
}

TEST(Trainer, PairsAreNeverSeparated) {
  Fresh t;
  const auto sequences = some(8);
  int calls = 0;
  t.step(sequences, [&](auto which, auto scores, auto gradients) {
    ++calls;
    EXPECT_EQ(which.size() % 2, 0U);
    EXPECT_EQ(which[0] % 2, 0U);
    for (std::size_t i = 0; i < scores.size(); ++i) gradients[i].d_logp.resize(scores[i].logp.size());
    return 0.0;
  }, {.microbatch_tokens = 1, .together = 2});
  EXPECT_EQ(calls, 4);
  EXPECT_THROW(t.step(some(3), likelihood(some(3)), {.together = 2}), Error);
}

TEST(Trainer, ResumedRunsEndWithTheSameBytes) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    const auto sequences = some(6);
    Fresh straight(compute), first(compute);
    Trainer second(tiny(Family::llama), compute, {});
    const StepOptions options{.lr = 1e-3, .weight_decay = 0.01};
    for (int i = 0; i < 5; ++i) straight.step(sequences, likelihood(sequences), options);
    first.keep_reference();
    for (int i = 0; i < 2; ++i) first.step(sequences, likelihood(sequences), options);
    MemorySink saved;
    first.save(saved);
    MemorySource source(saved.data);
    second.load(source);
    for (int i = 0; i < 3; ++i) second.step(sequences, likelihood(sequences), options);
    EXPECT_EQ(weights(straight), weights(second));
    const auto before = Fresh(compute).score(sequences, 1.0F, Which::current), kept = second.score(sequences, 1.0F, Which::reference);
    EXPECT_EQ(before[3].logp, kept[3].logp);
  }
}

TEST(Trainer, TheAverageFollowsTheWeightsAndComesBackFromACheckpoint) {
  const auto sequences = some(6);
  const StepOptions options{.lr = 1e-2, .ema = 0.75};
  Fresh t, second;
  EXPECT_TRUE(t.weights(WeightSet::average).empty());
  const auto flat = [](Trainer& from, WeightSet set) {
    std::vector<float> out;
    for (const auto& w : from.weights(set)) out.insert(out.end(), w.values.begin(), w.values.end());
    return out;
  };
  std::vector<double> expected;
  for (const float w : flat(t, WeightSet::trained)) expected.push_back(static_cast<double>(w));  // it begins where the weights do
  for (int step = 0; step < 4; ++step) {
    if (step == 2) {
      MemorySink saved;
      t.save(saved);
      MemorySource source(saved.data);
      second.load(source);
    }
    t.step(sequences, likelihood(sequences), options);
    const auto now = flat(t, WeightSet::trained);
    for (std::size_t i = 0; i < now.size(); ++i) expected[i] = 0.75 * expected[i] + 0.25 * static_cast<double>(now[i]);
    const auto average = flat(t, WeightSet::average);
    ASSERT_EQ(average.size(), expected.size());
    double far = 0.0;
    for (std::size_t i = 0; i < average.size(); ++i) far = std::max(far, std::abs(static_cast<double>(average[i]) - expected[i]));
    EXPECT_LT(far, 1e-6) << step;
    EXPECT_NE(average, now);
  }
  for (int step = 2; step < 4; ++step) second.step(sequences, likelihood(sequences), options);
  EXPECT_EQ(flat(second, WeightSet::average), flat(t, WeightSet::average));
  EXPECT_EQ(flat(second, WeightSet::trained), flat(t, WeightSet::trained));
  // A step that is skipped moves it no more than the weights.
  const auto before = flat(t, WeightSet::average);
  StepOptions skipped = options;
  skipped.skip_above = 1e-9;
  EXPECT_TRUE(t.step(sequences, likelihood(sequences), skipped).skipped);
  EXPECT_EQ(flat(t, WeightSet::average), before);
}

TEST(Trainer, WhatIsNotFiniteStopsBeforeAnyWeightChanges) {
  Fresh t;
  const auto before = weights(t);
  const auto sequences = some(4);
  EXPECT_THROW(t.step(sequences, [&](auto, auto scores, auto gradients) {
    for (std::size_t i = 0; i < scores.size(); ++i) gradients[i].d_logp.assign(scores[i].logp.size(), NAN);
    return 0.0;
  }, {}), Error);
  EXPECT_EQ(weights(t), before);
  const auto result = t.step(sequences, likelihood(sequences), {.lr = 1.0, .skip_above = 1e-9});
  EXPECT_TRUE(result.skipped);
  EXPECT_EQ(weights(t), before);
}

TEST(Trainer, LearnsWhatItIsShownAndSaysItBack) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    Trainer t(tiny(Family::llama), compute, {});
    t.parameters().initialise(1);
    const std::vector<TokenSequence> sequences{sequence(1, 3, 12), sequence(2, 4, 12)};
    double first = 0.0, last = 0.0;
    for (int i = 0; i < 150; ++i) {
      last = t.step(sequences, likelihood(sequences), {.lr = 3e-3}).loss;
      if (i == 0) first = last;
    }
    EXPECT_NEAR(first, std::log(61.0), 0.1);
    EXPECT_LT(last, 0.1);
    for (const auto& s : sequences) {
      const auto prompt = std::count(s.trained.begin(), s.trained.end(), 0);
      SampleRequest r{{s.ids.begin(), s.ids.begin() + prompt}, {}};
      r.sampling.max_tokens = 12;
      const auto said = t.sample(std::span(&r, 1));
      EXPECT_EQ(said[0].ids, std::vector<int>(s.ids.begin() + prompt, s.ids.end()));
    }
  }
}

TEST(Trainer, RefusesMarksThatDoNotFit) {
  Fresh t;
  EXPECT_THROW(t.score(std::vector<TokenSequence>{{{1, 2}, {0}}}, 1.0F, Which::current), Error);
  EXPECT_THROW(t.score(std::vector<TokenSequence>{{{1, 2}, {1, 0}}}, 1.0F, Which::current), Error);
  EXPECT_THROW(t.score(some(1), 1.0F, Which::reference), Error);
  EXPECT_EQ(t.score(std::vector<TokenSequence>{{{1, 2}, {0, 0}}}, 1.0F, Which::current)[0].logp.size(), 0U);
}

}  // namespace
}  // namespace hone::nn
