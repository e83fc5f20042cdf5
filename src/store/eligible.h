#pragma once

#include <unordered_set>

#include "store/index.h"

namespace hone::store_detail {

// A filter with its words turned into numbers, at one version.
class RecallIndex::Eligible {
 public:
  Eligible(const RecallIndex& index, const LessonFilter& filter, std::uint64_t version)
      : index_(index), filter_(filter), version_(version) {
    const auto want = [&](const std::string& text) { return text.empty() ? any : index.interned(text); };
    env_ = want(filter.env);
    kind_ = want(filter.kind);
    learner_ = want(filter.learner);
    for (const auto& task : filter.not_tasks) not_tasks_.insert(index.interned(task));
  }
  bool visible(std::uint32_t item) const {
    const auto& s = index_.items_[item].stored;
    return s.added <= version_ && (s.retired == 0 || s.retired > version_);
  }
  bool operator()(std::uint32_t item) const {
    const Item& i = index_.items_[item];
    if (!visible(item)) return false;
    if ((env_ != any && i.env != env_) || (kind_ != any && i.kind != kind_) ||
        (learner_ != any && i.learner != learner_))
      return false;
    if (filter_.form && i.form != *filter_.form) return false;
    const bool is_case = i.form == LessonForm::example;
    if (filter_.solved && is_case && i.solved != *filter_.solved) return false;
    if (is_case && !not_tasks_.empty() && not_tasks_.count(i.task) != 0) return false;
    const auto created = i.stored.lesson.created_ms;
    return (filter_.since_ms == 0 || created >= filter_.since_ms) &&
           (filter_.until_ms == 0 || created < filter_.until_ms);
  }

 private:
  static constexpr int any = -2;
  const RecallIndex& index_;
  const LessonFilter& filter_;
  std::uint64_t version_;
  int env_ = any, kind_ = any, learner_ = any;
  std::unordered_set<int> not_tasks_;
};

}  // namespace hone::store_detail
