#include "envs/frames.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace hone {

namespace {

constexpr int one = 2048;  // 11 bits for each of two weights: a pixel times both fits 32 bits

}  // namespace

void luma(std::span<const std::uint8_t> rgb, std::span<std::uint8_t> gray) {
  for (std::size_t i = 0; i < gray.size(); ++i) {
    const std::uint32_t thousandths = 299U * rgb[3 * i] + 587U * rgb[3 * i + 1] + 114U * rgb[3 * i + 2];
    gray[i] = static_cast<std::uint8_t>((thousandths / 8U * 33555U) >> 22U);  // thousandths / 1000, exact up to 255,000
  }
}

std::vector<Shrink::Tap> Shrink::taps(int from, int to) {
  std::vector<Tap> out;
  for (int i = 0; i < to; ++i) {
    const double at = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
    const int near = static_cast<int>(at);
    out.push_back({near, std::min(near + 1, from - 1), static_cast<int>(std::lround((at - near) * one))});
  }
  return out;
}

Shrink::Shrink(int from_width, int from_height, int to_width, int to_height) : from_width_(from_width), from_height_(from_height) {
  if (std::min({from_width, from_height, to_width, to_height}) < 1)
    throw Error(Fault::internal, "shrink: expected pictures of at least 1 x 1, got " + std::to_string(from_width) + " x " + std::to_string(from_height) + " and " +
                                     std::to_string(to_width) + " x " + std::to_string(to_height));
  across_ = taps(from_width, to_width);
  down_ = taps(from_height, to_height);
  row_.resize(static_cast<std::size_t>(from_width));
}

void Shrink::operator()(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) {
  if (from.size() != static_cast<std::size_t>(from_width_) * static_cast<std::size_t>(from_height_) || to.size() != across_.size() * down_.size())
    throw Error(Fault::internal, "shrink: a picture of another size");
  std::uint8_t* out = to.data();
  for (const Tap& down : down_) {
    const std::uint8_t* upper = from.data() + static_cast<std::ptrdiff_t>(down.at) * from_width_;
    const std::uint8_t* lower = from.data() + static_cast<std::ptrdiff_t>(down.next) * from_width_;
    int* row = row_.data();
    const int far = down.far, close = one - far;
    for (int x = 0; x < from_width_; ++x) row[x] = upper[x] * close + lower[x] * far;
    for (const Tap& across : across_)
      *out++ = static_cast<std::uint8_t>((row[across.at] * (one - across.far) + row[across.next] * across.far + one * one / 2) / (one * one));
  }
}

FrameStack::FrameStack(int depth, std::size_t size) : size_(size), frames_(static_cast<std::size_t>(depth) * size) {
  if (depth < 1 || size < 1) throw Error(Fault::internal, "frame stack: expected at least one frame of one byte");
}

void FrameStack::reset(std::span<const std::uint8_t> first) {
  std::fill(frames_.begin(), frames_.end(), std::uint8_t{0});
  oldest_ = 0;
  push(first);
}

void FrameStack::push(std::span<const std::uint8_t> frame) {
  if (frame.size() != size_) throw Error(Fault::internal, "frame stack: a frame of another size");
  std::copy(frame.begin(), frame.end(), frames_.begin() + static_cast<std::ptrdiff_t>(oldest_));
  oldest_ = (oldest_ + size_) % frames_.size();
}

void FrameStack::write(std::span<std::byte> out) const {
  if (out.size() != frames_.size()) throw Error(Fault::internal, "frame stack: expected memory for all frames");
  const auto bytes = std::as_bytes(std::span(frames_));
  const auto newest = std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(oldest_), bytes.end(), out.begin());
  std::copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(oldest_), newest);
}

void FrameStack::save(Sink& sink) const {
  put(sink, static_cast<std::uint64_t>(oldest_));
  sink.write(std::as_bytes(std::span(frames_)));
}

void FrameStack::load(Source& source) {
  std::uint64_t oldest = 0;
  get(source, oldest);
  if (oldest >= frames_.size() || oldest % size_ != 0) throw Error(Fault::corrupt, "frame stack: the saved one starts nowhere");
  oldest_ = static_cast<std::size_t>(oldest);
  source.read(std::as_writable_bytes(std::span(frames_)));
}

}  // namespace hone
