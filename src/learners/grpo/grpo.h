// Group relative policy optimisation and its family: several tries at each task, each weighed by how it did beside the others.
#pragma once

#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/training.h"
#include "objective/advantage.h"
#include "objective/alarms.h"
#include "objective/config.h"

namespace hone {

// Truncated importance sampling where sampler and trainer differ, when the objective asks for no other `mismatch`. automatic: from the
// round on after one in which their log-probabilities were further apart than mismatch_limit on average.
enum class Correction { automatic, on, off };

struct GrpoConfig {
  std::string preset = "dr_grpo";
  int rounds = 50, tasks = 16, group = 8, resamples = 3;
  double temperature = 1.0;
  Correction correct_mismatch = Correction::automatic;
  double mismatch_limit = 0.01;
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
  v.field("resamples", c.resamples, "zero_var: resample: times that groups without variance are replaced by new ones in a round", {.min = 0, .max = 1000});
  v.choice("correct_mismatch", c.correct_mismatch, {{"auto", Correction::automatic}, {"on", Correction::on}, {"off", Correction::off}},
           "truncated importance sampling (mismatch: tis_token) where sampler and trainer differ; auto: from the round on after mismatch_mean was above mismatch_limit");
  v.field("mismatch_limit", c.mismatch_limit, "nats", {.min = 0, .max = 100});
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
  struct Round;
  void add(Round& round, std::span<const Episode> episodes) const;
  objective::Advantages weighed(Round& round, Tools& tools) const;

  objective::Alarms alarms_;
  int round_ = 0;
  bool correcting_ = false;
  std::int64_t tries_left_ = -1;  // beside those asked for; -1 = no cap
};

}  // namespace hone
