#include "objective/surrogate.h"

#include <algorithm>
#include <cmath>

namespace hone::objective {

namespace {

// -min(rho A, clip(rho) A), rho itself kept at most `cap`.
Term clipped(const ObjectiveConfig& c, double rho, double a, double cap) {
  const double bounded = std::clamp(rho, 1.0 - c.eps_lo, 1.0 + c.eps_hi);
  const double capped = std::min(rho, cap);
  Term t;
  if (capped * a <= bounded * a) {
    t.value = -capped * a;
    t.by_ratio = rho > cap ? 0.0 : -rho * a;
  } else {
    t.value = -bounded * a;
    t.by_ratio = bounded == rho ? -rho * a : 0.0;
  }
  if (a > 0.0 && rho > 1.0 + c.eps_hi) t.event |= clip_high;
  if (a < 0.0 && rho < 1.0 - c.eps_lo) t.event |= clip_low;
  if (a < 0.0 && rho > cap) t.event |= clip_cap;
  return t;
}

}  // namespace

Term surrogate(Surrogate kind, const ObjectiveConfig& c, double log_ratio, double logp, double a, double phi) {
  constexpr double never = std::numeric_limits<double>::infinity();
  const double rho = std::exp(log_ratio);
  switch (kind) {
    case Surrogate::ppo_clip:
    case Surrogate::gspo:
    case Surrogate::clip_cov: return clipped(c, rho, a, never);
    case Surrogate::dual_clip: {
      Term t = clipped(c, rho, a, never);
      if (a < 0.0 && t.value > -c.dual_c * a) t = {-c.dual_c * a, 0.0, 0.0, clip_cap};
      return t;
    }
    case Surrogate::two_sided: return clipped(c, rho, a, c.delta);
    case Surrogate::no_clip:
    case Surrogate::kl_cov:
    case Surrogate::gmpo: return {-rho * a, -rho * a};
    case Surrogate::reinforce: return {-a * logp, 0.0, -a};
    case Surrogate::cispo: {
      const bool range = c.cispo_bounds == CispoBounds::range;
      const double hi = range ? 1.0 + c.eps_hi : c.eps_hi, lo = range ? 1.0 - c.eps_lo : 0.0;
      const double w = std::clamp(rho, std::min(lo, hi), hi);
      const auto event = rho > hi ? clip_high : rho < lo ? clip_low : clip_none;
      return {-w * a * logp, 0.0, -w * a, static_cast<std::uint8_t>(event)};
    }
    case Surrogate::sapo: {
      const double tau = a > 0.0 ? c.sapo_tau_pos : c.sapo_tau_neg;
      const double s = 1.0 / (1.0 + std::exp(-tau * (rho - 1.0)));
      return {-a * 4.0 / tau * s, -a * 4.0 * s * (1.0 - s) * rho};
    }
    case Surrogate::vespo: return {-phi * a * logp, 0.0, -phi * a};
    case Surrogate::shape_f: {
      // w / (w + beta) as 1 / (1 + beta / w): no overflow for large w.
      const double u = c.shape_beta * std::exp(-log_ratio);
      const double f = 1.0 / (1.0 + u);
      return {-a * f, std::isinf(u) ? 0.0 : -a * f * f * u};
    }
  }
  return {};
}

double vespo_phi(const ObjectiveConfig& c, double log_w, double advantage) {
  static const double lowest = std::log(1e-8);
  const double x = std::clamp(log_w, lowest, 20.0);
  const double k = advantage >= 0.0 ? c.vespo_k_pos : c.vespo_k_neg;
  const double lambda = advantage >= 0.0 ? c.vespo_lambda_pos : c.vespo_lambda_neg;
  return std::exp(lambda + k * x - lambda * std::exp(x));
}

Clipped gmpo_clip(const ObjectiveConfig& c, double log_ratio, double advantage) {
  if (advantage == 0.0) return {};
  if (advantage > 0.0) return log_ratio > c.eps_hi ? Clipped{c.eps_hi, clip_high} : Clipped{log_ratio};
  return log_ratio < -c.eps_lo ? Clipped{-c.eps_lo, clip_low} : Clipped{log_ratio};
}

}  // namespace hone::objective
