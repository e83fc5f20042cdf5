#include "objective/kl.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace hone::objective {

Kl kl(KlEstimate estimate, double logp, double logp_ref, bool clamp) {
  const double x = logp_ref - logp;
  switch (estimate) {
    case KlEstimate::k1: return {-x, 1.0};
    case KlEstimate::k1_plus: return {-x, -x};
    case KlEstimate::abs: return {std::abs(x), x > 0.0 ? -1.0 : x < 0.0 ? 1.0 : 0.0};
    case KlEstimate::k2: return {0.5 * x * x, -x};
    case KlEstimate::k3:
    case KlEstimate::k3_plus: break;
  }
  const double kept = clamp ? std::clamp(x, -20.0, 20.0) : x;
  Kl k{std::expm1(kept) - kept, -std::expm1(kept)};
  if (clamp && k.value > 10.0) k = {10.0, 0.0};  // so it is wherever x was kept within its bounds
  if (estimate == KlEstimate::k3_plus) k.slope = -x;
  return k;
}

std::vector<double> kl_rewards(std::size_t index, const Sample& s, double coef) {
  const auto tokens = static_cast<std::size_t>(s.tokens);
  if (s.logp_old.size() != tokens || s.logp_ref.size() != tokens)
    throw Error(Fault::bad_input, place(index, s) + ": kl_where: reward needs logp_old and logp_ref of every trained token, got " +
                                      std::to_string(s.logp_old.size()) + " and " + std::to_string(s.logp_ref.size()) + " of " + std::to_string(tokens));
  std::vector<double> out(tokens);
  for (std::size_t t = 0; t < tokens; ++t) out[t] = -coef * (static_cast<double>(s.logp_old[t]) - static_cast<double>(s.logp_ref[t]));
  return out;
}

}  // namespace hone::objective
