// A problem with every variable filled in: facts are bits, actions are lists of bits. What never changes (predicates that no effect
// names, facts that no reachable action can change) is worked out once and gone; what is left is small and fast.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "pddl/domain.h"

namespace hone::pddl {

// One bit per changing fact. The words beyond the last fact's bit are zero, so states compare as bytes.
using State = std::vector<std::uint64_t>;
inline bool holds(const State& state, int fact) { return (state[static_cast<std::size_t>(fact) >> 6] >> (fact & 63)) & 1U; }

// Conditions after grounding, as a pool of nodes: children are runs of `links`.
struct Conditions {
  enum Kind : std::uint8_t { always, never, fact, all_of, any_of, negation };
  struct Node {
    Kind kind = always;
    int first = 0, count = 0;  // fact: first = its number; else children links[first, first + count)
  };
  std::vector<Node> nodes;
  std::vector<int> links;
  bool test(int node, const State& state) const;
};

struct GroundEffect {
  int condition = -1;  // node; -1 = always
  std::vector<int> add, remove;
};

struct GroundAction {
  int action = 0;             // of the domain
  std::vector<int> objects;   // its parameters
  std::vector<int> needs, forbids;  // facts that must hold, that must not
  int condition = -1;         // what of the precondition is no plain list of facts; node, -1 = nothing
  std::vector<GroundEffect> effects;
};

struct GroundLimits {
  static constexpr std::size_t conditional_effects = 1024;  // per ground action
  std::size_t actions = 2'000'000, work = 200'000'000;  // ground actions; bindings tried
};

class Grounded {
 public:
  // Only actions that some sequence of actions could make applicable (delete-relaxed reachability) are kept, in the order of the
  // domain's actions, then of their objects. Throws Error{bad_input} when the problem is larger than the limits.
  Grounded(const Domain& domain, const Problem& problem, const GroundLimits& limits = {});

  const State& initial() const { return initial_; }
  const std::vector<GroundAction>& actions() const { return actions_; }
  const std::vector<Fact>& facts() const { return facts_; }  // the changing ones, by bit
  const Conditions& conditions() const { return conditions_; }
  int goal_node() const { return goal_; }

  bool goal(const State& state) const { return conditions_.test(goal_, state); }
  bool applicable(int action, const State& state) const;
  // Numbers of the applicable actions, ascending. `out` is cleared first and keeps its memory.
  void applicable(const State& state, std::vector<int>& out) const;
  // Every condition reads the state before; what is both removed and added is there after (PDDL 2.1).
  // The action must be applicable.
  void apply(int action, State& state) const;

  // Number of the bit, -1 when the fact never changes; then `fixed` says whether it holds.
  int find_fact(int predicate, std::span<const int> objects) const;
  bool fixed(int predicate, std::span<const int> objects) const;
  bool test(int predicate, std::span<const int> objects, const State& state) const {
    const int bit = find_fact(predicate, objects);
    return bit >= 0 ? holds(state, bit) : fixed(predicate, objects);
  }
  int find_action(int action, std::span<const int> objects) const;  // -1 when it is not there

 private:
  friend class Grounder;
  using Key = std::vector<int>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  State initial_;
  std::vector<GroundAction> actions_;
  std::vector<Fact> facts_;
  Conditions conditions_;
  int goal_ = 0;
  std::unordered_map<Key, int, KeyHash> bits_, names_;  // (predicate, objects) -> bit; (action, objects) -> number
  std::unordered_set<Key, KeyHash> fixed_;
  // An action as it is looked up: under one fact that it needs, the rarest; what is left to test lies beside the others' tests.
  struct Look {
    int action = 0, first = 0, last = 0;  // tests_[first, last): f >= 0 must hold, ~f must not
    int condition = -1;
  };
  std::vector<Look> looks_;     // by fact; those that need none come last
  std::vector<int> first_look_, tests_;
  std::vector<std::uint64_t> watched_;  // facts with actions under them, as a mask
};

// "pick-up a robot": for people and traces.
std::string action_text(const Domain& domain, const Problem& problem, const GroundAction& action);

}  // namespace hone::pddl
