// The poking networks against the same written with autograd in double precision, and what poke.md section 9 asks of them.
#include "nn/poking/poker.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <cstring>
#include <map>

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {
namespace {

constexpr int side = 16;

// Pairs of noise; the second poke met nothing.
struct Pairs {
  explicit Pairs(std::size_t n, const PokeClasses& counts, int pixels = side) : size(static_cast<std::size_t>(3 * pixels * pixels)), before(n * size), after(n * size), classes(n), numbers(n * poke_numbers) {
    Rng rng(5);
    for (auto& b : before) b = static_cast<std::byte>(rng.below(256));
    for (auto& b : after) b = static_cast<std::byte>(rng.below(256));
    for (auto& c : classes)
      for (std::size_t h = 0; h < poke_heads; ++h) c[h] = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(counts[h])));
    if (n > 1) classes[1] = {-1, -1, counts[head_length] - 1};
    for (auto& x : numbers) x = static_cast<float>(rng.normal());
  }
  PokeBatch batch() const { return {before, after, classes, numbers}; }
  std::size_t size;
  std::vector<std::byte> before, after;
  std::vector<PokeClasses> classes;
  std::vector<float> numbers;
};

PokerOptions options(PokerLayout layout = PokerLayout::strided, HeadOrder order = HeadOrder::length_first) {
  PokerOptions o;
  o.side = side, o.layout = layout, o.features = 12, o.hidden = 10, o.classes = {9, 5, 4}, o.order = order, o.seed = 3;
  return o;
}

constexpr NetStep still{.lr = 0.0, .scale = 1.0, .clip = 0.0};

// Both arrays of weights by name, in double, with gradients.
struct Book {
  explicit Book(PokerNets& nets) : nets_(nets) {
    for (NetWeights* weights : {&nets.weights(), &nets.forward_weights()})
      for (const auto& n : weights->named()) w[n.name] = weights->value(n.at).detach().clone().to(at::kDouble).requires_grad_(true);
  }
  at::Tensor affine(const std::string& name, const at::Tensor& x) const { return x.matmul(w.at(name + "/w")) + w.at(name + "/b"); }
  at::Tensor convolution(int l, const at::Tensor& x, int taps, int stride, int groups = 1) const {
    const std::string name = "encoder/conv" + std::to_string(l);
    const at::Tensor& k = w.at(name + "/w");
    return at::relu(at::conv2d(x, k.view({k.size(0), -1, taps, taps}), w.at(name + "/b").flatten(), stride, taps / 2, 1, groups));
  }
  at::Tensor encode(PokerLayout layout, at::Tensor x) const {
    x = (x - x.mean({2, 3}, true)) / 64.0;
    if (layout == PokerLayout::strided) {
      for (int l = 1; l <= 4; ++l) {
        const std::string name = "encoder/conv" + std::to_string(l);
        x = at::elu(at::conv2d(x, w.at(name + "/w").view({3, 3, -1, 32}).permute({3, 2, 0, 1}), w.at(name + "/b").view({32}), 2, 1));
      }
      x = x.permute({0, 2, 3, 1});
    } else if (layout == PokerLayout::small) {
      x = at::max_pool2d(convolution(1, x, 7, 2), 2);
      x = at::max_pool2d(convolution(2, x, 5, 1), 2);
      for (int l = 3; l <= 5; ++l) x = convolution(l, x, 3, 1);
    } else {
      x = convolution(3, convolution(2, convolution(1, x, 7, 2), 5, 1), 5, 1);
      const std::int64_t n = x.size(2);
      const at::Tensor p = at::softmax(x.flatten(2), 2), steps = at::linspace(-1, 1, n, at::kDouble);
      return at::cat({p.matmul(steps.repeat({n})), p.matmul(steps.repeat_interleave(n))}, 1);
    }
    return affine("encoder/features", x.flatten(1));
  }
  at::Tensor head(const std::string& name, const at::Tensor& in) const {
    return at::log_softmax(affine("inverse/" + name + "/3", at::elu(affine("inverse/" + name + "/2", at::elu(affine("inverse/" + name + "/1", in))))), 1);
  }
  static at::Tensor pictures(std::span<const std::byte> bytes, int pixels) {
    return at::from_blob(const_cast<std::byte*>(bytes.data()), {static_cast<std::int64_t>(bytes.size()) / (3 * pixels * pixels), 3, pixels, pixels}, at::kByte).to(at::kDouble);
  }
  // Largest distance of any gradient, relative to that matrix's length.
  double worst() const {
    double most = 0.0;
    for (NetWeights* weights : {&nets_.weights(), &nets_.forward_weights()})
      for (const auto& n : weights->named()) {
        const at::Tensor expected = w.at(n.name).grad().defined() ? w.at(n.name).grad() : at::zeros_like(w.at(n.name));
        most = std::max(most, (weights->gradient(n.at).to(at::kDouble) - expected).norm().item<double>() / std::max(1e-9, expected.norm().item<double>()));
      }
    return most;
  }
  std::map<std::string, at::Tensor> w;

