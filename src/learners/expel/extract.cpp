#include "learners/expel/extract.h"

#include <algorithm>

namespace hone::expel {

std::vector<std::size_t> chunk_sizes(std::size_t n, std::size_t limit) {
  if (n == 0) return {};
  const std::size_t chunks = (n + limit - 1) / limit;
  const std::size_t size = (n + chunks - 1) / chunks;
  std::vector<std::size_t> out;
  for (std::size_t left = n; left > 0; left -= out.back()) out.push_back(std::min(size, left));
  return out;
}

std::vector<InsightCall> plan_calls(std::span<const TaskRecord> records, std::span<const std::size_t> tasks, int successes_per_call,
                                    Rng rng) {
  std::vector<InsightCall> calls;
  std::vector<Shown> successes;
  for (const std::size_t task : tasks) {
    const auto& tries = records[task].tries;
    const auto success = std::find_if(tries.begin(), tries.end(), [](const Try& t) { return t.solved; });
    if (success == tries.end()) continue;
    successes.push_back({task, static_cast<std::size_t>(success - tries.begin())});
    for (std::size_t i = 0; i < tries.size(); ++i)
      if (!tries[i].solved) calls.push_back({true, {successes.back(), {task, i}}});
  }
  rng.shuffle(successes);
  auto next = successes.begin();
  for (const std::size_t size : chunk_sizes(successes.size(), static_cast<std::size_t>(successes_per_call))) {
    const auto end = next + static_cast<std::ptrdiff_t>(size);
    calls.push_back({false, {next, end}});
    next = end;
  }
  return calls;
}

std::vector<InsightCall> evenly(std::vector<InsightCall> calls, int cap) {
  const auto wanted = static_cast<std::size_t>(cap);
  if (cap <= 0 || calls.size() <= wanted) return calls;
  if (wanted == 1) return {calls.back()};
  std::vector<InsightCall> out;
  for (std::size_t i = 0; i < wanted; ++i) out.push_back(calls[i * (calls.size() - 1) / (wanted - 1)]);
  return out;
}

}  // namespace hone::expel
