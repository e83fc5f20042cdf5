#include "objective/policy_loss.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "objective/kl.h"
#include "objective/mismatch.h"
#include "objective/surrogate.h"

namespace hone::objective {

namespace {

constexpr double kSequenceCap = 10.0;  // sequence_token: log ratio of a sequence is kept below

}  // namespace

// One sample in one call.
struct PolicyObjective::Work {
  std::size_t i;
  const Sample& s;
  const std::vector<double>& a;
  const Scores& now;
  Slopes& out;
  double share;                     // of each token in the loss
  std::vector<double> delta;        // lp - lp_old, kept within the clamp
  std::vector<std::uint8_t> inside;  // 1 = the clamp did not touch it
  double sequence = 0.0;            // mean of delta
  std::vector<double> weight, log_weight;  // of the policy term; log_weight: mismatch alone, for vespo
  double loss = 0.0;
};

PolicyObjective::PolicyObjective(std::vector<Sample> samples, const ObjectiveConfig& config, const Rng& rng)
    : samples_(std::move(samples)), config_(config), advantages_(objective::advantages(samples_, config_)) {
  treated_.resize(samples_.size());
  kept_.resize(samples_.size());
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    require(i);
    const bool masked = config_.truncated == Truncated::mask_loss && samples_[i].truncated;
    length_.push_back(masked || advantages_.dropped[i] != 0 ? 0.0 : samples_[i].tokens);
    if (advantages_.dropped[i] == 0) step_.add(length_[i]);
  }
  if (config_.top_entropy < 1.0) keep_top_entropy();
  for (std::size_t i = 0; i < samples_.size(); ++i)
    entropy_tokens_ += kept_[i].empty() ? length_[i] : static_cast<double>(std::count(kept_[i].begin(), kept_[i].end(), 1));
  treat_by_covariance(Surrogate::clip_cov, rng);
  treat_by_covariance(Surrogate::kl_cov, rng);
  if (config_.mismatch_normalise && config_.mismatch != Mismatch::none) normalise_mismatch();
}

RatioLevel PolicyObjective::level_of(std::size_t i) const {
  return surrogate_of(i) == Surrogate::gspo && config_.ratio_level == RatioLevel::token ? RatioLevel::sequence_token : config_.ratio_level;
}

// Everything that the settings will ask of a sample is there.
void PolicyObjective::require(std::size_t i) const {
  const Sample& s = samples_[i];
  if (s.tokens == 0) return;
  const auto need = [&](const std::vector<float>& values, const char* name, const char* why) {
    if (values.empty()) throw Error(Fault::bad_input, place(i, s) + ": " + why + " needs " + name + " of every trained token, got none");
  };
  if (old_of(i) == OldLogp::sampler) need(s.logp_roll, "logp_roll", "old_logp: sampler");
  if (old_of(i) == OldLogp::past) need(s.logp_past, "logp_past", "old_logp: past");
  if (config_.kl_where == KlWhere::loss) need(s.logp_ref, "logp_ref", "kl_where: loss");
  if (config_.top_entropy < 1.0) need(s.entropy, "entropy", "top_entropy");
  if (config_.mismatch != Mismatch::none && (old_of(i) == OldLogp::stored || old_of(i) == OldLogp::current)) {
    need(s.logp_roll, "logp_roll", "mismatch");
    if (config_.mismatch_normalise) need(s.logp_old, "logp_old", "mismatch_normalise");
  }
  if (surrogate_of(i) == Surrogate::clip_cov || surrogate_of(i) == Surrogate::kl_cov)
    if (s.logp_now.empty()) need(s.logp_old, "logp_now or logp_old", "a covariance");
}

