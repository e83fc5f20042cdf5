// Tests only (not in the catalogue): a tiny text world in which experience pays. Somebody wants a key of some colour; each
// colour's key is always in the same room, and only looking tells which. Who asks differs between splits.
#pragma once

#include <memory>

#include "core/env.h"

namespace hone {

struct ToyConfig {
  int rooms = 4;      // 2 to 8; as many colours
  int people = 2;     // who ask, per split; tasks of a split = rooms * people
  int max_steps = 2;  // rooms that may be looked into
  bool choices = true;
};

// Action: "go <room>". Reward 1 and the end when the key is there; cut off after max_steps. Anything else costs a step.
std::unique_ptr<World> make_toy_world(const ToyConfig& config = {});

// The room of the key that `task` wants, for tests that play it by heart.
std::string toy_answer(const Task& task);

}  // namespace hone
