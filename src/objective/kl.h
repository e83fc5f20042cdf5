// Divergence from the reference per token, estimated from two log-probabilities (grpo_reference, section 5).
#pragma once

#include "objective/sample.h"

namespace hone::objective {

struct Kl {
  double value = 0.0, slope = 0.0;  // slope: by lp
};

Kl kl(KlEstimate estimate, double logp, double logp_ref, bool clamp);

// What each token's reward loses to the divergence between lp_old and lp_ref (k1), times -coef.
std::vector<double> kl_rewards(std::size_t index, const Sample& s, double coef);

}  // namespace hone::objective
