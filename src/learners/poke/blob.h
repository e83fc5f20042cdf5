// What needs no learning (poke.md 2.9): find the thing as what stands out from the table, push it along the line to where the goal picture
// has it. Turning is not attended to.
#pragma once

#include <optional>
#include <vector>

#include "core/reflex.h"
#include "learners/poke/bins.h"

namespace hone {

struct Blob {
  double x = 0.0, y = 0.0;                        // middle, in the picture (0 to 1)
  std::vector<std::array<float, 2>> points;  // of all its pixels
};
// What differs from the picture's median colour; nothing when that is no pixel. picture: u8 [3, side, side].
std::optional<Blob> find_blob(std::span<const std::byte> picture, int side);

struct BlobPusher {
  PokeBins bins;               // for the lengths that are allowed
  double view = 0.40;          // metres that the picture shows
  double finger_radius = 0.01; // m
  // Nothing where one of the pictures shows no thing.
  std::optional<Poke> push(std::span<const std::byte> now, std::span<const std::byte> goal, int side) const;
};

}  // namespace hone
