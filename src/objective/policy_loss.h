// The loss of one optimiser step of a policy-gradient method: built from all samples of the step, then called with a few at a time.
// What is summed over the step is known from the start, so the size of a call changes nothing (but with agg: token_mean_local, which
// is defined per call).
//
//   L = agg(w * surrogate) + kl_coef * agg(kl) - entropy_coef * agg(entropy),  w = sample weight * mismatch weight, detached
#pragma once

#include "core/lesson.h"
#include "core/policy.h"
#include "core/rng.h"
#include "objective/advantage.h"
#include "objective/aggregate.h"

namespace hone::objective {

class PolicyObjective {
 public:
  // rng: clip_cov draws the tokens that it leaves out.
  PolicyObjective(std::vector<Sample> samples, const ObjectiveConfig& config, const Rng& rng);

  // Part of the loss that these samples add; writes their slopes. Samples that do not count get zeros.
  double evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes);
  // The same for a policy's step; refers to this object. Starts counting anew.
  Loss loss();

  // Of the batch (see Advantages) and of the tokens evaluated since loss(): loss_policy, loss_kl, loss_entropy, clip_high, clip_low,
  // clip_cap (shares of the tokens), ratio_mean, ratio_min, ratio_max, kl_old (mean of lp_old - lp), kl_ref, entropy, mismatch_weight,
  // mismatch_bounded (share), mismatch_max (largest |lp_old - lp_roll|), mismatch_mean (its mean), mismatch_kl (mean of lp_roll - lp_old), off_policy (share), tokens,
  // length_mean, truncated.
  Metrics metrics() const;
  const Advantages& advantages() const { return advantages_; }
  const std::vector<Sample>& samples() const { return samples_; }

 private:
  struct Work;
  struct Totals {
    double tokens = 0.0, policy = 0.0, kl_loss = 0.0, entropy_loss = 0.0, high = 0.0, low = 0.0, cap = 0.0, ratio = 0.0, ratio_min = 0.0, ratio_max = 0.0;
    double kl_old = 0.0, kl_ref = 0.0, with_ref = 0.0, entropy = 0.0, with_entropy = 0.0, weight = 0.0, bounded = 0.0, mismatch_max = 0.0, mismatch_sum = 0.0, mismatch_kl = 0.0;
    double with_roll = 0.0, off_policy = 0.0;
  };

  Surrogate surrogate_of(std::size_t i) const { return samples_[i].own.surrogate.value_or(config_.surrogate); }
  OldLogp old_of(std::size_t i) const { return samples_[i].own.old_logp.value_or(config_.old_logp); }
  RatioLevel level_of(std::size_t i) const;
  void require(std::size_t i) const;
  void treat_by_covariance(Surrogate kind, const Rng& rng);
  void keep_top_entropy();
  void normalise_mismatch();
  void prepare(Work& w) const;
  void weigh(Work& w);
  void policy_term(Work& w);
  void gmpo_term(Work& w);
  void kl_term(Work& w);
  void entropy_term(Work& w);
  void count(std::uint8_t event);

  std::vector<Sample> samples_;
  ObjectiveConfig config_;
  Advantages advantages_;
  std::vector<double> length_;                       // tokens that count
  Counts step_;
  double entropy_tokens_ = 0.0, mismatch_mean_ = 1.0;
  std::vector<std::vector<std::uint8_t>> treated_;   // clip_cov, kl_cov; empty rows: none
  std::vector<std::vector<std::uint8_t>> kept_;      // top_entropy; empty rows: all
  Totals totals_;
};

}  // namespace hone::objective
