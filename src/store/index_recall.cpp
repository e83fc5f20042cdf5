// How a query becomes a list: candidates by vector and by text, fusion, one per task, diversity.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_set>

#include "core/error.h"
#include "store/eligible.h"
#include "store/hnsw.h"

namespace hone::store_detail {

RecallIndex::Found RecallIndex::dense_exact(const Rows& rows, const RecallInput& input,
                                            const Eligible& eligible, std::size_t n) const {
  // Rows of one item stand together. Of the items, the best so far are kept, at most twice as many as wanted:
  // a list of all would cost as much as the comparing.
  struct Hit {
    std::uint32_t item = 0, row = 0;
    double score = 0.0;
  };
  const auto better = [](const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  };
  std::vector<Hit> best;
  std::size_t items = 0;
  double floor = -std::numeric_limits<double>::infinity();  // a score below is not among the best
  std::optional<Hit> open;                                  // the item whose rows are being read
  const auto close = [&] {
    if (!open) return;
    ++items;
    if (open->score >= floor) best.push_back(*open);
    open.reset();
    if (best.size() < 2 * n) return;
    const auto last = best.begin() + static_cast<std::ptrdiff_t>(n - 1);
    std::nth_element(best.begin(), last, best.end(), better);
    floor = last->score;
    best.resize(n);
  };
  for (std::uint32_t row = 0; row < rows.item.size(); ++row) {
    const std::uint32_t item = rows.item[row];
    if (rows.has_vector[row] == 0 || !eligible(item)) continue;
    const auto score = static_cast<double>(dot(vector(rows, row), input.vector.data(), dimensions_));
    if (!std::isfinite(score)) continue;
    if (open && open->item == item) {
      if (score > open->score) open = Hit{item, row, score};
      continue;
    }
    close();
    open = Hit{item, row, score};
  }
  close();
  std::sort(best.begin(), best.end(), better);
  if (best.size() > n) best.resize(n);
  Found found;
  found.complete = items <= n;
  found.list.reserve(best.size());
  found.row.reserve(best.size());
  for (const auto& hit : best) {
    found.list.push_back({hit.item, hit.score});
    found.row[hit.item] = hit.row;
  }
  return found;
}

RecallIndex::Found RecallIndex::dense_hnsw(const Rows& rows, const RecallInput& input,
                                           const Eligible& eligible, std::size_t n, std::size_t enough) const {
  // More is asked for than needed, because the filter comes after; when it leaves too little, exact search
  // decides.
  for (std::size_t ask = std::max<std::size_t>(n, 128); ask < rows.hnsw->size() / 8; ask *= 4) {
    std::unordered_map<std::uint32_t, Ranked> best;  // item -> row and score
    for (const auto row : rows.hnsw->nearest(input.vector.data(), ask)) {
      const std::uint32_t item = rows.item[row];
      if (!eligible(item)) continue;
      const auto score = static_cast<double>(dot(vector(rows, row), input.vector.data(), dimensions_));
      const auto [place, fresh] = best.try_emplace(item, Ranked{row, score});
      if (!fresh &&
          (score > place->second.score || (score == place->second.score && row < place->second.item)))
        place->second = {row, score};
    }
    if (best.size() < enough) continue;
    Found found;
    for (const auto& [item, hit] : best) {
      found.list.push_back({item, hit.score});
      found.row[item] = hit.item;
    }
    keep_best(found.list, n);
    found.complete = false;
    return found;
  }
  return dense_exact(rows, input, eligible, n);
}

RecallIndex::Found RecallIndex::by_text(const Rows& rows, const RecallInput& input, const Eligible& eligible,
                                        std::size_t n) const {
  Found found;
  // The collection whose words count is what this version shows, whatever else the store holds.
  Bm25 bm25;
  std::int64_t words = 0;
  for (std::uint32_t row = 0; row < rows.item.size(); ++row) {
    if (!eligible.visible(rows.item[row])) continue;
    ++bm25.documents;
    words += rows.words[row];
  }
  if (bm25.documents == 0) return found;
  bm25.average_words = static_cast<double>(words) / static_cast<double>(bm25.documents);
  const auto width = static_cast<std::size_t>(input.text.words);
  bm25.document_counts.assign(width, 0);
  std::vector<std::pair<std::uint32_t, std::size_t>> hits;  // row here, row in input.text
  for (std::size_t i = 0; i < input.text.rows.size(); ++i) {
    const auto place = rows.by_seq.find(input.text.rows[i]);
    if (place == rows.by_seq.end() || !eligible.visible(rows.item[place->second])) continue;
    const std::uint32_t row = place->second;
    hits.emplace_back(row, i);
    for (std::size_t w = 0; w < width; ++w)
      bm25.document_counts[w] += input.text.counts[i * width + w] > 0 ? 1 : 0;
  }
  std::unordered_map<std::uint32_t, Ranked> best;
  for (const auto& [row, i] : hits) {
    const std::uint32_t item = rows.item[row];
    if (!eligible(item)) continue;
    const double score = bm25.score(std::span(input.text.counts).subspan(i * width, width), rows.words[row]);
    const auto [place, fresh] = best.try_emplace(item, Ranked{row, score});
    if (!fresh && (score > place->second.score || (score == place->second.score && row < place->second.item)))
      place->second = {row, score};
  }
  for (const auto& [item, hit] : best) {
    found.list.push_back({item, hit.score});
    found.row[item] = hit.item;
  }
  found.complete = found.list.size() <= n;
  keep_best(found.list, n);
  return found;
}

std::vector<Ranked> RecallIndex::one_per_task(const std::vector<Ranked>& list, const Eligible& eligible,
                                              Found& found, std::size_t most) const {
  std::vector<Ranked> out;
  std::unordered_set<int> seen;
  for (const auto& entry : list) {
    if (out.size() == most) break;
    const Item& item = items_[entry.item];
    const auto tries = by_task_.find(item.task);
    if (item.form != LessonForm::example || tries == by_task_.end()) {
      out.push_back(entry);
      continue;
    }
    if (!seen.insert(item.task).second) continue;
    const auto length = [&](std::uint32_t i) {
      return std::get<Case>(items_[i].stored.lesson.what).transcript.size();
    };
    std::uint32_t shortest = entry.item;
    for (const auto other : tries->second)
      if ((length(other) < length(shortest) || (length(other) == length(shortest) && other < shortest)) &&
          eligible(other))
        shortest = other;
    out.push_back({shortest, entry.score});
    found.row.try_emplace(shortest, found.row.at(entry.item));
  }
  return out;
}

std::vector<Recalled> RecallIndex::recall(const RecallQuery& query, const RecallInput& input) const {
  const std::shared_lock lock(mutex_);
  if (query.k <= 0) return {};
  const Rows& rows = rows_[static_cast<std::size_t>(query.key)];
  const Eligible eligible(*this, query.filter, input.version);
  const bool dense = query.by != RecallBy::text && !input.vector.empty() && dimensions_ != 0;
  if (dense && input.vector.size() != dimensions_)
    throw Error(Fault::usage, "recall: the query's vector has " + std::to_string(input.vector.size()) +
                                  " dimensions, the lessons' have " + std::to_string(dimensions_));
  const auto want =
      static_cast<std::size_t>(query.k) * static_cast<std::size_t>(std::max(query.overfetch, 1));
  Found found;
  std::vector<Ranked> pool;
  for (std::size_t n = std::max<std::size_t>(4 * want, 64);; n *= 8) {
    // Fusion asks for ranks beyond what is wanted, so there the list has to be as long as the one by text.
    const std::size_t enough = query.by == RecallBy::dense ? want : n;
    found = !dense      ? Found{}
            : rows.hnsw ? dense_hnsw(rows, input, eligible, n, enough)
                        : dense_exact(rows, input, eligible, n);
    if (query.by != RecallBy::dense) {
      Found text = by_text(rows, input, eligible, n);
      const std::vector<Ranked> lists[] = {std::move(found.list), text.list};
      found.list = query.by == RecallBy::fused ? fuse(lists) : std::move(text.list);
      found.complete = found.complete && text.complete;
      found.row.merge(text.row);  // where both matched, the dense row stays
    }
    pool = query.one_per_task ? one_per_task(found.list, eligible, found, want) : found.list;
    if (pool.size() >= want || found.complete) break;
  }
  if (pool.size() > want) pool.resize(want);

  // MMR weighs relevance against cosine, so relevance has to be on its scale: the cosine itself, or the part
  // of the best score.
  std::vector<double> relevance;
  for (const auto& entry : pool)
    relevance.push_back(query.by == RecallBy::dense ? entry.score : entry.score / pool.front().score);
  const auto cosine = [&](std::size_t a, std::size_t b) {
    const auto ra = found.row.at(pool[a].item);
    const auto rb = found.row.at(pool[b].item);
    if (rows.has_vector[ra] == 0 || rows.has_vector[rb] == 0) return ra == rb ? 1.0 : 0.0;
    return static_cast<double>(dot(vector(rows, ra), vector(rows, rb), dimensions_));
  };
  std::vector<Recalled> out;
  for (const auto i : pick_diverse(relevance, cosine, static_cast<std::size_t>(query.k), query.diversity)) {
    const auto row = found.row.at(pool[i].item);
    const double near = dense && rows.has_vector[row] != 0
                            ? static_cast<double>(dot(vector(rows, row), input.vector.data(), dimensions_))
                            : 0.0;
    out.push_back({items_[pool[i].item].stored.lesson, near, pool[i].score});
  }
  return out;
}

}  // namespace hone::store_detail
