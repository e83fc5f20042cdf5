#include "learners/erl/update.h"

#include <algorithm>

#include "objective/policy_loss.h"

namespace hone::erl {

namespace {

template <class T>
std::vector<T> picked(const std::vector<T>& from, std::span<const std::size_t> which) {
  std::vector<T> out;
  for (const std::size_t i : which) out.push_back(from[i]);
  return out;
}

// Places of the samples in the order they are gone through, in parts that are shuffled each by itself.
std::vector<std::vector<std::size_t>> parts_of(const Samples& samples, const std::vector<std::uint8_t>& dropped, Order order) {
  std::vector<std::vector<std::size_t>> parts(order == Order::together ? 1 : 2);
  for (std::size_t i = 0; i < samples.samples.size(); ++i)
    if (dropped.empty() || dropped[i] == 0) parts[order == Order::together || samples.roles[i] == Role::first ? 0 : 1].push_back(i);
  std::erase_if(parts, [](const auto& p) { return p.empty(); });
  return parts;
}

}  // namespace

Metrics step_weights(Samples& round, const ErlConfig& config, AtStep round_of, Policy& policy, Tools& tools) {
  const auto temperature = static_cast<float>(config.temperature);
  auto advantages = objective::advantages(round.samples, config.objective);
  Metrics metrics = advantages.metrics;
  auto parts = parts_of(round, advantages.dropped, config.order);

  std::size_t steps = 0;
  for (const auto& p : parts) steps += (p.size() + per_step(config.train, p.size()) - 1) / per_step(config.train, p.size());
  const bool one_step = config.train.epochs == 1 && steps <= 1;
  // A distilled sequence was never sampled: what the sampler would have said of it is what the policy says now.
  const bool of_sampling = config.objective.mismatch != objective::Mismatch::none || config.objective.off_policy_max > 0.0 || config.objective.top_entropy < 1.0;
  const bool reference = config.objective.kl_where != objective::KlWhere::none, score = !one_step || of_sampling;
  std::vector<SequenceScores> old, ref;
  if (score && !parts.empty()) old = policy.score(round.sequences, temperature, Which::current);
  if (reference && !parts.empty()) ref = policy.score(round.sequences, temperature, Which::reference);
  for (std::size_t i = 0; i < round.samples.size(); ++i) {
    objective::Sample& s = round.samples[i];
    if (!old.empty()) {
      if (of_sampling && round.roles[i] == Role::distill) s.logp_roll = old[i].logp, s.entropy = old[i].entropy;
      s.logp_old = std::move(old[i].logp);
    }
    if (!ref.empty()) s.logp_ref = std::move(ref[i].logp);
    s.advantages = advantages.of[i];
  }

  const StepOptions options = step_options(config.train, round_of, temperature);
  auto objective_config = config.objective;
  if (old.empty() && objective_config.old_logp == objective::OldLogp::stored) objective_config.old_logp = objective::OldLogp::current;
  int done = 0;
  for (int epoch = 0; epoch < config.train.epochs; ++epoch)
    for (std::size_t part = 0; part < parts.size(); ++part) {
      auto& order = parts[part];
      Rng rng = tools.rng("epoch").split(static_cast<std::uint64_t>(epoch));
      if (part > 0) rng = rng.split("rest");
      rng.shuffle(order);
      const std::size_t step = per_step(config.train, order.size());
      for (std::size_t at = 0; at < order.size(); at += step) {
        const auto which = std::span(order).subspan(at, std::min(step, order.size() - at));
        objective::PolicyObjective objective(picked(round.samples, which), objective_config, rng.split(at));
        const auto result = policy.step(picked(round.sequences, which), objective.loss(), options);
        for (const auto& [name, value] : objective.metrics()) metrics.insert_or_assign(name, value);
        metrics.insert_or_assign("loss", result.loss);
        metrics.insert_or_assign("gradient_norm", result.gradient_norm);
        metrics.insert_or_assign("skipped", metrics["skipped"] + (result.skipped ? 1.0 : 0.0));
        ++done;
      }
    }
  metrics["steps"] = done;
  metrics["lr"] = options.lr;
  return metrics;
}

}  // namespace hone::erl
