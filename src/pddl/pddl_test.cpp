#include <gtest/gtest.h>

#include <algorithm>

#include "pddl/plans_test_kit.h"

namespace hone::pddl {

namespace {

constexpr std::string_view domain_text = R"((define (domain d)
  (:requirements :strips :typing)
  (:types room ball)
  (:predicates (in ?b - ball ?r - room) (here ?r - room) (held ?b - ball))
  (:action go :parameters (?x ?y - room) :precondition (here ?x) :effect (and (not (here ?x)) (here ?y)))
  (:action pick :parameters (?b - ball ?r - room) :precondition (and (here ?r) (in ?b ?r)) :effect (and (held ?b) (not (in ?b ?r))))
  (:action put :parameters (?b - ball ?r - room) :precondition (and (here ?r) (held ?b)) :effect (and (in ?b ?r) (not (held ?b))))))";
constexpr std::string_view problem_text = R"((define (problem p) (:domain d)
  (:objects a b c - room x y - ball)
  (:init (here a) (in x b))
  (:goal (in x c))))";

std::string complaint(std::string_view domain, std::string_view problem = "") {
  try {
    const Domain d = parse_domain(domain, "d.pddl");
    if (!problem.empty()) parse_problem(problem, "p.pddl", d);
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    return e.what();
  }
  return "none";
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const auto at = out.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return out.replace(at, from.size(), to);
}

TEST(Pddl, ErrorsNameFileLineAndColumn) {
  EXPECT_EQ(complaint(""), "d.pddl:1:1: expected '(', got the end of the text");
  EXPECT_EQ(complaint("(define (domain d)\n  (:types a"), "d.pddl:2:12: expected ')' for the '(' at 2:3, got the end of the text");
  EXPECT_EQ(complaint("(define (domain d)) )"), "d.pddl:1:21: expected the end of the text, got ')'");
  EXPECT_EQ(complaint("(define (domain d)\n (:requirements :strips :durative-actions))"), "d.pddl:2:25: requirement :durative-actions is not supported");
  EXPECT_EQ(complaint("(define (domain d)\n (:derived (p)))"), "d.pddl:2:3: expected one of :requirements :types :constants :functions :predicates :action, got ':derived'");
  EXPECT_EQ(complaint(replaced(domain_text, "(here ?x) :effect", "(her ?x) :effect")), "d.pddl:5:57: expected a predicate of the domain, got 'her'");
  EXPECT_EQ(complaint(replaced(domain_text, "(and (held ?b) (not (in ?b ?r)))", "(and (held ?b ?r))")), "d.pddl:6:105: expected 1 terms for held, got 2");
  EXPECT_EQ(complaint(replaced(domain_text, "(here ?y)", "(here ?z)")), "d.pddl:5:101: expected a variable that was declared, got '?z'");
  EXPECT_EQ(complaint(replaced(domain_text, "?x ?y - room", "?x ?y - rom")), "d.pddl:5:36: expected a type of the domain, got 'rom'");
  EXPECT_EQ(complaint(replaced(domain_text, "(:types room ball)", "(:types a - b b - a)")), "d.pddl:3:17: type b would be its own ancestor");
  EXPECT_EQ(complaint(replaced(domain_text, "(held ?b - ball)", "(held ?b - ball) (held ?b - ball)")), "d.pddl:4:75: predicate held is there twice");
  EXPECT_EQ(complaint(std::string(300, '(')), "d.pddl:1:201: brackets nested deeper than 200");
  EXPECT_EQ(complaint("(define " + std::string(3000, 'x') + ")"), "d.pddl:1:9: expected a name of at most 256 bytes, got a longer one");
  std::string many;
  for (int i = 0; i < 101; ++i) many += " ?x" + std::to_string(i);
  EXPECT_EQ(complaint("(define (domain d) (:action a :parameters (" + many + ")))"), "d.pddl:1:535: more than 100 variables in one action or goal");
  EXPECT_EQ(complaint("(define (domain d) (:predicates (p" + many + ")))"), "d.pddl:1:526: more than 100 terms for p");
  std::string facts;
  for (int i = 0; i < 400; ++i) facts += " (r)";
  EXPECT_EQ(complaint("(define (domain d) (:predicates (r)) (:action a :effect (when (and" + facts + ") (and" + facts + "))))"),
            "d.pddl:1:2666: more than 100000 conditions of one action's effects");
  EXPECT_EQ(complaint(std::string_view("(define \x01)")), "d.pddl:1:9: expected a name or a bracket, got byte 1");
  EXPECT_EQ(complaint(domain_text, replaced(problem_text, "(:domain d)", "(:domain e)")), "p.pddl:1:30: expected the domain 'd', got 'e'");
  EXPECT_EQ(complaint(domain_text, replaced(problem_text, "(in x b)", "(in x q)")), "p.pddl:3:25: expected an object or constant that was declared, got 'q'");
  EXPECT_EQ(complaint(domain_text, replaced(problem_text, "(in x b)", "(in b x)")), "p.pddl:3:23: expected an object of type ball, got 'b'");
  EXPECT_EQ(complaint(domain_text, "(define (problem p) (:domain d) (:objects x - ball b - room) (:init) (:goal (in b x)))"), "p.pddl:1:81: expected an object of type ball, got 'b'");
  EXPECT_EQ(complaint(domain_text, replaced(problem_text, "(in x b)", "(not (in x b))")), "p.pddl:3:19: expected a fact, got '(not (in x b))'");
  EXPECT_EQ(complaint(domain_text, "(define (problem p) (:domain d) (:init))"), "p.pddl:1:1: expected a section :goal, got none");
  EXPECT_EQ(complaint(domain_text, problem_text), "none");
}

