#include "learners/trajectory.h"

#include <algorithm>

namespace hone {

std::vector<Trajectory> trajectories(const Episode& episode) {
  std::vector<Trajectory> out;
  for (const auto& step : episode.steps) {
    if (!step.did.trace || step.did.trace->ids.empty() || step.did.trace->prompt_ids.empty()) continue;
    const Trace& trace = *step.did.trace;
    const auto goes_on = [&] {
      const auto& known = out.back().sequence.ids;
      return known.size() <= trace.prompt_ids.size() && std::equal(known.begin(), known.end(), trace.prompt_ids.begin());
    };
    if (out.empty() || !goes_on()) out.emplace_back();
    Trajectory& t = out.back();
    t.sequence.ids.insert(t.sequence.ids.end(), trace.prompt_ids.begin() + static_cast<std::ptrdiff_t>(t.sequence.ids.size()), trace.prompt_ids.end());
    t.sequence.trained.resize(t.sequence.ids.size(), 0);
    t.sequence.ids.insert(t.sequence.ids.end(), trace.ids.begin(), trace.ids.end());
    t.sequence.trained.resize(t.sequence.ids.size(), 1);
    t.logp.insert(t.logp.end(), trace.logp.begin(), trace.logp.end());
    t.entropy.insert(t.entropy.end(), trace.entropy.begin(), trace.entropy.end());
    t.truncated = t.truncated || static_cast<int>(trace.ids.size()) >= trace.sampling.max_tokens;
  }
  for (auto& t : out) {
    const auto trained = static_cast<std::size_t>(std::count(t.sequence.trained.begin(), t.sequence.trained.end(), 1));
    if (t.logp.size() != trained) t.logp.clear();
    if (t.entropy.size() != trained) t.entropy.clear();
  }
  return out;
}

}  // namespace hone
