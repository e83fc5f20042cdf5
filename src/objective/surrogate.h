// Loss of one token from ratio, log-probability and advantage, with its slopes (grpo_reference, section 3).
#pragma once

#include <cstdint>
#include <span>

#include "objective/config.h"

namespace hone::objective {

// Where a surrogate stops pulling; counted apart.
enum ClipEvent : std::uint8_t { clip_none = 0, clip_high = 1, clip_low = 2, clip_cap = 4 };

struct Term {
  double value = 0.0;
  double by_ratio = 0.0;  // slope by the logarithm of the ratio
  double by_logp = 0.0;   // slope by the log-probability itself, where the loss names it (reinforce, cispo, vespo)
  std::uint8_t event = clip_none;
};

// All but gmpo, which has one ratio per sequence. gspo and clip_cov are ppo_clip here (what makes them different is the ratio they are
// given and the tokens they leave out), kl_cov is no_clip, vespo needs its factor phi.
Term surrogate(Surrogate kind, const ObjectiveConfig& c, double log_ratio, double logp, double advantage, double phi = 1.0);

// vespo's detached factor exp(lambda + k log W - lambda W), log W the sum over the sequence.
double vespo_phi(const ObjectiveConfig& c, double log_w, double advantage);

// gmpo: log ratio of a token clipped on the side that the advantage allows; and whether it was.
struct Clipped {
  double log_ratio = 0.0;
  std::uint8_t event = clip_none;
};
Clipped gmpo_clip(const ObjectiveConfig& c, double log_ratio, double advantage);

}  // namespace hone::objective