struct World {
  Domain domain;
  Problem problem;
  Grounded ground;
  World(std::string_view d, std::string_view p) : domain(parse_domain(d, "d")), problem(parse_problem(p, "p", domain)), ground(domain, problem) {}
  std::vector<std::string> can(const State& state) const {
    std::vector<int> found;
    ground.applicable(state, found);
    std::vector<std::string> out;
    for (const int a : found) out.push_back(action_text(domain, problem, ground.actions()[static_cast<std::size_t>(a)]));
    return out;
  }
  State after(State state, const std::string& text) const {
    for (std::size_t a = 0; a < ground.actions().size(); ++a)
      if (action_text(domain, problem, ground.actions()[a]) == text) {
        EXPECT_TRUE(ground.applicable(static_cast<int>(a), state)) << text;
        ground.apply(static_cast<int>(a), state);
        return state;
      }
    ADD_FAILURE() << "no action " << text;
    return state;
  }
};

TEST(Pddl, GroundsOnlyWhatCanBeReached) {
  const World w(domain_text, problem_text);
  // y is nowhere: it can be neither picked nor put. go x x is a legal action that changes nothing.
  EXPECT_EQ(w.ground.actions().size(), 9U + 3U + 3U);
  EXPECT_EQ(w.ground.facts().size(), 3U + 3U + 1U);
  EXPECT_EQ(w.can(w.ground.initial()), (std::vector<std::string>{"go a a", "go a b", "go a c"}));
  State s = w.after(w.ground.initial(), "go a a");
  EXPECT_EQ(s, w.ground.initial()) << "removed and added in one action: it is there after";
  s = w.after(w.after(w.after(w.after(s, "go a b"), "pick x b"), "go b c"), "put x c");
  EXPECT_TRUE(w.ground.goal(s));
  const auto plan = find_plan(w.ground, w.ground.initial());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->actions.size(), 4U);
  EXPECT_EQ(find_shortest_plan(w.ground, w.ground.initial())->actions.size(), 4U);
  EXPECT_EQ(AdditiveHeuristic(w.ground)(s), 0);
}

TEST(Pddl, AGoalOutOfReachHasNoPlan) {
  const World w(domain_text, replaced(problem_text, "(in x c)", "(in y c)"));
  EXPECT_FALSE(find_plan(w.ground, w.ground.initial()));
  EXPECT_LT(AdditiveHeuristic(w.ground)(w.ground.initial()), 0);
}

