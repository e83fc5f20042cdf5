#include "objective/preference.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "objective/logistic.h"

namespace hone::objective {

namespace {

// f'(policy / reference) of one reply from its log ratio, without the constants that cancel; and the slope.
std::pair<double, double> score(const PreferenceConfig& c, double x) {
  switch (c.f_divergence) {
    case Divergence::reverse_kl: return {x, 1.0};
    case Divergence::forward_kl: return {-std::exp(-x), std::exp(-x)};
    case Divergence::js: return {log_sigmoid(x), sigmoid(-x)};
    case Divergence::alpha: {
      const double k = c.f_alpha - 1.0;
      if (std::abs(k) < 1e-6) return {x, 1.0};
      constexpr double most = 80.0;
      const double e = std::exp(std::min(k * x, most));
      return {e / k, k * x > most ? 0.0 : e};
    }
  }
  return {x, 1.0};
}

// From the two scores (raw log ratios for apo_zero and the first half of apo_down come apart below).
Slope2 of_scores(PreferenceLoss kind, const PreferenceConfig& cfg, double c, double r, double nc, double nr) {
  const double b = cfg.beta, e = cfg.label_smoothing, x = b * (c - r);
  const auto by_difference = [&](double value, double slope) { return Slope2{value, b * slope, -b * slope}; };  // slope by x
  switch (kind) {
    case PreferenceLoss::sigmoid: return by_difference(-log_sigmoid(x), -sigmoid(-x));
    case PreferenceLoss::hinge: return by_difference(std::max(0.0, 1.0 - x), x < 1.0 ? -1.0 : 0.0);
    case PreferenceLoss::ipo: {
      const double u = c / nc - r / nr - 1.0 / (2.0 * b);
      return {u * u, 2.0 * u / nc, -2.0 * u / nr};
    }
    case PreferenceLoss::sigmoid_norm: {
      const double u = b * (c / nc - r / nr), slope = -b * sigmoid(-u);
      return {-log_sigmoid(u), slope / nc, -slope / nr};
    }
    case PreferenceLoss::robust:
      return by_difference((-(1.0 - e) * log_sigmoid(x) + e * log_sigmoid(-x)) / (1.0 - 2.0 * e), (-(1.0 - e) * sigmoid(-x) - e * sigmoid(x)) / (1.0 - 2.0 * e));
    case PreferenceLoss::exo_pair: {
      // q (log q - log(1 - e)) + (1 - q)(log(1 - q) - log e); the parts' own slopes cancel but for q' times the difference of the brackets
      const double q = sigmoid(x), first = log_sigmoid(x) - std::log1p(-e), second = log_sigmoid(-x) - std::log(e);
      return by_difference(q * first + (1.0 - q) * second, q * (1.0 - q) * (first - second));
    }
    case PreferenceLoss::nca_pair:
      return {-log_sigmoid(b * c) - 0.5 * log_sigmoid(-b * c) - 0.5 * log_sigmoid(-b * r), b * (-sigmoid(-b * c) + 0.5 * sigmoid(b * c)), 0.5 * b * sigmoid(b * r)};
    case PreferenceLoss::bco_pair: return {-log_sigmoid(b * c) - log_sigmoid(-b * r), -b * sigmoid(-b * c), b * sigmoid(b * r)};
    case PreferenceLoss::sppo_hard: {
      const double u = c - 0.5 / b, v = r + 0.5 / b;
      return {u * u + v * v, 2.0 * u, 2.0 * v};
    }
    case PreferenceLoss::apo_down: return by_difference(1.0 - sigmoid(x), -sigmoid(x) * sigmoid(-x));  // second half
    case PreferenceLoss::discopop: {
      const double m = sigmoid(x / cfg.discopop_tau), logistic = -log_sigmoid(x), exponential = std::exp(-x);
      return by_difference(logistic * (1.0 - m) + exponential * m,
                           -sigmoid(-x) * (1.0 - m) - exponential * m + (exponential - logistic) * m * (1.0 - m) / cfg.discopop_tau);
    }
    default: return {};
  }
}

// From the log ratios themselves, whatever the divergence.
Slope2 of_ratios(PreferenceLoss kind, double b, double c, double r) {
  const double sc = sigmoid(b * c), sr = sigmoid(b * r);
  if (kind == PreferenceLoss::apo_zero) return {1.0 - sc + sr, -b * sc * sigmoid(-b * c), b * sr * sigmoid(-b * r)};
  if (kind == PreferenceLoss::apo_down) return {sc, b * sc * sigmoid(-b * c), 0.0};
  return {};
}

// From the mean log-probabilities of the replies: no reference.
Slope2 of_means(PreferenceLoss kind, const PreferenceConfig& cfg, double c, double r) {
  const double b = cfg.beta, e = cfg.label_smoothing;
  if (kind == PreferenceLoss::simpo) {
    const double x = b * (c - r) - cfg.simpo_gamma, slope = b * (-(1.0 - e) * sigmoid(-x) + e * sigmoid(x));
    return {-(1.0 - e) * log_sigmoid(x) - e * log_sigmoid(-x), slope, -slope};
  }
  // orpo: log(p / (1 - p)) has the slope 1 / (1 - p) by log p
  const double odds = c - r - (std::log(-std::expm1(c)) - std::log(-std::expm1(r))), slope = -b * sigmoid(-odds);
  return {-b * log_sigmoid(odds), slope / -std::expm1(c), -slope / -std::expm1(r)};
}

std::string pair_place(std::size_t k) { return "preference: pair " + std::to_string(k); }

}  // namespace

const EnumNames<PreferenceLoss>& preference_loss_names() {
  using enum PreferenceLoss;
  static const EnumNames<PreferenceLoss> names{{"sigmoid", sigmoid}, {"hinge", hinge}, {"ipo", ipo}, {"sigmoid_norm", sigmoid_norm}, {"robust", robust},
    {"exo_pair", exo_pair}, {"nca_pair", nca_pair}, {"bco_pair", bco_pair}, {"sppo_hard", sppo_hard}, {"apo_zero", apo_zero}, {"apo_down", apo_down},
    {"discopop", discopop}, {"aot", aot}, {"aot_unpaired", aot_unpaired}, {"sft", sft}, {"orpo", orpo}, {"simpo", simpo}};
  return names;
}

namespace {

std::vector<std::pair<PreferenceLoss, double>> read_losses(const PreferenceConfig& c) {
  if (c.losses.empty()) throw Error(Fault::bad_input, "losses: expected at least one, got none");
  if (!c.loss_weights.empty() && c.loss_weights.size() != c.losses.size())
    throw Error(Fault::bad_input, "loss_weights: expected one per loss (" + std::to_string(c.losses.size()) + "), got " + std::to_string(c.loss_weights.size()));
  std::vector<std::pair<PreferenceLoss, double>> out;
  for (std::size_t k = 0; k < c.losses.size(); ++k) {
    const PreferenceLoss* kind = nullptr;
    std::vector<std::string> known;
    for (const auto& [name, value] : preference_loss_names()) {
      known.push_back(name);
      if (name == c.losses[k]) kind = &value;
    }
    if (kind == nullptr) throw unknown_name("loss", c.losses[k], known, "losses");
    double weight = 1.0;
    try {
      if (!c.loss_weights.empty()) config_detail::parse(c.loss_weights[k], weight);
    } catch (const Error& e) {
      throw e.within("loss_weights");
    }
    out.emplace_back(*kind, weight);
  }
  return out;
}

}  // namespace

void validate(const PreferenceConfig& c) {
  for (const auto& [kind, weight] : read_losses(c))
    if (kind == PreferenceLoss::exo_pair && c.label_smoothing <= 0.0) throw Error(Fault::bad_input, "label_smoothing: exo_pair needs more than 0 (1e-3 is usual), got 0");
}

struct PreferenceObjective::Values {
  std::size_t pair = 0;
  double chosen = 0.0, rejected = 0.0;          // summed log-probabilities, weighed by ld_alpha
  double c = 0.0, r = 0.0;                      // minus the reference's
  double nc = 1.0, nr = 1.0;
  double plain_chosen = 0.0, plain_rejected = 0.0;
  double by_chosen = 0.0, by_rejected = 0.0;    // slopes by the weighed sums
  double by_chosen_plain = 0.0, by_rejected_plain = 0.0;  // slopes by the plain sums (sft, orpo, simpo)
  double loss = 0.0;
};

PreferenceObjective::PreferenceObjective(std::vector<Pair> pairs, const PreferenceConfig& config) : pairs_(std::move(pairs)), config_(config), losses_(read_losses(config)) {
  validate(config);
  for (std::size_t k = 0; k < pairs_.size(); ++k) {
    for (const auto& [reply, name] : {std::pair{&pairs_[k].chosen, "chosen"}, {&pairs_[k].rejected, "rejected"}}) {
      const std::string at = pair_place(k) + ", " + name + ": ";
      if (reply->tokens < 1) throw Error(Fault::bad_input, at + "expected at least one trained token, got " + std::to_string(reply->tokens));
      if (!reply->ref_tokens.empty() && reply->ref_tokens.size() != static_cast<std::size_t>(reply->tokens))
        throw Error(Fault::bad_input, at + "ref_tokens: expected " + std::to_string(reply->tokens) + " values, got " + std::to_string(reply->ref_tokens.size()));
      if (config_.ld_alpha < 1.0 && reply->ref_tokens.empty()) throw Error(Fault::bad_input, at + "ld_alpha needs the reference's log-probability of each token, got their sum");
      if (!std::isfinite(reply->ref) || !std::all_of(reply->ref_tokens.begin(), reply->ref_tokens.end(), [](float x) { return std::isfinite(x); }))
        throw Error(Fault::bad_input, at + "expected finite log-probabilities of the reference");
      tokens_.push_back(reply->tokens);
    }
    chosen_tokens_ += pairs_[k].chosen.tokens;
  }
}

void PreferenceObjective::add_sorted(PreferenceLoss kind, double weight, std::vector<Values>& all) {
  if (all.size() != pairs_.size())
    throw Error(Fault::bad_input, "preference: aot compares all pairs of the step, so one call must hold all " + std::to_string(pairs_.size()) + ", got " +
                                      std::to_string(all.size()) + "; raise microbatch_tokens");
  const std::size_t n = all.size();
  const auto order = [&](auto value) {
    std::vector<std::size_t> at(n);
    for (std::size_t k = 0; k < n; ++k) at[k] = k;
    std::stable_sort(at.begin(), at.end(), [&](std::size_t x, std::size_t y) { return value(all[x]) < value(all[y]); });
    return at;
  };
  const bool paired = kind == PreferenceLoss::aot;
  const auto plus = [&](const Values& v) { return paired ? v.chosen - v.rejected : v.c; };
  const auto minus = [&](const Values& v) { return paired ? (v.chosen - v.c) - (v.rejected - v.r) : v.r; };  // paired: of the reference
  const auto up = order(plus), down = order(minus);
  const double b = config_.beta, e = config_.label_smoothing, share = weight / static_cast<double>(n);
  for (std::size_t k = 0; k < n; ++k) {
    Values &p = all[up[k]], &m = all[down[k]];
    const double x = b * (plus(p) - minus(m)), slope = share * b * (-(1.0 - e) * sigmoid(-x) + e * sigmoid(x));
    p.loss += share * (-(1.0 - e) * log_sigmoid(x) - e * log_sigmoid(-x));
    p.by_chosen += slope;
    (paired ? p : m).by_rejected -= slope;
  }
}

void PreferenceObjective::add(PreferenceLoss kind, double weight, std::vector<Values>& all) {
  if (kind == PreferenceLoss::aot || kind == PreferenceLoss::aot_unpaired) return add_sorted(kind, weight, all);
  const double share = weight / static_cast<double>(pairs_.size());
  for (Values& v : all) {
    if (kind == PreferenceLoss::sft) {
      v.loss -= weight * v.plain_chosen / chosen_tokens_;
      v.by_chosen_plain -= weight / chosen_tokens_;
    } else if (kind == PreferenceLoss::orpo || kind == PreferenceLoss::simpo) {
      const Slope2 s = of_means(kind, config_, v.plain_chosen / v.nc, v.plain_rejected / v.nr);
      v.loss += share * s.value;
      v.by_chosen_plain += share * s.by_c / v.nc;
      v.by_rejected_plain += share * s.by_r / v.nr;
    } else {
      const auto [c, c_slope] = score(config_, v.c);
      const auto [r, r_slope] = score(config_, v.r);
      const Slope2 s = of_scores(kind, config_, c, r, v.nc, v.nr), plain = of_ratios(kind, config_.beta, v.c, v.r);
      v.loss += share * (s.value + plain.value);
      v.by_chosen += share * (s.by_c * c_slope + plain.by_c);
      v.by_rejected += share * (s.by_r * r_slope + plain.by_r);
    }
  }
}

double PreferenceObjective::evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes) {
  check_call("preference", which, tokens_, scores, slopes);
  if (which.size() % 2 != 0) throw Error(Fault::bad_input, "preference: expected whole pairs in a call, got " + std::to_string(which.size()) + " sequences");
  std::vector<Values> all(which.size() / 2);
  const auto weight_of = [&](std::size_t t, const Values& v) { return t < static_cast<std::size_t>(std::min(v.nc, v.nr)) ? 1.0 : config_.ld_alpha; };
  for (std::size_t k = 0; k < all.size(); ++k) {
    Values& v = all[k];
    if (which[2 * k] % 2 != 0 || which[2 * k + 1] != which[2 * k] + 1)
      throw Error(Fault::bad_input, "preference: expected a pair's two sequences side by side, got " + std::to_string(which[2 * k]) + " and " + std::to_string(which[2 * k + 1]));
    v.pair = which[2 * k] / 2;
    const Pair& pair = pairs_[v.pair];
    v.nc = pair.chosen.tokens, v.nr = pair.rejected.tokens;
    const auto sum = [&](const std::vector<double>& logp, const Reply& reply, double& weighed, double& plain, double& ratio) {
      double ref = reply.ref_tokens.empty() ? reply.ref : 0.0;
      for (std::size_t t = 0; t < logp.size(); ++t) {
        plain += logp[t], weighed += weight_of(t, v) * logp[t];
        if (!reply.ref_tokens.empty()) ref += weight_of(t, v) * static_cast<double>(reply.ref_tokens[t]);
      }
      ratio = weighed - ref;
    };
    sum(scores[2 * k].logp, pair.chosen, v.chosen, v.plain_chosen, v.c);
    sum(scores[2 * k + 1].logp, pair.rejected, v.rejected, v.plain_rejected, v.r);
  }
  for (const auto& [kind, weight] : losses_) add(kind, weight, all);
  double loss = 0.0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Values& v = all[k];
    const auto spread = [&](Slopes& out, std::size_t n, double weighed, double plain) {
      out.entropy.clear(), out.logp.resize(n);
      for (std::size_t t = 0; t < n; ++t) out.logp[t] = weighed * weight_of(t, v) + plain;
    };
    spread(slopes[2 * k], scores[2 * k].logp.size(), v.by_chosen, v.by_chosen_plain);
    spread(slopes[2 * k + 1], scores[2 * k + 1].logp.size(), v.by_rejected, v.by_rejected_plain);
    loss += v.loss;
    seen_ += 1.0, seen_tokens_ += v.nc + v.nr;
    chosen_ += config_.beta * v.c, rejected_ += config_.beta * v.r, right_ += v.c > v.r ? 1.0 : 0.0;
    logp_chosen_ += v.chosen, logp_rejected_ += v.rejected;
    for (const std::size_t side : {2 * k, 2 * k + 1})
      for (const double h : scores[side].entropy) entropy_ += h, with_entropy_ += 1.0;
  }
  loss_ += loss;
  return loss;
}

Loss PreferenceObjective::loss() {
  loss_ = seen_ = chosen_ = rejected_ = right_ = logp_chosen_ = logp_rejected_ = entropy_ = with_entropy_ = seen_tokens_ = 0.0;
  return as_loss([this](auto which, auto scores, auto slopes) { return evaluate(which, scores, slopes); });
}

Metrics PreferenceObjective::metrics() const {
  Metrics m{{"loss", loss_}, {"tokens", seen_tokens_}};
  if (seen_ > 0.0) {
    m["rewards/chosen"] = chosen_ / seen_, m["rewards/rejected"] = rejected_ / seen_, m["rewards/margins"] = (chosen_ - rejected_) / seen_;
    m["rewards/accuracies"] = right_ / seen_, m["logps/chosen"] = logp_chosen_ / seen_, m["logps/rejected"] = logp_rejected_ / seen_;
  }
  if (with_entropy_ > 0.0) m["entropy"] = entropy_ / with_entropy_;
  return m;
}

}  // namespace hone::objective
