#include "store/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

namespace hone::store_detail {
namespace {

// One body, compiled for several instruction sets: GCC and Clang lower these wide vectors to whatever the
// target has.
typedef float Wide __attribute__((vector_size(64)));

__attribute__((always_inline)) inline float dot_body(const float* a, const float* b, std::size_t n) {
  constexpr std::size_t lanes = 16;
  Wide s0 = {}, s1 = {};
  std::size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    Wide a0, b0, a1, b1;
    std::memcpy(&a0, a + i, sizeof a0);
    std::memcpy(&b0, b + i, sizeof b0);
    std::memcpy(&a1, a + i + lanes, sizeof a1);
    std::memcpy(&b1, b + i + lanes, sizeof b1);
    s0 += a0 * b0;
    s1 += a1 * b1;
  }
  s0 += s1;
  float sum = 0.0F;
  for (std::size_t lane = 0; lane < lanes; ++lane) sum += s0[lane];
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

float dot_plain(const float* a, const float* b, std::size_t n) { return dot_body(a, b, n); }
using Dot = float (*)(const float*, const float*, std::size_t);

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float dot_avx2(const float* a, const float* b, std::size_t n) {
  return dot_body(a, b, n);
}
__attribute__((target("avx512f"))) float dot_avx512(const float* a, const float* b, std::size_t n) {
  return dot_body(a, b, n);
}

Dot choose() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return dot_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return dot_avx2;
  return dot_plain;
}
#else
Dot choose() { return dot_plain; }
#endif

bool better(const Ranked& a, const Ranked& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

}  // namespace

float dot(const float* a, const float* b, std::size_t n) {
  static const Dot chosen = choose();
  return chosen(a, b, n);
}

int dot_kernel() {
#if defined(__x86_64__)
  const Dot chosen = choose();
  return chosen == dot_avx512 ? 2 : chosen == dot_avx2 ? 1 : 0;
#else
  return 0;
#endif
}

double Bm25::score(std::span<const std::int32_t> counts, int words) const {
  constexpr double k1 = 1.2;
  constexpr double b = 0.75;
  const double length = average_words > 0.0 ? static_cast<double>(words) / average_words : 1.0;
  double sum = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto df = static_cast<double>(document_counts[i]);
    const double idf = std::log(1.0 + (static_cast<double>(documents) - df + 0.5) / (df + 0.5));
    const auto tf = static_cast<double>(counts[i]);
    sum += idf * tf * (k1 + 1.0) / (tf + k1 * (1.0 - b + b * length));
  }
  return sum;
}

void keep_best(std::vector<Ranked>& items, std::size_t n) {
  if (n < items.size()) {
    std::nth_element(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(n), items.end(), better);
    items.resize(n);
  }
  std::sort(items.begin(), items.end(), better);
}

std::vector<Ranked> fuse(std::span<const std::vector<Ranked>> lists, double constant) {
  std::map<std::uint32_t, double> sums;
  for (const auto& list : lists)
    for (std::size_t rank = 0; rank < list.size(); ++rank)
      sums[list[rank].item] += 1.0 / (constant + static_cast<double>(rank + 1));
  std::vector<Ranked> out;
  out.reserve(sums.size());
  for (const auto& [item, score] : sums) out.push_back({item, score});
  std::sort(out.begin(), out.end(), better);
  return out;
}

std::vector<std::size_t> pick_diverse(std::span<const double> relevance,
                                      const std::function<double(std::size_t, std::size_t)>& similarity,
                                      std::size_t k, double diversity) {
  const double lambda = 1.0 - diversity;
  std::vector<std::size_t> picked;
  std::vector<double> nearest(relevance.size(), 0.0);
  std::vector<bool> taken(relevance.size(), false);
  while (picked.size() < std::min(k, relevance.size())) {
    std::size_t best = relevance.size();
    double best_score = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < relevance.size(); ++i) {
      const double score = lambda * relevance[i] - (1.0 - lambda) * nearest[i];
      if (!taken[i] && (best == relevance.size() || score > best_score)) {
        best = i;
        best_score = score;
      }
    }
    taken[best] = true;
    picked.push_back(best);
    if (diversity <= 0.0) continue;
    for (std::size_t i = 0; i < relevance.size(); ++i) {
      if (taken[i]) continue;
      const double near = similarity(i, best);
      nearest[i] = picked.size() == 1 ? near : std::max(nearest[i], near);
    }
  }
  return picked;
}

}  // namespace hone::store_detail