// Tokens by their covariance (A - mean A)(lp - mean lp) over the step. lp is logp_now, or logp_old where there is none: what a call brings
// is not the whole step yet.
void PolicyObjective::treat_by_covariance(Surrogate kind, const Rng& rng) {
  struct Token {
    std::size_t i, t;
    double a, logp, cov;
  };
  std::vector<Token> all;
  double mean_a = 0.0, mean_logp = 0.0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (surrogate_of(i) != kind || length_[i] <= 0.0) continue;
    const auto& logp = samples_[i].logp_now.empty() ? samples_[i].logp_old : samples_[i].logp_now;
    treated_[i].assign(logp.size(), 0);
    for (std::size_t t = 0; t < logp.size(); ++t) {
      all.push_back({i, t, advantages_.of[i][t], logp[t], 0.0});
      mean_a += all.back().a, mean_logp += all.back().logp;
    }
  }
  if (all.empty()) return;
  const auto n = static_cast<double>(all.size());
  mean_a /= n, mean_logp /= n;
  for (Token& token : all) token.cov = (token.a - mean_a) * (token.logp - mean_logp);
  const auto many = std::max<std::size_t>(1, static_cast<std::size_t>(config_.cov_share * n));
  if (kind == Surrogate::kl_cov) {
    std::stable_sort(all.begin(), all.end(), [](const Token& x, const Token& y) { return x.cov > y.cov; });
  } else {
    std::erase_if(all, [&](const Token& token) {
      const Sample& s = samples_[token.i];
      const double delta = s.logp_old.empty() ? 0.0 : token.logp - static_cast<double>(s.logp_old[token.t]);
      const Term term = surrogate(Surrogate::ppo_clip, config_, delta, token.logp, token.a);
      return token.cov <= config_.cov_lo || token.cov >= config_.cov_hi || term.event != clip_none;
    });
    Rng draw = rng.split("clip_cov");
    draw.shuffle(all);
  }
  for (std::size_t k = 0; k < std::min(many, all.size()); ++k) treated_[all[k].i][all[k].t] = 1;
}

// Tokens at or above the quantile 1 - top_entropy of the entropies they were sampled with (linear between neighbours).
void PolicyObjective::keep_top_entropy() {
  std::vector<double> all;
  for (std::size_t i = 0; i < samples_.size(); ++i)
    if (length_[i] > 0.0) all.insert(all.end(), samples_[i].entropy.begin(), samples_[i].entropy.end());
  if (all.empty()) return;
  std::sort(all.begin(), all.end());
  const double at = (1.0 - config_.top_entropy) * static_cast<double>(all.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double above = all[std::min(below + 1, all.size() - 1)];
  const double threshold = all[below] + (at - static_cast<double>(below)) * (above - all[below]);
  for (std::size_t i = 0; i < samples_.size(); ++i)
    if (length_[i] > 0.0)
      for (const float h : samples_[i].entropy) kept_[i].push_back(static_cast<double>(h) >= threshold ? 1 : 0);
}

// Weights of tokens are divided by their mean over tokens, weights of sequences by theirs over sequences.
void PolicyObjective::normalise_mismatch() {
  double sum = 0.0, n = 0.0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const Sample& s = samples_[i];
    if (length_[i] <= 0.0 || s.logp_old.empty() || s.logp_roll.empty()) continue;
    std::vector<double> d;
    for (std::size_t t = 0; t < s.logp_old.size(); ++t) d.push_back(static_cast<double>(s.logp_old[t]) - static_cast<double>(s.logp_roll[t]));
    const auto weights = mismatch_weights(config_, d);
    const std::size_t many = of_sequence(config_.mismatch) ? 1 : d.size();
    for (std::size_t t = 0; t < many; ++t) sum += weights.of[t], n += 1.0;
  }
  if (n > 0.0 && sum / n > 1e-8) mismatch_mean_ = sum / n;
}

void PolicyObjective::prepare(Work& w) const {
  const std::size_t n = w.now.logp.size();
  w.delta.resize(n), w.inside.assign(n, 1);
  for (std::size_t t = 0; t < n; ++t) {
    double old = 0.0;
    switch (old_of(w.i)) {
      case OldLogp::stored: old = w.s.logp_old.empty() ? w.now.logp[t] : static_cast<double>(w.s.logp_old[t]); break;
      case OldLogp::sampler: old = w.s.logp_roll[t]; break;
      case OldLogp::current: old = w.now.logp[t]; break;
      case OldLogp::past: old = w.s.logp_past[t]; break;
      case OldLogp::nothing: break;
    }
    const double raw = w.now.logp[t] - old;
    w.delta[t] = config_.logratio_clamp > 0.0 ? std::clamp(raw, -config_.logratio_clamp, config_.logratio_clamp) : raw;
    w.inside[t] = w.delta[t] == raw ? 1 : 0;
    w.sequence += w.delta[t] / static_cast<double>(n);
  }
}

