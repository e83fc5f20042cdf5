#include "objective/kto.h"

#include <cmath>
#include <numeric>

#include "core/error.h"
#include "objective/logistic.h"

namespace hone::objective {

double kto_baseline(std::span<const double> policy, std::span<const double> reference) {
  if (policy.size() != reference.size() || policy.empty())
    throw Error(Fault::bad_input, "kto: expected as many sums of the policy as of the reference, at least one, got " + std::to_string(policy.size()) + " and " +
                                      std::to_string(reference.size()));
  double sum = 0.0;
  for (std::size_t i = 0; i < policy.size(); ++i) sum += policy[i] - reference[i];
  return std::max(0.0, sum / static_cast<double>(policy.size()));
}

KtoObjective::KtoObjective(std::vector<MarkedReply> replies, const KtoConfig& config, double baseline)
    : replies_(std::move(replies)), config_(config), baseline_(baseline) {
  if (!std::isfinite(baseline) || baseline < 0.0) throw Error(Fault::bad_input, "kto: baseline: expected 0 or more, got " + std::to_string(baseline));
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    Reply& reply = replies_[i].reply;
    const std::string at = "kto: reply " + std::to_string(i) + ": ";
    if (reply.tokens < 1) throw Error(Fault::bad_input, at + "expected at least one trained token, got " + std::to_string(reply.tokens));
    if (!reply.ref_tokens.empty()) {
      if (reply.ref_tokens.size() != static_cast<std::size_t>(reply.tokens))
        throw Error(Fault::bad_input, at + "ref_tokens: expected " + std::to_string(reply.tokens) + " values, got " + std::to_string(reply.ref_tokens.size()));
      reply.ref = std::accumulate(reply.ref_tokens.begin(), reply.ref_tokens.end(), 0.0);
    }
    if (!std::isfinite(reply.ref)) throw Error(Fault::bad_input, at + "expected a finite log-probability of the reference, got " + std::to_string(reply.ref));
    tokens_.push_back(reply.tokens);
  }
}

double KtoObjective::evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes) {
  check_call("kto", which, tokens_, scores, slopes);
  double loss = 0.0;
  const double n = static_cast<double>(replies_.size());
  for (std::size_t k = 0; k < which.size(); ++k) {
    const MarkedReply& r = replies_[which[k]];
    const double logp = std::accumulate(scores[k].logp.begin(), scores[k].logp.end(), 0.0), x = logp - r.reply.ref;
    const double u = config_.beta * (x - (config_.loss == KtoLoss::kto ? baseline_ : 0.0));
    const double share = (r.good ? config_.desirable_weight : config_.undesirable_weight) / n;
    loss += share * sigmoid(r.good ? -u : u);
    slopes[k].entropy.clear();
    slopes[k].logp.assign(scores[k].logp.size(), share * config_.beta * sigmoid(u) * sigmoid(-u) * (r.good ? -1.0 : 1.0));
    Side& side = r.good ? good_ : bad_;
    side.n += 1.0, side.reward += config_.beta * x, side.logp += logp;
  }
  loss_ += loss;
  return loss;
}

Loss KtoObjective::loss() {
  loss_ = 0.0, good_ = {}, bad_ = {};
  return as_loss([this](auto which, auto scores, auto slopes) { return evaluate(which, scores, slopes); });
}

Metrics KtoObjective::metrics() const {
  Metrics m{{"loss", loss_}, {"kl", baseline_}};
  if (good_.n > 0.0) m["rewards/chosen"] = good_.reward / good_.n, m["logps/chosen"] = good_.logp / good_.n;
  if (bad_.n > 0.0) m["rewards/rejected"] = bad_.reward / bad_.n, m["logps/rejected"] = bad_.logp / bad_.n;
  if (good_.n > 0.0 && bad_.n > 0.0) m["rewards/margins"] = m["rewards/chosen"] - m["rewards/rejected"];
  return m;
}

}  // namespace hone::objective
