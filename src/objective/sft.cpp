#include "objective/sft.h"

#include <cmath>

#include "core/error.h"

namespace hone::objective {

SftObjective::SftObjective(std::vector<int> tokens, SftConfig config, std::vector<double> weights)
    : tokens_(std::move(tokens)), config_(config), weights_(std::move(weights)) {
  if (!weights_.empty() && weights_.size() != tokens_.size())
    throw Error(Fault::bad_input, "sft: weights: expected one per sequence (" + std::to_string(tokens_.size()) + "), got " + std::to_string(weights_.size()));
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i] < 0) throw Error(Fault::bad_input, "sft: sequence " + std::to_string(i) + ": expected 0 or more trained tokens, got " + std::to_string(tokens_[i]));
    if (!weights_.empty() && !std::isfinite(weights_[i]))
      throw Error(Fault::bad_input, "sft: sequence " + std::to_string(i) + ": expected a finite weight, got " + std::to_string(weights_[i]));
    total_ += tokens_[i];
  }
}

double SftObjective::evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes) {
  check_call("sft", which, tokens_, scores, slopes);
  double loss = 0.0;
  for (std::size_t k = 0; k < which.size(); ++k) {
    const auto& logp = scores[k].logp;
    slopes[k].entropy.clear();
    slopes[k].logp.assign(logp.size(), 0.0);
    const double share = (weights_.empty() ? 1.0 : weights_[which[k]]) / total_;
    for (std::size_t t = 0; t < logp.size(); ++t) {
      const double w = share * (config_.loss == SftLoss::dft ? std::exp(logp[t]) : 1.0);
      slopes[k].logp[t] = -w;
      loss -= w * logp[t];
      nll_ -= logp[t];
    }
    seen_ += static_cast<double>(logp.size());
    for (const double h : scores[k].entropy) entropy_ += h, with_entropy_ += 1.0;
  }
  loss_ += loss;
  return loss;
}

Loss SftObjective::loss() {
  seen_ = loss_ = nll_ = entropy_ = with_entropy_ = 0.0;
  return as_loss([this](auto which, auto scores, auto slopes) { return evaluate(which, scores, slopes); });
}

Metrics SftObjective::metrics() const {
  Metrics m{{"loss", loss_}, {"tokens", seen_}};
  if (seen_ > 0.0) m["nll"] = nll_ / seen_;
  if (with_entropy_ > 0.0) m["entropy"] = entropy_ / with_entropy_;
  return m;
}

}  // namespace hone::objective
