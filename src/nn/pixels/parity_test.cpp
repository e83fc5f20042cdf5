// The networks over frames against PyTorch's on recorded frames (tests/reference/icm_parity.py), and their losses on a case of two by two
// worked by hand. Distances are relative to the largest number of an array: its small ones are sums of large ones, no more exact than these.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/named_weights_kit.h"
#include "nn/pixels/curiosity.h"
#include "nn/tensors.h"

namespace hone::nn {
namespace {

using nlohmann::json;

constexpr double tolerance = 1e-5;
constexpr NetStep still{.lr = 0.0, .scale = 1.0, .clip = 0.0};

const json& recorded() {
  static const json all = [] {
    const char* root = std::getenv("HONE_SOURCE_DIR");
    std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests/reference/icm_parity.json");
    return json::parse(in);
  }();
  return all;
}

std::vector<double> in_rows(const json& rows) {
  if (!rows.is_array()) return {rows.get<double>()};
  std::vector<double> out;
  for (const json& row : rows)
    for (const double x : in_rows(row)) out.push_back(x);
  return out;
}

// The largest distance by the largest expected number; an array of zeros is expected to be met exactly.
double distance(std::span<const float> got, std::span<const double> expected, double largest) {
  EXPECT_EQ(got.size(), expected.size());
  double most = 0.0;
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    const double d = std::abs(static_cast<double>(got[i]) - expected[i]);
    if (std::isnan(d)) return d;
    most = std::max(most, d);
  }
  return most == 0.0 ? 0.0 : most / largest;
}
double distance(std::span<const float> got, const json& rows) {
  const auto expected = in_rows(rows);
  double largest = 0.0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  return distance(got, expected, largest);
}

void expect_gradients(const NetWeights& weights, const json& expected) {
  const auto stride = recorded().at("stride").get<std::size_t>();
  EXPECT_EQ(weights.named().size(), expected.size());
  for (const auto& n : weights.named()) {
    const json& e = expected.at(n.name);
    const at::Tensor whole = weights.gradient(n.at).reshape({-1});
    const auto entries = in_rows(e.at("entries"));
    std::vector<float> got;
    for (std::size_t i = 0; i < entries.size(); ++i) got.push_back(data<float>(whole)[i * stride % static_cast<std::size_t>(n.at.count())]);
    const double length = e.at("length").get<double>(), largest = e.at("largest").get<double>();
    EXPECT_LT(distance(got, entries, largest), tolerance) << n.name;
    EXPECT_NEAR(whole.to(at::kDouble).norm().item<double>(), length, tolerance * length) << n.name;
    EXPECT_NEAR(whole.abs().max().item<double>(), largest, tolerance * largest) << n.name;
  }
}

std::vector<float> weights_of(const json& layout) {
  std::vector<float> out;
  for (const json& w : layout) {
    const auto first = out.size();
    out.resize(first + w.at("rows").get<std::size_t>() * w.at("columns").get<std::size_t>());
    const auto values = std::span(out).subspan(first);
    nn_test::numbers_of(w.at("name").get<std::string>(), values);
    for (float& v : values) v *= w.at("scale").get<float>();
  }
  return out;
}

void set(NetWeights& weights, const json& layout) {
  ASSERT_EQ(weights.named().size(), layout.size());
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const auto& n = weights.named()[i];
    EXPECT_EQ(n.name, layout[i].at("name").get<std::string>());
    EXPECT_EQ(n.at.rows, layout[i].at("rows").get<std::int64_t>()) << n.name;
    EXPECT_EQ(n.at.columns, layout[i].at("columns").get<std::int64_t>()) << n.name;
  }
  const auto values = weights_of(layout);
  ASSERT_EQ(static_cast<std::int64_t>(values.size()), weights.count());
  std::copy(values.begin(), values.end(), weights.values(weights.named()[0].at));
}

// Weights that never learn are nobody's but the net's: they are put where a saved net has them, after those that learn.
void set_fixed(CuriosityNet& net, const json& layout) {
  const auto values = weights_of(layout);
  MemorySink sink;
  net.save(sink);
  const std::size_t learning = sizeof(std::int64_t) + sizeof(float) * static_cast<std::size_t>(net.weights().count()) + sizeof(std::int64_t);  // count, values, Adam's steps
  std::int64_t count = 0;
  std::memcpy(&count, sink.data.data() + learning, sizeof count);
  ASSERT_EQ(count, static_cast<std::int64_t>(values.size()));
  std::memcpy(sink.data.data() + learning + sizeof count, values.data(), sizeof(float) * values.size());
  MemorySource source(sink.data);
  net.load(source);
}

