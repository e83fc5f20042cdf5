#include "learners/icm/returns.h"

#include <algorithm>
#include <cmath>

namespace hone {

Returns returns_of(std::span<const float> reward, std::span<const float> value, std::span<const std::uint8_t> ended, std::span<const float> last, int slots, double gamma, double lambda) {
  Returns out;
  out.advantage.resize(reward.size()), out.target.resize(reward.size());
  const auto n = static_cast<std::size_t>(slots), steps = reward.size() / n;
  for (std::size_t i = 0; i < n; ++i) {
    double advantage = 0.0, sum = static_cast<double>(last[i]), next = sum;
    for (std::size_t t = steps; t-- > 0;) {
      const std::size_t k = t * n + i;
      const auto r = static_cast<double>(reward[k]), v = static_cast<double>(value[k]);
      if (ended[k] != 0) advantage = sum = next = 0.0;
      advantage = r + gamma * next - v + gamma * lambda * advantage;
      sum = r + gamma * sum;
      next = v;
      out.advantage[k] = static_cast<float>(advantage);
      out.target[k] = static_cast<float>(sum);
    }
  }
  return out;
}

ActorReport actor_slopes(const ActorBatch& b, const ActorLoss& loss, std::span<float> d_logits, std::span<float> d_values) {
  ActorReport out;
  const std::size_t n = b.actions.size(), actions = b.logits.size() / std::max<std::size_t>(1, n), values = b.values.size() / std::max<std::size_t>(1, n);
  std::fill(d_logits.begin(), d_logits.end(), 0.0F);
  std::fill(d_values.begin(), d_values.end(), 0.0F);
  const auto counted = static_cast<double>(std::count_if(b.counts.begin(), b.counts.end(), [](std::uint8_t c) { return c != 0; }));
  if (counted == 0.0) return out;
  std::vector<double> logp(actions);
  for (std::size_t i = 0; i < n; ++i) {
    if (b.counts[i] == 0) continue;
    const auto z = b.logits.subspan(i * actions, actions);
    const double top = static_cast<double>(*std::max_element(z.begin(), z.end()));
    double sum = 0.0, entropy = 0.0;
    for (const float x : z) sum += std::exp(static_cast<double>(x) - top);
    for (std::size_t a = 0; a < actions; ++a) {
      logp[a] = static_cast<double>(z[a]) - top - std::log(sum);
      entropy -= std::exp(logp[a]) * logp[a];
    }
    const auto taken = static_cast<std::size_t>(b.actions[i]);
    const auto advantage = static_cast<double>(b.advantage[i]);
    double slope = -advantage, policy = -advantage * logp[taken];  // of logp of the action taken
    if (loss.clip > 0.0) {
      const double ratio = std::exp(logp[taken] - static_cast<double>(b.old_logp[i])), cut = std::clamp(ratio, 1.0 - loss.clip, 1.0 + loss.clip);
      const bool clipped = cut * advantage < ratio * advantage;
      slope = clipped ? 0.0 : -advantage * ratio;
      policy = -std::min(ratio * advantage, cut * advantage);
      out.clipped += clipped;
    }
    for (std::size_t a = 0; a < actions; ++a) {
      const double p = std::exp(logp[a]);
      d_logits[i * actions + a] = static_cast<float>((slope * ((a == taken ? 1.0 : 0.0) - p) + loss.entropy_weight * p * (logp[a] + entropy)) / counted);
    }
    for (std::size_t k = i * values; k < (i + 1) * values; ++k) {
      const double miss = static_cast<double>(b.values[k]) - static_cast<double>(b.target[k]);
      d_values[k] = static_cast<float>(loss.value_weight * miss / counted);
      out.value += miss * miss;
    }
    out.policy += policy, out.entropy += entropy;
  }
  out.policy /= counted, out.value /= counted, out.entropy /= counted, out.clipped /= counted;
  return out;
}

}  // namespace hone
