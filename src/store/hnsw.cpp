#include "store/hnsw.h"

#if defined(__SANITIZE_ADDRESS__)
#define NO_MANUAL_VECTORIZATION  // hnswlib reads one entry past a list to prefetch it: without effect, but the sanitizer stops at it
#endif
#include <hnswlib/hnswlib.h>

#include <algorithm>

#include "store/ranking.h"

namespace hone::store_detail {
namespace {

// Our own distance, because hnswlib chooses its instruction set when it is compiled, and we compile for any
// x86-64.
class UnitSpace final : public hnswlib::SpaceInterface<float> {
 public:
  explicit UnitSpace(std::size_t dimensions) : dimensions_(dimensions) {}
  std::size_t get_data_size() override { return dimensions_ * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return [](const void* a, const void* b, const void* n) {
      return 1.0F - dot(static_cast<const float*>(a), static_cast<const float*>(b),
                        *static_cast<const std::size_t*>(n));
    };
  }
  void* get_dist_func_param() override { return &dimensions_; }

 private:
  std::size_t dimensions_;
};

constexpr std::size_t links = 16, width_building = 200, width_asking = 160;  // M, ef_construction, ef

}  // namespace

struct Hnsw::Graph {
  explicit Graph(std::size_t dimensions)
      : space(dimensions), index(&space, 1024, links, width_building, 100) {
    index.setEf(width_asking);
  }
  UnitSpace space;
  hnswlib::HierarchicalNSW<float> index;
};

Hnsw::Hnsw(std::size_t dimensions) : graph_(std::make_unique<Graph>(dimensions)) {}
Hnsw::~Hnsw() = default;

std::size_t Hnsw::size() const { return graph_->index.cur_element_count; }

void Hnsw::add(std::uint32_t label, const float* vector) {
  auto& index = graph_->index;
  if (index.cur_element_count >= index.max_elements_) index.resizeIndex(2 * index.max_elements_);
  index.addPoint(vector, label);
}

std::vector<std::uint32_t> Hnsw::nearest(const float* query, std::size_t n) const {
  auto queue = graph_->index.searchKnn(query, std::min(n, size()));
  std::vector<std::uint32_t> labels;
  labels.reserve(queue.size());
  for (; !queue.empty(); queue.pop()) labels.push_back(static_cast<std::uint32_t>(queue.top().second));
  return labels;
}

}  // namespace hone::store_detail
