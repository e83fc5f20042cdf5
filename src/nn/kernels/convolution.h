// 3x3 convolutions of stride 2 with 32 filters over one picture, the only kind that ICM's encoders have (icm.md 2.2). A picture lies as
// [height + 2, width + 2, channels] with a border of zeros, so that no edge needs a case of its own; output pixel (y, x) reads input
// rows 2y .. 2y+2 of the bordered picture, which is padding 1 on every side.
#pragma once

#include <cstdint>

namespace hone::nn {

inline constexpr int filters = 32;

struct Plane {
  int height = 0, width = 0, channels = 0;
  std::int64_t row() const { return static_cast<std::int64_t>(width + 2) * channels; }
  std::int64_t count() const { return (height + 2) * row(); }
  std::int64_t at(int y, int x) const { return (y + 1) * row() + static_cast<std::int64_t>(x + 1) * channels; }  // of the first channel
  Plane half() const { return {(height + 1) / 2, (width + 1) / 2, filters}; }
};

struct ConvolutionKernels {
  // y = x * w + b; w [9, x.channels, 32], tap by tap; y's border is left alone. elu: y = y > 0 ? y : exp(y) - 1.
  void (*forward)(Plane of, const float* x, const float* w, const float* b, float* y, bool elu);
  // dw += x's share, db += dy's. y is what forward wrote.
  void (*weights)(Plane of, const float* x, const float* dy, float* dw, float* db);
  // dx += w * dy, into the border too. turned: w as [9, 32, x.channels]; x.channels a multiple of 4.
  void (*inputs)(Plane of, const float* turned, const float* dy, float* dx);
  // In place: d *= elu'(.) read off its result y. Any layout.
  void (*elu_back)(const float* y, float* d, std::int64_t count);
};

}  // namespace hone::nn
