#include "learners/poke/blob.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hone {

namespace {

constexpr int stands_out = 60;       // summed difference of the three colours from the table's
constexpr double clearance = 0.006;  // m between finger and thing at the start

}  // namespace

std::optional<Blob> find_blob(std::span<const std::byte> picture, int side) {
  const auto plane = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  std::array<int, 3> table{};
  std::vector<std::byte> sorted(plane);
  for (std::size_t c = 0; c < 3; ++c) {
    std::copy_n(picture.begin() + static_cast<std::ptrdiff_t>(c * plane), plane, sorted.begin());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(plane / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    table[c] = std::to_integer<int>(*middle);
  }
  Blob out;
  for (std::size_t i = 0; i < plane; ++i) {
    int apart = 0;
    for (std::size_t c = 0; c < 3; ++c) apart += std::abs(std::to_integer<int>(picture[c * plane + i]) - table[c]);
    if (apart < stands_out) continue;
    const auto n = static_cast<std::size_t>(side);
    out.points.push_back({(static_cast<float>(i % n) + 0.5F) / static_cast<float>(side), (static_cast<float>(i / n) + 0.5F) / static_cast<float>(side)});
    out.x += static_cast<double>(out.points.back()[0]), out.y += static_cast<double>(out.points.back()[1]);
  }
  if (out.points.empty()) return std::nullopt;
  out.x /= static_cast<double>(out.points.size()), out.y /= static_cast<double>(out.points.size());
  return out;
}

std::optional<Poke> BlobPusher::push(std::span<const std::byte> now, std::span<const std::byte> goal, int side) const {
  const auto thing = find_blob(now, side), there = find_blob(goal, side);
  if (!thing || !there) return std::nullopt;
  const double dx = there->x - thing->x, dy = there->y - thing->y, way = std::max(1e-9, std::hypot(dx, dy)), ux = dx / way, uy = dy / way;
  double back = 0.0;  // from the middle to the edge where the finger comes from
  for (const auto& p : thing->points) {
    const double px = static_cast<double>(p[0]) - thing->x, py = static_cast<double>(p[1]) - thing->y;
    if (std::abs(px * uy - py * ux) * view <= finger_radius) back = std::max(back, -(px * ux + py * uy));
  }
  const double length = std::clamp(way * view + clearance, bins.length_min, bins.length_max);
  const double start = back + (finger_radius + clearance) / view, middle = -start + 0.5 * length / view;
  const auto inside = [](double v) { return static_cast<float>(std::clamp(v, 0.0, 0.999)); };
  double theta = std::atan2(uy, ux);
  if (theta < 0.0) theta += 2 * std::numbers::pi;
  return Poke{inside(thing->x + middle * ux), inside(thing->y + middle * uy), static_cast<float>(std::min(theta, 6.283)), static_cast<float>(length)};
}

}  // namespace hone
