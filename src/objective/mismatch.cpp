#include "objective/mismatch.h"

#include <algorithm>
#include <cmath>

namespace hone::objective {

MismatchWeights mismatch_weights(const ObjectiveConfig& c, std::span<const double> d) {
  MismatchWeights out;
  out.of.assign(d.size(), 1.0);
  if (c.mismatch == Mismatch::none) return out;
  const auto weigh = [&](double exponent) {
    return std::exp(c.mismatch_clamp > 0.0 ? std::clamp(exponent, -c.mismatch_clamp, c.mismatch_clamp) : exponent);
  };
  const bool truncate = c.mismatch == Mismatch::tis_token || c.mismatch == Mismatch::tis_seq;
  const auto bound = [&](double w) {
    if (w >= c.mismatch_Cmin && w <= c.mismatch_C) return w;
    ++out.bounded;
    return truncate ? std::clamp(w, c.mismatch_Cmin, c.mismatch_C) : 0.0;
  };
  double sum = 0.0;
  for (const double x : d) sum += x;
  for (std::size_t t = 0; t < d.size(); ++t) out.of[t] = bound(weigh(of_sequence(c.mismatch) ? sum : d[t]));
  return out;
}

}  // namespace hone::objective
