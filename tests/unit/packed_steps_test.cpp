// Steps filled by tokens on a real policy: packed sequences give the losses and weights that the same sequences give as separate rows.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/rng.h"
#include "learners/packing.h"
#include "learners/passes.h"
#include "models/policy_module.h"
#include "nn/named_weights_kit.h"

namespace hone {
namespace {

std::string why_not() {
  if (const char* bin = std::getenv("HONE_BIN"); bin != nullptr && std::getenv("HONE_NN") == nullptr)
    setenv("HONE_NN", (std::filesystem::path(bin).parent_path() / "libhone_nn.so").c_str(), 1);
  return why_no_policy();
}

std::unique_ptr<Policy> opened() {
  auto policy = open_policy({.arch = {.family = Family::llama, .vocab = 37, .width = 32, .layers = 2, .heads = 4, .kv_heads = 2, .head_dim = 8, .ff = 48, .context = 128,
                                      .rope_theta = 1000.0F, .norm_eps = 1e-5F, .tied = true},
                             .precision = Precision::f32, .threads = 1});
  for (auto& w : policy->weights(WeightSet::all)) nn_test::fill_by_name(w.name, w.shape.size() == 1, w.values);
  policy->weights_changed();
  return policy;
}

std::vector<TokenSequence> some(int n) {
  Rng rng(4);
  std::vector<TokenSequence> out;
  for (int i = 0; i < n; ++i) {
    TokenSequence s;
    const auto length = 3 + rng.below(28), prompt = 1 + rng.below(length - 1);
    for (std::uint64_t t = 0; t < length; ++t) s.ids.push_back(static_cast<int>(rng.below(37))), s.trained.push_back(t >= prompt ? 1 : 0);
    out.push_back(std::move(s));
  }
  return out;
}

std::vector<float> weights_of(Policy& policy) {
  std::vector<float> out;
  for (const auto& w : policy.weights(WeightSet::trained)) out.insert(out.end(), w.values.begin(), w.values.end());
  return out;
}

double farthest(const std::vector<float>& a, const std::vector<float>& b) {
  double far = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) far = std::max(far, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return far;
}

// Keeps what each step was given, and takes it with another bound on what is in memory at a time.
class Bounded : public Policy {
 public:
  Bounded(std::unique_ptr<Policy> inner, int most) : inner_(std::move(inner)), most_(most) {}
  std::vector<Sampled> sample(std::span<const SampleRequest> r) override { return inner_->sample(r); }
  std::vector<SequenceScores> score(std::span<const TokenSequence> s, float t, Which w) override { return inner_->score(s, t, w); }
  StepResult step(std::span<const TokenSequence> s, const Loss& loss, const StepOptions& options) override {
    // The loss as the sequences have it one by one, before the step.
    double sum = 0.0, n = 0.0;
    for (const auto& one : s)
      for (const auto& scores : inner_->score(std::span(&one, 1), 1.0F, Which::current)) sum -= sum_of(scores.logp), n += static_cast<double>(scores.logp.size());
    expected.push_back(sum / n);
    sequences.push_back(s.size());
    StepOptions bounded = options;
    bounded.microbatch_tokens = most_;
    const auto result = inner_->step(s, loss, bounded);
    losses.push_back(result.loss);
    return result;
  }
  void keep_reference() override { inner_->keep_reference(); }
  std::vector<PolicyWeight> weights(WeightSet w) override { return inner_->weights(w); }
  void weights_changed() override { inner_->weights_changed(); }
  void read(const std::string& name, std::span<float> out) override { inner_->read(name, out); }
  void save(Sink& sink) const override { inner_->save(sink); }
  void load(Source& source) override { inner_->load(source); }

  std::vector<double> losses, expected;
  std::vector<std::size_t> sequences;

 private:
  std::unique_ptr<Policy> inner_;
  int most_;
};

TEST(PackedSteps, LossesAndWeightsAreThoseOfSeparateRows) {
  if (const auto why = why_not(); !why.empty()) GTEST_SKIP() << why;
  PassConfig config{TrainConfig{.lr = 1e-3, .grad_clip = 0.0}};
  config.tokens_per_step = 96;
  const auto sequences = some(40);
  Bounded packed(opened(), 96), rows(opened(), 1);  // a whole step in one flat pass; one sequence at a time
  const auto before = weights_of(packed);
  for (std::int64_t pass = 0; pass < 2; ++pass)
    for (Policy* policy : {static_cast<Policy*>(&packed), static_cast<Policy*>(&rows)})
      imitate(sequences, config, {}, {pass, 2}, Rng(9).split(static_cast<std::uint64_t>(pass)), *policy);
  EXPECT_EQ(packed.sequences, rows.sequences);
  ASSERT_GT(packed.losses.size(), 8U);
  EXPECT_GT(*std::max_element(packed.sequences.begin(), packed.sequences.end()), 3U) << "several sequences in a step";
  EXPECT_NE(packed.sequences[0], *std::min_element(packed.sequences.begin(), packed.sequences.end())) << "and not as many in each";
  for (std::size_t i = 0; i < packed.losses.size(); ++i) {
    EXPECT_NEAR(packed.losses[i], rows.losses[i], 1e-5) << i;
    EXPECT_NEAR(packed.losses[i], packed.expected[i], 1e-5) << i;
  }
  EXPECT_GT(farthest(weights_of(packed), before), 5e-3);
  EXPECT_LT(farthest(weights_of(packed), weights_of(rows)), 1e-3);
}

TEST(PackedSteps, GradientsAreThoseOfSeparateRows) {
  if (const auto why = why_not(); !why.empty()) GTEST_SKIP() << why;
  // AdamW's first step moves every weight by lr * g / (|g| + eps): with an eps far above them, by the gradients themselves.
  const auto sequences = some(6);
  std::vector<int> trained;
  for (const auto& s : sequences) trained.push_back(static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)));
  std::vector<std::vector<float>> after;
  std::vector<double> norms;
  const auto before = weights_of(*opened());
  for (const int most : {1024, 1}) {
    const auto policy = opened();
    objective::SftObjective objective(trained, {});
    norms.push_back(policy->step(sequences, objective.loss(), {.lr = 1.0, .eps = 1e2, .clip = 0.0, .microbatch_tokens = most}).gradient_norm);
    after.push_back(weights_of(*policy));
  }
  EXPECT_NEAR(norms[0], norms[1], 1e-5 * norms[0]);
  const double moved = farthest(after[0], before);
  EXPECT_GT(moved, 1e-4);
  EXPECT_LT(farthest(after[0], after[1]), 1e-3 * moved);
}

}  // namespace
}  // namespace hone
