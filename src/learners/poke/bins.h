// A poke as numbers and as classes (poke.md 2.4): a grid over the picture, directions, lengths, and one more length for a poke that met nothing.
#pragma once

#include <array>
#include <span>

#include "core/poker.h"

namespace hone {

struct Poke {  // as the world's action: f32 px, py, theta, length
  float px = 0.0F, py = 0.0F, theta = 0.0F, length = 0.0F;
  friend bool operator==(const Poke&, const Poke&) = default;
};

struct PokeBins {
  int grid = 12, angles = 18, lengths = 6;
  bool no_contact = true;
  double length_min = 0.01, length_max = 0.10;

  PokeClasses counts() const { return {grid * grid, angles, lengths + (no_contact ? 1 : 0)}; }
  // Location: grid * column + row. What lies outside the picture or the lengths counts as the nearest bin. A poke that met nothing says
  // nothing of location and angle (-1), and of its length only that, if there is a class for it.
  PokeClasses of(const Poke& poke, bool met) const;
  Poke centre(const PokeClasses& classes) const;
  // What the forward model is told: place in -1 .. 1, direction as cosine and sine (no jump at 2 pi), share of the longest length.
  std::array<float, poke_numbers> numbers(const Poke& poke) const;
  // Whether two classes of a head are the same or next to each other (angles around the circle, locations along both axes).
  bool within_one(PokeHead head, std::int32_t a, std::int32_t b) const;
};

}  // namespace hone
