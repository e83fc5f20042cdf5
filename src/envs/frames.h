// What a policy sees of a stream of frames, for any world of pixels: one number for brightness, a smaller picture, the last few
// pictures together. Rows from the top, bytes without gaps. Nothing here allocates after its constructor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/reflex.h"

namespace hone {

// Brightness of each pixel, 0.299 R + 0.587 G + 0.114 B, the fraction cut off. rgb holds three bytes for each of gray.
void luma(std::span<const std::uint8_t> rgb, std::span<std::uint8_t> gray);

// Bilinear interpolation between the centres of pixels (OpenCV's INTER_LINEAR): the pixel i of the result looks at
// (i + 0.5) * from / to - 0.5 of the original, held inside it, and takes its two neighbours there by their nearness; other pixels don't
// count, however much smaller the result is. Weights are whole 2048ths, the sum is rounded once.
class Shrink {
 public:
  Shrink(int from_width, int from_height, int to_width, int to_height);
  void operator()(std::span<const std::uint8_t> from, std::span<std::uint8_t> to);

 private:
  struct Tap {  // from[at] * (one - far) + from[next] * far
    int at = 0, next = 0, far = 0;
  };
  static std::vector<Tap> taps(int from, int to);

  int from_width_, from_height_;
  std::vector<Tap> across_, down_;
  std::vector<int> row_;  // two rows of the original made one
};

// The newest `depth` frames of `size` bytes.
class FrameStack {
 public:
  FrameStack(int depth, std::size_t size);
  void reset(std::span<const std::uint8_t> first);  // all zero but the newest
  void push(std::span<const std::uint8_t> frame);
  void write(std::span<std::byte> out) const;  // oldest first
  std::size_t bytes() const { return frames_.size(); }

  void save(Sink& sink) const;
  void load(Source& source);

 private:
  std::size_t size_, oldest_ = 0;  // a ring; where in it the oldest begins
  std::vector<std::uint8_t> frames_;
};

}  // namespace hone
