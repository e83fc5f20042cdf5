// Approximate nearest neighbours: hnswlib (Malkov, Yashunin 2016) over unit vectors by inner product.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
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

  // What building costs the time for, without the vectors: per point in order of adding, per layer from the lowest, how
  // many neighbours and which.
  std::vector<std::uint32_t> links() const;
  // The graph that links() came from, given the same points in the same order; it goes on growing as that one would
  // have. Null when `links` can't be those of so many points, whatever they hold.
  static std::unique_ptr<Hnsw> from_links(std::size_t dimensions, std::span<const std::uint32_t> links,
                                          std::span<const std::uint32_t> labels,
                                          const std::function<const float*(std::uint32_t)>& vector);
  // Names what links depend on beside the points: how the graph is built, and how this CPU adds.
  static std::uint32_t recipe();

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace hone::store_detail
