// 64 bits that tell bytes from others: against damage and for what has gone stale, not against forgery.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/rng.h"

namespace hone::store_detail {

inline std::uint64_t fingerprint(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15ULL, other = 0xC2B2AE3D27D4EB4FULL;
  constexpr std::size_t lanes = 4, word = sizeof(std::uint64_t);
  std::uint64_t state[lanes] = {seed ^ 1, seed ^ 2, seed ^ 3, seed ^ 4};  // side by side, for speed
  const auto take = [&](std::uint64_t& lane, std::uint64_t value) { lane = std::rotl(lane + value * other, 31) * odd; };
  std::size_t at = 0;
  for (; at + lanes * word <= bytes.size(); at += lanes * word)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.data() + at + lane * word, word);
      take(state[lane], value);
    }
  for (; at < bytes.size(); ++at) take(state[at % lanes], static_cast<std::uint64_t>(bytes[at]));
  std::uint64_t out = mix64(bytes.size());
  for (const auto lane : state) out = mix64(out ^ lane);
  return out;
}

}  // namespace hone::store_detail
