// The rows of the result table and the learning curve: which agent is played on which tasks with which lessons, in which order.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/evaluate.h"
#include "engine/learn.h"
#include "engine/opened.h"

namespace hone {

struct ArmResult {
  Arm arm;
  EvalResult test;
  std::optional<EvalResult> validation;
  Comparison against_baseline;  // on the test tasks
  std::vector<double> folds;    // success rate of each fold, empty without folds
  bool best = false;            // the one to offer, see offered()
};

// The agent to offer: best on the validation tasks, the baseline among them, since experience may do harm. Among equals those
// with lessons go first, then the order of the recipe. Without validation tasks: the learned arm. Null without rows.
ArmResult* offered(std::span<ArmResult> rows);

struct CurvePoint {
  std::int64_t tasks_seen = 0;
  std::uint64_t version = 0;
  EvalResult result;
};

// Evaluates one run's arms. Everything is journalled, so each function is cheap to call again.
class Arms {
 public:
  struct Plan {
    const Recipe* recipe = nullptr;
    const Opened* opened = nullptr;
    const Store* store = nullptr;
    Journal* journal = nullptr;
    std::string run;
    const Learner* learner = nullptr;  // asked for folds; may be null
    Listener listener;
    std::stop_token stop;
  };
  explicit Arms(Plan plan);

  const std::vector<Arm>& list() const { return arms_; }
  EvalResult test(const Arm& arm);
  EvalResult validate(const Arm& arm);
  // The points of the curve whose number of training tasks has been reached; point 0 is the baseline before anything was learned.
  std::vector<CurvePoint> curve(const LearnState& state);
  std::vector<ArmResult> table();
  Stage stage(const Arm& arm, Split split) const;
  const Lessons* lessons();  // of the whole run, latest version; null before anything was learned
  bool folded() const { return folded_; }
  Rng rng() const { return Rng(plan_.recipe->seed).split("evaluation"); }

 private:
  void use_weights(const Arm& arm) const;
  EvalResult evaluate_arm(const Arm& arm, Split split, const std::string& label);
  const Lessons* fold_lessons(const Task& task);
  std::vector<double> fold_scores(const EvalResult& result) const;
  Plan plan_;
  std::vector<Arm> arms_;
  std::vector<Task> test_, validation_;
  bool folded_ = false;
  std::map<std::string, std::unique_ptr<Lessons>> snapshots_;
  std::map<std::string, EvalResult> curve_;  // points evaluated so far, by label
};

}  // namespace hone