std::vector<std::byte> frames(const std::string& name, std::size_t count) {
  std::vector<float> drawn(count * 4 * 42 * 42);
  nn_test::numbers_of(name, drawn);
  std::vector<std::byte> out;
  for (const float x : drawn) out.push_back(static_cast<std::byte>(static_cast<int>((x + 0.5F) * 256.0F)));
  return out;
}

// The recorded rollout: every kind of ending at once.
struct Played {
  Played() {
    const json& r = recorded();
    steps = r.at("steps"), slots = r.at("slots");
    const auto total = static_cast<std::size_t>(steps * slots), n = static_cast<std::size_t>(slots);
    obs = frames("frames", total + n), final_obs = frames("last frames", total);
    for (const double a : in_rows(r.at("actions"))) action.push_back(static_cast<std::int32_t>(a));
    memory.resize(n * 2 * 256);
    nn_test::numbers_of("memory", memory);
    reward.resize(total), terminated.resize(total), truncated.resize(total), fault.resize(total), fresh.resize(total + n);
    const auto ended = in_rows(r.at("ended")), counts = in_rows(r.at("counts"));
    for (std::size_t k = 0; k < total; ++k) {
      if (ended[k] == 0.0) continue;
      (counts[k] == 0.0 ? fault : k % 2 == 0 ? terminated : truncated)[k] = 1;
      fresh[k + n] = 1;
    }
    for (int s = 0; s < slots; ++s) all.push_back(s);
    rollout.steps = steps, rollout.slots = slots;
    rollout.data = {obs, final_obs, reward, terminated, truncated, fault, {}};
    rollout.fresh = fresh;
    rollout.actions = std::as_writable_bytes(std::span(action));
    stretch = {&rollout, all, memory, {}};
  }
  int steps = 0, slots = 0;
  std::vector<std::byte> obs, final_obs;
  std::vector<std::int32_t> action;
  std::vector<float> reward, memory;
  std::vector<std::uint8_t> terminated, truncated, fault, fresh;
  std::vector<int> all;
  Rollout rollout;
  Stretch stretch;
};

TEST(PixelParity, ActorAndCriticOfPyTorch) {
  Played p;
  const json& e = recorded().at("cases").at("actor");
  ActorCritic net({});
  set(net.weights(), e.at("weights"));
  const Judged judged = net.judge(p.stretch);
  EXPECT_LT(distance(judged.logits, e.at("logits")), tolerance);
  EXPECT_LT(distance(judged.values, e.at("values")), tolerance);
  const auto floats = [](const std::vector<double>& x) { return std::vector<float>(x.begin(), x.end()); };
  const auto d_logits = floats(in_rows(e.at("a2c").at("d_logits"))), d_values = floats(in_rows(e.at("a2c").at("d_values")));
  net.learn({d_logits, d_values}, still);
  expect_gradients(net.weights(), e.at("gradients"));

  // The same one decision at a time, and the value of what comes after the last.
  const auto n = static_cast<std::size_t>(p.slots), row = p.obs.size() / static_cast<std::size_t>(p.steps + 1);
  std::vector<float> memory = p.memory, logits(n * 4), values(n), all_logits;
  for (std::size_t t = 0; t <= static_cast<std::size_t>(p.steps); ++t) {
    net.act({std::span(p.obs).subspan(t * row, row), std::span(p.fresh).subspan(t * n, n), p.slots}, memory, logits, values);
    if (t < static_cast<std::size_t>(p.steps)) all_logits.insert(all_logits.end(), logits.begin(), logits.end());
  }
  EXPECT_LT(distance(all_logits, e.at("logits")), tolerance);
  EXPECT_LT(distance(values, e.at("last")), tolerance);
}

void expect_curiosity(const char* name, CuriosityNet& net) {
  const Played p;
  const json& e = recorded().at("cases").at(name);
  set(net.weights(), e.at("weights"));
  if (e.contains("fixed") && !e.at("fixed").empty()) set_fixed(net, e.at("fixed"));
  EXPECT_LT(distance(net.errors(p.stretch), e.at("errors")), tolerance) << name;
  const CuriosityLoss loss = net.learn(recorded().at("beta").get<double>(), still);
  const auto forward = e.at("forward").get<double>();
  EXPECT_NEAR(loss.forward, forward, tolerance * forward);
  if (e.contains("inverse")) {
    const auto inverse = e.at("inverse").get<double>();
    EXPECT_NEAR(loss.inverse, inverse, tolerance * inverse);
    EXPECT_NEAR(loss.accuracy, e.at("accuracy").get<double>(), 1e-9);
  }
  expect_gradients(net.weights(), e.at("gradients"));
}

