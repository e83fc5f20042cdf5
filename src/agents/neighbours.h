// Nearest-neighbour vote: cases near the task at hand speak for the action that solved them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/recall.h"

namespace hone {

struct VoteRules {
  double power = 1.0;           // a neighbour weighs max(cosine, 0)^power
  double smoothing = 0.0;       // share of the probability that is spread evenly
  double bounced = 0.0;         // how much a neighbour's weight counts against each of its actions that failed; 0 = plain
};

// [choices] log of the share of the vote for each, up to a constant; `neighbours` are cases (others are skipped). Without any
// vote every choice gets the same. Share: (1 - smoothing) * w_c / sum(w) + smoothing / n, w_c = weights of the solved cases
// whose last action is c; times exp(-bounced * weights of the cases in which c failed). -infinity where the share is 0.
std::vector<double> neighbour_vote(std::span<const std::string> choices, std::span<const Recalled> neighbours, const VoteRules& rules);

}  // namespace hone
