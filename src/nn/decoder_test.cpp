// The hand-written passes against the textbook decoder in ATen with autograd.
#include "nn/decoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"
#include "nn/head.h"
#include "nn/textbook_kit.h"

namespace hone::nn {
namespace {

using namespace nn_test;

class EveryFamily : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Nn, EveryFamily, testing::Values(Family::llama, Family::qwen2, Family::qwen3),
                         [](const auto& family) { return std::string(to_string(family.param)); });

// loss = sum over predicting rows of a logp + b entropy, a and b fixed numbers.
struct Case {
  Flat flat;
  std::vector<int> rows, targets;
  std::vector<float> a, b;
};

Case make_case(int vocab, std::uint64_t seed) {
  Rng rng(seed);
  Case c;
  for (const int length : {7, 1, 150, 12}) {  // 150: more than one block of queries
    std::vector<int> ids;
    for (int i = 0; i < length; ++i) ids.push_back(static_cast<int>(rng.below(vocab)));
    const int first = static_cast<int>(c.flat.ids.size());
    for (int i = 0; i + 1 < length; i += 2) c.rows.push_back(first + i), c.targets.push_back(ids[i + 1]);
    c.flat.append(ids);
  }
  for (std::size_t i = 0; i < c.rows.size(); ++i) c.a.push_back(static_cast<float>(rng.normal())), c.b.push_back(static_cast<float>(rng.normal()));
  return c;
}

TEST_P(EveryFamily, ForwardAndBackwardAreAutogradsInFloat) {
  Parameters p(tiny(GetParam()), Compute::f32);
  randomise(p, 3);
  const Case c = make_case(p.arch().vocab, 5);
  for (const bool checkpointing : {false, true}) {
    Decoder decoder(p);
    decoder.checkpointing(checkpointing);
    Head head(p);
    Memory memory;
    p.gradient().zero_();
    const at::Tensor hidden = decoder.forward(c.flat, &memory);
    const TokenScores got = head.scores(hidden, c.rows, c.targets, 0.7F);
    decoder.backward(c.flat, memory, head.backward(hidden, c.rows, c.targets, 0.7F, c.a, c.b));
    const Textbook book = textbook(p, c.flat, c.rows, c.targets, 0.7, c.a, c.b);
    for (std::size_t i = 0; i < c.rows.size(); ++i) {
      EXPECT_NEAR(got.logp[i], book.logp[i], 2e-5) << i;
      EXPECT_NEAR(got.entropy[i], book.entropy[i], 2e-5) << i;
    }
    EXPECT_LT(worst(p, p.gradient(), book.gradient), 2e-5) << "checkpointing " << checkpointing;
  }
}

TEST_P(EveryFamily, HalfPrecisionStaysNear) {
  Parameters exact(tiny(GetParam()), Compute::f32), half(tiny(GetParam()), Compute::bf16);
  randomise(exact, 3);
  randomise(half, 3);
  const Case c = make_case(exact.arch().vocab, 5);
  const auto run = [&](Parameters& p) {
    Decoder decoder(p);
    Memory memory;
    const at::Tensor hidden = decoder.forward(c.flat, &memory);
    auto scores = Head(p).scores(hidden, c.rows, c.targets, 1.0F);
    decoder.backward(c.flat, memory, Head(p).backward(hidden, c.rows, c.targets, 1.0F, c.a, {}));
    return scores;
  };
  const auto a = run(exact), b = run(half);
  double off = 0.0;
  for (std::size_t i = 0; i < a.logp.size(); ++i) off += std::abs(a.logp[i] - b.logp[i]);
  EXPECT_LT(off / static_cast<double>(a.logp.size()), 0.05);
  EXPECT_GT(off, 0.0) << "bf16 was not used";
  EXPECT_LT(at::norm(exact.gradient() - half.gradient()).item<double>() / at::norm(exact.gradient()).item<double>(), 0.05);
}

// A sequence gives the same bits alone and among others, wherever it lies.
TEST(Decoder, SequencesDoNotSeeEachOther) {
  Parameters p(tiny(Family::llama), Compute::f32);
  randomise(p, 3);
  const Case c = make_case(p.arch().vocab, 5);
  Decoder decoder(p);
  const at::Tensor together = decoder.forward(c.flat).clone();
  for (std::size_t s = 0; s + 1 < c.flat.starts.size(); ++s) {
    const int first = c.flat.starts[s], n = c.flat.starts[s + 1] - first;
    Flat alone;
    alone.append({c.flat.ids.begin() + first, c.flat.ids.begin() + first + n});
    EXPECT_LT((decoder.forward(alone) - together.narrow(0, first, n)).abs().max().item<float>(), 1e-5F) << s;
  }
}

TEST(Decoder, FrozenLayersGetNoGradient) {
  Parameters p(tiny(Family::llama), Compute::f32);
  randomise(p, 3);
  const Case c = make_case(p.arch().vocab, 5);
  Decoder decoder(p);
  decoder.freeze_below(1);
  Memory memory;
  const at::Tensor hidden = decoder.forward(c.flat, &memory);
  decoder.backward(c.flat, memory, Head(p).backward(hidden, c.rows, c.targets, 1.0F, c.a, {}));
  EXPECT_EQ(p.gradient(p.layout().layers[0].qkv).abs().max().item<float>(), 0.0F);
  EXPECT_GT(p.gradient(p.layout().layers[1].qkv).abs().max().item<float>(), 0.0F);
}

TEST(Decoder, RefusesTokensAndLengthsBeyondTheModel) {
  Parameters p(tiny(Family::llama), Compute::f32);
  Decoder decoder(p);
  Flat flat;
  flat.append({1, p.arch().vocab});
  EXPECT_THROW(decoder.forward(flat), Error);
  Flat longer;
  longer.append(std::vector<int>(p.arch().context + 1, 1));
  EXPECT_THROW(decoder.forward(longer), Error);
}

}  // namespace
}  // namespace hone::nn
