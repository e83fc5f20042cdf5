// The learning loop: ask the learner what it wants, collect it, tell it, commit what it learned with a checkpoint, in one
// transaction a round. A run that was stopped or killed goes on from its last checkpoint; what the broken round had already
// paid for is read back by key.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "engine/event.h"
#include "engine/play.h"
#include "engine/rollout.h"
#include "engine/trainable.h"
#include "store/store.h"

namespace hone {

struct LearnPlan {
  Store* store = nullptr;
  std::string run;
  const Recipe* recipe = nullptr;
  Stage stage;                         // deliberate tempo
  RolloutCollector* rollouts = nullptr;  // reflex tempo
  Learner* learner = nullptr;
  Embedder* embedder = nullptr;
  Trainable* trainable = nullptr;      // of methods that train weights
  std::filesystem::path weights;       // folder of its checkpoints, one a round; the last two are kept
  std::vector<Episode> stored;         // --from-store: told in round 0 instead of being played
  Rng rng;
  Listener listener;
  std::function<Usage()> beside;       // used outside tries and learner calls; counts towards the caps
  // After each committed round, and once at the start of a resumed run.
  std::function<void(const struct LearnState&)> after_round;
};

// What a checkpoint keeps beside the learner's own state.
struct LearnState {
  int rounds = 0;                     // committed
  bool done = false;
  std::int64_t episodes = 0;
  Usage usage;
  std::vector<std::int64_t> tasks_seen;  // [rounds] distinct training tasks tried up to and with that round
  std::string ended_by;               // the cap that ended it, empty if the learner was done
};

// Throws Error{interrupted} when stopped; everything committed so far is kept.
LearnState learn(const LearnPlan& plan);

// Scope of a run's lessons: the run itself, or a named part of it (a fold).
std::string scope_of(const std::string& run, const std::string& part = {});

}  // namespace hone