 private:
  PokerNets& nets_;
};

struct Told {
  at::Tensor inverse, forward;  // the two losses
};
Told losses(const Book& book, const PokerOptions& o, const Pairs& p, bool before_reached = true) {
  const auto n = static_cast<std::int64_t>(p.classes.size());
  at::Tensor x = book.encode(o.layout, Book::pictures(p.before, o.side));
  const at::Tensor after = book.encode(o.layout, Book::pictures(p.after, o.side));
  if (!before_reached) x = x.detach();
  const at::Tensor shared = at::relu(book.affine("inverse/shared", at::relu(at::cat({x, after}, 1))));
  const std::vector<std::pair<std::size_t, std::string>> order =
      o.order == HeadOrder::length_first ? std::vector<std::pair<std::size_t, std::string>>{{2, "length"}, {1, "angle"}, {0, "location"}} : std::vector<std::pair<std::size_t, std::string>>{{0, "location"}, {1, "angle"}, {2, "length"}};
  at::Tensor in = shared, inverse = at::zeros({}, at::kDouble);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto& [h, name] = order[k];
    const at::Tensor log_p = book.head(name, in);
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int32_t truth = p.classes[static_cast<std::size_t>(i)][h];
      if (truth >= 0) inverse = inverse - log_p[i][truth] / static_cast<double>(n);
      if (k < 2 && o.order != HeadOrder::independent) {
        const at::Tensor& e = book.w.at("inverse/" + name + "/embedding");
        rows.push_back(truth >= 0 ? e[truth] : at::zeros({e.size(1)}, at::kDouble));
      }
    }
    if (!rows.empty()) in = at::cat({in, at::stack(rows)}, 1);
  }
  const at::Tensor numbers = at::from_blob(const_cast<float*>(p.numbers.data()), {n, 5}).to(at::kDouble);
  at::Tensor y = at::relu(book.affine("forward/2", at::relu(book.affine("forward/1", at::cat({x, numbers}, 1)))));
  y = book.affine("forward/3", y) - (o.detach_target ? after.detach() : after);
  return {inverse, (o.norm == FeatureNorm::l1 ? y.abs() : y.square()).mean()};
}

// Weights that hide nothing behind zeros.
void stir(PokerNets& nets) {
  for (NetWeights* weights : {&nets.weights(), &nets.forward_weights()})
    for (const auto& n : weights->named()) {
      if (!n.vector) continue;
      Rng rng = Rng(9).split(n.name);
      for (std::int64_t i = 0; i < n.at.count(); ++i) weights->values(n.at)[i] = static_cast<float>(0.1 * rng.normal());
    }
}

TEST(Poker, LossesAndGradientsAgreeWithAutograd) {
  std::vector<PokerOptions> all;
  for (const HeadOrder order : {HeadOrder::length_first, HeadOrder::location_first, HeadOrder::independent}) all.push_back(options(PokerLayout::strided, order));
  all.push_back(options()), all.back().norm = FeatureNorm::l2;
  all.push_back(options()), all.back().detach_target = true;
  all.push_back(options(PokerLayout::small)), all.push_back(options(PokerLayout::first));
  for (const PokerOptions& o : all) {
    PokerNets nets(o);
    stir(nets);
    const Pairs p(6, o.classes);
    const Book book(nets);
    const Told told = losses(book, o, p);
    (told.inverse + told.forward * 0.7).backward();
    const PokeLoss loss = nets.learn(p.batch(), {.inverse = 1.0, .forward = 0.7}, still);
    EXPECT_NEAR(loss.inverse[0] + loss.inverse[1] + loss.inverse[2], told.inverse.item<double>(), 1e-5);
    EXPECT_NEAR(loss.forward, told.forward.item<double>(), 1e-6);
    EXPECT_LT(book.worst(), 1e-5) << "layout " << static_cast<int>(o.layout) << ", order " << static_cast<int>(o.order) << ", norm " << static_cast<int>(o.norm);
  }
}

