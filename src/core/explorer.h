// Networks of an agent that sees frames and may be curious (icm.md 2.2), without a word about tensors: the method says what is worth
// what, the networks do the rest. Room nn implements them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/reflex.h"

namespace hone {

class Poker;  // core/poker.h
struct PokerOptions;

// What the curiosity of a transition (s_t, a_t, s_t+1) is the error of.
enum class Curiosity {
  none,
  icm,              // predicting the features of s_t+1, features learned by guessing a_t from both states
  random_features,  // the same with features that stay as they were drawn
  pixels,           // predicting the frames of s_t+1 themselves
  rnd,              // copying a random network's view of s_t+1 (Burda et al. 2018, arXiv 1810.12894)
};

struct ExplorerOptions {
  int channels = 4, side = 42;  // observations: u8 [channels, side, side]
  int actions = 4;
  int memory = 256;             // width of the LSTM
  int values = 1;               // how many returns the critic foresees, each with a head of its own
  Curiosity curiosity = Curiosity::icm;
  bool detach_target = false;   // icm: the forward loss does not reach the features of s_t+1
  std::uint64_t seed = 0;
  int threads = 0;              // 0 = one per core
};

// A piece of a rollout: whole sequences of some slots, all steps. Arrays are the rollout's ([steps (+ 1), slots, ...]).
struct Stretch {
  const Rollout* rollout = nullptr;
  std::span<const int> slots;            // which; rows below are [steps, slots.size()]
  std::span<const float> memory;         // [rollout slots, 2 * memory] of every slot of the rollout when it began
  std::span<const std::uint8_t> counts;  // [steps, rollout slots] 0 = this transition counts for nothing (a fault)
};

struct Judged {
  std::span<const float> logits, values;  // [steps, slots, actions], [steps, slots, values]; valid until the next call
};

struct Slopes {
  std::span<const float> d_logits, d_values;  // of the loss, same shapes
};

// The gradient is multiplied by `scale`, then shortened to `clip` (0 = never); one step of Adam with its usual constants.
struct NetStep {
  double lr = 1e-4, scale = 1.0, clip = 0.0, eps = 1e-8;
};

struct CuriosityLoss {
  double forward = 0.0, inverse = 0.0, accuracy = 0.0;  // means over transitions; accuracy of guessing the action
  double norm = 0.0;                                    // of the gradient, scaled
};

// Weights, moments of Adam. A gradient that is not finite throws Error{bad_input} before any weight changes.
class Explorer : public Savable {
 public:
  // One decision of every slot. memory [slots, 2 * memory] is read and written (where fresh it begins at zero). logits [slots, actions], values [slots, values].
  virtual void act(const Sight& sight, std::span<float> memory, std::span<float> logits, std::span<float> values) = 0;
  // The same as act() said while the stretch was played, kept for learn().
  virtual Judged judge(const Stretch& stretch) = 0;
  // Of the last judge(): returns the length of the scaled gradient.
  virtual double learn(const Slopes& slopes, const NetStep& how) = 0;

  // Error of every transition [steps, slots], 0 where it doesn't count; kept for learn_curiosity(). Icm and random_features: half the sum
  // of squares over the features; pixels: half the mean over pixels; rnd: mean of squares.
  virtual std::span<const float> curiosity(const Stretch& stretch) = 0;
  // Of the last curiosity(): minimises (1 - beta) inverse + beta forward (icm) or forward.
  virtual CuriosityLoss learn_curiosity(double beta, const NetStep& how) = 0;

  virtual std::int64_t parameters() const = 0;            // of actor and critic
  virtual std::int64_t curiosity_parameters() const = 0;
};

// Where networks come from. Throws Error{unavailable} where the part that trains is not there, {bad_input} for impossible options.
class Nets {
 public:
  virtual ~Nets() = default;
  virtual std::unique_ptr<Explorer> explorer(const ExplorerOptions& options) const = 0;
  virtual std::unique_ptr<Poker> poker(const PokerOptions& options) const = 0;
};

}  // namespace hone
