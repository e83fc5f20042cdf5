// Encoder, inverse and forward model together (poke.md 2): one set of encoder weights for both pictures; the forward model's weights are
// apart, so that it can be trained alone.
#pragma once

#include <memory>

#include "nn/poking/encoder.h"
#include "nn/poking/inverse.h"

namespace hone::nn {

// Throws Error{bad_input} when an option is outside what these networks can be.
std::unique_ptr<Poker> make_poker(const PokerOptions& options);

class PokerNets final : public Poker {
 public:
  explicit PokerNets(const PokerOptions& options);

  PokeLoss learn(const PokeBatch& batch, const PokeObjective& objective, const NetStep& how) override;
  PokeLoss judge(const PokeBatch& batch) override;
  void answer(std::span<const std::byte> now, std::span<const std::byte> goal, int lengths, std::span<PokeClasses> out) override;
  void features(std::span<const std::byte> pictures, std::span<float> out) override;
  void predict(std::span<const std::byte> before, std::span<const float> numbers, std::span<float> out) override;
  int feature_count() const override { return encoder_->features(); }
  std::int64_t parameters() const override { return weights_.count() + forward_weights_.count(); }
  void save(Sink& sink) const override { weights_.save(sink), forward_weights_.save(sink); }
  void load(Source& source) override { weights_.load(source), forward_weights_.load(source); }

  NetWeights& weights() { return weights_; }                  // of encoder and inverse model
  NetWeights& forward_weights() { return forward_weights_; }
  const InverseModel& inverse() const { return inverse_; }
  // What the inverse model sees of n pairs; for one head's probabilities see InverseModel::head.
  void look(std::span<const std::byte> now, std::span<const std::byte> goal, InverseModel::Kept& kept);

 private:
  // A share of a batch, worked on by one thread from end to end; their number depends on the batch alone, so results don't depend on threads.
  struct Part {
    std::int64_t first = 0, n = 0;
    PictureEncoder::Kept pictures;
    InverseModel::Kept inverse;
    at::Tensor x, forward_in, forward_1, forward_2, miss;  // x [2 n, features]: before, then after
    Gradient gradient, forward_gradient;
    std::array<double, poke_heads> losses{};
    double forward = 0.0;
  };
  std::size_t picture_size() const { return 3 * static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_); }
  PokeBatch piece(const PokeBatch& batch, const Part& part) const;
  PokeLoss forward(const PokeBatch& batch);
  void forward_part(const PokeBatch& batch, Part& part) const;
  void backward_part(const PokeBatch& batch, std::int64_t total, const PokeObjective& objective, Part& part) const;
  at::Tensor predicted(const at::Tensor& x, std::span<const float> numbers, Part& part) const;
  template <class F>
  void share(std::int64_t n, const F& f);

  int side_;
  FeatureNorm norm_;
  bool detach_;
  NetWeights weights_, forward_weights_;
  std::unique_ptr<PictureEncoder> encoder_;
  InverseModel inverse_;
  Layer forward_[3];
  std::vector<Part> parts_;
};

}  // namespace hone::nn
