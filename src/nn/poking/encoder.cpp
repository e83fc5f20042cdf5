#include "nn/poking/encoder.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/generated/variable_factories.h>

#include <cmath>

#include "core/error.h"
#include "nn/pixels/curiosity.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

// Convolutions by the kernels of nn/kernels, forward and backward by hand.
class StridedEncoder final : public PictureEncoder {
 public:
  StridedEncoder(NetWeights& weights, const PokerOptions& o) : weights_(weights), maps_(weights, "encoder", 3, o.side), last_(add_layer(weights, "encoder/features", maps_.features(), o.features, false)) {}
  int features() const override { return static_cast<int>(last_.w.columns); }
  void initialise(const Rng& rng) override {
    maps_.initialise(rng);
    weights_.glorot(last_.w, static_cast<double>(last_.w.rows), static_cast<double>(last_.w.columns), rng.split("features"));
  }
  at::Tensor forward(const at::Tensor& pixels, Kept& kept) const override {
    kept.flat = maps_.forward(pixels, kept.maps);
    return last_.forward(weights_, kept.flat);
  }
  void backward(Kept& kept, const at::Tensor& d, const Gradient& gradient) const override { maps_.backward(kept.maps, last_.backward(weights_, gradient, kept.flat, {}, d), gradient); }

 private:
  NetWeights& weights_;
  Encoder maps_;
  Layer last_;
};

// The layouts of the papers, for comparison: libtorch's own convolutions and gradients.
class ComparedEncoder final : public PictureEncoder {
 public:
  ComparedEncoder(NetWeights& weights, const PokerOptions& o) : weights_(weights), layout_(o.layout) {
    switch (layout_) {
      case PokerLayout::small:
        for (const auto& [in, out, side] : {Shape{3, 16, 7}, {16, 32, 5}, {32, 48, 3}, {48, 48, 3}, {48, 32, 3}}) add_convolution(in, out, side, 1);
        break;
      case PokerLayout::first:
        for (const auto& [in, out, side] : {Shape{3, 32, 7}, {32, 32, 5}, {32, 32, 5}}) add_convolution(in, out, side, 1);
        break;
      case PokerLayout::alexnet:
        add_convolution(3, 96, 11, 1), add_convolution(96, 256, 5, 2), add_convolution(256, 384, 3, 1), add_convolution(384, 384, 3, 2), add_convolution(384, 256, 3, 2);
        break;
      case PokerLayout::strided: throw Error(Fault::internal, "poker: this layout has an encoder of its own");
    }
    if (layout_ == PokerLayout::first) {
      features_ = 2 * 32;
      return;
    }
    std::vector<at::Tensor> zeros;
    for (const Convolution& c : convolutions_) zeros.push_back(at::zeros({c.w.rows, c.in / c.groups, c.side, c.side})), zeros.push_back(at::zeros({c.w.rows}));
    last_w_ = weights.add("encoder/features/w", maps(at::zeros({1, 3, o.side, o.side}), zeros).numel(), o.features);
    last_b_ = weights.add("encoder/features/b", 1, o.features, true);
    features_ = o.features;
  }
  int features() const override { return features_; }

  void initialise(const Rng& rng) override {
    for (std::size_t l = 0; l < convolutions_.size(); ++l) {
      const Convolution& c = convolutions_[l];
      const double taps = c.side * c.side;
      weights_.glorot(c.w, taps * c.in / c.groups, taps * static_cast<double>(c.w.rows) / c.groups, rng.split("encoder").split(l));
    }
    if (layout_ != PokerLayout::first) weights_.glorot(last_w_, static_cast<double>(last_w_.rows), static_cast<double>(last_w_.columns), rng.split("features"));
  }

  at::Tensor forward(const at::Tensor& pixels, Kept& kept) const override {
    const at::AutoGradMode learning(true);
    kept.leaves.clear();
    for (const Convolution& c : convolutions_) {
      leaf(kept, c.w, {c.w.rows, c.in / c.groups, c.side, c.side});
      leaf(kept, c.b, {c.w.rows});
    }
    at::Tensor x = maps(pixels, kept.leaves);
    if (layout_ == PokerLayout::first) {
      x = points(x);
    } else {
      leaf(kept, last_w_, {last_w_.rows, last_w_.columns});
      leaf(kept, last_b_, {last_w_.columns});
      const std::size_t n = kept.leaves.size();
      x = at::addmm(kept.leaves[n - 1], x.flatten(1), kept.leaves[n - 2]);
    }
    kept.features = x;
    return x.detach();
  }

