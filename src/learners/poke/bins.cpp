#include "learners/poke/bins.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace hone {

namespace {

constexpr double turn = 2.0 * std::numbers::pi;

std::int32_t bin(double share, int count) { return static_cast<std::int32_t>(std::clamp(std::floor(share * count), 0.0, static_cast<double>(count - 1))); }

}  // namespace

PokeClasses PokeBins::of(const Poke& poke, bool met) const {
  if (!met) return {-1, -1, no_contact ? lengths : -1};
  const double theta = static_cast<double>(poke.theta), angle = theta - turn * std::floor(theta / turn);
  return {grid * bin(static_cast<double>(poke.px), grid) + bin(static_cast<double>(poke.py), grid), bin(angle / turn, angles),
          bin((static_cast<double>(poke.length) - length_min) / std::max(length_max - length_min, 1e-9), lengths)};
}

Poke PokeBins::centre(const PokeClasses& c) const {
  const auto middle = [](std::int32_t at, int count) { return (at + 0.5) / count; };
  return {static_cast<float>(middle(c[head_location] / grid, grid)), static_cast<float>(middle(c[head_location] % grid, grid)), static_cast<float>(turn * middle(c[head_angle], angles)),
          static_cast<float>(length_min + (length_max - length_min) * middle(std::min(c[head_length], lengths - 1), lengths))};
}

std::array<float, poke_numbers> PokeBins::numbers(const Poke& p) const {
  return {2.0F * p.px - 1.0F, 2.0F * p.py - 1.0F, std::cos(p.theta), std::sin(p.theta), p.length / static_cast<float>(length_max)};
}

bool PokeBins::within_one(PokeHead head, std::int32_t a, std::int32_t b) const {
  if (head == head_location) return std::abs(a / grid - b / grid) <= 1 && std::abs(a % grid - b % grid) <= 1;
  const int apart = std::abs(a - b);
  return apart <= 1 || (head == head_angle && apart == angles - 1);
}

}  // namespace hone
