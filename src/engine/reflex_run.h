// The reflex tempo's share of a run: rollouts instead of episodes, a policy instead of lessons in words. Same store,
// checkpoints, events and report.
#pragma once

#include "engine/report.h"

namespace hone {

struct ReflexPlan {
  const Recipe* recipe = nullptr;
  const Opened* opened = nullptr;
  Store* store = nullptr;
  std::string run;
  Listener listener;
  std::stop_token stop;
};

// Learns, publishes the policy as a Weights lesson (its bytes are an artifact), evaluates it against random play.
void reflex_run(const ReflexPlan& plan, ReportData& data);

}  // namespace hone
