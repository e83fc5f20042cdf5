// What was seen of pokes: pictures before and after, kept as bytes, each picture once although it ends one pair and begins the next.
#pragma once

#include <vector>

#include "core/rng.h"
#include "learners/poke/bins.h"

namespace hone {

class PokePairs final : public Savable {
 public:
  struct Pair {
    std::uint32_t before = 0, after = 0;  // numbers of pictures
    Poke poke;                            // as executed
    std::uint8_t met = 0, held_out = 0;   // whether anything moved; whether it is kept from training
  };
  // Where the world's infos say what was executed. Throws Error{unavailable} when it says no such thing.
  explicit PokePairs(const BatchSpec& spec);

  // Pairs of a rollout, in the order of steps, then slots. Pokes after which something was put back, and faults, make no pair. Every
  // eighth slot is held out.
  void take(const Rollout& rollout);
  void clear();
  std::size_t size() const { return pairs_.size(); }
  const Pair& operator[](std::size_t i) const { return pairs_[i]; }
  const std::vector<std::size_t>& training() const { return training_; }
  const std::vector<std::size_t>& held_out() const { return held_out_; }
  std::span<const std::byte> picture(std::uint32_t number) const { return std::span(pictures_).subspan(number * picture_, picture_); }
  std::size_t picture_size() const { return picture_; }

  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  std::uint32_t keep(std::span<const std::byte> observation);
  void sort_out(std::size_t pair);

  std::size_t picture_, observation_, infos_;
  std::array<std::size_t, 6> places_{};  // px, py, theta, length, moved, reset
  std::vector<std::byte> pictures_;
  std::vector<Pair> pairs_;
  std::vector<std::size_t> training_, held_out_;  // numbers of pairs
  std::vector<std::uint32_t> shows_;              // [slots] the picture that a slot shows now, where known
};

// Several pairs as the networks take them.
class PokeSelection {
 public:
  void gather(const PokePairs& pairs, std::span<const std::size_t> which, const PokeBins& bins);
  // The same, every pair's two pictures and its poke moved together by up to `shift` pixels along each axis, as cutting them out elsewhere
  // would (poke.md 2.6); what comes in at an edge repeats it.
  void gather_shifted(const PokePairs& pairs, std::span<const std::size_t> which, const PokeBins& bins, int side, int shift, Rng& rng);
  void set_classes(std::size_t i, const PokeClasses& classes) { classes_[i] = classes; }
  const std::vector<PokeClasses>& classes() const { return classes_; }
  PokeBatch batch() const { return {before_, after_, classes_, numbers_}; }

 private:
  std::vector<std::byte> before_, after_;
  std::vector<PokeClasses> classes_;
  std::vector<float> numbers_;
};

}  // namespace hone
