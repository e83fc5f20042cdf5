#include "learners/training.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace hone {

double lr_factor(const TrainConfig& c, std::int64_t step, std::int64_t steps) {
  const auto warm = static_cast<std::int64_t>(std::ceil(c.warmup * static_cast<double>(steps)));
  if (step < warm) return static_cast<double>(step) / static_cast<double>(warm);
  const double gone = static_cast<double>(step - warm) / static_cast<double>(std::max<std::int64_t>(1, steps - warm));
  double factor = 1.0;
  if (c.schedule == Schedule::linear) factor = std::max(0.0, 1.0 - gone);
  if (c.schedule == Schedule::cosine) factor = std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * gone)));
  return factor * (1.0 - c.min_lr) + c.min_lr;
}

StepOptions step_options(const TrainConfig& c, AtStep at, float temperature) {
  StepOptions o;
  o.lr = c.lr * lr_factor(c, at.step, at.steps);
  o.ema = c.ema;
  o.weight_decay = c.weight_decay;
  o.clip = c.grad_clip;
  o.skip_above = c.skip_if_grad_above;
  o.temperature = temperature;
  o.microbatch_tokens = c.microbatch_tokens;
  return o;
}

std::size_t per_step(const TrainConfig& c, std::size_t sequences) {
  return std::max<std::size_t>(1, c.sequences_per_step > 0 ? static_cast<std::size_t>(c.sequences_per_step) : sequences);
}

std::vector<Trial> round_of_trials(std::span<const Task> train, int round, int tasks, int tries, double temperature, const Rng& rng) {
  std::vector<Trial> out;
  std::vector<std::size_t> order(train.size());
  std::size_t shuffled = static_cast<std::size_t>(-1);  // which time round `order` is of
  for (int i = 0; i < tasks; ++i) {
    const auto place = static_cast<std::size_t>(round) * static_cast<std::size_t>(tasks) + static_cast<std::size_t>(i);
    if (place / train.size() != shuffled) {
      shuffled = place / train.size();
      std::iota(order.begin(), order.end(), std::size_t{0});
      rng.split("order").split(shuffled).shuffle(order);
    }
    for (int t = 0; t < tries; ++t) {
      Trial trial;
      trial.task = train[order[place % train.size()]];
      trial.group = trial.task.id + "/" + std::to_string(round) + "/" + std::to_string(i);
      trial.attempt = t;
      trial.with_lessons = false;
      trial.sampling.temperature = static_cast<float>(temperature);
      out.push_back(std::move(trial));
    }
  }
  return out;
}

}  // namespace hone
