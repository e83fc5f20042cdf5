// One household problem as a text game: grounded once, read by every episode that plays it. Text in ALFWorld's form (the grammar
// alfred.twl2 of ALFWorld, MIT); only ever "a", never "an", as there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pddl/ground.h"

namespace hone::household {

// How putting is said: "move apple 1 to fridge 1" (ALFWorld since December 2024) or "put apple 1 in/on fridge 1" (before).
enum class Wording { move, put };
// Which admissible actions are named: those that change or find something, or also looking, examining and slicing.
enum class Offer { acting, all };

class Game {
 public:
  // `problem` for `domain`, which must have ALFRED's predicates and actions. Throws Error{bad_input} naming what is missing.
  Game(std::string_view domain, const std::string& domain_name, std::string_view problem, const std::string& problem_name, Wording wording, Offer offer);

  const pddl::State& start() const { return grounded_.initial(); }
  const pddl::Grounded& grounded() const { return grounded_; }
  const pddl::Domain& domain() const { return domain_; }
  const pddl::Problem& problem() const { return problem_; }

  std::string intro() const;  // "You are in the middle of a room. ..."
  bool won(const pddl::State& state) const { return grounded_.goal(state); }
  // In alphabetical order, without doubles. `scratch` keeps its memory between calls.
  void choices(const pddl::State& state, std::vector<std::string>& out, std::vector<int>& scratch) const;

  struct Answer {
    std::string text;
    bool legal = true;    // else "Nothing happens." and the state is as before
    bool changed = false;  // more than where one is
  };
  // Case and spaces don't matter, "put x in y" and "put x on y" are "put x in/on y" and "move x to y".
  Answer act(std::string_view action, pddl::State& state) const;
  // Number of the ground action behind a text, -1 when none is applicable now.
  int find(std::string_view action, const pddl::State& state) const;
  const std::string& text_of(int ground_action) const { return texts_[static_cast<std::size_t>(text_[static_cast<std::size_t>(ground_action)])]; }

 private:
  enum class Deed : unsigned char { none, go, open, close, take, put, clean, heat, cool, use, slice };
  struct Bit {  // a fact that may change, or what it always is
    int bit = -1;
    bool fixed = false;
    bool in(const pddl::State& state) const { return bit >= 0 ? pddl::holds(state, bit) : fixed; }
  };
  struct PlaceText {
    int object = 0;
    std::string name;
    Bit openable, opened, here;
    std::vector<std::pair<Bit, int>> contents;  // (is in it, index into things_)
  };
  struct ThingText {
    int object = 0;
    std::string name;
    Bit held, clean, hot, cool, sliced, toggleable, toggled;
  };

  Bit bit(const char* predicate, std::initializer_list<int> objects) const;
  std::string contents(const PlaceText& place, const pddl::State& state) const;
  std::string looked_at(const PlaceText& place, const pddl::State& state) const;
  std::string examined(const ThingText& thing, const pddl::State& state) const;
  std::string said(Deed deed, const pddl::GroundAction& action, const pddl::State& after) const;
  std::string around(const pddl::State& state) const;
  bool look_at(std::string_view action, const pddl::State& state, std::string& out) const;
  const std::string& name(int object) const { return names_[static_cast<std::size_t>(object)]; }
  const PlaceText* place_of(int object) const;

  pddl::Domain domain_;
  pddl::Problem problem_;
  pddl::Grounded grounded_;
  Wording wording_;
  Offer offer_;
  std::vector<Deed> deeds_;  // by action of the domain
  std::vector<std::string> names_;
  std::vector<PlaceText> places_;
  std::vector<ThingText> things_;
  std::vector<int> place_at_;              // by object, -1 = no place
  std::vector<std::string> texts_;         // distinct action texts, sorted
  std::vector<int> text_;                  // by ground action
  std::unordered_map<std::string, std::vector<int>> by_text_;
};

// "cabinet_4" -> "cabinet 4"; ALFRED's mangled names ("Cabinet_bar__minus_00_dot_73...") are numbered as ALFWorld's Demangler does.
std::vector<std::string> shown_names(const pddl::Problem& problem);

}  // namespace hone::household
