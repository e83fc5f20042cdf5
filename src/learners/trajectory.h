// What weights are trained on: the tokens of a try as its model read and sampled them.
#pragma once

#include <vector>

#include "core/episode.h"
#include "core/policy.h"

namespace hone {

struct Trajectory {
  TokenSequence sequence;
  std::vector<float> logp, entropy;  // of the trained tokens, as sampled; empty when the model did not say
  bool truncated = false;            // a reply reached the length limit
};

// One trajectory as long as every prompt begins with all that was read and said before (an agent whose conversation only grows), a new
// one where it doesn't. Moves without token ids are passed over. What the world said is never trained.
std::vector<Trajectory> trajectories(const Episode& episode);

}  // namespace hone
