#include "objective/config.h"

namespace hone::objective {

namespace {

[[noreturn]] void misfit(const std::string& message) { throw Error(Fault::bad_input, message); }

}  // namespace

std::vector<double> reward_weights(const ObjectiveConfig& c) {
  std::vector<double> out;
  for (const auto& text : c.reward_weights) {
    try {
      config_detail::parse(text, out.emplace_back());
    } catch (const Error& e) {
      throw e.within("reward_weights");
    }
  }
  return out;
}

void validate(const ObjectiveConfig& c) {
  reward_weights(c);
  if (c.cov_lo >= c.cov_hi) misfit("cov_lo: expected less than cov_hi (" + std::to_string(c.cov_hi) + "), got " + std::to_string(c.cov_lo));
  if (c.mismatch_Cmin > c.mismatch_C)
    misfit("mismatch_Cmin: expected at most mismatch_C (" + std::to_string(c.mismatch_C) + "), got " + std::to_string(c.mismatch_Cmin));
  if (c.surrogate == Surrogate::two_sided && c.delta <= 1.0 + c.eps_hi)
    misfit("delta: expected more than 1 + eps_hi (" + std::to_string(1.0 + c.eps_hi) + "), got " + std::to_string(c.delta));
  if (c.surrogate == Surrogate::dual_clip && c.dual_c <= 1.0) misfit("dual_c: expected more than 1, got " + std::to_string(c.dual_c));
  if (c.agg == Aggregate::len_weighted && c.ratio_level == RatioLevel::token && c.surrogate != Surrogate::gspo && c.surrogate != Surrogate::gmpo)
    misfit("agg: len_weighted needs a ratio of the whole sequence, got ratio_level: token");
  if (c.kl_where == KlWhere::none && c.kl_coef > 0.0) misfit("kl_coef: expected 0 with kl_where: none, got " + std::to_string(c.kl_coef));
  if (c.kl_where == KlWhere::reward && c.adv == Advantage::gdpo) misfit("kl_where: gdpo standardises each reward apart, so reward has no place; expected loss or none");
  if (c.truncated == Truncated::soft_penalty && c.adv == Advantage::gdpo)
    misfit("truncated: gdpo standardises each reward apart, so soft_penalty has no place; expected keep, mask_loss or zero_advantage");
  if (c.kl_times_ratio && c.surrogate == Surrogate::gmpo) misfit("kl_times_ratio: gmpo has no ratio per token; expected false");
  if (c.overlong_buffer > c.overlong_max)
    misfit("overlong_buffer: expected at most overlong_max (" + std::to_string(c.overlong_max) + "), got " + std::to_string(c.overlong_buffer));
}

}  // namespace hone::objective
