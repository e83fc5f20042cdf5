// What methods that train weights share: which tasks a round tries, and how weights are stepped.
#pragma once

#include <span>
#include <vector>

#include "core/learner.h"

namespace hone {

enum class Schedule { constant, linear, cosine };

struct TrainConfig {
  double lr = 1e-6, weight_decay = 0.0, grad_clip = 1.0, skip_if_grad_above = 0.0;
  Schedule schedule = Schedule::constant;
  double warmup = 0.0, min_lr = 0.0;  // shares: of the steps, of lr
  double ema = 0.0;
  int epochs = 1, sequences_per_step = 0, microbatch_tokens = 4096;
};
template <class V>
void visit(V& v, TrainConfig& c) {
  v.field("lr", c.lr, "learning rate of AdamW", {.min = 0, .max = 1});
  v.field("weight_decay", c.weight_decay, "weight decay of matrices", {.min = 0, .max = 1});
  v.field("grad_clip", c.grad_clip, "largest length of the gradient, 0 = any", {.min = 0});
  v.field("skip_if_grad_above", c.skip_if_grad_above, "no step when the gradient is longer, 0 = off", {.min = 0});
  v.choice("schedule", c.schedule, {{"constant", Schedule::constant}, {"linear", Schedule::linear}, {"cosine", Schedule::cosine}},
           "how the learning rate falls after its warm-up, over all steps (methods that play: all rounds)");
  v.field("warmup", c.warmup, "share of the steps (rounds) in which the learning rate rises from 0 to lr", {.min = 0, .max = 1});
  v.field("min_lr", c.min_lr, "where it falls to, as a share of lr", {.min = 0, .max = 1});
  v.field("ema", c.ema, "evaluate and export a moving average of the weights that keeps this share at every step, 0 = the weights themselves", {.min = 0, .max = 0.999999});
  v.field("epochs", c.epochs, "times that a round's sequences are gone through", {.min = 1, .max = 1000});
  v.field("sequences_per_step", c.sequences_per_step, "sequences of one optimiser step, 0 = the whole round", {.min = 0});
  v.field("microbatch_tokens", c.microbatch_tokens, "tokens in memory at a time; changes nothing else", {.min = 1});
}

// What `lr` is multiplied by in step 0, 1, ... of `steps`, as transformers' get_scheduler has it (constant_with_warmup, linear, cosine,
// cosine_with_min_lr): the first step of a warm-up has 0.
double lr_factor(const TrainConfig& config, std::int64_t step, std::int64_t steps);

// Which step of how many the schedule is at; methods that can't know their steps count rounds.
struct AtStep {
  std::int64_t step = 0, steps = 1;
};
StepOptions step_options(const TrainConfig& config, AtStep at, float temperature);

// Sequences of one optimiser step when there are so many in a round; at least 1.
std::size_t per_step(const TrainConfig& config, std::size_t sequences);

// `tries` at each of `tasks` tasks. Tasks go round and round, each time in another order that rng fixes; tries of a task share a group
// of their own in each round.
std::vector<Trial> round_of_trials(std::span<const Task> train, int round, int tasks, int tries, double temperature, const Rng& rng);

}  // namespace hone
