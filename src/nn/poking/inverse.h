// Which poke led from one picture to the other (poke.md 2.2): a shared layer, then a small net per head, each told what the heads before it
// chose, so that the three softmaxes multiply to a joint distribution.
#pragma once

#include "core/poker.h"
#include "nn/pixels/curiosity.h"

namespace hone::nn {

class InverseModel {
 public:
  InverseModel(NetWeights& weights, int features, const PokerOptions& options);
  void initialise(const Rng& rng);

  struct Kept {
    at::Tensor both, shared;  // relu of [x, x'], what the heads see
    struct Head {
      at::Tensor in, first, second, log_p;  // log_p [n, classes]
    } heads[poke_heads];
    std::array<std::vector<std::int64_t>, poke_heads> told;  // the classes that later heads were told of, -1 = nothing
  };
  // The shared layer of x, x' [n, features].
  void share(const at::Tensor& x, const at::Tensor& after, Kept& kept) const;
  // log p of one head's classes [n, classes], given kept.told of the heads before it.
  const at::Tensor& head(PokeHead which, Kept& kept) const;
  const std::array<PokeHead, poke_heads>& order() const { return order_; }

  // Sums of cross-entropies against the classes; later heads are told the truth.
  std::array<double, poke_heads> losses(std::span<const PokeClasses> classes, Kept& kept) const;
  // Slopes of scale * all these sums; returns those of x and x' side by side [n, 2 features].
  at::Tensor backward(std::span<const PokeClasses> classes, double scale, const Kept& kept, const Gradient& gradient) const;

 private:
  struct Head {
    Layer first, second, last;
    Span embedding;  // [classes, width]; of the heads that a later one is told of
    int classes = 0;
    bool told_on = false;
  };
  std::vector<PokeHead> before(PokeHead which) const;

  NetWeights& weights_;
  int hidden_;
  bool chained_;
  std::array<PokeHead, poke_heads> order_;
  Layer shared_;
  Head heads_[poke_heads];
};

}  // namespace hone::nn
