// The four phases: experience, introspection, analysis, hypothesis (developmental_support, section 2.2), and where dilemmas come from.
#pragma once

#include <span>
#include <vector>

#include "learners/developmental/judge.h"
#include "learners/developmental/records.h"

namespace hone::developmental {

// Those of the settings: from the file, those that ship (plots and names of `train` and of `unseen` are others), or for `invent` only fields
// and conflicts, whose scenes the writer then makes up. Training ones first. Throws Error{bad_input} when there are not so many.
std::vector<Situation> situations_of(const Config& config, Rng rng);

struct CycleContext {
  const Config& config;
  Judge& judge;
  bool claims_stages = false;  // of the judge's calibration: else a revision is accepted when it is preferred to the experience
  Tools& tools;
  std::vector<std::string> used;  // scenes already made up
};

// Every dilemma through the cycle; a story that ends early says why in `dropped`.
std::vector<Story> live_through(std::vector<Situation> situations, CycleContext& context);

// The same with sentences that ship: an experience that argues on a stage below 6, drawn by rng, and a revision that argues on stage 6.
// Wordings for unseen dilemmas are others than those for training.
std::vector<Story> by_hand(std::vector<Situation> situations, CycleContext& context, const Rng& rng);

}  // namespace hone::developmental
