// The networks over frames against the same written with autograd in double precision, and what icm.md section 8 asks of them.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <cstring>
#include <map>

#include "core/error.h"
#include "nn/pixels/curiosity.h"
#include "nn/pixels/explorer.h"
#include "nn/tensors.h"

namespace hone::nn {
namespace {

// Three steps of two slots of noise; slot 1 ends its episode after the first step.
struct Played {
  static constexpr int steps = 3, slots = 2, actions = 4;
  explicit Played(int side = 42, std::uint64_t seed = 5) : size(static_cast<std::size_t>(4 * side * side)) {
    Rng rng(seed);
    obs.resize(static_cast<std::size_t>((steps + 1) * slots) * size), final_obs.resize(static_cast<std::size_t>(steps * slots) * size);
    for (auto& b : obs) b = static_cast<std::byte>(rng.below(256));
    for (auto& b : final_obs) b = static_cast<std::byte>(rng.below(256));
    for (auto& a : action) a = static_cast<std::int32_t>(rng.below(actions));
    for (auto& m : memory) m = static_cast<float>(0.3 * rng.normal());
    truncated[1] = 1, fresh[3] = 1;
    rollout.steps = steps, rollout.slots = slots;
    rollout.data = {obs, final_obs, reward, terminated, truncated, fault, {}};
    rollout.fresh = fresh;
    rollout.actions = std::as_writable_bytes(std::span(action));
    stretch = {&rollout, both, memory, {}};
  }
  std::size_t size;
  std::vector<std::byte> obs, final_obs;
  std::vector<std::int32_t> action = std::vector<std::int32_t>(6);
  std::vector<float> reward = std::vector<float>(6), memory = std::vector<float>(2 * 2 * 256);
  std::vector<std::uint8_t> terminated = std::vector<std::uint8_t>(6), truncated = terminated, fault = terminated, fresh = std::vector<std::uint8_t>(8);
  std::vector<int> both{0, 1};
  Rollout rollout;
  Stretch stretch;

