// Tests only: lessons with planted similarities, so that what recall returns is known in advance.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "core/recall.h"

namespace hone {

struct Planted {
  Lesson lesson;
  double similarity = 0.0;
};

inline Planted planted_case(const std::string& id, const std::string& task, std::vector<std::string> actions, double similarity, bool solved = true) {
  Case known;
  known.task_id = "task of " + id;
  known.task = task;
  known.actions = std::move(actions);
  known.solved = solved;
  for (const auto& a : known.actions) known.transcript += (known.transcript.empty() ? "Queue: " : "\nQueue: ") + a;
  Lesson lesson;
  lesson.id = id;
  lesson.env = "desk";
  lesson.kind = "route";
  lesson.what = std::move(known);
  return {std::move(lesson), similarity};
}

inline Planted planted_insight(const std::string& id, const std::string& text) {
  Lesson lesson;
  lesson.id = id;
  lesson.env = "desk";
  lesson.what = Insight{text, 2};
  return {std::move(lesson), 0.0};
}

// Every query finds the cases that pass the filter, nearest first. Keeps the queries.
class PlantedLessons final : public Lessons {
 public:
  explicit PlantedLessons(std::vector<Planted> planted) : planted_(std::move(planted)) {}
  std::string scope() const override { return "planted"; }
  std::uint64_t version() const override { return 1; }
  std::vector<Lesson> all(const LessonFilter& filter) const override {
    std::vector<Lesson> out;
    for (const auto& p : planted_)
      if (passes(p.lesson, filter)) out.push_back(p.lesson);
    return out;
  }
  std::vector<Recalled> recall(const RecallQuery& query) const override {
    const std::lock_guard lock(mutex_);
    queries_.push_back(query);
    std::vector<Recalled> out;
    for (const auto& p : planted_)
      if (passes(p.lesson, query.filter)) out.push_back({p.lesson, p.similarity, p.similarity});
    std::stable_sort(out.begin(), out.end(), [](const Recalled& a, const Recalled& b) { return a.score > b.score; });
    if (out.size() > static_cast<std::size_t>(query.k)) out.resize(static_cast<std::size_t>(query.k));
    return out;
  }
  std::vector<RecallQuery> queries() const {
    const std::lock_guard lock(mutex_);
    return queries_;
  }

 private:
  static bool passes(const Lesson& lesson, const LessonFilter& filter) {
    const auto* known = std::get_if<Case>(&lesson.what);
    if (filter.form == LessonForm::example && known == nullptr) return false;
    if (filter.form == LessonForm::insight && !std::holds_alternative<Insight>(lesson.what)) return false;
    if ((!filter.env.empty() && filter.env != lesson.env) || (!filter.kind.empty() && filter.kind != lesson.kind)) return false;
    if (known == nullptr) return true;
    return (!filter.solved || *filter.solved == known->solved) &&
           std::find(filter.not_tasks.begin(), filter.not_tasks.end(), known->task_id) == filter.not_tasks.end();
  }

  std::vector<Planted> planted_;
  mutable std::mutex mutex_;
  mutable std::vector<RecallQuery> queries_;
};

}  // namespace hone