TEST(Poker, OneEncoderForBothPicturesAndTheInverseLossReachesItThroughBoth) {  // poke.md 9.2
  const PokerOptions o = options();
  PokerNets nets(o);
  stir(nets);
  const Pairs p(6, o.classes);
  std::map<std::string, int> named;
  for (const auto& n : nets.weights().named()) ++named[n.name];
  EXPECT_EQ(named.size(), 4 * 2 + 2 + 2 + 3 * 6 + 2U);  // convolutions, features, shared layer, heads, two embeddings: each once
  // A picture's features don't depend on whether it is the first or the second, or on what else is in the batch.
  std::vector<float> apart(6 * 12), alone(12);
  nets.features(p.before, apart);
  for (std::size_t i = 0; i < 6; ++i) {
    nets.features(std::span(p.before).subspan(i * p.size, p.size), alone);
    for (std::size_t k = 0; k < 12; ++k) EXPECT_NEAR(alone[k], apart[i * 12 + k], 1e-6);
  }
  // Both ways give a gradient of their own, and what is learned from is their sum.
  nets.learn(p.batch(), {.inverse = 1.0, .forward = 0.0}, still);
  const Book whole(nets), half(nets);
  losses(whole, o, p).inverse.backward();
  losses(half, o, p, false).inverse.backward();
  EXPECT_LT(whole.worst(), 1e-5);
  const at::Tensor both = whole.w.at("encoder/conv1/w").grad(), after = half.w.at("encoder/conv1/w").grad();
  EXPECT_GT(after.norm().item<double>(), 1e-3);
  EXPECT_GT((both - after).norm().item<double>(), 1e-3);
}

TEST(Poker, EachHeadIsToldWhatTheOnesBeforeItChose) {  // poke.md 9.4
  for (const HeadOrder order : {HeadOrder::length_first, HeadOrder::location_first, HeadOrder::independent}) {
    const PokerOptions o = options(PokerLayout::strided, order);
    PokerNets nets(o);
    stir(nets);
    const Pairs p(1, o.classes);
    InverseModel::Kept kept;
    nets.look(p.before, p.after, kept);
    const auto& heads = nets.inverse().order();
    const auto at = [&](PokeHead h, std::int32_t c) { return static_cast<double>(data<float>(nets.inverse().head(h, kept))[c]); };
    const auto classes = [&](std::size_t k) { return o.classes[heads[k]]; };
    double total = 0.0, told_matters = 0.0, before = 0.0;
    for (std::int32_t a = 0; a < classes(0); ++a) {
      kept.told[heads[0]] = {a};
      const double first = at(heads[0], a);
      for (std::int32_t b = 0; b < classes(1); ++b) {
        kept.told[heads[1]] = {b};
        const double second = at(heads[1], b);
        for (std::int32_t c = 0; c < classes(2); ++c) total += std::exp(first + second + at(heads[2], c));
      }
      const double now = at(heads[1], 0);
      if (a > 0) told_matters += std::abs(now - before);
      before = now;
    }
    EXPECT_NEAR(total, 1.0, 1e-5);
    if (order == HeadOrder::independent) EXPECT_EQ(told_matters, 0.0);
    else EXPECT_GT(told_matters, 1e-3);
    // Playing takes the likeliest of each, told the ones before, of the lengths that are allowed.
    PokeClasses chosen{};
    nets.answer(p.before, p.after, 2, {&chosen, 1});
    EXPECT_LT(chosen[head_length], 2);
    for (std::size_t k = 0; k < poke_heads; ++k) {
      const PokeHead h = heads[k];
      const std::int32_t most = h == head_length ? 2 : o.classes[h];
      std::int32_t best = 0;
      for (std::int32_t c = 1; c < most; ++c)
        if (at(h, c) > at(h, best)) best = c;
      EXPECT_EQ(chosen[h], best);
      kept.told[h] = {best};
    }
  }
}

TEST(Poker, LambdaReachesTheEncoderAndForwardAloneDoesNot) {
  const PokerOptions o = options();
  const Pairs p(6, o.classes);
  const auto after_a_step = [&](const PokeObjective& objective) {
    PokerNets nets(o);
    nets.learn(p.batch(), objective, {.lr = 0.01});
    MemorySink inverse, forward;
    nets.weights().save(inverse), nets.forward_weights().save(forward);
    inverse.data.resize(8 + 4 * static_cast<std::size_t>(nets.weights().count()));  // without Adam's moments
    forward.data.resize(8 + 4 * static_cast<std::size_t>(nets.forward_weights().count()));
    return std::pair(inverse.data, forward.data);
  };
  PokerNets untouched(o);
  MemorySink as_drawn;
  untouched.weights().save(as_drawn);
  as_drawn.data.resize(8 + 4 * static_cast<std::size_t>(untouched.weights().count()));
  const auto none = after_a_step({.inverse = 1.0, .forward = 0.0}), some = after_a_step({.inverse = 1.0, .forward = 0.1}), alone = after_a_step({.inverse = 1.0, .forward = 1.0, .forward_alone = true});
  EXPECT_NE(none.first, some.first);
  EXPECT_EQ(alone.first, as_drawn.data);
  EXPECT_NE(alone.second, none.second);
}

