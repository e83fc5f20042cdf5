// Losses on pairs of replies, one preferred: the DPO family, ORPO and SimPO (sft_dpo_reference, section 4), as TRL 1.9.0 computes them.
//
// c, r: log-probability of the chosen and the rejected reply, summed over their trained tokens, minus the reference's; d = c - r.
//   sigmoid -log s(bd)            hinge max(0, 1 - bd)        ipo (c/n_c - r/n_r - 1/2b)^2      sigmoid_norm -log s(b (c/n_c - r/n_r))
//   robust, exo_pair, nca_pair, bco_pair, sppo_hard, apo_zero, apo_down, discopop: see preference.cpp
//   aot, aot_unpaired compare sorted values of the whole step, so a call must hold all of it
//   sft: mean -log p over the chosen tokens of the step
//   orpo -b log s(log odds ratio) of mean log-probabilities, simpo -log s(b (mean_c - mean_r) - gamma): without a reference; orpo's paper
//   adds sft with weight 1 (TRL's takes the prompt's tokens into that mean, here only trained ones count)
#pragma once

#include "core/lesson.h"
#include "objective/sample.h"

namespace hone::objective {

enum class PreferenceLoss { sigmoid, hinge, ipo, sigmoid_norm, robust, exo_pair, nca_pair, bco_pair, sppo_hard, apo_zero, apo_down, discopop, aot, aot_unpaired, sft, orpo, simpo };
enum class Divergence { reverse_kl, forward_kl, js, alpha };

const EnumNames<PreferenceLoss>& preference_loss_names();

struct PreferenceConfig {
  std::vector<std::string> losses{"sigmoid"};
  std::vector<std::string> loss_weights;
  double beta = 0.1;
  double label_smoothing = 0.0;
  Divergence f_divergence = Divergence::reverse_kl;
  double f_alpha = 0.5;
  double ld_alpha = 1.0;
  double simpo_gamma = 0.5;
  double discopop_tau = 0.05;
};
template <class V>
void visit(V& v, PreferenceConfig& c) {
  v.field("losses", c.losses, "losses that are added up: sigmoid, hinge, ipo, sigmoid_norm, robust, exo_pair, nca_pair, bco_pair, sppo_hard, apo_zero, apo_down, "
          "discopop, aot, aot_unpaired, sft, orpo, simpo");
  v.field("loss_weights", c.loss_weights, "their weights; empty = 1 each");
  v.field("beta", c.beta, "how strongly the reference holds (orpo: weight of the odds ratio; simpo: scale of the means)", {.min = 1e-6, .max = 1000});
  v.field("label_smoothing", c.label_smoothing, "share of pairs taken for wrongly labelled: robust, exo_pair, aot, aot_unpaired, simpo", {.min = 0, .max = 0.499});
  v.choice("f_divergence", c.f_divergence,
           {{"reverse_kl", Divergence::reverse_kl}, {"forward_kl", Divergence::forward_kl}, {"js", Divergence::js}, {"alpha", Divergence::alpha}},
           "divergence that keeps the policy near the reference");
  v.field("f_alpha", c.f_alpha, "alpha of that divergence", {.min = 0, .max = 1});
  v.field("ld_alpha", c.ld_alpha, "weight of the tokens beyond the shorter reply of the pair (LD-DPO); 1 = all alike", {.min = 0, .max = 1});
  v.field("simpo_gamma", c.simpo_gamma, "simpo: margin asked for", {.min = 0, .max = 1000});
  v.field("discopop_tau", c.discopop_tau, "discopop: temperature of the blend", {.min = 1e-6, .max = 1000});
}
void validate(const PreferenceConfig& c);

// One reply: its trained tokens and what the reference gives them, each or in sum.
struct Reply {
  int tokens = 0;
  double ref = 0.0;
  std::vector<float> ref_tokens;  // given: `ref` is not looked at
};
struct Pair {
  Reply chosen, rejected;
};

// Sequence 2k of the step is pair k's chosen reply, 2k + 1 its rejected one; a call holds whole pairs (StepOptions::together = 2).
class PreferenceObjective {
 public:
  PreferenceObjective(std::vector<Pair> pairs, const PreferenceConfig& config);

  double evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes);
  Loss loss();  // refers to this object; starts counting anew
  // rewards/chosen, rewards/rejected, rewards/margins, rewards/accuracies, logps/chosen, logps/rejected, loss, entropy, tokens
  Metrics metrics() const;

 private:
  struct Values;  // of one pair in one call
  void add(PreferenceLoss kind, double weight, std::vector<Values>& all);
  void add_sorted(PreferenceLoss kind, double weight, std::vector<Values>& all);

  std::vector<Pair> pairs_;
  PreferenceConfig config_;
  std::vector<std::pair<PreferenceLoss, double>> losses_;
  std::vector<int> tokens_;
  double chosen_tokens_ = 0.0, loss_ = 0.0, seen_ = 0.0, chosen_ = 0.0, rejected_ = 0.0, right_ = 0.0, logp_chosen_ = 0.0, logp_rejected_ = 0.0;
  double entropy_ = 0.0, with_entropy_ = 0.0, seen_tokens_ = 0.0;
};

}  // namespace hone::objective
