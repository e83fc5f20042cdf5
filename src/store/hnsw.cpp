#include "store/hnsw.h"

#if defined(__SANITIZE_ADDRESS__)
#define NO_MANUAL_VECTORIZATION  // hnswlib reads one entry past a list to prefetch it: without effect, but the sanitizer stops at it
#endif
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

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

constexpr std::size_t neighbours = 16, width_building = 200, width_asking = 160;  // M, ef_construction, ef

}  // namespace

struct Hnsw::Graph {
  explicit Graph(std::size_t dimensions)
      : space(dimensions), index(&space, 1024, neighbours, width_building, 100) {
    index.setEf(width_asking);
  }
  static std::uint32_t count(const hnswlib::linklistsizeint* list) { return *list & 0xFFFFU; }  // as getListCount
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

std::uint32_t Hnsw::recipe() {
  constexpr std::uint32_t builder = 1;  // rises when hnswlib or our use of it builds another graph
  return builder << 24 | static_cast<std::uint32_t>(dot_kernel()) << 20 | static_cast<std::uint32_t>(neighbours << 10 | width_building);
}

std::vector<std::uint32_t> Hnsw::links() const {
  const auto& index = graph_->index;
  std::vector<std::uint32_t> out;
  out.reserve(size() * (2 * neighbours + 4));
  for (hnswlib::tableint point = 0; point < size(); ++point)
    for (int level = 0; level <= index.element_levels_[point]; ++level) {
      const auto* list = index.get_linklist_at_level(point, level);
      const std::uint32_t count = Graph::count(list);
      out.insert(out.end(), list, list + 1 + count);
      out[out.size() - 1 - count] = count;
    }
  return out;
}

std::unique_ptr<Hnsw> Hnsw::from_links(std::size_t dimensions, std::span<const std::uint32_t> links,
                                       std::span<const std::uint32_t> labels,
                                       const std::function<const float*(std::uint32_t)>& vector) {
  const std::size_t size = labels.size();
  if (size == 0) return nullptr;
  auto out = std::make_unique<Hnsw>(dimensions);
  auto& index = out->graph_->index;
  // The layers are drawn anew as they were when the points were added: they are not read, and the next draw follows.
  std::vector<int> layers(size);
  for (auto& top : layers) top = index.getRandomLevel(index.mult_);
  // All of it is looked at before any of it is taken over.
  std::size_t at = 0;
  for (std::size_t point = 0; point < size; ++point)
    for (int level = 0; level <= layers[point]; ++level) {
      if (at == links.size()) return nullptr;
      const std::size_t count = links[at++];
      if (count > (level == 0 ? index.maxM0_ : index.maxM_) || count > links.size() - at) return nullptr;
      for (const std::uint32_t other : links.subspan(at, count))
        if (other >= size || other == point || layers[other] < level) return nullptr;
      at += count;
    }
  if (at != links.size()) return nullptr;

  std::size_t room = index.max_elements_;
  while (room < size) room *= 2;
  if (room > index.max_elements_) index.resizeIndex(room);
  const std::uint32_t* next = links.data();
  for (hnswlib::tableint point = 0; point < size; ++point) {
    std::memset(index.get_linklist0(point), 0, index.size_data_per_element_);
    if (layers[point] > 0) {
      const std::size_t bytes = index.size_links_per_element_ * static_cast<std::size_t>(layers[point]) + 1;
      index.linkLists_[point] = static_cast<char*>(std::calloc(bytes, 1));
      if (index.linkLists_[point] == nullptr) throw std::bad_alloc();
    }
    index.element_levels_[point] = layers[point];
    index.cur_element_count = point + 1;  // from here on the graph frees its lists
    for (int level = 0; level <= layers[point]; ++level) {
      auto* list = index.get_linklist_at_level(point, level);
      const std::uint32_t count = *next++;
      index.setListCount(list, static_cast<unsigned short>(count));
      std::copy_n(next, count, list + 1);
      next += count;
    }
    index.setExternalLabel(point, labels[point]);
    index.label_lookup_[labels[point]] = point;
    std::memcpy(index.getDataByInternalId(point), vector(labels[point]), dimensions * sizeof(float));
    if (layers[point] > index.maxlevel_) {
      index.maxlevel_ = layers[point];
      index.enterpoint_node_ = point;
    }
  }
  return out;
}

}  // namespace hone::store_detail
