// Dealing tasks into folds (expel.md section 4.6).
#pragma once

#include <string>
#include <vector>

#include "core/rng.h"

namespace hone::expel {

enum class Outcome { compare, first_try, never };  // solved after at least one failure | solved at once | never solved

struct FoldItem {
  Outcome outcome = Outcome::never;
  std::string kind;  // task family
};

// The fold in which each task is held out, 0 .. k-1. Tasks are grouped by outcome (in the order above) and kind (by first
// appearance), shuffled within each group and dealt round-robin with one counter that runs on from group to group.
std::vector<int> deal_folds(const std::vector<FoldItem>& items, int k, Rng rng);

}  // namespace hone::expel
