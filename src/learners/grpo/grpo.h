// Group relative policy optimisation and its family: several tries at each task, each weighed by how it did beside the others.
#pragma once

#include <string>
#include <vector>

#include "core/learner.h"
#include "objective/alarms.h"
#include "objective/config.h"

namespace hone {

// How weights are stepped; what methods that train share.
struct TrainConfig {
  double lr = 1e-6, weight_decay = 0.0, grad_clip = 1.0, skip_if_grad_above = 0.0;
  double warmup = 0.0;             // share of the rounds in which lr rises from 0
  int epochs = 1, sequences_per_step = 0, microbatch_tokens = 8192;
};
template <class V>
void visit(V& v, TrainConfig& c) {
  v.field("lr", c.lr, "learning rate of AdamW", {.min = 0, .max = 1});
  v.field("weight_decay", c.weight_decay, "weight decay of matrices", {.min = 0, .max = 1});
  v.field("grad_clip", c.grad_clip, "largest length of the gradient, 0 = any", {.min = 0});
  v.field("skip_if_grad_above", c.skip_if_grad_above, "no step when the gradient is longer, 0 = off", {.min = 0});
  v.field("warmup", c.warmup, "share of the rounds in which the learning rate rises to lr", {.min = 0, .max = 1});
  v.field("epochs", c.epochs, "times that a round's sequences are gone through", {.min = 1, .max = 1000});
  v.field("sequences_per_step", c.sequences_per_step, "sequences of one optimiser step, 0 = the whole round", {.min = 0});
  v.field("microbatch_tokens", c.microbatch_tokens, "tokens in memory at a time; changes nothing else", {.min = 1});
}
StepOptions step_options(const TrainConfig& config, double progress, float temperature);

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