void PolicyObjective::weigh(Work& w) {
  const std::size_t n = w.delta.size();
  w.weight.assign(n, w.s.weight), w.log_weight.assign(n, 0.0);
  if (!kept_[w.i].empty())
    for (std::size_t t = 0; t < n; ++t) w.weight[t] *= kept_[w.i][t];
  const bool own_old = old_of(w.i) == OldLogp::stored || old_of(w.i) == OldLogp::current;
  const auto old = [&](std::size_t t) { return old_of(w.i) == OldLogp::current || w.s.logp_old.empty() ? w.now.logp[t] : static_cast<double>(w.s.logp_old[t]); };
  if (own_old && !w.s.logp_roll.empty()) {
    std::vector<double> d(n);
    for (std::size_t t = 0; t < n; ++t) {
      d[t] = old(t) - static_cast<double>(w.s.logp_roll[t]);
      totals_.mismatch_max = std::max(totals_.mismatch_max, std::abs(d[t]));
      totals_.mismatch_sum += std::abs(d[t]);
      totals_.mismatch_kl -= d[t];
    }
    totals_.with_roll += static_cast<double>(n);
    MismatchWeights weights = mismatch_weights(config_, d);
    totals_.bounded += weights.bounded;
    for (double& x : weights.of) x /= mismatch_mean_, totals_.weight += x;
    const bool vespo = surrogate_of(w.i) == Surrogate::vespo;
    const std::size_t factors = of_sequence(config_.mismatch) ? 1 : n;
    for (std::size_t t = 0; t < n; ++t) {
      if (vespo && t < factors) w.log_weight[t] = std::clamp(std::log(weights.of[t]), std::log(1e-8), 20.0);
      if (!vespo) w.weight[t] *= weights.of[t];
    }
  }
  if (config_.off_policy_max > 0.0) {
    double drift = 0.0;
    for (std::size_t t = 0; t < n; ++t) drift += (w.s.logp_roll.empty() ? old(t) : static_cast<double>(w.s.logp_roll[t])) - w.now.logp[t];
    if (drift / static_cast<double>(n) > config_.off_policy_max)
      for (std::size_t t = 0; t < n; ++t)
        if (w.a[t] < 0.0) w.weight[t] = 0.0, totals_.off_policy += 1.0;
  }
}

void PolicyObjective::count(std::uint8_t event) {
  totals_.high += (event & clip_high) != 0 ? 1.0 : 0.0;
  totals_.low += (event & clip_low) != 0 ? 1.0 : 0.0;
  totals_.cap += (event & clip_cap) != 0 ? 1.0 : 0.0;
}

void PolicyObjective::policy_term(Work& w) {
  const std::size_t n = w.delta.size();
  const Surrogate kind = surrogate_of(w.i);
  const RatioLevel level = level_of(w.i);
  const double sequence = level == RatioLevel::sequence_token ? std::min(w.sequence, kSequenceCap) : w.sequence;
  double log_w = 0.0;
  if (kind == Surrogate::vespo)
    for (std::size_t t = 0; t < n; ++t) log_w += w.delta[t] + w.log_weight[t];
  double shared = 0.0;
  for (std::size_t t = 0; t < n; ++t) {
    const double x = level == RatioLevel::token ? w.delta[t] : sequence;
    Term term = surrogate(kind, config_, x, w.now.logp[t], w.a[t], kind == Surrogate::vespo ? vespo_phi(config_, log_w, w.a[t]) : 1.0);
    if (!treated_[w.i].empty() && treated_[w.i][t] != 0) {
      if (kind == Surrogate::clip_cov) term = {.event = clip_cap};
      if (kind == Surrogate::kl_cov) {
        term.value += config_.kl_cov_coef * std::abs(x);
        term.by_ratio += config_.kl_cov_coef * (x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0);
      }
    }
    count(term.event);
    const double c = w.share * w.weight[t];
    if (c == 0.0) continue;
    w.loss += c * term.value;
    w.out.logp[t] += c * term.by_logp;
    if (level == RatioLevel::sequence) shared += c * term.by_ratio;
    if (level == RatioLevel::token && w.inside[t] != 0) w.out.logp[t] += c * term.by_ratio;
    if (level == RatioLevel::sequence_token && sequence == w.sequence) w.out.logp[t] += c * term.by_ratio;
  }
  if (shared != 0.0)
    for (std::size_t t = 0; t < n; ++t)
      if (w.inside[t] != 0) w.out.logp[t] += shared / static_cast<double>(n);
}