  at::Tensor picture(int row, bool last = false) const {  // [4, 42, 42] of values / 255
    const std::byte* from = (last ? final_obs : obs).data() + static_cast<std::size_t>(row) * size;
    return at::from_blob(const_cast<std::byte*>(from), {4, 42, 42}, at::kByte).to(at::kDouble) / 255.0;
  }
  at::Tensor next(int k) const { return truncated[static_cast<std::size_t>(k)] != 0 ? picture(k, true) : picture(k + slots); }
};

// Weights by name, in double, with gradients.
struct Book {
  explicit Book(const NetWeights& weights) {
    for (const auto& n : weights.named()) w[n.name] = weights.value(n.at).detach().clone().to(at::kDouble).requires_grad_(true);
  }
  at::Tensor encode(const std::string& name, at::Tensor x) const {  // [n, c, side, side]
    for (int l = 1; l <= 4; ++l) {
      const at::Tensor& k = w.at(name + "/conv" + std::to_string(l) + "/w");
      x = at::elu(at::conv2d(x, k.view({3, 3, -1, 32}).permute({3, 2, 0, 1}), w.at(name + "/conv" + std::to_string(l) + "/b").view({32}), 2, 1));
    }
    return x.permute({0, 2, 3, 1}).flatten(1);
  }
  at::Tensor affine(const std::string& name, const at::Tensor& x) const { return x.matmul(w.at(name + "/w")) + w.at(name + "/b"); }
  std::map<std::string, at::Tensor> w;
};

// Largest distance of any gradient, relative to that matrix's length.
double worst(const NetWeights& weights, const Book& book) {
  double most = 0.0;
  for (const auto& n : weights.named()) {
    const at::Tensor expected = book.w.at(n.name).grad().defined() ? book.w.at(n.name).grad() : at::zeros_like(book.w.at(n.name));
    most = std::max(most, (weights.gradient(n.at).to(at::kDouble) - expected).norm().item<double>() / std::max(1e-9, expected.norm().item<double>()));
  }
  return most;
}

// Weights that hide nothing behind zeros and tiny columns.
void stir(NetWeights& weights) {
  for (const auto& n : weights.named()) {
    Rng rng = Rng(9).split(n.name);
    float* w = weights.values(n.at);
    for (std::int64_t i = 0; i < n.at.count(); ++i) w[i] = static_cast<float>(rng.normal()) * (n.vector ? 0.1F : 1.0F / std::sqrt(static_cast<float>(n.at.rows)));
  }
}

constexpr NetStep still{.lr = 0.0, .scale = 1.0, .clip = 0.0};

TEST(PixelNets, HaveTheSizesOfThePaper) {  // icm.md 2.2 and 8.1
  for (const auto& [actions, actor, icm] : {std::tuple{4, 588293, 326692}, {14, 590863, 331822}}) {
    ExplorerOptions o;
    o.actions = actions;
    const auto nets = make_explorer(o);
    EXPECT_EQ(nets->parameters(), actor);
    EXPECT_EQ(nets->curiosity_parameters(), icm);
  }
  NetWeights w;
  const Encoder encoder(w, "e", 4, 42);
  EXPECT_EQ(w.count(), 28928);
  EXPECT_EQ(encoder.features(), 288);
  for (const auto& [layer, side] : {std::pair{1, 21}, {2, 11}, {3, 6}, {4, 3}}) EXPECT_EQ(encoder.plane(layer).height, side);
}

class OfValues : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(PixelNets, OfValues, testing::Values(1, 2));

TEST_P(OfValues, ActorAndCriticAgreeWithAutograd) {
  const Played p;
  const int heads = GetParam();
  ExplorerOptions options;
  options.values = heads;
  ActorCritic net(options);
  stir(net.weights());
  const Judged judged = net.judge(p.stretch);
  const std::vector<float> logits(judged.logits.begin(), judged.logits.end()), values(judged.values.begin(), judged.values.end());
  std::vector<float> d_logits(logits.size()), d_values(values.size());
  Rng rng(3);
  for (auto& d : d_logits) d = static_cast<float>(rng.normal());
  for (auto& d : d_values) d = static_cast<float>(rng.normal());

  const Book book(net.weights());
  at::Tensor loss = at::zeros({}, at::kDouble);
  double most = 0.0;
  for (int s = 0; s < Played::slots; ++s) {
    at::Tensor c = at::from_blob(const_cast<float*>(p.memory.data()) + s * 512, {1, 256}).to(at::kDouble), h = at::from_blob(const_cast<float*>(p.memory.data()) + s * 512 + 256, {1, 256}).to(at::kDouble);
    for (int t = 0; t < Played::steps; ++t) {
      const int k = t * Played::slots + s;
      if (p.fresh[static_cast<std::size_t>(k)] != 0) c = at::zeros_like(c), h = at::zeros_like(h);
      const at::Tensor gates = book.encode("actor", p.picture(k).unsqueeze(0)).matmul(book.w.at("actor/lstm/x")) + h.matmul(book.w.at("actor/lstm/h")) + book.w.at("actor/lstm/b");
      const auto parts = gates.chunk(4, 1);
      c = at::sigmoid(parts[1] + 1.0) * c + at::sigmoid(parts[0]) * at::tanh(parts[2]);
      h = at::sigmoid(parts[3]) * at::tanh(c);
      const at::Tensor l = book.affine("actor/logits", h), v = book.affine("actor/value", h);
      for (int a = 0; a < 4; ++a) {
        most = std::max(most, std::abs(l[0][a].item<double>() - static_cast<double>(logits[static_cast<std::size_t>(k * 4 + a)])));
        loss = loss + l[0][a] * static_cast<double>(d_logits[static_cast<std::size_t>(k * 4 + a)]);
      }
      for (int i = 0; i < heads; ++i) {
        most = std::max(most, std::abs(v[0][i].item<double>() - static_cast<double>(values[static_cast<std::size_t>(k * heads + i)])));
        loss = loss + v[0][i] * static_cast<double>(d_values[static_cast<std::size_t>(k * heads + i)]);
      }
    }
  }
  EXPECT_LT(most, 1e-5);
  loss.backward();
  net.learn({d_logits, d_values}, still);
  EXPECT_LT(worst(net.weights(), book), 1e-5);
}

TEST_P(OfValues, ActSaysWhatJudgeSaysLater) {
  const Played p;
  const auto heads = static_cast<std::size_t>(GetParam());
  ExplorerOptions options;
  options.values = GetParam();
  ActorCritic net(options);
  stir(net.weights());
  std::vector<float> memory = p.memory, logits(8), values(2 * heads), all_logits, all_values;
  for (std::size_t t = 0; t < 3; ++t) {
    net.act({std::span(p.obs).subspan(t * 2 * p.size, 2 * p.size), std::span(p.fresh).subspan(t * 2, 2), 2}, memory, logits, values);
    all_logits.insert(all_logits.end(), logits.begin(), logits.end());
    all_values.insert(all_values.end(), values.begin(), values.end());
  }
  const Judged judged = net.judge(p.stretch);
  for (std::size_t i = 0; i < all_logits.size(); ++i) EXPECT_NEAR(all_logits[i], judged.logits[i], 2e-6);
  for (std::size_t i = 0; i < all_values.size(); ++i) EXPECT_NEAR(all_values[i], judged.values[i], 2e-6);
  const std::vector<int> second{1};  // a part of the slots gives that part's rows
  Stretch part = p.stretch;
  part.slots = second;
  const Judged alone = net.judge(part);
  for (std::size_t t = 0; t < 3; ++t)
    for (std::size_t i = 0; i < heads; ++i) EXPECT_NEAR(alone.values[t * heads + i], all_values[(t * 2 + 1) * heads + i], 2e-6);
}

struct Pieces {
  at::Tensor from, to, onehot, taken;
};
Pieces pieces_of(const Played& p) {
  std::vector<at::Tensor> from, to;
  at::Tensor onehot = at::zeros({6, 4}, at::kDouble);
  std::vector<std::int64_t> taken;
  for (int k = 0; k < 6; ++k) {
    from.push_back(p.picture(k)), to.push_back(p.next(k));
    onehot[k][p.action[static_cast<std::size_t>(k)]] = 1.0;
    taken.push_back(p.action[static_cast<std::size_t>(k)]);
  }
  return {at::stack(from), at::stack(to), onehot, at::tensor(taken)};
}

struct IcmBook {
  at::Tensor inverse, forward, errors;
};
IcmBook icm_of(const Book& book, const Pieces& x, bool detach) {
  const at::Tensor from = book.encode("curiosity", x.from), to = book.encode("curiosity", x.to);
  IcmBook out;
  const at::Tensor logits = book.affine("curiosity/inverse2", at::relu(book.affine("curiosity/inverse1", at::cat({from, to}, 1))));
  out.inverse = -at::log_softmax(logits, 1).gather(1, x.taken.view({-1, 1})).mean();
  const at::Tensor guess = book.affine("curiosity/forward2", at::relu(book.affine("curiosity/forward1", at::cat({from, x.onehot}, 1))));
  out.errors = 0.5 * (guess - (detach ? to.detach() : to)).pow(2).sum(1);
  out.forward = out.errors.mean();
  return out;
}

TEST(PixelNets, IcmAgreesWithAutograd) {  // icm.md 8.2, 8.3: half the sum of squares, nothing detached
  const Played p;
  const Pieces x = pieces_of(p);
  for (const bool detach : {false, true}) {
    ExplorerOptions o;
    o.detach_target = detach;
    const auto net = make_icm(o);
    stir(net->weights());
    const auto said = net->errors(p.stretch);
    const std::vector<float> errors(said.begin(), said.end());
    const Book book(net->weights());
    const IcmBook expected = icm_of(book, x, detach);
    for (int k = 0; k < 6; ++k) EXPECT_NEAR(errors[static_cast<std::size_t>(k)] / expected.errors[k].item<double>(), 1.0, 1e-5);
    (0.8 * expected.inverse + 0.2 * expected.forward).backward();
    const CuriosityLoss loss = net->learn(0.2, still);
    EXPECT_NEAR(loss.inverse, expected.inverse.item<double>(), 1e-5);
    EXPECT_NEAR(loss.forward / expected.forward.item<double>(), 1.0, 1e-5);
    EXPECT_LT(worst(net->weights(), book), 2e-5) << "detached: " << detach;
  }
}

// The forward loss alone reaches the encoder through both states, and detaching the target changes what reaches it.
TEST(PixelNets, ForwardLossReachesTheEncoderThroughBothStates) {
  const Played p;
  const auto gradient = [&](bool detach) {
    ExplorerOptions o;
    o.detach_target = detach;
    const auto net = make_icm(o);
    stir(net->weights());
    net->errors(p.stretch);
    net->learn(1.0, still);
    for (const auto& n : net->weights().named()) {
      if (n.name.find("inverse") == std::string::npos) continue;
      EXPECT_EQ(net->weights().gradient(n.at).abs().max().item<float>(), 0.0F) << n.name;
    }
    return net->weights().gradient(net->weights().named()[0].at).clone();
  };
  const at::Tensor whole = gradient(false), detached = gradient(true);
  EXPECT_GT(detached.norm().item<double>(), 1e-3);  // through s_t
  EXPECT_GT((whole - detached).norm().item<double>(), 1e-3);  // through s_t+1
}

TEST(PixelNets, PixelPredictionAgreesWithAutograd) {
  const Played p;
  const Pieces x = pieces_of(p);
  ExplorerOptions o;
  o.curiosity = Curiosity::pixels;
  const auto net = make_pixels(o);
  stir(net->weights());
  const auto said = net->errors(p.stretch);
  const std::vector<float> errors(said.begin(), said.end());
  const Book book(net->weights());
  at::Tensor y = at::relu(book.affine("curiosity/decode0", at::cat({book.encode("curiosity", x.from), x.onehot}, 1))).view({6, 3, 3, 32}).permute({0, 3, 1, 2});
  for (int l = 1; l <= 4; ++l) {
    y = at::conv_transpose2d(y, book.w.at("curiosity/decode" + std::to_string(l) + "/w").view({32, l == 4 ? 4 : 32, 3, 3}), {}, 2, 1, l == 1 || l == 4 ? 1 : 0);
    if (l < 4) y = at::elu(y);
  }
  const at::Tensor expected = 0.5 * (y - x.to).pow(2).flatten(1).mean(1);
  for (int k = 0; k < 6; ++k) EXPECT_NEAR(errors[static_cast<std::size_t>(k)] / expected[k].item<double>(), 1.0, 1e-5);
  expected.mean().backward();
  net->learn(0.2, still);
  EXPECT_LT(worst(net->weights(), book), 2e-5);
}

TEST(PixelNets, RandomFeaturesStayAndRndCopies) {
  const Played p;
  for (const Curiosity kind : {Curiosity::random_features, Curiosity::rnd}) {
    ExplorerOptions o;
    o.curiosity = kind;
    const auto net = make_explorer(o);
    float first = 0.0F, last = 0.0F;
    for (int i = 0; i < 60; ++i) {
      const auto e = net->curiosity(p.stretch);
      last = std::accumulate(e.begin(), e.end(), 0.0F);
      if (i == 2) first = last;  // rnd's means have settled
      net->learn_curiosity(0.2, {.lr = 1e-3});
    }
    EXPECT_LT(last, 0.5F * first) << static_cast<int>(kind);
  }
  ExplorerOptions o;
  o.curiosity = Curiosity::random_features;
  const auto net = make_icm(o);
  for (const auto& n : net->weights().named()) EXPECT_EQ(n.name.find("conv"), std::string::npos) << "the features are not among what learns";
}

TEST(PixelNets, ActorAndCuriosityLearnApart) {  // icm.md 8.2
  const Played p;
  const auto net = make_explorer({});
  const auto saved = [&] {
    MemorySink sink;
    net->save(sink);
    return sink.data;
  };
  const auto differs = [&](const std::vector<std::byte>& a, const std::vector<std::byte>& b) {  // in the actor's part, in curiosity's
    const std::size_t actor = 8 + 4 * static_cast<std::size_t>(net->parameters());
    return std::pair{std::memcmp(a.data(), b.data(), actor) != 0, std::memcmp(a.data() + a.size() - 4096, b.data() + b.size() - 4096, 4096) != 0};
  };
  const std::vector<float> d_logits(24, 0.1F), d_values(6, 0.1F);
  const auto begin = saved();
  net->curiosity(p.stretch);
  net->learn_curiosity(0.2, {});
  const auto curious = saved();
  EXPECT_EQ(std::memcmp(begin.data(), curious.data(), 8 + 4 * static_cast<std::size_t>(net->parameters())), 0);
  net->judge(p.stretch);
  net->learn({d_logits, d_values}, {});
  const auto both = saved();
  EXPECT_TRUE(differs(curious, both).first);
  EXPECT_FALSE(differs(curious, both).second);
}

TEST(PixelNets, EveryInstructionSetSaysTheSame) {
  const Plane of{11, 13, 32}, to = of.half();
  Rng rng(1);
  const auto noise = [&](std::int64_t n) {
    std::vector<float> out(static_cast<std::size_t>(n));
    for (auto& v : out) v = static_cast<float>(rng.normal());
    return out;
  };
  const auto x = noise(of.count()), w = noise(9 * 32 * 32), b = noise(32), dy = noise(to.count());
  const auto run = [&](const Kernels& k) {
    std::vector<float> y(static_cast<std::size_t>(to.count())), dw(w.size()), db(32), dx(x.size());
    k.convolution.forward(of, x.data(), w.data(), b.data(), y.data(), true);
    k.convolution.weights(of, x.data(), dy.data(), dw.data(), db.data());
    k.convolution.inputs(of, w.data(), dy.data(), dx.data());
    y.insert(y.end(), dw.begin(), dw.end()), y.insert(y.end(), db.begin(), db.end()), y.insert(y.end(), dx.begin(), dx.end());
    return y;
  };
  const auto expected = run(*kernels_for("baseline"));
  for (const char* name : {"avx2", "avx512"}) {
    const Kernels* k = kernels_for(name);
    if (k == nullptr) continue;
    const auto got = run(*k);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 2e-4) << name << " at " << i;
  }
}

TEST(PixelNets, GoOnFromWhatWasSaved) {
  const Played p;
  for (const Curiosity kind : {Curiosity::none, Curiosity::icm, Curiosity::pixels, Curiosity::rnd, Curiosity::random_features}) {
    ExplorerOptions o;
    o.curiosity = kind;
    const auto a = make_explorer(o);
    o.seed = 7;
    const auto b = make_explorer(o);
    const std::vector<float> d_logits(24, 0.1F), d_values(6, -0.1F);
    const auto round = [&](Explorer& net) {
      std::vector<float> said;
      if (kind != Curiosity::none) {
        const auto e = net.curiosity(p.stretch);
        said.assign(e.begin(), e.end());
        net.learn_curiosity(0.2, {.lr = 1e-3});
      }
      const Judged j = net.judge(p.stretch);
      said.insert(said.end(), j.logits.begin(), j.logits.end());
      net.learn({d_logits, d_values}, {.lr = 1e-3});
      return said;
    };
    round(*a);
    MemorySink sink;
    a->save(sink);
    MemorySource source(sink.data);
    b->load(source);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(round(*a), round(*b)) << static_cast<int>(kind);
    MemorySource cut(std::span(sink.data).first(sink.data.size() - 1));
    EXPECT_THROW(b->load(cut), Error);
  }
}

TEST(PixelNets, WhatIsNotANumberChangesNothing) {
  const Played p;
  const auto net = make_explorer({});
  net->judge(p.stretch);
  MemorySink before, after;
  net->save(before);
  const std::vector<float> d_logits(24, std::nanf("")), d_values(6, 0.0F);
  EXPECT_THROW(net->learn({d_logits, d_values}, {}), Error);
  net->save(after);
  EXPECT_EQ(before.data, after.data);
  ExplorerOptions o;
  o.side = 4;
  EXPECT_THROW(make_explorer(o), Error);
}

}  // namespace
}  // namespace hone::nn
