// Advantages of a whole batch from its rewards (grpo_reference, section 1).
#pragma once

#include "core/lesson.h"
#include "objective/sample.h"

namespace hone::objective {

struct Advantages {
  std::vector<std::vector<double>> of;   // [sample][trained token]
  std::vector<std::uint8_t> dropped;     // [sample] 1 = left out with its group (zero_var: drop or resample)
  std::vector<std::string> resample;     // keys of those groups, with zero_var: resample
  Metrics metrics;                       // reward_mean, reward_std, rewards_missing, passed, groups, groups_constant, advantage_abs
};

// Statistics of a group are over its scored samples that bring no advantages of their own; those of the batch (batch_std,
// reinforce_pp, reinforce_pp_baseline, gpg, gdpo) are over the samples that use the same estimator.
Advantages advantages(std::span<const Sample> samples, const ObjectiveConfig& config);

// The sum that the reward functions of a sample amount to, before any penalty; none when nobody could score it.
std::optional<double> reward_of(const Sample& s, std::span<const double> weights);

}  // namespace hone::objective
