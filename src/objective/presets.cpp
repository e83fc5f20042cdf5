#include "objective/presets.h"

namespace hone::objective {

namespace {

ObjectiveConfig base(Advantage adv, Surrogate surrogate, Aggregate agg) {
  ObjectiveConfig c;
  c.adv = adv, c.surrogate = surrogate, c.agg = agg;
  return c;
}

std::vector<Preset> make() {
  std::vector<Preset> out;
  const auto add = [&](std::string name, std::string note, ObjectiveConfig c) -> Preset& {
    return out.emplace_back(Preset{std::move(name), std::move(note), std::move(c), {}});
  };

  ObjectiveConfig c = base(Advantage::grpo, Surrogate::ppo_clip, Aggregate::seq_mean_token_mean);
  c.kl_where = KlWhere::loss, c.kl_est = KlEstimate::k3, c.kl_coef = 0.001;
  add("grpo_original", "the divergence's weight in DeepSeekMath is not confirmed; 0.001 is verl's when it is on", c);

  add("dr_grpo", "", base(Advantage::dr_grpo, Surrogate::ppo_clip, Aggregate::const_norm));

  c = base(Advantage::grpo, Surrogate::ppo_clip, Aggregate::token_mean_global);
  c.eps_hi = 0.28, c.zero_var = ZeroVariance::resample, c.truncated = Truncated::soft_penalty;
  c.overlong_max = 20480, c.overlong_buffer = 4096, c.overlong_factor = 1.0;
  add("dapo", "groups of 16; groups without variance are to be played again", c);

  c = base(Advantage::grpo, Surrogate::ppo_clip, Aggregate::token_mean_global);
  c.adv_eps = 1e-4, c.singleton = Singleton::zero, c.logratio_clamp = 0.0, c.kl_clamp = false, c.agg_count_empty = true;
  c.entropy_agg = EntropyAggregate::token_mean, c.mismatch_C = 3.0, c.mismatch_clamp = 0.0;
  add("trl_default", "with an external sampler set mismatch: mis_seq", c);

  add("verl_default", "", base(Advantage::grpo, Surrogate::dual_clip, Aggregate::token_mean_global));

  c = base(Advantage::grpo, Surrogate::gspo, Aggregate::seq_mean_token_mean);
  c.ratio_level = RatioLevel::sequence_token;
  add("gspo", "wants far smaller clip bounds than 0.2; the paper's are not confirmed", c);

  c = base(Advantage::grpo, Surrogate::dual_clip, Aggregate::seq_mean_token_sum);
  c.eps_hi = 0.28, c.kl_where = KlWhere::loss, c.kl_est = KlEstimate::k3, c.kl_coef = 0.001;
  add("erl", "group key: task and role; temperature 0.7; several optimiser steps per batch", c).roles = {{"distill", {.adv = Advantage::raft, .surrogate = {}, .old_logp = {}}}};

  c = base(Advantage::dr_grpo, Surrogate::ppo_clip, Aggregate::const_norm_nobatch);
  c.agg_L_max = 8192, c.entropy_coef = 0.001, c.entropy_agg = EntropyAggregate::token_mean;
  add("exgrpo_warmup", "", c);

  c.surrogate = Surrogate::no_clip, c.shape_beta = 0.1;
  add("exgrpo_mixed", "", c).roles = {{"replay", {.adv = {}, .surrogate = Surrogate::shape_f, .old_logp = OldLogp::past}}};
  add("luffy", "for contrast only", c).roles = {{"expert", {.adv = {}, .surrogate = Surrogate::shape_f, .old_logp = OldLogp::nothing}}};
  return out;
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = make();
  return all;
}

const Preset& preset(std::string_view name) {
  std::vector<std::string> known;
  for (const Preset& p : presets()) {
    if (p.name == name) return p;
    known.push_back(p.name);
  }
  throw unknown_name("preset", name, known);
}

}  // namespace hone::objective
