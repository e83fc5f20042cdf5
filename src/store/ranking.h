// The arithmetic of recall, on plain numbers. Everywhere: higher is better, ties by lower index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace hone::store_detail {

// Inner product, in the widest vectors the CPU has (chosen at run time; sums are in another order per CPU
// model).
float dot(const float* a, const float* b, std::size_t n);
int dot_kernel();  // which of them this CPU has: 0, 1, 2

// Okapi BM25, k1 = 1.2, b = 0.75, with the idf that can't turn negative, ln(1 + (N - df + 0.5) / (df + 0.5)).
struct Bm25 {
  std::int64_t documents = 0;  // N
  double average_words = 0.0;
  std::vector<std::int64_t> document_counts;  // df per query word
  double score(std::span<const std::int32_t> counts, int words) const;
};

struct Ranked {
  std::uint32_t item = 0;
  double score = 0.0;
};

// The best `n` of `items`, sorted; reorders `items`.
void keep_best(std::vector<Ranked>& items, std::size_t n);

// Reciprocal-rank fusion (Cormack, Clarke, Buettcher 2009): sum over lists of 1 / (60 + rank), rank from 1.
// Sorted.
std::vector<Ranked> fuse(std::span<const std::vector<Ranked>> lists, double constant = 60.0);

// Maximal marginal relevance (Carbonell, Goldstein 1998) with lambda = 1 - diversity: picks `k` indices into
// `relevance` one by one, each time the highest lambda * relevance - (1 - lambda) * (largest similarity to
// what was picked; 0 for the first).
std::vector<std::size_t> pick_diverse(std::span<const double> relevance,
                                      const std::function<double(std::size_t, std::size_t)>& similarity,
                                      std::size_t k, double diversity);

}  // namespace hone::store_detail
