// household: tidy one room by text, in ALFWorld's six task families. Rooms, things and tasks are generated (house.h), rules are PDDL
// (data/household/household.pddl); a user's own ALFWorld games (game.tw-pddl) can be played beside them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "envs/household/game.h"

namespace hone {

enum class UnseenRooms { unseen, seen };

struct HouseholdConfig {
  int train = 120, validation = 24, test = 134;
  int train_rooms = 40, test_rooms = 12;
  UnseenRooms test_in = UnseenRooms::unseen;
  int max_places = 0;
  std::vector<std::string> families;
  std::uint64_t split_seed = 1;
  int max_steps = 30, train_steps = 0;
  household::Wording wording = household::Wording::move;
  household::Offer offer = household::Offer::acting;
  bool stop_on_repeat = false;
  std::vector<std::string> train_games, test_games;
};

template <class V>
void visit(V& v, HouseholdConfig& c) {
  constexpr double many = 1e6;
  v.field("train", c.train, "training tasks", {.min = 0, .max = many});
  v.field("validation", c.validation, "validation tasks, in the rooms of the training tasks", {.min = 0, .max = many});
  v.field("test", c.test, "test tasks; 134 has ALFWorld's number of each family, fewer its proportions", {.min = 0, .max = many});
  v.field("train_rooms", c.train_rooms, "different rooms that training and validation tasks are set in", {.min = 4, .max = 10000});
  v.field("test_rooms", c.test_rooms, "different rooms that the unseen test tasks are set in", {.min = 4, .max = 10000});
  v.choice("test_in", c.test_in, {{"unseen", UnseenRooms::unseen}, {"seen", UnseenRooms::seen}}, "test tasks in rooms of their own, or in those of the training tasks");
  v.field("max_places", c.max_places, "a room has at most so many places (its most numerous kinds give way); 0 = as in real floor plans, up to some 50", {.min = 0, .max = 1000});
  v.field("families", c.families, "only tasks of these families: put, look, clean, heat, cool, puttwo; empty = all");
  v.field("split_seed", c.split_seed, "seed of rooms and tasks");
  v.field("max_steps", c.max_steps, "actions per try", {.min = 1, .max = 10000});
  v.field("train_steps", c.train_steps, "actions per try at a training task; 0 = as max_steps", {.min = 0, .max = 10000});
  v.choice("wording", c.wording, {{"move", household::Wording::move}, {"put", household::Wording::put}}, "\"move x to y\" as ALFWorld says now, or \"put x in/on y\" as it said until 2024");
  v.choice("offer", c.offer, {{"acting", household::Offer::acting}, {"all", household::Offer::all}}, "choices that change or find something, or also look, inventory, examine and slice (all are understood)");
  v.field("stop_on_repeat", c.stop_on_repeat, "the same action twice in a row ends the try as failed (as ExpeL's release has it)");
  v.field("train_games", c.train_games, "ALFWorld game files (game.tw-pddl), or folders of them, as training tasks instead of generated ones");
  v.field("test_games", c.test_games, "the same, as test tasks");
}

std::unique_ptr<World> open_household(const Settings& settings);

// The game behind a generated task: what the planner tests and benchmarks play. `params` of the task hold family and room.
std::shared_ptr<const household::Game> household_game(const HouseholdConfig& config, const Task& task);

extern constinit const EnvEntry env_household;

}  // namespace hone
