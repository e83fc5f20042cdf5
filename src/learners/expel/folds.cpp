#include "learners/expel/folds.h"

#include <algorithm>

namespace hone::expel {

std::vector<int> deal_folds(const std::vector<FoldItem>& items, int k, Rng rng) {
  std::vector<std::string> kinds;
  for (const auto& item : items)
    if (std::find(kinds.begin(), kinds.end(), item.kind) == kinds.end()) kinds.push_back(item.kind);
  std::vector<int> fold(items.size(), 0);
  int counter = 0;
  for (const Outcome outcome : {Outcome::compare, Outcome::first_try, Outcome::never}) {
    for (const auto& kind : kinds) {
      std::vector<std::size_t> group;
      for (std::size_t i = 0; i < items.size(); ++i)
        if (items[i].outcome == outcome && items[i].kind == kind) group.push_back(i);
      rng.shuffle(group);
      for (const std::size_t i : group) fold[i] = counter++ % k;
    }
  }
  return fold;
}

}  // namespace hone::expel
