// Fills a Grounded: bindings that the static facts allow, then what can be reached when nothing is ever taken away, then bits.
#pragma once

#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "pddl/ground.h"

namespace hone::pddl {

class Grounder {
 public:
  Grounder(const Domain& domain, const Problem& problem, const GroundLimits& limits, Grounded& out);
  void run();

 private:
  using Binding = std::vector<int>;
  struct Candidate {
    int action;
    Binding objects;
    bool reached = false, spent = false;  // spent: reached, and every effect counted
  };
  // A condition with its facts as bits, before it goes to the pool.
  struct Tree {
    Conditions::Kind kind = Conditions::always;
    int fact = 0;
    std::vector<Tree> parts;
  };

  // bindings
  struct Guard;
  struct Plan;
  Plan plan_of(const Action& action) const;
  void bind(int action, const Plan& plan, std::size_t depth, Binding& binding);
  bool satisfied(const Guard& guard, const Binding& binding) const;
  void spend();

  // reachability
  void reach();
  bool possible(const Formula& f, Binding& binding, bool wanted);
  bool reach_effects(Candidate& candidate, Binding& binding);
  template <class F>
  bool any_binding(const std::vector<Variable>& variables, std::size_t i, Binding& binding, const F& f);

  // bits
  void number_facts();
  Tree tree(const Formula& f, Binding& binding);
  Tree junction(Conditions::Kind kind, std::vector<Tree> parts) const;
  int emit(const Tree& tree);
  void emit_action(const Candidate& candidate);

  const std::vector<int>& objects_of(const TypeSet& types);
  const Grounded::Key& key(int predicate, const std::vector<Term>& terms, const Binding& binding) const;  // valid until the next call
  bool changes(int predicate) const { return changing_[static_cast<std::size_t>(predicate)]; }

  const Domain& domain_;
  const Problem& problem_;
  const GroundLimits& limits_;
  Grounded& out_;
  std::vector<bool> changing_;                       // predicates that some effect names
  std::vector<std::vector<Grounded::Key>> extension_;  // initial facts by predicate
  std::map<TypeSet, std::vector<int>> by_types_;
  std::vector<Candidate> candidates_;
  std::unordered_set<Grounded::Key, Grounded::KeyHash> may_hold_, may_fail_;  // changing facts that some reachable state has, lacks
  mutable Grounded::Key key_;
  std::size_t work_ = 0;
};

}  // namespace hone::pddl
