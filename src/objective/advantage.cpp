#include "objective/advantage.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "objective/kl.h"

namespace hone::objective {

namespace {

struct Moments {
  double mean = 0.0, std = 0.0;
  std::size_t n = 0;
};

Moments moments(const std::vector<double>& values, int ddof) {
  Moments m{.n = values.size()};
  if (values.empty()) return m;
  for (const double v : values) m.mean += v;
  m.mean /= static_cast<double>(m.n);
  if (m.n <= static_cast<std::size_t>(ddof)) return m;
  double squares = 0.0;
  for (const double v : values) squares += (v - m.mean) * (v - m.mean);
  m.std = std::sqrt(squares / static_cast<double>(m.n - static_cast<std::size_t>(ddof)));
  return m;
}

bool all_equal(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); });
}

bool compares_in_group(Advantage a) { return a != Advantage::raft && a != Advantage::reinforce_pp; }

class Computation {
 public:
  Computation(std::span<const Sample> samples, const ObjectiveConfig& config)
      : samples_(samples), c_(config), weights_(reward_weights(config)), scores_(samples.size()), raw_(samples.size()) {
    out_.of.resize(samples.size());
    out_.dropped.assign(samples.size(), 0);
  }

  Advantages run() {
    score();
    for (const auto& [key, members] : groups_) group(key, members);
    gdpo();
    reinforce_pp();
    whiten(Advantage::reinforce_pp_baseline);
    finish();
    return std::move(out_);
  }

 private:
  Advantage estimator(std::size_t i) const { return samples_[i].own.adv.value_or(c_.adv); }

