// Evaluation: the same tasks, one try each, no learning. Rows of the result table are arms; every arm is compared with the
// baseline on the same tasks, pair by pair.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/event.h"
#include "engine/journal.h"
#include "engine/play.h"
#include "engine/stats.h"

namespace hone {

struct EvalPlan {
  std::string run, label;       // label is the key prefix: "test/model only"
  std::vector<Task> tasks;
  const Lessons* lessons = nullptr;                 // null = none
  std::function<const Lessons*(const Task&)> lessons_for;  // instead, when lessons differ by task (folds)
  Rng rng;
  int in_flight = 1;
};

struct EvalResult {
  std::vector<Episode> episodes;  // one per task, in the order of the tasks
  std::vector<double> scores;
  Interval score;
  Usage usage;
  int faults = 0;
  std::map<std::string, double> infos;  // reflex tempo: means of what the world said at the ends
};

// Episodes already in the journal are not played again.
EvalResult evaluate(const Stage& stage, const EvalPlan& plan, Journal& journal, const Listener& listener);

}  // namespace hone
