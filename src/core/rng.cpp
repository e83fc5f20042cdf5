#include "core/rng.h"

#include <cmath>
#include <numbers>

namespace hone {

std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t hash64(std::string_view text, std::uint64_t seed) {
  std::uint64_t h = 0xcbf29ce484222325ULL ^ mix64(seed);
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ULL;
  return mix64(h);
}

Rng::Rng(std::uint64_t seed) : seed_(seed) {
  for (int i = 0; i < 4; ++i) s_[i] = mix64(seed + 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(i));
}

Rng Rng::split(std::string_view label) const { return Rng(hash64(label, seed_)); }
Rng Rng::split(std::uint64_t index) const { return Rng(mix64(seed_ ^ mix64(index + 0x632be59bd9b4e019ULL))); }

std::uint64_t Rng::next() {
  auto rotl = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  const std::uint64_t result = rotl(s_[1] * 5, 7) * 9;
  const std::uint64_t t = s_[1] << 17;
  s_[2] ^= s_[0];
  s_[3] ^= s_[1];
  s_[1] ^= s_[2];
  s_[0] ^= s_[3];
  s_[2] ^= t;
  s_[3] = rotl(s_[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Rng::below(std::uint64_t n) {
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  std::uint64_t x = next();
  while (x >= limit) x = next();
  return x % n;
}

double Rng::normal() {
  const double u = 1.0 - uniform();  // (0, 1], so that the logarithm is finite
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
}

void Rng::restore(const State& state) {
  seed_ = state.seed;
  for (int i = 0; i < 4; ++i) s_[i] = state.s[i];
}

}  // namespace hone
