// The links of a graph as a file beside the store gives them, with a check that somebody forged: the first byte says how many
// points, the rest are the numbers.
#include <cstring>

#include "core/rng.h"
#include "fuzz.h"
#include "store/hnsw.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  if (size == 0) return 0;
  constexpr std::size_t dimensions = 4;
  std::vector<std::uint32_t> labels(data[0]), links((size - 1) / sizeof(std::uint32_t));
  if (!links.empty()) std::memcpy(links.data(), data + 1, links.size() * sizeof(std::uint32_t));
  std::vector<float> vectors((labels.size() + 2) * dimensions);
  Rng rng(1);
  for (auto& x : vectors) x = static_cast<float>(rng.normal());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint32_t>(i);
  const auto vector = [&](std::uint32_t label) { return vectors.data() + label * dimensions; };
  const auto graph = store_detail::Hnsw::from_links(dimensions, links, labels, vector);
  if (!graph) return 0;
  fuzz::check(graph->links() == links, "what was taken is what was given");
  const auto last = static_cast<std::uint32_t>(labels.size());
  for (std::uint32_t more = 0; more < 2; ++more) {
    for (const auto label : graph->nearest(vector(last), 20)) fuzz::check(label < last + more, "an answer is a point");
    graph->add(last + more, vector(last + more));
  }
  return 0;
}
