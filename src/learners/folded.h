// Second interface of learners that keep one list of lessons per fold (ExpeL section 4.6): each training task is an evaluation
// task of exactly one fold, whose lessons come from the other folds' tasks only.
#pragma once

#include <string>

#include "core/task.h"

namespace hone {

class Folded {
 public:
  virtual ~Folded() = default;
  virtual int folds() const = 0;  // 1 = no folds
  // Part of the run's scope with the lessons by which this task may be evaluated ("fold0"): those of the fold it is held out
  // of. Empty = the run's own scope: folds are off, not dealt yet, or the task is no training task.
  virtual std::string scope_for(const Task& task) const = 0;
};

}  // namespace hone
