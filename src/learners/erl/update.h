// A round's steps: advantages, the policy as it was, the policy loss over all roles.
#pragma once

#include "learners/erl/samples.h"

namespace hone::erl {

// `round_of`: which of how many rounds. Fills advantages and old log-probabilities into `samples`.
Metrics step_weights(Samples& samples, const ErlConfig& config, AtStep round_of, Policy& policy, Tools& tools);

}  // namespace hone::erl
