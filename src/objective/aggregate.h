// What one token's loss weighs in the loss of the step (grpo_reference, section 4).
#pragma once

#include "objective/config.h"

namespace hone::objective {

// Counts over the whole optimiser step, or over one call.
struct Counts {
  double rows = 0.0;     // sequences
  double filled = 0.0;   // those with a token that counts
  double tokens = 0.0;   // tokens that count
  double longest = 0.0;

  void add(double length) {
    rows += 1.0, filled += length > 0.0 ? 1.0 : 0.0, tokens += length;
    longest = length > longest ? length : longest;
  }
};

// Of each token of a sequence with `length` > 0 counting tokens. Only token_mean_local looks at the call: it is the mean over the
// call's tokens, weighed by the call's share of the sequences.
double token_weight(const ObjectiveConfig& c, double length, const Counts& step, const Counts& call);

}  // namespace hone::objective
