// From a picture to its features, one class per way of getting the gradient.
#pragma once

#include <memory>

#include "core/poker.h"
#include "nn/pixels/encoder.h"

namespace hone::nn {

class PictureEncoder {
 public:
  struct Kept {  // what a way back needs; kept and used again by the caller
    Encoder::Kept maps;
    std::vector<at::Tensor> leaves;
    at::Tensor flat, features;
  };
  virtual ~PictureEncoder() = default;
  virtual int features() const = 0;
  virtual void initialise(const Rng& rng) = 0;
  // pixels [n, 3, side, side]; returns [n, features()]. On the way back the gradient is added to.
  virtual at::Tensor forward(const at::Tensor& pixels, Kept& kept) const = 0;
  virtual void backward(Kept& kept, const at::Tensor& d_features, const Gradient& gradient) const = 0;
};

// Adds its matrices to `weights`; initialise() after finish(). Throws Error{bad_input} for pictures that the layout can't take.
std::unique_ptr<PictureEncoder> make_picture_encoder(NetWeights& weights, const PokerOptions& options);

// Bytes [n, 3, side, side] as (value - the picture's mean of that colour) / 64: most of a picture is table, which then is about 0
// whatever the light.
at::Tensor pixels_of(std::span<const std::byte> pictures, int side);

}  // namespace hone::nn
