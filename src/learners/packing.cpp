#include "learners/packing.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "core/error.h"

namespace hone {

std::vector<std::vector<std::size_t>> pack(std::span<const std::size_t> lengths, std::size_t capacity) {
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<std::size_t>> bins;
  std::set<std::pair<std::size_t, std::size_t>> room;  // what is left of each bin, and which it is
  for (const std::size_t i : order) {
    const std::size_t n = lengths[i];
    if (n > capacity) throw Error(Fault::bad_input, "packing: expected at most " + std::to_string(capacity) + " tokens, got a sequence (or pair) of " + std::to_string(n));
    const auto fullest = room.lower_bound({n, 0});
    const bool fits = fullest != room.end();
    const std::size_t bin = fits ? fullest->second : bins.size(), left = fits ? fullest->first : capacity;
    if (fits) room.erase(fullest);
    else bins.emplace_back();
    bins[bin].push_back(i);
    room.insert({left - n, bin});
  }
  return bins;
}

}  // namespace hone