TEST(Pddl, TooLargeAProblemIsRefused) {
  const Domain d = parse_domain(domain_text, "d");
  const Problem p = parse_problem(problem_text, "p", d);
  EXPECT_THROW(Grounded(d, p, {.actions = 5}), Error);
  EXPECT_THROW(Grounded(d, p, {.work = 5}), Error);
}

// ---- against unified-planning (tests/reference/pddl_walks.py)

std::string lines(std::vector<std::string> items) {
  std::sort(items.begin(), items.end());
  std::string out;
  for (const auto& i : items) out += (out.empty() ? "" : "\n") + i;
  return out;
}

// What is true, static facts included.
std::vector<std::string> true_facts(const World& w, const State& state) {
  std::vector<std::string> out;
  std::vector<int> objects;
  const auto each = [&](const auto& self, std::size_t predicate) -> void {
    const auto& p = w.domain.predicates[predicate];
    if (objects.size() == p.parameters.size()) {
      if (!w.ground.test(static_cast<int>(predicate), objects, state)) return;
      std::string text = p.name;
      for (const int o : objects) text += " " + w.problem.objects[static_cast<std::size_t>(o)].name;
      out.push_back(text);
      return;
    }
    for (std::size_t o = 0; o < w.problem.objects.size(); ++o) {
      if (!w.domain.fits(w.problem.objects[o].type, p.parameters[objects.size()])) continue;
      objects.push_back(static_cast<int>(o));
      self(self, predicate);
      objects.pop_back();
    }
  };
  for (std::size_t p = 0; p < w.domain.predicates.size(); ++p) each(each, p);
  return out;
}

TEST(Pddl, StepsAsAnIndependentSimulatorDoes) {
  const std::filesystem::path root = std::getenv("HONE_SOURCE_DIR");
  std::ifstream in(root / "tests/reference/pddl_walks.json");
  ASSERT_TRUE(in);
  const auto walks = nlohmann::json::parse(in);
  int walked = 0, absent = 0;
  for (const auto& walk : walks) {
    const std::string name = walk["problem"], domain_name = walk["domain"];
    std::filesystem::path problem, domain;
    if (name.starts_with("fixtures/")) problem = root / "tests/fixtures/pddl" / name.substr(9), domain = root / "tests/fixtures/pddl" / domain_name;
    else problem = root / "../shared/data/pddl" / name, domain = root / "../shared/data/pddl" / domain_name;
    if (!std::filesystem::exists(problem)) {
      ++absent;
      continue;
    }
    SCOPED_TRACE(name);
    const World w(slurp(domain), slurp(problem));
    State state = w.ground.initial();
    std::vector<int> found;
    for (std::size_t step = 0; step < walk["steps"].size(); ++step) {
      w.ground.applicable(state, found);
      std::vector<std::pair<std::string, int>> names;
      for (const int a : found) names.emplace_back(action_text(w.domain, w.problem, w.ground.actions()[static_cast<std::size_t>(a)]), a);
      std::sort(names.begin(), names.end());
      std::vector<std::string> texts;
      for (const auto& n : names) texts.push_back(n.first);
      ASSERT_EQ(names.size(), walk["steps"][step][0].get<std::size_t>()) << "step " << step;
      ASSERT_EQ(fnv(lines(texts)), walk["steps"][step][1].get<std::string>()) << "step " << step;
      if (names.empty()) break;
      w.ground.apply(names[(7919 * step + 3) % names.size()].second, state);
    }
    const auto facts = true_facts(w, state);
    EXPECT_EQ(facts.size(), walk["facts"][0].get<std::size_t>());
    EXPECT_EQ(fnv(lines(facts)), walk["facts"][1].get<std::string>());
    EXPECT_EQ(w.ground.goal(state), walk["goal"].get<bool>());
    ++walked;
  }
  EXPECT_GE(walked, 1) << "the problems that are part of this repository";
  RecordProperty("walked", walked);
  if (absent > 0) std::cout << absent << " problems of shared/data are not there and were not walked\n";
}

}  // namespace

}  // namespace hone::pddl
