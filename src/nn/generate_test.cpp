#include "nn/generate.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "nn/head.h"
#include "nn/sampler.h"
#include "nn/textbook_kit.h"

namespace hone::nn {
namespace {

using namespace nn_test;

SampleRequest request(std::vector<int> prompt, std::uint64_t seed, int tokens, float temperature = 1.0F) {
  SampleRequest r{std::move(prompt), {}};
  r.sampling.seed = seed;
  r.sampling.max_tokens = tokens;
  r.sampling.temperature = temperature;
  return r;
}

class Generated : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Nn, Generated, testing::Values(Family::llama, Family::qwen2, Family::qwen3),
                         [](const auto& family) { return std::string(to_string(family.param)); });

// What the sampler says of its tokens is what the trainer says of them.
TEST_P(Generated, LogProbsAreTheTrainers) {
  for (const auto& [compute, tolerance] : {std::pair{Compute::f32, 1e-4F}, {Compute::bf16, 0.15F}}) {
    Parameters p(tiny(GetParam()), compute);
    randomise(p, 3);
    Decoder decoder(p);
    std::vector<SampleRequest> requests;
    for (int i = 0; i < 10; ++i) requests.push_back(request(i % 2 == 0 ? std::vector<int>{5, 9, 11} : std::vector<int>{40, 2, 33, 17, 8}, 100 + i, 30, 0.8F));
    const auto sampled = generate(decoder, requests, {.end_ids = {7}, .batch = 4, .fixed = compute == Compute::f32});
    int ended = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Sampled& s = sampled[i];
      ASSERT_FALSE(s.ids.empty());
      ended += s.why == StopReason::end;
      EXPECT_EQ(s.why == StopReason::end, s.ids.back() == 7);
      EXPECT_TRUE(s.why != StopReason::length || s.ids.size() == 30U);
      std::vector<int> all = requests[i].prompt, rows, targets;
      for (const int id : s.ids) rows.push_back(static_cast<int>(all.size()) - 1), targets.push_back(id), all.push_back(id);
      Flat flat;
      flat.append(all);
      const auto scores = Head(p).scores(decoder.forward(flat), rows, targets, 0.8F);
      for (std::size_t t = 0; t < s.ids.size(); ++t) {
        EXPECT_NEAR(s.logp[t], scores.logp[t], tolerance) << i << " " << t;
        EXPECT_NEAR(s.entropy[t], scores.entropy[t], tolerance) << i << " " << t;
      }
    }
    EXPECT_GT(ended, 0) << "none ended by its end token";
  }
}

// To the last bit, in both precisions: log-probs too.
TEST(Generate, WithFixedBatchesAResultDependsOnItsRequestAlone) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    Arch wide = tiny(Family::llama);
    wide.width = 96;
    wide.ff = 160;
    Parameters p(wide, compute);
    randomise(p, 3);
    Decoder decoder(p);
    std::vector<SampleRequest> requests;
    for (int i = 0; i < 50; ++i) requests.push_back(request({1, 2, 3 + i % 3}, i, 10 + i));
    for (const int batch : {5, 8, 16, 48}) {
      const GenerateOptions options{.end_ids = {}, .batch = batch, .fixed = true};
      const auto together = generate(decoder, requests, options);
      for (std::size_t i = 0; i < requests.size(); i += 3) {
        const auto alone = generate(decoder, std::span(&requests[i], 1), options);
        EXPECT_EQ(alone[0].ids, together[i].ids) << batch << " " << i;
        EXPECT_EQ(alone[0].logp, together[i].logp) << batch << " " << i;
      }
      EXPECT_NE(together[0].ids, together[3].ids) << "same prompt, other seed";
    }
  }
}

TEST(Generate, GreedyTakesTheLikeliestAndStopsAtTheLength) {
  Parameters p(tiny(Family::llama), Compute::f32);
  randomise(p, 3);
  Decoder decoder(p);
  const auto requests = std::vector{request({4, 5}, 0, 6, 0.0F)};
  const auto sampled = generate(decoder, requests, {.end_ids = {}});
  std::vector<int> all{4, 5};
  for (const int id : sampled[0].ids) {
    Flat flat;
    flat.append(all);
    EXPECT_EQ(Head(p).logits(decoder.forward(flat), {static_cast<int>(all.size()) - 1}).argmax().item<std::int64_t>(), id);
    all.push_back(id);
  }
  EXPECT_EQ(sampled[0].ids.size(), 6U);
}

