// What an agent recalls in one try, with the account of it for Move::lessons. Whether a lesson is withheld is decided once per
// try, from the try's own generator in the order in which lessons turn up (ids differ between equal runs, so they can't seed it).
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/agent.h"

namespace hone {

class Recollection {
 public:
  Recollection() = default;
  explicit Recollection(const Brief& brief);

  bool possible() const { return view_.lessons != nullptr; }
  const Lessons& lessons() const { return *view_.lessons; }  // needs possible()

  // Best first, without the withheld. The same query is looked up once per try. Nothing without lessons or text.
  std::vector<Recalled> recall(const RecallQuery& query);
  // Insights in order, without the withheld.
  std::vector<Lesson> insights();
  // Filter for cases of this world and kind of task, never of the task at hand.
  LessonFilter cases(bool solved_only) const;

  // The account of one move. What is recalled counts as offered until used; withheld ones are noted by recall itself.
  void start_move() { account_.clear(); }
  void used(const std::string& id);
  const std::vector<LessonUse>& account() const { return account_; }

 private:
  bool keep(const Lesson& lesson, double similarity);

  LessonView view_;
  std::string env_, kind_, task_;
  Rng rng_;
  std::unordered_map<std::string, bool> withheld_;
  std::map<std::tuple<std::string, RecallKey, RecallBy, int, bool>, std::vector<Recalled>> known_;
  std::vector<LessonUse> account_;
};

}  // namespace hone
