#include "pddl/search.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <queue>
#include <unordered_map>

#include "core/rng.h"

namespace hone::pddl {

namespace {

constexpr double out_of_reach = std::numeric_limits<double>::infinity();

struct StateHash {
  std::size_t operator()(const State& state) const {
    std::uint64_t h = 0;
    for (const auto word : state) h = mix64(h ^ word);
    return static_cast<std::size_t>(h);
  }
};

// States seen, each with the action and the state it came from.
class Tree {
 public:
  // -1 when the state was seen before.
  int add(const State& state, int parent, int action) {
    if (!known_.emplace(state, static_cast<int>(states_.size())).second) return -1;
    states_.push_back({state, parent, action});
    return static_cast<int>(states_.size()) - 1;
  }
  const State& state(int node) const { return states_[static_cast<std::size_t>(node)].state; }
  std::vector<int> actions_to(int node) const {
    std::vector<int> out;
    for (; states_[static_cast<std::size_t>(node)].parent >= 0; node = states_[static_cast<std::size_t>(node)].parent) out.push_back(states_[static_cast<std::size_t>(node)].action);
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  struct Seen {
    State state;
    int parent, action;
  };
  std::deque<Seen> states_;
  std::unordered_map<State, int, StateHash> known_;
};

}  // namespace

AdditiveHeuristic::AdditiveHeuristic(const Grounded& problem) : problem_(problem) {}

double AdditiveHeuristic::cost_of(int node) const {
  const auto& pool = problem_.conditions();
  const auto& n = pool.nodes[static_cast<std::size_t>(node)];
  const auto child = [&](int i) { return pool.links[static_cast<std::size_t>(n.first + i)]; };
  switch (n.kind) {
    case Conditions::always: return 0;
    case Conditions::never: return out_of_reach;
    case Conditions::fact: return yes_[static_cast<std::size_t>(n.first)];
    case Conditions::all_of: {
      double sum = 0;
      for (int i = 0; i < n.count; ++i) sum += cost_of(child(i));
      return sum;
    }
    case Conditions::any_of: {
      double least = out_of_reach;
      for (int i = 0; i < n.count; ++i) least = std::min(least, cost_of(child(i)));
      return least;
    }
    case Conditions::negation: {
      const auto& inner = pool.nodes[static_cast<std::size_t>(child(0))];
      // What is under a negation is a fact, or a junction that rarely matters to the estimate: taken as free.
      return inner.kind == Conditions::fact ? no_[static_cast<std::size_t>(inner.first)] : 0;
    }
  }
  return out_of_reach;
}

double AdditiveHeuristic::reach(int action) const {
  const auto& a = problem_.actions()[static_cast<std::size_t>(action)];
  double sum = 0;
  for (const int f : a.needs) sum += yes_[static_cast<std::size_t>(f)];
  for (const int f : a.forbids) sum += no_[static_cast<std::size_t>(f)];
  return a.condition < 0 || sum == out_of_reach ? sum : sum + cost_of(a.condition);
}

bool AdditiveHeuristic::lower(double& value, double to) const {
  if (to >= value) return false;
  value = to;
  return true;
}

double AdditiveHeuristic::operator()(const State& state) {
  const std::size_t n = problem_.facts().size();
  yes_.assign(n, out_of_reach);
  no_.assign(n, out_of_reach);
  for (std::size_t f = 0; f < n; ++f) (holds(state, static_cast<int>(f)) ? yes_ : no_)[f] = 0;
  const auto actions = static_cast<int>(problem_.actions().size());
  for (bool again = true; again;) {
    again = false;
    for (int a = 0; a < actions; ++a) {
      const double cost = reach(a) + 1;
      if (cost == out_of_reach) continue;
      for (const auto& e : problem_.actions()[static_cast<std::size_t>(a)].effects) {
        const double total = e.condition < 0 ? cost : cost + cost_of(e.condition);
        if (total == out_of_reach) continue;
        for (const int f : e.add) again |= lower(yes_[static_cast<std::size_t>(f)], total);
        for (const int f : e.remove) again |= lower(no_[static_cast<std::size_t>(f)], total);
      }
    }
  }
  const double cost = cost_of(problem_.goal_node());
  return cost == out_of_reach ? -1 : cost;
}

namespace {

// States in the order that `open` hands them out, until one is at the goal.
template <class Open>
std::optional<Plan> explore(const Grounded& problem, const State& from, const SearchLimits& limits, Open& open) {
  Plan plan;
  if (problem.goal(from)) return plan;
  Tree tree;
  open.offer(tree.add(from, -1, -1), from);
  std::vector<int> actions;
  while (!open.empty() && plan.expansions++ < limits.expansions) {
    const int node = open.take();
    const State here = tree.state(node);
    problem.applicable(here, actions);
    for (const int a : actions) {
      State next = here;
      problem.apply(a, next);
      const int child = tree.add(next, node, a);
      if (child < 0) continue;
      if (problem.goal(next)) {
        plan.actions = tree.actions_to(child);
        return plan;
      }
      open.offer(child, next);
    }
  }
  return std::nullopt;
}

class FirstCome {
 public:
  void offer(int node, const State&) { nodes_.push_back(node); }
  int take() {
    const int node = nodes_.front();
    nodes_.pop_front();
    return node;
  }
  bool empty() const { return nodes_.empty(); }

 private:
  std::deque<int> nodes_;
};

// The lowest estimate first, of equal ones the oldest; without one, never.
class Promising {
 public:
  explicit Promising(const Grounded& problem) : estimate_(problem) {}
  void offer(int node, const State& state) {
    if (const double e = estimate_(state); e >= 0) nodes_.push({e, order_++, node});
  }
  int take() {
    const int node = nodes_.top().node;
    nodes_.pop();
    return node;
  }
  bool empty() const { return nodes_.empty(); }

 private:
  struct Entry {
    double estimate;
    std::size_t order;
    int node;
    bool operator<(const Entry& other) const { return estimate != other.estimate ? estimate > other.estimate : order > other.order; }
  };
  AdditiveHeuristic estimate_;
  std::priority_queue<Entry> nodes_;
  std::size_t order_ = 0;
};

}  // namespace

std::optional<Plan> find_plan(const Grounded& problem, const State& from, const SearchLimits& limits) {
  Promising open(problem);
  return explore(problem, from, limits, open);
}

std::optional<Plan> find_shortest_plan(const Grounded& problem, const State& from, const SearchLimits& limits) {
  FirstCome open;
  return explore(problem, from, limits, open);
}

}  // namespace hone::pddl