TEST(PixelParity, IcmOfPyTorch) {
  for (const bool detach : {false, true}) expect_curiosity(detach ? "icm_detached" : "icm", *make_icm({.detach_target = detach}));
}

TEST(PixelParity, RandomFeaturesOfPyTorch) { expect_curiosity("random_features", *make_icm({.curiosity = Curiosity::random_features})); }

TEST(PixelParity, PixelPredictionOfPyTorch) { expect_curiosity("pixels", *make_pixels({.curiosity = Curiosity::pixels})); }

TEST(PixelParity, RandomNetworkDistillationOfPyTorch) { expect_curiosity("rnd", *make_rnd({.curiosity = Curiosity::rnd})); }

// Two actions, two transitions, two features that matter. Every matrix is zero but for the ones below: each state's features are 1 where
// filter 0 looks and 0 elsewhere, whatever its frames. Predicted less true: action 0 (1, -2), action 1 (1/2, 0), elsewhere 0.
//   forward: (1 + 4) / 2 = 5/2 and (1/4) / 2 = 1/8, mean 21/16. Inverse: 1/4 for action 0, 3/4 for action 1 both times, so (ln 4 + ln 4/3) / 2.
TEST(PixelParity, TwoByTwoByHand) {
  std::vector<std::byte> obs(3 * 4 * 42 * 42, std::byte{77}), final_obs(2 * 4 * 42 * 42);
  std::vector<std::int32_t> action{0, 1};
  std::vector<float> reward(2), memory(2 * 256);
  std::vector<std::uint8_t> none(2), fresh(3);
  const std::vector<int> slot{0};
  Rollout rollout;
  rollout.steps = 2, rollout.slots = 1;
  rollout.data = {obs, final_obs, reward, none, none, none, {}};
  rollout.fresh = fresh;
  rollout.actions = std::as_writable_bytes(std::span(action));
  const Stretch stretch{&rollout, slot, memory, {}};
  for (const bool detach : {false, true}) {
    const auto net = make_icm({.actions = 2, .detach_target = detach});
    NetWeights& w = net->weights();
    const auto at = [&](std::string_view name) -> const Span& { return std::find_if(w.named().begin(), w.named().end(), [&](const auto& n) { return n.name == name; })->at; };
    for (const auto& n : w.named()) std::fill_n(w.values(n.at), n.at.count(), 0.0F);
    w.values(at("curiosity/conv4/b"))[0] = 1.0F;
    w.values(at("curiosity/inverse2/b"))[1] = static_cast<float>(std::log(3.0));
    for (std::int64_t pixel = 0; pixel < 9; ++pixel) w.values(at("curiosity/forward2/b"))[pixel * filters] = 1.0F;
    const Span &first = at("curiosity/forward1/w"), &second = at("curiosity/forward2/w");
    w.values(first)[288 * first.columns] = w.values(first)[289 * first.columns + 1] = 1.0F;  // hidden unit a is on after action a
    w.values(second)[0] = 1.0F, w.values(second)[1] = -2.0F, w.values(second)[second.columns] = 0.5F;

    const auto errors = net->errors(stretch);
    EXPECT_FLOAT_EQ(errors[0], 2.5F);
    EXPECT_FLOAT_EQ(errors[1], 0.125F);
    const CuriosityLoss loss = net->learn(0.2, still);
    EXPECT_NEAR(loss.forward, 21.0 / 16.0, 1e-6);
    EXPECT_NEAR(loss.inverse, 0.836988, 1e-6);
    EXPECT_NEAR(loss.accuracy, 0.5, 1e-9);
    // Slopes: 0.2 / 2 of each miss; 0.8 / 2 of each probability less what was done.
    const auto slope = [&](std::string_view name, std::int64_t i) { return data<float>(w.gradient(at(name)))[i]; };
    EXPECT_NEAR(slope("curiosity/forward2/b", 0), 0.15, 1e-6);
    EXPECT_NEAR(slope("curiosity/forward2/b", 1), -0.2, 1e-6);
    EXPECT_NEAR(slope("curiosity/forward2/b", 2), 0.0, 1e-6);
    EXPECT_NEAR(slope("curiosity/inverse2/b", 0), -0.2, 1e-6);
    EXPECT_NEAR(slope("curiosity/inverse2/b", 1), 0.2, 1e-6);
    // What reaches the features comes through the state that was to be predicted alone (the other one's weights are zero), with the other sign.
    EXPECT_NEAR(slope("curiosity/conv4/b", 0), detach ? 0.0 : -0.15, 1e-6);
    EXPECT_NEAR(slope("curiosity/conv4/b", 1), detach ? 0.0 : 0.2, 1e-6);
  }
}

}  // namespace
}  // namespace hone::nn
