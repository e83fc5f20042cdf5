// Settings of a policy objective: one choice per question that published variants of GRPO answer differently. Keys and formulas are
// those of the specification grpo_reference, sections 1 to 9; presets.h names the usual combinations.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"

namespace hone::objective {

// A_i from the rewards of a group (samples with the same key).
enum class Advantage { grpo, dr_grpo, batch_std, rloo, reinforce_pp_baseline, reinforce_pp, opo, gpg, pass_k, raft, gdpo };
enum class Singleton { raw, zero };              // the only scored member of a group: mean 0 and std 1, or A = 0
enum class ZeroVariance { keep, drop, resample };  // drop: its tokens count nowhere; resample: and its key is reported
// token: exp(lp - lp_old). sequence: exp of its mean over the tokens, the gradient shared by all. sequence_token: the same value, the
// gradient of each token through its own log-probability.
enum class RatioLevel { token, sequence, sequence_token };
// What lp_old is: stored in the sample (current where it stored none), the sampler's, the current one without gradient (the ratio is 1),
// the one of the episode's first life (logp_past), or nothing (the ratio is the probability itself).
enum class OldLogp { stored, sampler, current, past, nothing };
enum class Surrogate { ppo_clip, dual_clip, two_sided, no_clip, reinforce, cispo, sapo, gspo, gmpo, clip_cov, kl_cov, vespo, shape_f };
enum class CispoBounds { range, absolute };      // [1 - eps_lo, 1 + eps_hi], or at most eps_hi itself
enum class Aggregate { seq_mean_token_mean, token_mean_global, token_mean_local, seq_mean_token_sum, const_norm, const_norm_nobatch, len_weighted };
enum class KlWhere { none, loss, reward };
enum class KlEstimate { k1, abs, k2, k3, k1_plus, k3_plus };
enum class EntropyAggregate { same, token_mean };  // as the policy term, or the mean over all tokens of the step
enum class Mismatch { none, tis_token, tis_seq, mis_token, mis_seq };
enum class Truncated { keep, mask_loss, zero_advantage, soft_penalty };

struct ObjectiveConfig {
  Advantage adv = Advantage::grpo;
  double adv_eps = 1e-6;
  int std_ddof = 1;
  double gamma = 1.0;
  std::vector<std::string> reward_weights;
  bool pass_k_std = true;
  Singleton singleton = Singleton::raw;
  ZeroVariance zero_var = ZeroVariance::keep;
  RatioLevel ratio_level = RatioLevel::token;
  OldLogp old_logp = OldLogp::stored;
  Surrogate surrogate = Surrogate::ppo_clip;
  double eps_lo = 0.2, eps_hi = 0.2, dual_c = 3.0, delta = 4.0;
  CispoBounds cispo_bounds = CispoBounds::range;
  double sapo_tau_pos = 1.0, sapo_tau_neg = 1.05;
  double vespo_k_pos = 2.0, vespo_lambda_pos = 3.0, vespo_k_neg = 3.0, vespo_lambda_neg = 2.0;
  double shape_beta = 0.1;
  double cov_share = 0.0002, cov_lo = 1.0, cov_hi = 5.0, kl_cov_coef = 0.1;
  double logratio_clamp = 20.0;
  double off_policy_max = 0.0;
  Aggregate agg = Aggregate::token_mean_global;
  int agg_L_max = 0;
  bool agg_count_empty = false;
  KlWhere kl_where = KlWhere::none;
  KlEstimate kl_est = KlEstimate::k3;
  double kl_coef = 0.0;
  bool kl_clamp = true, kl_times_ratio = false;
  double entropy_coef = 0.0;
  EntropyAggregate entropy_agg = EntropyAggregate::same;
  double top_entropy = 1.0;
  Mismatch mismatch = Mismatch::none;
  double mismatch_C = 2.0, mismatch_Cmin = 0.0, mismatch_clamp = 20.0;
  bool mismatch_normalise = false;
  Truncated truncated = Truncated::keep;
  int overlong_max = 20480, overlong_buffer = 4096;
  double overlong_factor = 1.0;
};

inline const EnumNames<Advantage>& advantage_names() {
  using enum Advantage;
  static const EnumNames<Advantage> names{{"grpo", grpo}, {"dr_grpo", dr_grpo}, {"batch_std", batch_std}, {"rloo", rloo},
    {"reinforce_pp_baseline", reinforce_pp_baseline}, {"reinforce_pp", reinforce_pp}, {"opo", opo}, {"gpg", gpg}, {"pass_k", pass_k},
    {"raft", raft}, {"gdpo", gdpo}};
  return names;
}
inline const EnumNames<Surrogate>& surrogate_names() {
  using enum Surrogate;
  static const EnumNames<Surrogate> names{{"ppo_clip", ppo_clip}, {"dual_clip", dual_clip}, {"two_sided", two_sided}, {"no_clip", no_clip},
    {"reinforce", reinforce}, {"cispo", cispo}, {"sapo", sapo}, {"gspo", gspo}, {"gmpo", gmpo}, {"clip_cov", clip_cov}, {"kl_cov", kl_cov},
    {"vespo", vespo}, {"shape_f", shape_f}};
  return names;
}
inline const EnumNames<Aggregate>& aggregate_names() {
  using enum Aggregate;
  static const EnumNames<Aggregate> names{{"seq_mean_token_mean", seq_mean_token_mean}, {"token_mean_global", token_mean_global},
    {"token_mean_local", token_mean_local}, {"seq_mean_token_sum", seq_mean_token_sum}, {"const_norm", const_norm},
    {"const_norm_nobatch", const_norm_nobatch}, {"len_weighted", len_weighted}};
  return names;
}

template <class V>
void visit(V& v, ObjectiveConfig& c) {
  v.choice("adv", c.adv, advantage_names(), "how a group's rewards become advantages");
  v.field("adv_eps", c.adv_eps, "added to a standard deviation before dividing by it", {.min = 0, .max = 1});
  v.field("std_ddof", c.std_ddof, "1 = divide the squares by n - 1, 0 = by n", {.min = 0, .max = 1});
  v.field("gamma", c.gamma, "reinforce_pp: discount per token", {.min = 0, .max = 1});
  v.field("reward_weights", c.reward_weights, "weights of several reward functions, in order; empty = 1 each");
  v.field("pass_k_std", c.pass_k_std, "pass_k: divide by the group's standard deviation");
  v.choice("singleton", c.singleton, {{"raw", Singleton::raw}, {"zero", Singleton::zero}},
           "the only scored sample of its group: advantage from its reward as it is, or 0");
  v.choice("zero_var", c.zero_var, {{"keep", ZeroVariance::keep}, {"drop", ZeroVariance::drop}, {"resample", ZeroVariance::resample}},
           "groups whose rewards are all equal: counted with advantage 0, left out, or left out and named for another try");
  v.choice("ratio_level", c.ratio_level,
           {{"token", RatioLevel::token}, {"sequence", RatioLevel::sequence}, {"sequence_token", RatioLevel::sequence_token}},
           "importance ratio per token, or of the whole sequence (gradient shared by its tokens, or through each token's own probability)");
  v.choice("old_logp", c.old_logp,
           {{"stored", OldLogp::stored}, {"sampler", OldLogp::sampler}, {"current", OldLogp::current}, {"past", OldLogp::past},
            {"nothing", OldLogp::nothing}},
           "what the ratio divides by; current = the ratio is 1 and only its gradient counts");
  v.choice("surrogate", c.surrogate, surrogate_names(), "loss of one token given ratio and advantage");
  v.field("eps_lo", c.eps_lo, "clip bound below: 1 - eps_lo (gmpo: in log space)", {.min = 0, .max = 10});
  v.field("eps_hi", c.eps_hi, "clip bound above: 1 + eps_hi (gmpo: in log space)", {.min = 0, .max = 100});
  v.field("dual_c", c.dual_c, "dual_clip: ratio beyond which a negative advantage stops pulling (c)", {.min = 1, .max = 1000});
  v.field("delta", c.delta, "two_sided: cap of the ratio", {.min = 1, .max = 1000});
  v.choice("cispo_bounds", c.cispo_bounds, {{"range", CispoBounds::range}, {"absolute", CispoBounds::absolute}},
           "cispo: ratio kept in [1 - eps_lo, 1 + eps_hi], or at most eps_hi itself");
  v.field("sapo_tau_pos", c.sapo_tau_pos, "sapo: temperature for positive advantages", {.min = 1e-6, .max = 1000});
  v.field("sapo_tau_neg", c.sapo_tau_neg, "sapo: temperature for the others", {.min = 1e-6, .max = 1000});
  v.field("vespo_k_pos", c.vespo_k_pos, "vespo: k for advantages of 0 and above", {.min = 0, .max = 100});
  v.field("vespo_lambda_pos", c.vespo_lambda_pos, "vespo: lambda for advantages of 0 and above", {.min = 1e-4, .max = 100});
  v.field("vespo_k_neg", c.vespo_k_neg, "vespo: k for negative advantages", {.min = 0, .max = 100});
  v.field("vespo_lambda_neg", c.vespo_lambda_neg, "vespo: lambda for negative advantages", {.min = 1e-4, .max = 100});
  v.field("shape_beta", c.shape_beta, "shape_f: beta of w / (w + beta)", {.min = 1e-6, .max = 1000});
  v.field("cov_share", c.cov_share, "clip_cov, kl_cov: share of the step's tokens that is treated, at least one", {.min = 1e-9, .max = 1});
  v.field("cov_lo", c.cov_lo, "clip_cov: covariances above this are candidates");
  v.field("cov_hi", c.cov_hi, "clip_cov: and below this");
  v.field("kl_cov_coef", c.kl_cov_coef, "kl_cov: weight of |log ratio| on the treated tokens", {.min = 0, .max = 1000});
  v.field("logratio_clamp", c.logratio_clamp, "log ratio of a token kept in [-this, this]; 0 = off", {.min = 0, .max = 700});
  v.field("off_policy_max", c.off_policy_max,
          "samples with a negative advantage that have drifted further than this (mean of lp_roll - lp) are left out; 0 = off", {.min = 0, .max = 1000});
  v.choice("agg", c.agg, aggregate_names(), "how token losses become one number");
  v.field("agg_L_max", c.agg_L_max, "const_norm: constant length to divide by; 0 = the step's longest sample", {.min = 0});
  v.field("agg_count_empty", c.agg_count_empty, "means over sequences count those without a token that counts, too");
  v.choice("kl_where", c.kl_where, {{"none", KlWhere::none}, {"loss", KlWhere::loss}, {"reward", KlWhere::reward}},
           "divergence from the reference: not used, added to the loss, or taken from the rewards");
  v.choice("kl_est", c.kl_est,
           {{"k1", KlEstimate::k1}, {"abs", KlEstimate::abs}, {"k2", KlEstimate::k2}, {"k3", KlEstimate::k3}, {"k1+", KlEstimate::k1_plus},
            {"k3+", KlEstimate::k3_plus}},
           "its estimate per token; with + the gradient is k2's");
  v.field("kl_coef", c.kl_coef, "its weight (beta)", {.min = 0, .max = 1000});
  v.field("kl_clamp", c.kl_clamp, "k3: log ratio kept in [-20, 20] and the estimate in [-10, 10]");
  v.field("kl_times_ratio", c.kl_times_ratio, "multiply the estimate by the importance ratio, gradient included");
  v.field("entropy_coef", c.entropy_coef, "weight of the entropy bonus", {.min = 0, .max = 1000});
  v.choice("entropy_agg", c.entropy_agg, {{"same", EntropyAggregate::same}, {"token_mean", EntropyAggregate::token_mean}},
           "entropy aggregated as the policy term is, or as the mean over the step's tokens");
  v.field("top_entropy", c.top_entropy, "policy term on this share of the tokens only, those sampled with the highest entropy; 1 = all", {.min = 1e-6, .max = 1});
  v.choice("mismatch", c.mismatch,
           {{"none", Mismatch::none}, {"tis_token", Mismatch::tis_token}, {"tis_seq", Mismatch::tis_seq}, {"mis_token", Mismatch::mis_token},
            {"mis_seq", Mismatch::mis_seq}},
           "weight exp(lp_old - lp_roll) where sampler and trainer differ: truncated (tis) or left out when outside the bounds (mis)");
  v.field("mismatch_C", c.mismatch_C, "upper bound of that weight", {.min = 0, .max = 1e9});
  v.field("mismatch_Cmin", c.mismatch_Cmin, "lower bound of that weight", {.min = 0, .max = 1e9});
  v.field("mismatch_clamp", c.mismatch_clamp, "its exponent kept in [-this, this]; 0 = off", {.min = 0, .max = 700});
  v.field("mismatch_normalise", c.mismatch_normalise, "divide these weights by their mean over the step");
  v.choice("truncated", c.truncated,
           {{"keep", Truncated::keep}, {"mask_loss", Truncated::mask_loss}, {"zero_advantage", Truncated::zero_advantage},
            {"soft_penalty", Truncated::soft_penalty}},
           "replies cut off by the length limit; soft_penalty lowers the reward of every reply that comes near the limit");
  v.field("overlong_max", c.overlong_max, "soft_penalty: length limit, in tokens", {.min = 1});
  v.field("overlong_buffer", c.overlong_buffer, "soft_penalty: tokens before the limit in which the penalty grows", {.min = 1});
  v.field("overlong_factor", c.overlong_factor, "soft_penalty: penalty at the limit", {.min = 0, .max = 1e6});
}

void validate(const ObjectiveConfig& c);
std::vector<double> reward_weights(const ObjectiveConfig& c);  // as numbers

}  // namespace hone::objective
