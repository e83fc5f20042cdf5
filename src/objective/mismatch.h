// Weights for a sampler whose probabilities differ from the trainer's (grpo_reference, section 7).
#pragma once

#include <span>
#include <vector>

#include "objective/config.h"

namespace hone::objective {

struct MismatchWeights {
  std::vector<double> of;  // per token; those of a sequence are all the same
  int bounded = 0;         // tokens whose weight was truncated or set to 0
};

// d: lp_old - lp_roll of each trained token. No gradient flows through a weight.
MismatchWeights mismatch_weights(const ObjectiveConfig& c, std::span<const double> d);

inline bool of_sequence(Mismatch m) { return m == Mismatch::tis_seq || m == Mismatch::mis_seq; }

}  // namespace hone::objective
