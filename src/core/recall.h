// Reading lessons: a snapshot of one scope at one version. Backed by the store, or in memory for tests and trials.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/lesson.h"

namespace hone {

enum class LessonForm { insight, skill, example, weights };

struct LessonFilter {
  std::optional<LessonForm> form;
  std::string env, kind, learner;       // empty = any
  std::optional<bool> solved;           // cases only
  std::int64_t since_ms = 0, until_ms = 0;  // creation time, [since, until); 0 = open
  std::vector<std::string> not_tasks;   // cases of these task ids are left out (the task at hand)
};

enum class RecallBy { fused, dense, text };  // reciprocal-rank fusion of the two, or one of them

struct RecallQuery {
  std::string text;
  int k = 3;
  RecallBy by = RecallBy::dense;
  RecallKey key = RecallKey::task;
  double diversity = 0.0;    // MMR: 0 = relevance only, 1 = difference only (1 - lambda of Carbonell and Goldstein 1998)
  int overfetch = 4;         // candidates per result before diversity and one-per-task (ExpeL's rho)
  bool one_per_task = true;  // at most one case of a task: the one with the shortest transcript
  LessonFilter filter;
};

struct Recalled {
  Lesson lesson;
  double similarity = 0.0;  // cosine with the query; 0 for a pure text match
  double score = 0.0;       // what it was ranked by
};

class Lessons {
 public:
  virtual ~Lessons() = default;
  virtual std::string scope() const = 0;
  virtual std::uint64_t version() const = 0;  // 0 = nothing learned yet
  // In order of insertion (insights: by count, then insertion).
  virtual std::vector<Lesson> all(const LessonFilter& filter) const = 0;
  // Best first; ties by insertion order. Safe to call from many threads.
  virtual std::vector<Recalled> recall(const RecallQuery& query) const = 0;
};

// What an agent may see of the lessons in one try.
struct LessonView {
  const Lessons* lessons = nullptr;    // null = none
  std::vector<std::string> withheld;   // ids taken out for a "with against without"
  double withhold_rate = 0.0;          // chance that a recalled lesson is withheld, drawn from the try's own generator
};

}  // namespace hone
