// Randomness is an argument: seeded, split by label, never global and never from the clock. Same seed and labels, same draws,
// on any thread count and any standard library (no std::distribution, whose results differ between implementations).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hone {

// 64-bit mixing (splitmix64, Steele et al. 2014) and a stable string hash (FNV-1a, then mixed).
std::uint64_t mix64(std::uint64_t x);
std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0);

// xoshiro256** (Blackman and Vigna 2018).
class Rng {
 public:
  explicit Rng(std::uint64_t seed = 0);
  // An independent generator for a named purpose; does not advance this one.
  [[nodiscard]] Rng split(std::string_view label) const;
  [[nodiscard]] Rng split(std::uint64_t index) const;

  std::uint64_t next();
  double uniform();                          // [0, 1)
  std::uint64_t below(std::uint64_t n);      // [0, n), n > 0, unbiased
  double normal();                           // mean 0, standard deviation 1 (Box-Muller)

  template <class T>
  void shuffle(std::vector<T>& items) {      // Fisher-Yates
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  std::uint64_t seed() const { return seed_; }
  // The whole state, so that a checkpoint resumes the very same stream.
  struct State { std::uint64_t seed, s[4]; };
  State state() const { return {seed_, {s_[0], s_[1], s_[2], s_[3]}}; }
  void restore(const State& state);

 private:
  std::uint64_t seed_;
  std::uint64_t s_[4];
};

}  // namespace hone
