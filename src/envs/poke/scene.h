// How an episode of poke begins: which things lie where, what differs from other episodes, and where the goal is.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/rng.h"
#include "envs/poke/picture.h"
#include "envs/poke/poke.h"
#include "envs/poke/table.h"

namespace hone::poke {

struct Scene {
  std::array<Thing, most_objects> things{};
  std::size_t count = 1;
  Physics physics;
  Camera camera;
  Look look;
  Pose goal;  // of the first thing; only with a goal
  std::span<Thing> all() { return std::span(things).first(count); }
  std::span<const Thing> all() const { return std::span(things).first(count); }
};

// `allowed`: numbers in shapes(), one at least.
Scene make_scene(const PokeConfig& config, std::span<const int> allowed, bool with_goal, Rng rng);

// A place within `half` of the middle along both axes, as free of the other things as 200 draws find it.
Pose free_place(std::span<const Thing> things, std::size_t mine, double half, Rng& rng);

// The push that brings the first thing nearest to `goal`: from behind, through its centre of mass.
Stroke straight_push(std::span<const Thing> things, Vec goal, double finger_radius, double length_min, double length_max);

}  // namespace hone::poke