  // Scores are the rewards with penalties; every sample gets a row of zeros.
  void score() {
    std::size_t own = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const Sample& s = samples_[i];
      const auto tokens = static_cast<std::size_t>(s.tokens);
      out_.of[i].assign(tokens, 0.0);
      if (!s.advantages.empty()) {
        for (std::size_t t = 0; t < tokens; ++t) out_.of[i][t] = s.advantages[s.advantages.size() == 1 ? 0 : t];
        ++own;
        continue;
      }
      raw_[i] = reward_of(s, weights_);
      if (!raw_[i]) continue;
      double score = *raw_[i];
      if (c_.truncated == Truncated::soft_penalty) score += overlong(s);
      if (c_.kl_where == KlWhere::reward)
        for (const double d : kl_rewards(i, s, c_.kl_coef)) score += d;
      scores_[i] = score;
      groups_[s.group].push_back(i);
      by_estimator_[estimator(i)].push_back(i);
    }
    compared_ = samples_.size() - own;
  }

  double overlong(const Sample& s) const {
    const double length = s.length > 0 ? s.length : s.tokens;
    const double over = length - (c_.overlong_max - c_.overlong_buffer);
    return std::min(-over / c_.overlong_buffer * c_.overlong_factor, 0.0);
  }

  void fill(std::size_t i, double a) { std::fill(out_.of[i].begin(), out_.of[i].end(), a); }

  void group(const std::string& key, const std::vector<std::size_t>& members) {
    std::vector<double> raw, values;
    for (const std::size_t i : members) raw.push_back(*raw_[i]), values.push_back(*scores_[i]);
    const bool alone = members.size() == 1;
    const bool constant = !alone && constant_parts(members) && all_equal(raw);
    if (!alone) ++several_, constant_ += constant ? 1 : 0;
    if (constant && c_.zero_var != ZeroVariance::keep) {
      bool any = false;
      for (const std::size_t i : members)
        if (compares_in_group(estimator(i))) out_.dropped[i] = 1, any = true;
      if (any && c_.zero_var == ZeroVariance::resample) out_.resample.push_back(key);
    }
    Moments m = moments(values, c_.std_ddof);
    if (alone) m.mean = 0.0, m.std = 1.0;
    for (const std::size_t i : members) {
      const Advantage kind = estimator(i);
      const double r = *scores_[i];
      if (kind == Advantage::raft) {
        fill(i, std::max(r, 0.0));
        continue;
      }
      if (!compares_in_group(kind) || kind == Advantage::gdpo) continue;
      if (alone && c_.singleton == Singleton::zero) continue;
      if (!alone && all_equal(values)) continue;  // exactly 0, whatever rounding would make of r - mean
      fill(i, one(kind, i, r, m, members, alone));
    }
  }

  double one(Advantage kind, std::size_t i, double r, const Moments& m, const std::vector<std::size_t>& members, bool alone) const {
    const auto n = static_cast<double>(members.size());
    switch (kind) {
      case Advantage::grpo: return (r - m.mean) / (m.std + c_.adv_eps);
      case Advantage::dr_grpo:
      case Advantage::reinforce_pp_baseline: return r - m.mean;
      case Advantage::batch_std: return (r - m.mean) / (batch_std() + c_.adv_eps);
      case Advantage::rloo: return alone ? r : (r - m.mean) * n / (n - 1.0);
      case Advantage::opo: return r - (alone ? 0.0 : length_weighted(members));
      case Advantage::gpg: return (r - m.mean) * gpg_alpha();
      case Advantage::pass_k: return pass_k(i, members);
      default: return 0.0;
    }
  }

  double batch_std() const {
    std::vector<double> all;
    for (const std::size_t i : by_estimator_.at(Advantage::batch_std)) all.push_back(*scores_[i]);
    return moments(all, c_.std_ddof).std;
  }

  double length_weighted(const std::vector<std::size_t>& members) const {
    double sum = 0.0, lengths = 0.0;
    for (const std::size_t i : members) sum += samples_[i].tokens * *scores_[i], lengths += samples_[i].tokens;
    return lengths > 0.0 ? sum / lengths : 0.0;
  }

  double gpg_alpha() const {
    const auto& all = by_estimator_.at(Advantage::gpg);
    const auto nonzero = std::count_if(all.begin(), all.end(), [&](std::size_t i) { return *scores_[i] != 0.0; });
    return static_cast<double>(all.size()) / static_cast<double>(std::max<std::ptrdiff_t>(nonzero, 1));
  }

  double pass_k(std::size_t i, const std::vector<std::size_t>& members) const {
    if (members.size() < 2)
      throw Error(Fault::bad_input, place(i, samples_[i]) + ": adv: pass_k needs two scored samples in a group, got 1 (singleton: zero would pass it over)");
    std::size_t best = members[0];
    for (const std::size_t j : members)
      if (*scores_[j] > *scores_[best]) best = j;
    if (i != best) return 0.0;
    std::vector<double> values;
    double second = -std::numeric_limits<double>::infinity();
    for (const std::size_t j : members) {
      values.push_back(*scores_[j]);
      if (j != best) second = std::max(second, *scores_[j]);
    }
    const double gap = *scores_[best] - second;
    return c_.pass_k_std ? gap / (moments(values, c_.std_ddof).std + c_.adv_eps) : gap;
  }

  // With several reward functions a group is constant only if each of them is.
  bool constant_parts(const std::vector<std::size_t>& members) const {
    const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    return std::all_of(members.begin(), members.end(), [&](std::size_t i) {
      return std::equal(samples_[i].rewards.begin(), samples_[i].rewards.end(), samples_[members[0]].rewards.begin(), samples_[members[0]].rewards.end(), same);
    });
  }

  // Each reward function standardised in its group, summed, then the sums standardised over the batch.
  void gdpo() {
    const auto found = by_estimator_.find(Advantage::gdpo);
    if (found == by_estimator_.end()) return;
    std::map<std::size_t, double> sums;
    for (const std::size_t i : found->second) sums[i] = 0.0;
    for (const auto& [key, members] : groups_) {
      std::size_t functions = 0;
      for (const std::size_t i : members) functions = std::max(functions, rewards(i).size());
      for (std::size_t k = 0; k < functions; ++k) {
        std::vector<double> values;
        for (const std::size_t i : members)
          if (k < rewards(i).size() && !std::isnan(rewards(i)[k])) values.push_back(rewards(i)[k]);
        Moments m = moments(values, c_.std_ddof);
        if (m.n == 1) m.mean = c_.singleton == Singleton::raw ? 0.0 : values[0], m.std = 1.0;
        if (m.n > 1 && all_equal(values)) m.mean = values[0];
        for (const std::size_t i : members)
          if (sums.contains(i) && k < rewards(i).size() && !std::isnan(rewards(i)[k]))
            sums[i] += (weights_.empty() ? 1.0 : weights_[k]) * (rewards(i)[k] - m.mean) / (m.std + c_.adv_eps);
      }
    }
    std::vector<double> all;
    for (const auto& [i, sum] : sums) all.push_back(sum);
    const Moments m = moments(all, c_.std_ddof);
    for (const auto& [i, sum] : sums) fill(i, all_equal(all) ? 0.0 : (sum - m.mean) / (m.std + c_.adv_eps));
  }

  std::vector<double> rewards(std::size_t i) const {
    return samples_[i].rewards.empty() ? std::vector<double>{*samples_[i].reward} : samples_[i].rewards;
  }

  // The reward comes with the last trained token, the divergence (kl_where: reward) with each; returns run over trained tokens.
  void reinforce_pp() {
    const auto found = by_estimator_.find(Advantage::reinforce_pp);
    if (found == by_estimator_.end()) return;
    for (const std::size_t i : found->second) {
      const Sample& s = samples_[i];
      auto& a = out_.of[i];
      if (a.empty()) continue;
      std::vector<double> at(a.size(), 0.0);
      if (c_.kl_where == KlWhere::reward) at = kl_rewards(i, s, c_.kl_coef);
      at.back() += *raw_[i] + (c_.truncated == Truncated::soft_penalty ? overlong(s) : 0.0);
      double running = 0.0;
      for (std::size_t t = a.size(); t-- > 0;) a[t] = running = at[t] + c_.gamma * running;
    }
    whiten(Advantage::reinforce_pp);
  }

  // Mean 0 and variance 1 over all tokens of the samples with this estimator.
  void whiten(Advantage kind) {
    const auto found = by_estimator_.find(kind);
    if (found == by_estimator_.end()) return;
    std::vector<double> all;
    for (const std::size_t i : found->second) all.insert(all.end(), out_.of[i].begin(), out_.of[i].end());
    const Moments m = moments(all, 1);
    const double std = std::sqrt(m.std * m.std + 1e-8);
    for (const std::size_t i : found->second)
      for (double& a : out_.of[i]) a = m.n < 2 || all_equal(all) ? 0.0 : (a - m.mean) / std;
  }

  void finish() {
    std::vector<double> seen;
    double passed = 0.0, size = 0.0, tokens = 0.0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (c_.truncated == Truncated::zero_advantage && samples_[i].truncated) fill(i, 0.0);
      if (raw_[i]) seen.push_back(*raw_[i]), passed += *raw_[i] > 0.0 ? 1.0 : 0.0;
      for (const double a : out_.of[i]) size += std::abs(a), tokens += 1.0;
    }
    const Moments m = moments(seen, 1);
    auto& k = out_.metrics;
    if (!seen.empty()) k["reward_mean"] = m.mean, k["reward_std"] = m.std, k["passed"] = passed / static_cast<double>(seen.size());
    if (compared_ > 0) k["rewards_missing"] = 1.0 - static_cast<double>(seen.size()) / static_cast<double>(compared_);
    k["groups"] = static_cast<double>(groups_.size());
    if (several_ > 0) k["groups_constant"] = static_cast<double>(constant_) / static_cast<double>(several_);
    if (tokens > 0.0) k["advantage_abs"] = size / tokens;
  }

  std::span<const Sample> samples_;
  const ObjectiveConfig& c_;
  std::vector<double> weights_;
  std::vector<std::optional<double>> scores_, raw_;
  std::map<std::string, std::vector<std::size_t>> groups_;
  std::map<Advantage, std::vector<std::size_t>> by_estimator_;
  std::size_t several_ = 0, constant_ = 0, compared_ = 0;
  Advantages out_;
};

}  // namespace

std::optional<double> reward_of(const Sample& s, std::span<const double> weights) {
  if (s.rewards.empty()) return s.reward;
  if (!weights.empty() && weights.size() != s.rewards.size())
    throw Error(Fault::bad_input, "rewards (group '" + excerpt(s.group) + "'): expected one per entry of reward_weights (" + std::to_string(weights.size()) +
                                      "), got " + std::to_string(s.rewards.size()));
  std::optional<double> sum;
  for (std::size_t k = 0; k < s.rewards.size(); ++k)
    if (!std::isnan(s.rewards[k])) sum = sum.value_or(0.0) + (weights.empty() ? 1.0 : weights[k]) * s.rewards[k];
  return sum;
}

Advantages advantages(std::span<const Sample> samples, const ObjectiveConfig& config) {
  check(samples);
  validate(config);
  return Computation(samples, config).run();
}

}  // namespace hone::objective
