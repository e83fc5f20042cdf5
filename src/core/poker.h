// Networks that learn from pairs of pictures what a poke did between them (poke.md 2.2): features of a picture, an inverse model that says
// which poke led from one picture to the other, a forward model that says what features a poke leads to. What a class stands for is the
// method's; here are only their numbers. Room nn implements it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "core/explorer.h"

namespace hone {

enum class PokerLayout {
  strided,  // four 3x3 convolutions of stride 2
  small,    // five convolutions with pooling between them (poke.md 7)
  first,    // three convolutions and a spatial softmax: the features are points (first version of the paper)
  alexnet,  // AlexNet's convolutions (later version), pictures of 200 by 200
};
enum class HeadOrder { length_first, location_first, independent };  // length, angle, location; location, angle, length; none sees another
enum class FeatureNorm { l1, l2 };                                   // of the forward loss: mean of the distances or of their squares

enum PokeHead : std::uint8_t { head_location, head_angle, head_length };
inline constexpr std::size_t poke_heads = 3;
inline constexpr std::size_t poke_numbers = 5;  // what the forward model is told of a poke
using PokeClasses = std::array<std::int32_t, poke_heads>;  // by PokeHead

struct PokerOptions {
  int side = 64;  // pictures: u8 [3, side, side]
  PokerLayout layout = PokerLayout::strided;
  int features = 128, hidden = 128;  // features: of a picture, but for layout first
  PokeClasses classes{144, 18, 7};
  HeadOrder order = HeadOrder::length_first;
  FeatureNorm norm = FeatureNorm::l1;
  bool detach_target = false;  // the forward loss does not reach the features of the picture after
  std::uint64_t seed = 0;
  int threads = 0;  // 0 = one per core; results don't depend on it
};

// n pokes with the pictures before and after.
struct PokeBatch {
  std::span<const std::byte> before, after;  // [n, 3, side, side]
  std::span<const PokeClasses> classes;      // [n]; -1 = this one says nothing of that head
  std::span<const float> numbers;            // [n, poke_numbers]
};

// The loss is inverse * (the three heads' cross-entropies) + forward * (the forward model's miss).
struct PokeObjective {
  double inverse = 1.0, forward = 0.1;
  bool forward_alone = false;  // only the forward model's own weights change
};

struct PokeLoss {
  std::array<double, poke_heads> inverse{};  // cross-entropies, means over the pairs
  double forward = 0.0;                      // the miss, mean over pairs and features
  double spread = 0.0;                       // mean distance of features from their mean over the pictures after: what a miss is large against
  double norm = 0.0;                         // of the gradient; 0 when nothing was learned
};

// Weights, moments of Adam. A gradient that is not finite throws Error{bad_input} before any weight changes.
class Poker : public Savable {
 public:
  virtual PokeLoss learn(const PokeBatch& batch, const PokeObjective& objective, const NetStep& how) = 0;
  virtual PokeLoss judge(const PokeBatch& batch) = 0;
  // The likeliest poke from each picture to the other, head by head, each told what the ones before it chose. Only the first `lengths`
  // classes of that head are chosen from.
  virtual void answer(std::span<const std::byte> now, std::span<const std::byte> goal, int lengths, std::span<PokeClasses> out) = 0;
  virtual void features(std::span<const std::byte> pictures, std::span<float> out) = 0;  // [n, feature_count()]
  virtual void predict(std::span<const std::byte> before, std::span<const float> numbers, std::span<float> out) = 0;

  virtual int feature_count() const = 0;
  virtual std::int64_t parameters() const = 0;
};

}  // namespace hone