// -A exp(mean of the clipped log ratios), the same for each token of the sequence; mismatch weights by their geometric mean.
void PolicyObjective::gmpo_term(Work& w) {
  const auto n = static_cast<double>(w.delta.size());
  double a = 0.0, x = 0.0, log_weight = 0.0;
  std::vector<std::uint8_t> free(w.delta.size());
  for (std::size_t t = 0; t < w.delta.size(); ++t) {
    const Clipped clipped = gmpo_clip(config_, w.delta[t], w.a[t]);
    count(clipped.event);
    free[t] = clipped.event == clip_none && w.a[t] != 0.0 && w.inside[t] != 0 ? 1 : 0;
    a += w.a[t] / n, x += clipped.log_ratio / n, log_weight += std::log(w.weight[t] + 1e-10) / n;
  }
  const double value = -a * std::exp(x + log_weight) * w.share * n;
  w.loss += value;
  for (std::size_t t = 0; t < w.delta.size(); ++t)
    if (free[t] != 0) w.out.logp[t] += value / n;
}

void PolicyObjective::kl_term(Work& w) {
  if (w.s.logp_ref.empty()) return;
  const std::size_t n = w.delta.size();
  const bool counts = config_.kl_where == KlWhere::loss && config_.kl_coef > 0.0;
  const RatioLevel level = level_of(w.i);
  const double c = config_.kl_coef * w.share;
  double shared = 0.0;
  for (std::size_t t = 0; t < n; ++t) {
    const Kl k = kl(config_.kl_est, w.now.logp[t], w.s.logp_ref[t], config_.kl_clamp);
    totals_.kl_ref += k.value;
    if (!counts) continue;
    const double ratio = !config_.kl_times_ratio ? 1.0 : std::exp(level == RatioLevel::token ? w.delta[t] : std::min(w.sequence, kSequenceCap));
    w.loss += c * k.value * ratio;
    totals_.kl_loss += c * k.value * ratio;
    w.out.logp[t] += c * k.slope * ratio;
    if (!config_.kl_times_ratio) continue;
    if (level == RatioLevel::sequence) shared += c * k.value * ratio;
    else if (level == RatioLevel::token ? w.inside[t] != 0 : w.sequence <= kSequenceCap) w.out.logp[t] += c * k.value * ratio;
  }
  totals_.with_ref += static_cast<double>(n);
  if (shared != 0.0 && w.sequence <= kSequenceCap)
    for (std::size_t t = 0; t < n; ++t)
      if (w.inside[t] != 0) w.out.logp[t] += shared / static_cast<double>(n);
}

void PolicyObjective::entropy_term(Work& w) {
  if (w.now.entropy.empty()) return;
  const double c = config_.entropy_agg == EntropyAggregate::same ? w.share : 1.0 / entropy_tokens_;
  for (std::size_t t = 0; t < w.now.entropy.size(); ++t) {
    totals_.entropy += w.now.entropy[t];
    totals_.with_entropy += 1.0;
    if (config_.entropy_coef <= 0.0 || (!kept_[w.i].empty() && kept_[w.i][t] == 0)) continue;
    const double part = -config_.entropy_coef * c;
    w.out.entropy[t] = part;
    w.loss += part * w.now.entropy[t];
    totals_.entropy_loss += part * w.now.entropy[t];
  }
}

