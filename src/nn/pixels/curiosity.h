// What a transition's curiosity is the error of, one class per answer; see core/explorer.h and icm.md 2.1 to 2.3, 2.6.
#pragma once

#include "nn/pixels/actor_critic.h"

namespace hone::nn {

class CuriosityNet {
 public:
  virtual ~CuriosityNet() = default;
  virtual std::span<const float> errors(const Stretch& stretch) = 0;
  virtual CuriosityLoss learn(double beta, const NetStep& how) = 0;
  NetWeights& weights() { return weights_; }
  const NetWeights& weights() const { return weights_; }
  virtual void save(Sink& sink) const { weights_.save(sink); }
  virtual void load(Source& source) { weights_.load(source); }

 protected:
  NetWeights weights_;
};

std::unique_ptr<CuriosityNet> make_icm(const ExplorerOptions& options);     // Curiosity::icm and random_features
std::unique_ptr<CuriosityNet> make_pixels(const ExplorerOptions& options);
std::unique_ptr<CuriosityNet> make_rnd(const ExplorerOptions& options);

// Of a product y = relu(x W + b) or without the relu: forward, and backward into a gradient.
struct Layer {
  Span w, b;
  bool relu = false;
  at::Tensor forward(const NetWeights& weights, const at::Tensor& x) const;
  // d [n, out] is changed where relu cut; returns the slope of x.
  at::Tensor backward(const NetWeights& weights, const Gradient& gradient, const at::Tensor& x, const at::Tensor& y, at::Tensor d) const;
};
Layer add_layer(NetWeights& weights, const std::string& name, int in, int out, bool relu);

at::Tensor one_hot(std::span<const std::int64_t> actions, int count);  // [n, count] float

}  // namespace hone::nn
