#include "envs/frames.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace hone {

namespace {

std::vector<Shrink::Place> places(int from, int to) {
  std::vector<Shrink::Place> out;
  for (int i = 0; i < to; ++i) {
    const double at = std::clamp((i + 0.5) * from / to - 0.5, 0.0, static_cast<double>(from - 1));
    const int first = std::min(static_cast<int>(at), std::max(0, from - 2));
    out.push_back({first, static_cast<float>(at - first)});
  }
  return out;
}

}  // namespace

std::uint8_t luma(std::uint8_t r, std::uint8_t g, std::uint8_t b) { return static_cast<std::uint8_t>((299 * r + 587 * g + 114 * b) / 1000); }

void luma(std::span<const std::uint8_t> rgb, std::span<std::uint8_t> gray) {
  for (std::size_t i = 0; i < gray.size(); ++i) gray[i] = luma(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
}

Shrink::Shrink(int from_width, int from_height, int to_width, int to_height) : width_(from_width), columns_(places(from_width, to_width)), rows_(places(from_height, to_height)) {}

void Shrink::operator()(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) const {
  std::size_t at = 0;
  for (const Place& row : rows_) {
    const std::uint8_t* above = from.data() + static_cast<std::size_t>(row.first) * static_cast<std::size_t>(width_);
    const std::uint8_t* below = row.share > 0.0F ? above + width_ : above;
    for (const Place& column : columns_) {
      const int x = column.first, next = column.share > 0.0F ? x + 1 : x;
      const float up = static_cast<float>(above[x]) * (1.0F - column.share) + static_cast<float>(above[next]) * column.share;
      const float down = static_cast<float>(below[x]) * (1.0F - column.share) + static_cast<float>(below[next]) * column.share;
      to[at++] = static_cast<std::uint8_t>(up * (1.0F - row.share) + down * row.share + 0.5F);
    }
  }
}

void FrameStack::clear() {
  std::fill(frames_.begin(), frames_.end(), std::uint8_t{0});
  first_ = 0;
}

std::span<std::uint8_t> FrameStack::next() {
  first_ = (first_ + 1) % depth_;
  return std::span(frames_).subspan(at(depth_ - 1), size_);
}

void FrameStack::write(std::span<std::byte> out) const {
  for (int i = 0; i < depth_; ++i) std::memcpy(out.data() + static_cast<std::size_t>(i) * size_, frames_.data() + at(i), size_);
}

void FrameStack::save(Sink& sink) const {
  for (int i = 0; i < depth_; ++i) sink.write(std::as_bytes(std::span(frames_).subspan(at(i), size_)));
}

void FrameStack::load(Source& source) {
  first_ = 0;
  source.read(std::as_writable_bytes(std::span(frames_)));
}

}  // namespace hone
