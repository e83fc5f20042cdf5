#include "agents/neighbours.h"

#include <algorithm>
#include <cmath>

namespace hone {

std::vector<double> neighbour_vote(std::span<const std::string> choices, std::span<const Recalled> neighbours, const VoteRules& rules) {
  const std::size_t n = choices.size();
  std::vector<double> for_it(n, 0.0), against(n, 0.0);
  double total = 0.0;
  for (const auto& r : neighbours) {
    const auto* known = std::get_if<Case>(&r.lesson.what);
    if (known == nullptr || known->actions.empty()) continue;
    const double weight = std::pow(std::max(r.similarity, 0.0), rules.power);
    for (std::size_t a = 0; a < known->actions.size(); ++a) {
      const auto it = std::find(choices.begin(), choices.end(), known->actions[a]);
      if (it == choices.end()) continue;
      const bool solved = known->solved && a + 1 == known->actions.size();
      (solved ? for_it : against)[static_cast<std::size_t>(it - choices.begin())] += weight;
      if (solved) total += weight;
    }
  }
  std::vector<double> out(n);
  for (std::size_t c = 0; c < n; ++c) {
    const double even = 1.0 / static_cast<double>(n);
    const double share = total > 0.0 ? (1.0 - rules.smoothing) * for_it[c] / total + rules.smoothing * even : even;
    out[c] = std::log(share) - rules.bounced * against[c];
  }
  return out;
}

}  // namespace hone
