#include "learners/poke/bins.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/rng.h"

namespace hone {
namespace {

constexpr double turn = 2.0 * std::numbers::pi;

TEST(PokeBins, DecodeToWithinHalfABinOfWhatWasEncoded) {  // poke.md 9.1
  for (const PokeBins& bins : {PokeBins{}, PokeBins{.grid = 20, .angles = 36, .lengths = 10, .no_contact = false}}) {
    Rng rng(1);
    for (int i = 0; i < 2000; ++i) {
      const Poke p{static_cast<float>(0.999 * rng.uniform()), static_cast<float>(0.999 * rng.uniform()), static_cast<float>(6.283 * rng.uniform()), static_cast<float>(0.01 + 0.09 * rng.uniform())};
      const PokeClasses c = bins.of(p, true);
      for (std::size_t h = 0; h < poke_heads; ++h) {
        EXPECT_GE(c[h], 0);
        EXPECT_LT(c[h], bins.counts()[h]);
      }
      const Poke back = bins.centre(c);
      EXPECT_LE(std::abs(static_cast<double>(back.px - p.px)), 0.5 / bins.grid + 1e-6);
      EXPECT_LE(std::abs(static_cast<double>(back.py - p.py)), 0.5 / bins.grid + 1e-6);
      EXPECT_LE(std::abs(std::remainder(static_cast<double>(back.theta) - static_cast<double>(p.theta), turn)), 0.5 * turn / bins.angles + 1e-5);
      EXPECT_LE(std::abs(static_cast<double>(back.length - p.length)), 0.5 * 0.09 / bins.lengths + 1e-6);
      EXPECT_EQ(bins.of(back, true), c);
    }
  }
}

TEST(PokeBins, CountColumnsFirstAndAnglesAround) {
  const PokeBins bins{.grid = 20, .angles = 36, .lengths = 10};
  EXPECT_EQ(bins.of({0.97F, 0.02F, 0.0F, 0.01F}, true), (PokeClasses{20 * 19 + 0, 0, 0}));
  EXPECT_EQ(bins.of({0.02F, 0.97F, 6.28F, 0.10F}, true), (PokeClasses{19, 35, 9}));
  EXPECT_EQ(bins.of({0.5F, 0.5F, static_cast<float>(turn) + 0.1F, 0.05F}, true)[head_angle], 0);
  EXPECT_EQ(bins.of({0.5F, 0.5F, -0.1F, 0.05F}, true)[head_angle], 35);
  EXPECT_EQ(bins.of({-0.2F, 1.2F, 0.0F, 0.5F}, true), (PokeClasses{19, 0, 9})) << "what lies outside counts as the nearest";
  EXPECT_TRUE(bins.within_one(head_angle, 0, 35));
  EXPECT_FALSE(bins.within_one(head_length, 0, 9));
  EXPECT_TRUE(bins.within_one(head_location, 20 * 4 + 5, 20 * 5 + 6));
  EXPECT_FALSE(bins.within_one(head_location, 20 * 4 + 19, 20 * 5 + 0)) << "neighbours in number, not in the picture";
}

TEST(PokeBins, APokeThatMetNothingSaysOnlyThat) {
  const PokeBins with, without{.no_contact = false};
  EXPECT_EQ(with.of({0.5F, 0.5F, 1.0F, 0.05F}, false), (PokeClasses{-1, -1, 6}));
  EXPECT_EQ(without.of({0.5F, 0.5F, 1.0F, 0.05F}, false), (PokeClasses{-1, -1, -1}));
  EXPECT_EQ(with.counts(), (PokeClasses{144, 18, 7}));
  EXPECT_EQ(without.counts(), (PokeClasses{144, 18, 6}));
}

TEST(PokeBins, NumbersHaveNoJumpAtAFullTurn) {
  const PokeBins bins;
  const auto a = bins.numbers({0.25F, 0.75F, 0.001F, 0.05F}), b = bins.numbers({0.25F, 0.75F, 6.282F, 0.05F});
  for (std::size_t i = 0; i < poke_numbers; ++i) EXPECT_NEAR(a[i], b[i], 0.003);
  EXPECT_NEAR(a[0], -0.5, 1e-6);
  EXPECT_NEAR(a[1], 0.5, 1e-6);
  EXPECT_NEAR(a[4], 0.5, 1e-6);
}

}  // namespace
}  // namespace hone