TEST(Poker, ThreadsChangeNothingAndItGoesOnBitByBit) {
  const Pairs p(13, options().classes);
  std::vector<std::byte> first;
  const int before = at::get_num_threads();
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    PokerNets nets(options());
    for (int i = 0; i < 3; ++i) nets.learn(p.batch(), {}, {.lr = 0.01, .scale = 1.0, .clip = 0.5});
    MemorySink sink;
    nets.save(sink);
    if (first.empty()) first = sink.data;
    EXPECT_EQ(sink.data, first) << threads;
    PokerNets other(options());
    MemorySource source(sink.data);
    other.load(source);
    nets.learn(p.batch(), {}, {.lr = 0.01}), other.learn(p.batch(), {}, {.lr = 0.01});
    MemorySink a, b;
    nets.save(a), other.save(b);
    EXPECT_EQ(a.data, b.data);
  }
  at::set_num_threads(before);
}

TEST(Poker, HasTheSizesOfItsLayouts) {
  PokerOptions o;
  o.layout = PokerLayout::alexnet, o.side = 200, o.features = 200, o.hidden = 400, o.classes = {400, 36, 11};
  NetWeights weights;
  const auto encoder = make_picture_encoder(weights, o);
  weights.finish();
  // 11*11*3*96 + 96, 5*5*48*256 + 256, 3*3*256*384 + 384, 3*3*192*384 + 384, 3*3*192*256 + 256, 5*5*256*200 + 200
  EXPECT_EQ(weights.count(), 34944 + 307456 + 885120 + 663936 + 442624 + 1280200);
  encoder->initialise(Rng(1));
  PictureEncoder::Kept kept;
  const at::Tensor x = encoder->forward(at::ones({1, 3, 200, 200}), kept);
  EXPECT_EQ(x.sizes(), (std::vector<std::int64_t>{1, 200}));
  EXPECT_TRUE(std::isfinite(x.abs().sum().item<double>()));

  o = {};
  o.layout = PokerLayout::small;
  NetWeights small_weights;
  const auto small = make_picture_encoder(small_weights, o);
  EXPECT_EQ(small->features(), 128);
  o.layout = PokerLayout::first;
  NetWeights first_weights;
  EXPECT_EQ(make_picture_encoder(first_weights, o)->features(), 64);
  o.layout = PokerLayout::strided;
  PokerNets nets(o);  // 4 convolutions, 512 -> 128; 256 -> 128; heads and embeddings; forward
  const auto affine = [](std::int64_t in, std::int64_t out) { return (in + 1) * out; };
  const std::int64_t heads = affine(128, 128) + affine(128, 128) + affine(128, 7) + 7 * 10 + affine(138, 128) + affine(128, 128) + affine(128, 18) + 18 * 36 + affine(174, 128) + affine(128, 128) + affine(128, 144);
  EXPECT_EQ(nets.parameters(), 9 * 3 * 32 + 32 + 3 * (9 * 32 * 32 + 32) + affine(512, 128) + affine(256, 128) + heads + affine(133, 128) + affine(128, 128) + affine(128, 128));
}

TEST(Poker, PredictsWhatItIsJudgedBy) {
  const PokerOptions o = options();
  PokerNets nets(o);
  const Pairs p(5, o.classes);
  std::vector<float> predicted(5 * 12), after(5 * 12);
  nets.predict(p.before, p.numbers, predicted);
  nets.features(p.after, after);
  double miss = 0.0;
  for (std::size_t i = 0; i < predicted.size(); ++i) miss += std::abs(static_cast<double>(predicted[i]) - static_cast<double>(after[i])) / 60.0;
  EXPECT_NEAR(nets.judge(p.batch()).forward, miss, 1e-5);
}

TEST(Poker, MisuseIsNamed) {
  const auto refusal = [](PokerOptions o) {
    try {
      make_poker(o);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  PokerOptions o = options();
  o.side = 8;
  EXPECT_NE(refusal(o).find("expected pictures of 16 to 256 pixels a side for this layout, got 8"), std::string::npos);
  o = options(), o.classes[1] = 1;
  EXPECT_NE(refusal(o).find("expected classes of a head from 2 to 65536, got 1"), std::string::npos);
  o = options(), o.features = 0;
  EXPECT_NE(refusal(o).find("expected features from 1 to 4096, got 0"), std::string::npos);
  PokerNets nets(options());
  Pairs p(2, options().classes);
  p.numbers[0] = std::nanf("");
  MemorySink before, after;
  nets.save(before);
  try {
    nets.learn(p.batch(), {}, {});
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("not finite"), std::string::npos);
  }
  nets.save(after);
  EXPECT_EQ(before.data, after.data);
}

}  // namespace
}  // namespace hone::nn
