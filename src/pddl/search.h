// Finds plans: good enough to prove that a task can be solved, not to find the best way.
#pragma once

#include <optional>
#include <vector>

#include "pddl/ground.h"

namespace hone::pddl {

struct SearchLimits {
  std::size_t expansions = 200'000;
};

struct Plan {
  std::vector<int> actions;  // numbers of ground actions
  std::size_t expansions = 0;
};

// Greedy best-first search on the additive heuristic (Bonet and Geffner 2001), every action one step. Empty when the goal is out of reach
// or the limit is; `expansions` of SearchLimits are states taken from the queue.
std::optional<Plan> find_plan(const Grounded& problem, const State& from, const SearchLimits& limits = {});

// Breadth-first: a shortest plan.
std::optional<Plan> find_shortest_plan(const Grounded& problem, const State& from, const SearchLimits& limits = {});

// The additive heuristic: estimated steps to the goal, negative when it can't be reached even if nothing is ever taken away.
class AdditiveHeuristic {
 public:
  explicit AdditiveHeuristic(const Grounded& problem);
  double operator()(const State& state);

 private:
  double cost_of(int node) const;
  double reach(int action) const;
  bool lower(double& value, double to) const;
  const Grounded& problem_;
  std::vector<double> yes_, no_;  // cost of making each fact hold, fail
};

}  // namespace hone::pddl
