// Which lesson changed which move: an evaluated try is played again from the same state with one lesson taken out of what
// recall may offer; where the first move differs, that lesson decided it. An intervention, not a correlation.
#pragma once

#include <vector>

#include "engine/evaluate.h"

namespace hone {

struct Change {
  Task task;
  std::string lesson;       // id
  double similarity = 0.0;
  Observation seen;         // the state
  Move with, without;
  bool solved_with = false, solved_without = false;
};

struct ReplayPlan {
  std::string run;
  const Lessons* lessons = nullptr;
  Rng rng;
  int want = 8;        // stop after so many changes
  int try_at_most = 24;  // episodes looked at
};

// `played`: episodes of the arm with lessons. Looked at first: moves that rest on the fewest lessons, among those in the order given.
// Changes that turned a lost try into a solved one come first in the result. Replays go to the journal too.
std::vector<Change> find_changes(const Stage& stage, const ReplayPlan& plan, const std::vector<Episode>& played, Journal& journal,
                                 const Listener& listener);

}  // namespace hone
