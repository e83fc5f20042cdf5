// What methods that train weights share: which tasks a round tries, and how weights are stepped.
#pragma once

#include <span>
#include <vector>

#include "core/learner.h"

namespace hone {

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
// progress: share of the rounds behind us with this one, (0, 1].
StepOptions step_options(const TrainConfig& config, double progress, float temperature);

// Sequences of one optimiser step when there are so many in a round; at least 1.
std::size_t per_step(const TrainConfig& config, std::size_t sequences);

// `tries` at each of `tasks` tasks. Tasks go round and round, each time in another order that rng fixes; tries of a task share a group
// of their own in each round.
std::vector<Trial> round_of_trials(std::span<const Task> train, int round, int tasks, int tries, double temperature, const Rng& rng);


}  // namespace hone
