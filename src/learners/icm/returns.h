// From rewards and values of a rollout to what actor and critic learn from; arrays are [steps, slots].
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hone {

struct Returns {
  std::vector<float> advantage, target;  // target: what the value should have been
};

// Generalised advantage estimation (Schulman et al. 2016) within each episode; `ended` 1 = the episode ended with this step, after which
// nothing is expected (icm.md 2.4: time limits too). `last` [slots]: values of the states after the last step. target is the discounted
// return with that bootstrap (lambda 1), whatever lambda is, as in the published code.
Returns returns_of(std::span<const float> reward, std::span<const float> value, std::span<const std::uint8_t> ended, std::span<const float> last, int slots, double gamma, double lambda);

// d loss / d logits and d values of the mean over the `count`ed steps of
//   -logp A + value_weight (V - target)^2 / 2 (summed over the values) - entropy_weight H
// (a2c), or with PPO's clipped ratio in place of logp (clip > 0; old_logp of the actions when they were taken).
struct ActorLoss {
  double value_weight = 0.5, entropy_weight = 0.01, clip = 0.0;
};
struct ActorBatch {
  std::span<const float> logits, values;   // [n, actions], [n, values]
  std::span<const int> actions;            // [n]
  std::span<const float> advantage, target, old_logp;  // [n], [n, values], [n]
  std::span<const std::uint8_t> counts;    // [n]
};
struct ActorReport {
  double policy = 0.0, value = 0.0, entropy = 0.0, clipped = 0.0;  // means
};
ActorReport actor_slopes(const ActorBatch& batch, const ActorLoss& loss, std::span<float> d_logits, std::span<float> d_values);

}  // namespace hone