// Frequencies against the restricted distribution worked out from the model's own scores.
TEST(Generate, AllowedRepliesAreTheOnlyOnesAndKeepTheirOdds) {
  Parameters p(tiny(Family::llama), Compute::f32);
  randomise(p, 3);
  Decoder decoder(p);
  const std::vector<std::vector<int>> allowed{{10, 7}, {10, 11, 7}, {20, 7}};
  std::vector<SampleRequest> requests;
  for (int i = 0; i < 4000; ++i) {
    requests.push_back(request({4, 5}, i, 8));
    requests.back().allowed = allowed;
  }
  const auto sampled = generate(decoder, requests, {.end_ids = {7}, .batch = 256});
  std::vector<double> share(allowed.size());
  for (const auto& s : sampled) {
    const auto it = std::find(allowed.begin(), allowed.end(), s.ids);
    ASSERT_NE(it, allowed.end());
    share[it - allowed.begin()] += 1.0 / 4000;
    EXPECT_EQ(s.why, StopReason::end);
  }
  const auto logits = [&](std::vector<int> ids) {
    Flat flat;
    flat.append(ids);
    return Head(p).logits(decoder.forward(flat), {static_cast<int>(ids.size()) - 1});
  };
  const auto odds = [](const at::Tensor& l, int a, int b) {  // of a against b
    const double x = std::exp(l[0][a].item<double>() - l[0][b].item<double>());
    return x / (1.0 + x);
  };
  const double ten = odds(logits({4, 5}), 10, 20), short_one = odds(logits({4, 5, 10}), 7, 11);
  EXPECT_NEAR(share[0], ten * short_one, 0.03);
  EXPECT_NEAR(share[1], ten * (1.0 - short_one), 0.03);
  EXPECT_NEAR(share[2], 1.0 - ten, 0.03);
  auto greedy = request({4, 5}, 0, 8, 0.0F);
  greedy.allowed = allowed;
  EXPECT_EQ(generate(decoder, std::span(&greedy, 1), {.end_ids = {7}})[0].ids.front(), ten > 0.5 ? 10 : 20);
}

TEST(Generate, RefusesWhatDoesNotFit) {
  Parameters p(tiny(Family::llama), Compute::f32);
  Decoder decoder(p);
  EXPECT_THROW(generate(decoder, std::vector{request({}, 0, 5)}, {}), Error);
  EXPECT_THROW(generate(decoder, std::vector{request({1, 2}, 0, 255)}, {}), Error);
  for (const auto& allowed : std::vector<std::vector<std::vector<int>>>{{{1}, {}}, {{1}, {1, 2}}, {{61}}}) {
    auto r = request({1}, 0, 5);
    r.allowed = allowed;
    EXPECT_THROW(generate(decoder, std::span(&r, 1), {}), Error);
  }
}

// Frequencies of 20,000 draws against the probabilities worked out by hand.
TEST(Draw, FollowsTemperatureTopKTopPAndMinP) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.15F), std::log(0.05F)};
  const auto shares = [&](Sampling how) {
    Rng rng(7);
    std::vector<int> order;
    std::vector<double> share(4);
    for (int i = 0; i < 20000; ++i) share[draw(logits, how, rng, order).id] += 1.0 / 20000;
    return share;
  };
  const auto expect = [](const std::vector<double>& got, const std::vector<double>& p) {
    for (std::size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(got[i], p[i], 0.015) << i;
  };
  expect(shares({.temperature = 1.0F}), {0.5, 0.3, 0.15, 0.05});
  const double s = std::sqrt(0.5) + std::sqrt(0.3) + std::sqrt(0.15) + std::sqrt(0.05);
  expect(shares({.temperature = 2.0F}), {std::sqrt(0.5) / s, std::sqrt(0.3) / s, std::sqrt(0.15) / s, std::sqrt(0.05) / s});
  expect(shares({.temperature = 1.0F, .top_k = 2}), {0.625, 0.375, 0.0, 0.0});
  expect(shares({.temperature = 1.0F, .top_p = 0.7F}), {0.625, 0.375, 0.0, 0.0});
  expect(shares({.temperature = 1.0F, .min_p = 0.25F}), {0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.0});
  Rng rng(7);
  std::vector<int> order;
  const Drawn d = draw(logits, {.temperature = 1.0F}, rng, order);
  EXPECT_NEAR(d.logp, logits[d.id], 1e-6);
  EXPECT_NEAR(d.entropy, -(0.5 * std::log(0.5) + 0.3 * std::log(0.3) + 0.15 * std::log(0.15) + 0.05 * std::log(0.05)), 1e-5);
}

}  // namespace
}  // namespace hone::nn
