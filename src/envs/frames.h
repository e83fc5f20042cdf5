// What a policy sees of a stream of frames (icm.md 2.5): gray, small, the latest few on top of each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/reflex.h"

namespace hone {

// rgb [pixels, 3] -> gray [pixels]: 0.299 r + 0.587 g + 0.114 b, cut to a whole number. The same pixel by pixel for three planes.
void luma(std::span<const std::uint8_t> rgb, std::span<std::uint8_t> gray);
std::uint8_t luma(std::uint8_t r, std::uint8_t g, std::uint8_t b);

// Bilinear between the four nearest pixels' centres, edges repeated (OpenCV's INTER_LINEAR), to the nearest whole number.
class Shrink {
 public:
  Shrink(int from_width, int from_height, int to_width, int to_height);
  void operator()(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) const;
  // Where output pixel i of an axis comes from: first * (1 - share) + (first + 1) * share.
  struct Place {
    int first = 0;
    float share = 0.0F;
  };
  const std::vector<Place>& columns() const { return columns_; }
  const std::vector<Place>& rows() const { return rows_; }

 private:
  int width_;
  std::vector<Place> columns_, rows_;
};

// The latest `depth` frames, oldest first; before an episode's first there is black.
class FrameStack {
 public:
  FrameStack(int depth, int frame_size) : depth_(depth), size_(static_cast<std::size_t>(frame_size)), frames_(static_cast<std::size_t>(depth) * size_) {}
  void clear();
  std::span<std::uint8_t> next();  // to be written: the newest from now on, the oldest is forgotten
  std::span<const std::uint8_t> newest() const { return std::span(frames_).subspan(at(depth_ - 1), size_); }
  void write(std::span<std::byte> out) const;
  void save(Sink& sink) const;
  void load(Source& source);

 private:
  std::size_t at(int place) const { return static_cast<std::size_t>((first_ + place) % depth_) * size_; }  // 0 = oldest
  int depth_, first_ = 0;
  std::size_t size_;
  std::vector<std::uint8_t> frames_;  // a ring
};

}  // namespace hone
