#include "agents/recollection.h"

#include <algorithm>

namespace hone {

Recollection::Recollection(const Brief& brief)
    : view_(brief.lessons), env_(brief.task.env), kind_(brief.task.kind), task_(brief.task.id), rng_(brief.rng.split("withhold")) {
  for (const auto& id : view_.withheld) withheld_[id] = true;
}

LessonFilter Recollection::cases(bool solved_only) const {
  LessonFilter filter;
  filter.form = LessonForm::example;
  filter.env = env_;
  filter.kind = kind_;
  if (solved_only) filter.solved = true;
  filter.not_tasks = {task_};
  return filter;
}

bool Recollection::keep(const Lesson& lesson, double similarity) {
  auto it = withheld_.find(lesson.id);
  if (it == withheld_.end()) it = withheld_.emplace(lesson.id, view_.withhold_rate > 0.0 && rng_.uniform() < view_.withhold_rate).first;
  const auto same = [&](const LessonUse& use) { return use.lesson == lesson.id; };
  if (std::none_of(account_.begin(), account_.end(), same))
    account_.push_back({lesson.id, it->second ? LessonUse::withheld : LessonUse::offered, similarity});
  return !it->second;
}

std::vector<Recalled> Recollection::recall(const RecallQuery& query) {
  if (view_.lessons == nullptr || query.text.empty() || query.k <= 0) return {};
  const std::tuple key(query.text, query.key, query.by, query.k, query.filter.solved.has_value());
  auto it = known_.find(key);
  if (it == known_.end()) it = known_.emplace(key, view_.lessons->recall(query)).first;
  std::vector<Recalled> out;
  for (const auto& r : it->second)
    if (keep(r.lesson, r.similarity)) out.push_back(r);
  return out;
}

std::vector<Lesson> Recollection::insights() {
  if (view_.lessons == nullptr) return {};
  LessonFilter filter;
  filter.form = LessonForm::insight;
  std::vector<Lesson> out;
  for (auto& lesson : view_.lessons->all(filter))
    if (keep(lesson, 0.0)) out.push_back(std::move(lesson));
  return out;
}

void Recollection::used(const std::string& id) {
  for (auto& use : account_)
    if (use.lesson == id) use.how = LessonUse::used;
}

}  // namespace hone
