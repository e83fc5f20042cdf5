#include "nn/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/kernels/kernels.h"

namespace hone::nn {

Drawn draw_among(std::span<const float> logits, std::span<const int> ids, float temperature, Rng& rng) {
  const float inverse = temperature <= 0.0F ? 1.0F : 1.0F / temperature;
  float lse = 0.0F, mean = 0.0F;
  kernels().f32.log_sum_exp(logits.data(), static_cast<int>(logits.size()), inverse, &lse, &mean);
  int best = ids[0];
  for (const int id : ids)
    if (logits[id] > logits[best]) best = id;
  int taken = best;
  if (temperature > 0.0F) {
    const auto weight = [&](int id) { return std::exp(static_cast<double>((logits[id] - logits[best]) * inverse)); };
    double sum = 0.0;
    for (const int id : ids) sum += weight(id);
    double at = rng.uniform() * sum;
    for (const int id : ids)
      if ((at -= weight(id)) < 0.0) {
        taken = id;
        break;
      }
  }
  return {taken, logits[taken] * inverse - lse, lse - mean};
}

Drawn draw(std::span<const float> logits, const Sampling& how, Rng& rng, std::vector<int>& order) {
  const int vocab = static_cast<int>(logits.size());
  const bool greedy = how.temperature <= 0.0F;
  const float inverse = greedy ? 1.0F : 1.0F / how.temperature;
  float lse = 0.0F, mean = 0.0F;
  kernels().f32.log_sum_exp(logits.data(), vocab, inverse, &lse, &mean);
  const auto found = [&](int id) { return Drawn{id, logits[id] * inverse - lse, lse - mean}; };
  if (greedy) return found(static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin()));

  const auto p = [&](int id) { return std::exp(static_cast<double>(logits[id] * inverse - lse)); };
  if (how.top_k <= 0 && how.top_p >= 1.0F && how.min_p <= 0.0F) {  // the whole vocabulary, in its own order
    const double at = rng.uniform();
    double sum = 0.0;
    int last = 0;
    for (int id = 0; id < vocab; ++id) {
      const double share = p(id);
      if (share > 0.0) last = id;
      if ((sum += share) > at) return found(id);
    }
    return found(last);  // the shares add up to a little less than 1
  }
  order.resize(static_cast<std::size_t>(vocab));
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int a, int b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  std::size_t keep = order.size();
  if (how.top_k > 0 && static_cast<std::size_t>(how.top_k) < keep) {
    keep = static_cast<std::size_t>(how.top_k);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep), order.end(), before);
  } else {
    std::sort(order.begin(), order.end(), before);
  }
  double kept = 0.0;
  for (std::size_t i = 0; i < keep; ++i) kept += p(order[i]);
  double sum = 0.0;
  std::size_t last = 0;
  for (; last < keep; ++last) {  // top_p of what top_k left; min_p relative to the likeliest
    if (last > 0 && (sum >= static_cast<double>(how.top_p) * kept || p(order[last]) < static_cast<double>(how.min_p) * p(order[0]))) break;
    sum += p(order[last]);
  }
  double at = rng.uniform() * sum;
  for (std::size_t i = 0; i + 1 < last; ++i)
    if ((at -= p(order[i])) < 0.0) return found(order[i]);
  return found(order[last - 1]);
}

}  // namespace hone::nn
