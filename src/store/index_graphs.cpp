// The graphs of an index: built when there is enough, grown with what comes, kept in files.
#include <algorithm>
#include <mutex>

#include "store/fingerprint.h"
#include "store/graph_file.h"
#include "store/hnsw.h"
#include "store/index.h"

namespace hone::store_detail {
namespace {

std::uint64_t chained(std::uint64_t before, const float* vector, std::size_t dimensions) {
  return fingerprint(std::as_bytes(std::span(vector, dimensions)), before);
}

}  // namespace

void RecallIndex::finish() {
  const std::unique_lock lock(mutex_);
  for (std::size_t kind = 0; kind < rows_.size(); ++kind) {
    Rows& rows = rows_[kind];
    if (rows.with_vector == 0 || rows.with_vector < static_cast<std::size_t>(std::max(hnsw_from_, 0))) continue;
    if (!rows.hnsw && !store_.empty()) read_graph_of(rows, static_cast<RecallKey>(kind));
    if (!rows.hnsw) rows.hnsw = std::make_unique<Hnsw>(dimensions_);
    for (; rows.offered < rows.item.size(); ++rows.offered) {
      const auto row = static_cast<std::uint32_t>(rows.offered);
      if (rows.has_vector[row] == 0) continue;
      rows.hnsw->add(row, vector(rows, row));
      rows.points = chained(rows.points, vector(rows, row), dimensions_);
    }
  }
}

void RecallIndex::read_graph_of(Rows& rows, RecallKey kind) {
  const auto kept = read_graph(graph_path(store_, scope_, kind), dimensions_, rows.with_vector);
  if (!kept) return;
  std::vector<std::uint32_t> labels;
  labels.reserve(kept->points);
  std::uint64_t points = 0;
  for (std::uint32_t row = 0; labels.size() < kept->points; ++row) {
    if (rows.has_vector[row] == 0) continue;
    labels.push_back(row);
    points = chained(points, vector(rows, row), dimensions_);
  }
  if (points != kept->vectors) return;
  rows.hnsw = Hnsw::from_links(dimensions_, kept->links, labels, [&](std::uint32_t row) { return vector(rows, row); });
  if (!rows.hnsw) return;
  rows.offered = std::size_t{labels.back()} + 1;
  rows.points = points;
  rows.written = labels.size();
}

bool RecallIndex::worth_writing(const Rows& rows, bool closing) {
  if (!rows.hnsw) return false;
  const std::size_t size = rows.hnsw->size();
  const std::size_t enough = closing ? std::max<std::size_t>(size / 256, 16) : std::max<std::size_t>(size / 16, 256);
  return rows.written == 0 || size - rows.written >= enough;
}

bool RecallIndex::graphs_to_write(bool closing) const {
  const std::shared_lock lock(mutex_);
  return std::any_of(rows_.begin(), rows_.end(), [&](const Rows& rows) { return worth_writing(rows, closing); });
}

void RecallIndex::write_graphs(bool closing, unsigned mode) {
  const std::unique_lock lock(mutex_);
  for (std::size_t kind = 0; kind < rows_.size(); ++kind) {
    Rows& rows = rows_[kind];
    if (!worth_writing(rows, closing)) continue;
    write_graph(graph_path(store_, scope_, static_cast<RecallKey>(kind)), dimensions_,
                {rows.hnsw->size(), rows.points, rows.hnsw->links()}, mode);
    rows.written = rows.hnsw->size();  // also when it could not be: not tried again before it has grown
  }
}

}  // namespace hone::store_detail
