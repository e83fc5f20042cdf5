// One try at one task: world, agent and lessons meet. Everything that goes wrong inside becomes Ending::fault; only a stop
// request and Error{unavailable} (a server that is gone) get out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "core/learner.h"
#include "engine/recipe.h"

namespace hone {

// What tries share. Pointers are not owned and outlive the play.
struct Stage {
  const World* world = nullptr;
  Split split = Split::train;
  const AgentEntry* agent = nullptr;
  Settings agent_settings;
  Model* model = nullptr;
  ChoiceModel* chooser = nullptr;
  Model *writer = nullptr, *judge = nullptr;  // for the method's own calls; null = as Helper says
  std::string weights;  // which learned weights play, empty = none; recorded with episodes
  Prices prices;
  std::stop_token stop;
};

// "react cases=3 vote=1": the catalogue name and the settings given.
std::string agent_label(const std::string& name, const Settings& settings);

struct Play {
  std::string run, key;
  LessonView view;
  Rng rng;
};

Episode play(const Stage& stage, const Trial& trial, const Play& how);

// Plays all trials, `in_flight` at a time, and hands each finished episode to `done` (one at a time, in any order).
// Returns them in the order of the trials. `known` may return an episode already played under this key (a resumed run).
// Throws Error{interrupted} when stopped; what was handed to `done` is kept.
struct Batch {
  std::vector<Trial> trials;
  std::vector<Play> how;  // one per trial
};
using EpisodeDone = std::function<void(std::size_t index, const Episode& episode, bool replayed)>;
using EpisodeKnown = std::function<std::optional<Episode>(const std::string& key)>;
std::vector<Episode> play_all(const Stage& stage, const Batch& batch, int in_flight, const EpisodeKnown& known, const EpisodeDone& done);

// Agents from the catalogue by name; unknown names list the known ones.
const AgentEntry& find_agent(const std::string& name, const std::string& where = {});
const EnvEntry& find_env(const std::string& name, const std::string& where = {});
const LearnerEntry& find_learner(const std::string& name, const std::string& where = {});

}  // namespace hone
