// What a PDDL domain and problem say, with names resolved to numbers. Supported: :strips :typing (either included)
// :negative-preconditions :disjunctive-preconditions :equality :existential-, :universal- and :quantified-preconditions
// :conditional-effects :adl :action-costs (read, and not used: every action counts as one step). Anything else is refused by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pddl/syntax.h"

namespace hone::pddl {

struct Type {
  std::string name;
  int parent = -1;  // -1 only for "object", which is type 0
};

// The types a variable may be of; several = (either ...).
using TypeSet = std::vector<int>;

struct Predicate {
  std::string name;
  std::vector<TypeSet> parameters;
};

// A constant or object (number of the object), or a variable (slot of the action's binding).
struct Term {
  bool variable = false;
  int index = 0;
};

struct Variable {
  std::string name;
  int slot = 0;
  TypeSet types;
};

struct Formula {
  enum Kind { atom, equal, all_of, any_of, negation, exists, forall } kind = all_of;  // all_of nothing = true, any_of nothing = false
  int predicate = -1;
  std::vector<Term> terms;
  std::vector<Formula> parts;
  std::vector<Variable> variables;
};

// One literal that an action makes true or false: for every binding of `over`, when `condition` holds in the state before.
struct Effect {
  std::vector<Variable> over;
  Formula condition;
  int predicate = -1;
  std::vector<Term> terms;
  bool adds = true;
};

struct Action {
  std::string name;
  std::vector<Variable> parameters;
  int slots = 0;  // parameters and quantified variables
  Formula precondition;
  std::vector<Effect> effects;
};

struct Object {
  std::string name;
  int type = 0;
};

struct Domain {
  std::string name;
  std::vector<Type> types{{"object", -1}};
  std::vector<Object> constants;
  std::vector<Predicate> predicates;
  std::vector<std::string> functions;
  std::vector<Action> actions;

  bool is_a(int type, int ancestor) const;
  bool fits(int type, const TypeSet& types) const;
  int find_type(std::string_view name) const;       // -1 when absent
  int find_predicate(std::string_view name) const;  // -1 when absent
  int find_action(std::string_view name) const;     // -1 when absent
};

struct Fact {
  int predicate = 0;
  std::vector<int> objects;
};

struct Problem {
  std::string name;
  std::vector<Object> objects;  // the domain's constants first
  std::vector<Fact> init;
  Formula goal;
  int slots = 0;  // quantified variables of the goal
};

// Both throw Error{bad_input} with `name`, line and column. parse_problem checks that the problem is for this domain.
Domain parse_domain(std::string_view text, const std::string& name);
Problem parse_problem(std::string_view text, const std::string& name, const Domain& domain);

}  // namespace hone::pddl
