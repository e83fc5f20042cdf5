// For tests: weights that follow from their names alone, as tests/reference/tiny_decoders.py makes them, so that recorded numbers need
// no file of weights beside them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace hone::nn_test {

// FNV-1a of the name, then murmur3's finisher of each place: multiples of 1/65536 in [-1/2, 1/2), exact in float (tests/reference/named_numbers.py).
inline void numbers_of(const std::string& name, std::span<float> values) {
  std::uint32_t seed = 2166136261U;
  for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 16777619U;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t x = seed + static_cast<std::uint32_t>(i) * 2654435761U;
    x = (x ^ (x >> 16)) * 0x85ebca6bU;
    x = (x ^ (x >> 13)) * 0xc2b2ae35U;
    x ^= x >> 16;
    values[i] = static_cast<float>((x >> 8) & 0xffffU) / 65536.0F - 0.5F;
  }
}

// A decoder's.
inline void fill_by_name(const std::string& name, bool vector, std::span<float> values) {
  numbers_of(name, values);
  const float scale = vector ? 0.5F : name.find("embed") != std::string::npos ? 1.0F : 0.75F;
  for (float& v : values) v = v * scale + (name.ends_with("norm.weight") ? 1.0F : 0.0F);
}

}  // namespace hone::nn_test