  void backward(Kept& kept, const at::Tensor& d, const Gradient& gradient) const override {
    const auto slopes = torch::autograd::grad({kept.features}, kept.leaves, {d});
    std::size_t at = 0;
    for (const Convolution& c : convolutions_)
      for (const Span& s : {c.w, c.b}) gradient.flat.narrow(0, s.offset, s.count()).add_(slopes[at++].reshape({-1}));
    if (layout_ != PokerLayout::first)
      for (const Span& s : {last_w_, last_b_}) gradient.flat.narrow(0, s.offset, s.count()).add_(slopes[at++].reshape({-1}));
    kept.features = at::Tensor();
  }

 private:
  struct Shape {
    int in, out, side;
  };
  struct Convolution {
    int in, side, groups;
    Span w, b;  // w [out, in / groups * side * side]
  };
  void add_convolution(int in, int out, int side, int groups) {
    const std::string name = "encoder/conv" + std::to_string(convolutions_.size() + 1);
    const Span w = weights_.add(name + "/w", out, static_cast<std::int64_t>(in) / groups * side * side);
    convolutions_.push_back({in, side, groups, w, weights_.add(name + "/b", 1, out, true)});
  }
  void leaf(Kept& kept, const Span& s, at::IntArrayRef shape) const { kept.leaves.push_back(weights_.value(s).reshape(shape).detach().requires_grad_(true)); }

  at::Tensor maps(at::Tensor x, const std::vector<at::Tensor>& w) const {
    const auto convolve = [&](std::size_t l, int stride, int pad) { x = at::relu(at::conv2d(x, w[2 * l], w[2 * l + 1], stride, pad, 1, convolutions_[l].groups)); };
    if (layout_ == PokerLayout::small) {
      convolve(0, 2, 3);
      x = at::max_pool2d(x, 2);
      convolve(1, 1, 2);
      x = at::max_pool2d(x, 2);
      for (std::size_t l = 2; l < 5; ++l) convolve(l, 1, 1);
      return x;
    }
    if (layout_ == PokerLayout::first) {
      convolve(0, 2, 3), convolve(1, 1, 2), convolve(2, 1, 2);
      return x;
    }
    const auto normalise = [&] {  // across five neighbouring channels; the pooling is a mean, so alpha's sum is five of them
      x = x / (1.0 + 2e-5 * 5.0 * at::avg_pool3d(x.square().unsqueeze(1), {5, 1, 1}, {1, 1, 1}, {2, 0, 0}).squeeze(1)).pow(0.75);
      x = at::max_pool2d(x, 3, 2);
    };
    x = at::constant_pad_nd(x, {3, 4, 3, 4});  // as "same" pads for a stride of 4
    convolve(0, 4, 0), normalise();
    convolve(1, 1, 2), normalise();
    for (std::size_t l = 2; l < 5; ++l) convolve(l, 1, 1);
    return at::max_pool2d(x, 3, 2);
  }

  // Spatial softmax: where each map is high, as its expected column and row in -1 .. 1.
  static at::Tensor points(const at::Tensor& maps) {
    const std::int64_t h = maps.size(2), w = maps.size(3);
    const at::Tensor p = at::softmax(maps.flatten(2), 2).view({maps.size(0), maps.size(1), h, w});
    const at::Tensor x = (p.sum(2) * at::linspace(-1, 1, w)).sum(2), y = (p.sum(3) * at::linspace(-1, 1, h)).sum(2);
    return at::cat({x, y}, 1);
  }

  NetWeights& weights_;
  PokerLayout layout_;
  std::vector<Convolution> convolutions_;
  Span last_w_, last_b_;
  int features_ = 0;
};

}  // namespace

std::unique_ptr<PictureEncoder> make_picture_encoder(NetWeights& weights, const PokerOptions& o) {
  const int least = o.layout == PokerLayout::alexnet ? 63 : 16;
  if (o.side < least || o.side > 256)
    throw Error(Fault::bad_input, "poker: expected pictures of " + std::to_string(least) + " to 256 pixels a side for this layout, got " + std::to_string(o.side));
  if (o.layout == PokerLayout::strided) return std::make_unique<StridedEncoder>(weights, o);
  return std::make_unique<ComparedEncoder>(weights, o);
}

at::Tensor pixels_of(std::span<const std::byte> pictures, int side) {
  const std::int64_t plane = static_cast<std::int64_t>(side) * side, planes = static_cast<std::int64_t>(pictures.size()) / plane;
  const at::Tensor out = at::empty({planes / 3, 3, side, side});
  for (std::int64_t i = 0; i < planes; ++i) {
    const std::byte* from = pictures.data() + i * plane;
    float* to = data<float>(out) + i * plane;
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < plane; ++k) sum += std::to_integer<int>(from[k]);
    const float mean = static_cast<float>(sum) / static_cast<float>(plane);
    for (std::int64_t k = 0; k < plane; ++k) to[k] = (static_cast<float>(std::to_integer<int>(from[k])) - mean) * (1.0F / 64.0F);
  }
  return out;
}

}  // namespace hone::nn
