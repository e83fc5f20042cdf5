// Stage B: which insight calls are made, and in which order (expel.md sections 3 and 4.4).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/rng.h"
#include "learners/expel/pool.h"

namespace hone::expel {

// Sizes of the slices of n successes at most `limit` (>= 1) to a call: n <= limit one slice, else c = ceil(n / limit) and slices
// of ceil(n / c), the last one shorter. n = 0: none (the release makes an empty call).
std::vector<std::size_t> chunk_sizes(std::size_t n, std::size_t limit);

// A try that a call shows: records[task].tries[attempt].
struct Shown {
  std::size_t task = 0, attempt = 0;
  bool operator==(const Shown&) const = default;
};

struct InsightCall {
  bool compare = false;      // compare: {success, failure} of one task; else successes of different tasks
  std::vector<Shown> shown;
  bool operator==(const InsightCall&) const = default;
};

// The calls over the given tasks (indices into records, ascending): for each solved task one compare call per failure, then the
// first success of each solved task, shuffled and sliced.
std::vector<InsightCall> plan_calls(std::span<const TaskRecord> records, std::span<const std::size_t> tasks, int successes_per_call,
                                    Rng rng);

// [OURS] At most `cap` of the calls (0 = all): numbers floor(i (n - 1) / (cap - 1)), the first and the last included; one = the last.
std::vector<InsightCall> evenly(std::vector<InsightCall> calls, int cap);

}  // namespace hone::expel
