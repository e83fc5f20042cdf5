#include "store/index.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/error.h"
#include "core/rng.h"
#include "store/eligible.h"
#include "store/hnsw.h"

namespace hone::store_detail {

RecallIndex::RecallIndex(int hnsw_from, std::filesystem::path store, std::string scope)
    : hnsw_from_(hnsw_from), store_(std::move(store)), scope_(std::move(scope)) {}
RecallIndex::~RecallIndex() = default;

int RecallIndex::intern(const std::string& text) {
  return names_.try_emplace(text, static_cast<int>(names_.size())).first->second;
}

int RecallIndex::interned(const std::string& text) const {
  const auto found = names_.find(text);
  return found == names_.end() ? -1 : found->second;
}

void RecallIndex::add(StoredLesson lesson, const std::vector<IndexKey>& keys) {
  const std::unique_lock lock(mutex_);
  Item item;
  item.form = static_cast<LessonForm>(lesson.lesson.what.index());
  item.env = intern(lesson.lesson.env);
  item.kind = intern(lesson.lesson.kind);
  item.learner = intern(lesson.lesson.learner);
  const auto position = static_cast<std::uint32_t>(items_.size());
  if (const auto* example = std::get_if<Case>(&lesson.lesson.what)) {
    item.task = intern(example->task_id);
    item.solved = example->solved;
    if (!example->task_id.empty()) by_task_[item.task].push_back(position);
  }
  by_id_[lesson.lesson.id] = position;
  item.stored = std::move(lesson);
  items_.push_back(std::move(item));
  for (const auto& key : keys) {
    Rows& rows = rows_[static_cast<std::size_t>(key.kind)];
    rows.item.push_back(position);
    rows.by_seq[key.seq] = static_cast<std::uint32_t>(rows.item.size() - 1);
    rows.words.push_back(key.words);
    if (!key.vector.empty()) {
      if (dimensions_ == 0) {
        dimensions_ = key.vector.size();
        for (auto& r : rows_) r.vectors.assign(r.has_vector.size() * dimensions_, 0.0F);
      }
      if (key.vector.size() != dimensions_)
        throw Error(Fault::corrupt, "recall: a vector of " + std::to_string(key.vector.size()) +
                                        " dimensions among those of " + std::to_string(dimensions_));
      embedders_.insert(key.embedder);
    }
    rows.has_vector.push_back(key.vector.empty() ? 0 : 1);
    rows.with_vector += rows.has_vector.back();
    rows.vectors.resize(rows.has_vector.size() * dimensions_, 0.0F);
    std::copy(key.vector.begin(), key.vector.end(),
              rows.vectors.end() - static_cast<std::ptrdiff_t>(key.vector.empty() ? 0 : dimensions_));
  }
}

void RecallIndex::retire(std::string_view id, std::uint64_t at_version) {
  const std::unique_lock lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  if (found != by_id_.end()) items_[found->second].stored.retired = at_version;
}

std::set<std::string> RecallIndex::embedders() const {
  const std::shared_lock lock(mutex_);
  return embedders_;
}

std::vector<Lesson> RecallIndex::all(const LessonFilter& filter, std::uint64_t at_version) const {
  const std::shared_lock lock(mutex_);
  const Eligible eligible(*this, filter, at_version);
  std::vector<std::uint32_t> chosen, insights;
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    if (!eligible(i)) continue;
    chosen.push_back(i);
    if (items_[i].form == LessonForm::insight) insights.push_back(i);
  }
  // Insights by count among themselves; everything else stays where it is.
  const auto count = [&](std::uint32_t i) { return std::get<Insight>(items_[i].stored.lesson.what).count; };
  std::stable_sort(insights.begin(), insights.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return count(a) > count(b); });
  std::vector<Lesson> out;
  out.reserve(chosen.size());
  auto next = insights.begin();
  for (const auto i : chosen)
    out.push_back(items_[items_[i].form == LessonForm::insight ? *next++ : i].stored.lesson);
  return out;
}

std::int64_t RecallIndex::duplicates(std::uint64_t at_version, RecallKey kind, double cosine) const {
  const std::shared_lock lock(mutex_);
  const Rows& rows = rows_[static_cast<std::size_t>(kind)];
  const LessonFilter none;
  const Eligible eligible(*this, none, at_version);
  constexpr std::size_t exact_pairs_up_to = 4000, sample = 1000;
  std::vector<std::uint32_t> live;
  std::unordered_map<std::string, std::set<std::uint32_t>> by_text;
  for (std::uint32_t row = 0; row < rows.item.size(); ++row) {
    if (!eligible.visible(rows.item[row])) continue;
    if (rows.has_vector[row] != 0) live.push_back(row);
  }
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    if (!eligible.visible(i)) continue;
    for (const auto& key : items_[i].stored.lesson.keys)
      if (key.kind == kind) by_text[key.text].insert(i);
  }
  std::set<std::uint32_t> duplicate;
  for (const auto& [text, items] : by_text)
    if (items.size() > 1) duplicate.insert(items.begin(), items.end());
  const auto near = [&](std::uint32_t a, std::uint32_t b) {
    return rows.item[a] != rows.item[b] &&
           static_cast<double>(dot(vector(rows, a), vector(rows, b), dimensions_)) > cosine;
  };
  const auto equal_texts = duplicate.size();
  std::vector<std::uint32_t> asked;
  for (const auto row : live)
    if (duplicate.count(rows.item[row]) == 0) asked.push_back(row);
  // All pairs of 20,000 keys take a minute: of many, some stand for all. The graph needs no such help.
  const std::size_t all = asked.size();
  const bool sampled = !rows.hnsw && live.size() > exact_pairs_up_to && all > sample;
  if (sampled) {
    Rng rng(all);  // the same every time
    for (std::size_t i = 0; i < sample; ++i) std::swap(asked[i], asked[i + rng.below(all - i)]);
    asked.resize(sample);
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (duplicate.count(rows.item[asked[i]]) != 0) continue;
    bool hit = false;
    if (rows.hnsw) {
      for (const auto other : rows.hnsw->nearest(vector(rows, asked[i]), 32))
        hit = hit || (eligible.visible(rows.item[other]) && near(asked[i], other));
    } else {
      for (std::size_t j = 0; j < live.size() && !hit; ++j) hit = near(asked[i], live[j]);
    }
    if (hit) duplicate.insert(rows.item[asked[i]]);
  }
  const auto by_vector = static_cast<double>(duplicate.size() - equal_texts);
  const double scale = sampled ? static_cast<double>(all) / static_cast<double>(sample) : 1.0;
  return static_cast<std::int64_t>(equal_texts) + std::llround(by_vector * scale);
}

}  // namespace hone::store_detail
