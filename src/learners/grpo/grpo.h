// Group relative policy optimisation and its family: several tries at each task, each weighed by how it did beside the others.
#pragma once

#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/training.h"
#include "objective/alarms.h"
#include "objective/config.h"

namespace hone {

struct GrpoConfig {
  std::string preset = "dr_grpo";
  int rounds = 50, tasks = 16, group = 8;
  double temperature = 1.0;
  TrainConfig train;
  objective::ObjectiveConfig objective;
  objective::AlarmConfig alarms;
};
template <class V>
void visit(V& v, GrpoConfig& c) {
  v.field("preset", c.preset, "published combination of the settings below, which may still be changed one by one");
  v.field("rounds", c.rounds, "rounds of tries and training", {.min = 1, .max = 1000000});
  v.field("tasks", c.tasks, "tasks per round", {.min = 1, .max = 1000000});
  v.field("group", c.group, "tries per task (G)", {.min = 1, .max = 10000});
  v.field("temperature", c.temperature, "of the tries, and of every log-probability", {.min = 0.01, .max = 100});
  visit(v, c.train);
  visit(v, c.objective);
  visit(v, c.alarms);
}

class Grpo final : public Learner {
 public:
  Grpo(GrpoConfig config, const LearnerContext& context);
  Need next(const Progress& progress) override;
  Update learn(const Experience& experience, const Lessons& known, Tools& tools) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  GrpoConfig config_;
  std::vector<Task> train_;
  Rng rng_;
  objective::Alarms alarms_;
  int round_ = 0;
};

}  // namespace hone
