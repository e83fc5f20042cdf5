// Approximate nearest neighbours: hnswlib (Malkov, Yashunin 2016) over unit vectors by inner product.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace hone::store_detail {

// The same points added in the same order give the same graph. Asking from many threads is safe while nobody
// adds.
class Hnsw {
 public:
  explicit Hnsw(std::size_t dimensions);
  ~Hnsw();
  void add(std::uint32_t label, const float* vector);
  std::size_t size() const;
  // Labels of about the `n` nearest, in no order.
  std::vector<std::uint32_t> nearest(const float* query, std::size_t n) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace hone::store_detail