double PolicyObjective::evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes) {
  if (scores.size() != which.size() || slopes.size() != which.size())
    throw Error(Fault::bad_input, "objective: expected scores and slopes of " + std::to_string(which.size()) + " samples, got " + std::to_string(scores.size()) +
                                      " and " + std::to_string(slopes.size()));
  Counts call;
  for (const std::size_t i : which) {
    if (i >= samples_.size()) throw Error(Fault::bad_input, "objective: expected one of " + std::to_string(samples_.size()) + " samples, got number " + std::to_string(i));
    if (advantages_.dropped[i] == 0) call.add(length_[i]);
  }
  double loss = 0.0;
  for (std::size_t k = 0; k < which.size(); ++k) {
    const std::size_t i = which[k];
    const Sample& s = samples_[i];
    const auto tokens = static_cast<std::size_t>(s.tokens);
    if (scores[k].logp.size() != tokens || (!scores[k].entropy.empty() && scores[k].entropy.size() != tokens) ||
        (config_.entropy_coef > 0.0 && scores[k].entropy.size() != tokens))
      throw Error(Fault::bad_input, place(i, s) + ": expected the log-probability (and entropy) of " + std::to_string(tokens) + " tokens, got " +
                                        std::to_string(scores[k].logp.size()) + " and " + std::to_string(scores[k].entropy.size()));
    slopes[k].logp.assign(tokens, 0.0);
    slopes[k].entropy.assign(config_.entropy_coef > 0.0 ? tokens : 0, 0.0);
    if (length_[i] <= 0.0) continue;
    Work w{.i = i, .s = s, .a = advantages_.of[i], .now = scores[k], .out = slopes[k], .share = token_weight(config_, length_[i], step_, call),
           .delta = {}, .inside = {}, .weight = {}, .log_weight = {}};
    prepare(w);
    weigh(w);
    surrogate_of(i) == Surrogate::gmpo ? gmpo_term(w) : policy_term(w);
    totals_.policy += w.loss;
    kl_term(w);
    entropy_term(w);
    for (const double delta : w.delta) {
      const double ratio = std::exp(delta);
      totals_.ratio_min = totals_.tokens > 0.0 ? std::min(totals_.ratio_min, ratio) : ratio;
      totals_.ratio_max = totals_.tokens > 0.0 ? std::max(totals_.ratio_max, ratio) : ratio;
      totals_.ratio += ratio, totals_.kl_old -= delta, totals_.tokens += 1.0;
    }
    loss += w.loss;
  }
  return loss;
}

Loss PolicyObjective::loss() {
  totals_ = {};
  return as_loss([this](auto which, auto scores, auto slopes) { return evaluate(which, scores, slopes); });
}

Metrics PolicyObjective::metrics() const {
  Metrics m = advantages_.metrics;
  double lengths = 0.0, cut = 0.0;
  for (const Sample& s : samples_) lengths += s.length > 0 ? s.length : s.tokens, cut += s.truncated ? 1.0 : 0.0;
  if (!samples_.empty()) m["length_mean"] = lengths / static_cast<double>(samples_.size()), m["truncated"] = cut / static_cast<double>(samples_.size());
  const Totals& t = totals_;
  m["tokens"] = t.tokens;
  if (t.tokens <= 0.0) return m;
  m["loss_policy"] = t.policy, m["loss_kl"] = t.kl_loss, m["loss_entropy"] = t.entropy_loss;
  m["clip_high"] = t.high / t.tokens, m["clip_low"] = t.low / t.tokens, m["clip_cap"] = t.cap / t.tokens;
  m["ratio_mean"] = t.ratio / t.tokens, m["ratio_min"] = t.ratio_min, m["ratio_max"] = t.ratio_max;
  m["kl_old"] = t.kl_old / t.tokens;
  if (t.with_ref > 0.0) m["kl_ref"] = t.kl_ref / t.with_ref;
  if (t.with_entropy > 0.0) m["entropy"] = t.entropy / t.with_entropy;
  if (t.with_roll > 0.0) {
    m["mismatch_weight"] = t.weight / t.with_roll, m["mismatch_bounded"] = t.bounded / t.with_roll;
    m["mismatch_max"] = t.mismatch_max, m["mismatch_mean"] = t.mismatch_sum / t.with_roll, m["mismatch_kl"] = t.mismatch_kl / t.with_roll;
  }
  if (config_.off_policy_max > 0.0) m["off_policy"] = t.off_policy / t.tokens;
  return m;
}

}  // namespace hone::objective
