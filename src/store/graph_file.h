// A graph's links in a file beside the store, so that opening need not build the graph again. Only ever a cache: a file
// that is absent, cut off, damaged, of other vectors or another program is as good as none, and who cannot write goes on
// without. It holds numbers of rows, no vector and no text. The layout is in docs/formats/store-schema.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "core/lesson.h"

namespace hone::store_detail {

struct KeptGraph {
  std::uint64_t points = 0;          // in the graph: the first so many vectors of the scope and kind
  std::uint64_t vectors = 0;         // fingerprint of these, chained in order
  std::vector<std::uint32_t> links;  // Hnsw::links()
};

std::filesystem::path graph_path(const std::filesystem::path& store, std::string_view scope, RecallKey kind);
// Nothing when the file is not whole, not by this program for this CPU, or of more points than `most`. That the links are
// those of a graph is for Hnsw::from_links to say, that they are of these vectors for the caller.
std::optional<KeptGraph> read_graph(const std::filesystem::path& path, std::size_t dimensions, std::uint64_t most);
// Under another name first, so that a reader sees all or nothing. False: not written.
bool write_graph(const std::filesystem::path& path, std::size_t dimensions, const KeptGraph& graph, unsigned mode);
// All that may lie beside the store for this scope.
void remove_graphs(const std::filesystem::path& store, std::string_view scope);

}  // namespace hone::store_detail
