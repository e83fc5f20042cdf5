// Four 3x3 convolutions of stride 2 with 32 filters and ELU over a stack of frames (icm.md 2.2): 42x42 -> 21 -> 11 -> 6 -> 3, 288 numbers.
#pragma once

#include <span>

#include "nn/kernels/kernels.h"
#include "nn/pixels/weights.h"

namespace hone::nn {

struct Frames {  // observations u8 [count, channels, side, side] in any order: `rows` names them
  std::span<const std::byte> obs;
  std::span<const std::byte> more;         // rows from count on are taken from here (last observations of episodes)
  std::span<const std::int64_t> rows;
};

class Encoder {
 public:
  static constexpr int layers = 4;
  // Adds its matrices to `weights`, named `name`/conv1 ...; initialise() after finish().
  Encoder(NetWeights& weights, const std::string& name, int channels, int side);
  void initialise(const Rng& rng);

  int features() const { return static_cast<int>(planes_[layers].height * planes_[layers].width * filters); }
  const Plane& plane(int layer) const { return planes_[layer]; }  // 0 = the input

  // What a way back needs: every layer's output. Kept and used again by the caller.
  struct Kept {
    std::vector<at::Tensor> maps;    // [layers + 1] of [n, plane.count()]
    std::vector<at::Tensor> slopes;  // the same of a few pictures
  };
  // Pixels as value / 255. Returns [n, features], row-major by pixel, then filter.
  at::Tensor forward(const Frames& frames, Kept& kept) const;
  // Numbers instead of bytes, [n, channels, side, side].
  at::Tensor forward(const at::Tensor& pixels, Kept& kept) const;
  // d_features [n, features]; the gradient is added to.
  void backward(Kept& kept, const at::Tensor& d_features, const Gradient& gradient) const;

 private:
  at::Tensor layers_of(std::int64_t n, Kept& kept) const;
  void prepare(std::int64_t n, Kept& kept) const;

  NetWeights& weights_;
  std::string name_;
  Plane planes_[layers + 1];
  Span w_[layers], b_[layers];
};

}  // namespace hone::nn
