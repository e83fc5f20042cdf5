#include "objective/aggregate.h"

namespace hone::objective {

double token_weight(const ObjectiveConfig& c, double length, const Counts& step, const Counts& call) {
  const double n = c.agg_count_empty ? step.rows : step.filled;
  const double longest = c.agg_L_max > 0 ? c.agg_L_max : step.longest;
  switch (c.agg) {
    case Aggregate::seq_mean_token_mean: return 1.0 / (n * length);
    case Aggregate::token_mean_global: return 1.0 / step.tokens;
    case Aggregate::token_mean_local: return call.rows / step.rows / call.tokens;
    case Aggregate::seq_mean_token_sum:
    case Aggregate::len_weighted: return 1.0 / n;  // (mean over the tokens) * length
    case Aggregate::const_norm: return 1.0 / (n * longest);
    case Aggregate::const_norm_nobatch: return 1.0 / longest;
  }
  return 0.0;
}

}  // namespace hone::objective
