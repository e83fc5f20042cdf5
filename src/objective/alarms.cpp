#include "objective/alarms.h"

#include <cmath>
#include <cstdio>
#include <optional>

namespace hone::objective {

namespace {

std::optional<double> value(const Metrics& m, const char* name) {
  const auto at = m.find(name);
  return at == m.end() ? std::nullopt : std::optional(at->second);
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", x);
  return text;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f %%", 100.0 * share);
  return text;
}

}  // namespace

bool Alarms::holds(std::int64_t& rounds, bool now) const {
  rounds = now ? rounds + 1 : 0;
  return rounds >= config_.patience;
}

std::vector<std::string> Alarms::round(const Metrics& metrics) {
  std::vector<std::string> out;
  // NaN compares false everywhere: "not at most" also catches it.
  if (const auto x = value(metrics, "groups_constant"); x && holds(state_.constant, !(*x <= config_.constant_groups)))
    out.push_back("Groups without variance: " + percent(*x) + " of the groups have equal rewards (limit " + percent(config_.constant_groups) + "); they teach nothing.");
  if (const auto x = value(metrics, "rewards_missing"); x && holds(state_.missing, !(*x <= config_.missing_rewards)))
    out.push_back("Missing rewards: " + percent(*x) + " of the replies could not be scored (limit " + percent(config_.missing_rewards) + ").");

  // The mean of the first rounds, and whether it is complete.
  const auto compare = [&](Baseline& b, double x) -> std::optional<double> {
    if (b.rounds >= config_.baseline_rounds) return b.sum / static_cast<double>(b.rounds);
    b.sum += x, ++b.rounds;
    return std::nullopt;
  };
  if (const auto x = value(metrics, "entropy")) {
    const auto first = compare(state_.first_entropy, *x);
    const bool low = !(*x >= config_.entropy_floor) || (first && !(*x >= config_.entropy_share * *first));
    if (holds(state_.entropy, low))
      out.push_back("Entropy collapse: " + number(*x) + " nats per token" + (first ? ", " + number(*first) + " in the first rounds" : "") + " (limits " +
                    number(config_.entropy_floor) + " nats and " + percent(config_.entropy_share) + " of the first rounds).");
  }
  if (const auto x = value(metrics, "length_mean")) {
    const auto first = compare(state_.first_length, *x);
    const bool far = first && !(*x <= *first * config_.length_factor && *x >= *first / config_.length_factor);
    if (holds(state_.length, far))
      out.push_back("Length drift: replies have " + number(*x) + " tokens on average, " + number(*first) + " in the first rounds (limit: factor " +
                    number(config_.length_factor) + ").");
  }
  for (const auto& [name, of] : {std::pair{"kl_ref", "the reference"}, {"kl_old", "the policy that played"}})
    if (const auto x = value(metrics, name); x && !(*x <= config_.kl_most))
      out.push_back("Divergence blow-up: " + number(*x) + " nats per token from " + of + " (limit " + number(config_.kl_most) + ").");
  if (const auto x = value(metrics, "passed")) {
    state_.failing = *x > 0.0 ? 0 : state_.failing + 1;
    if (config_.never_passes > 0 && state_.failing >= config_.never_passes)
      out.push_back("The verifier never passes: no reply of the last " + std::to_string(state_.failing) + " rounds got a reward above 0 (limit " +
                    std::to_string(config_.never_passes) + " rounds); is it broken, or the task too hard?");
  }
  return out;
}

void Alarms::save(Sink& sink) const { sink.write(std::as_bytes(std::span(&state_, 1))); }
void Alarms::load(Source& source) { source.read(std::as_writable_bytes(std::span(&state_, 1))); }

}  // namespace hone::objective
