// Plans compared with what Fast Downward and unified-planning said of the same problems (tests/reference/pddl_plans.py and .json).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "pddl/search.h"

namespace hone::pddl {

inline std::string fnv(const std::string& text) {
  std::uint64_t h = 0xCBF29CE484222325ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(h));
  return hex;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class RecordedPlans {
 public:
  // `expansions`: what our breadth-first search gets. Where that is not enough nothing is compared, unless theirs needed far fewer.
  explicit RecordedPlans(std::size_t expansions) : expansions_(expansions) {
    std::ifstream in(std::filesystem::path(std::getenv("HONE_SOURCE_DIR")) / "tests/reference/pddl_plans.json");
    for (const auto& item : nlohmann::json::parse(in)) recorded_[item["problem"]] = item;
    // HONE_PLANS_TO=FOLDER: the problems and our plans are written there, for the script, and nothing is compared.
    if (const char* folder = std::getenv("HONE_PLANS_TO")) to_ = folder;
  }

  void compare(const std::string& name, const std::string& domain_text, const std::string& problem_text) {
    SCOPED_TRACE(name);
    ++compared_;
    const Domain domain = parse_domain(domain_text, name);
    const Problem problem = parse_problem(problem_text, name, domain);
    const Grounded ground(domain, problem);
    const auto greedy = find_plan(ground, ground.initial(), {.expansions = 300}), shortest = find_shortest_plan(ground, ground.initial(), {.expansions = expansions_});
    const auto text = [&](const std::optional<Plan>& plan) {
      std::string out;
      for (const int a : plan ? plan->actions : std::vector<int>{}) out += "(" + action_text(domain, problem, ground.actions()[static_cast<std::size_t>(a)]) + ")\n";
      return out;
    };
    if (!to_.empty()) {
      std::string file = name;
      for (char& c : file)
        if (c == '/') c = '+';
      const auto write = [&](const char* kind, const std::string& what) { std::ofstream(to_ / (file + kind)) << what; };
      write(".domain", domain_text), write(".problem", problem_text);
      if (greedy) write(".greedy", text(greedy));
      if (shortest) write(".shortest", text(shortest));
      return;
    }
    const std::string again = "; record again as tests/reference/pddl_plans.py says";
    ASSERT_TRUE(recorded_.contains(name)) << "not recorded" << again;
    const auto& theirs = recorded_[name];
    ASSERT_EQ(fnv(domain_text + problem_text), theirs["text"].get<std::string>()) << "the problem is another" << again;
    EXPECT_TRUE(theirs["solvable"].get<bool>() || (!greedy && !shortest)) << "a plan where there is none";
    if (shortest && !theirs["shortest"].is_null()) {
      EXPECT_EQ(static_cast<int>(shortest->actions.size()), theirs["shortest"].get<int>());
    }
    if (theirs["expanded"].get<std::size_t>() * 2 < expansions_) {
      EXPECT_EQ(shortest.has_value(), theirs["solvable"].get<bool>());
    }
    // Our plans are those that the validator accepted.
    const auto& valid = theirs["valid"];
    for (const auto* plan : {&greedy, &shortest})
      EXPECT_TRUE(!*plan || std::find(valid.begin(), valid.end(), fnv(text(*plan))) != valid.end()) << "a plan that was not validated" << again << "\n" << text(*plan);
    follow(domain, problem, ground, theirs["plan"].get<std::string>());
  }
  int compared() const { return compared_; }

 private:
  // Their plan works here too. "a x y; b z"
  static void follow(const Domain& domain, const Problem& problem, const Grounded& ground, const std::string& plan) {
    if (plan.empty()) return;
    std::map<std::string, int> numbers;
    for (std::size_t a = 0; a < ground.actions().size(); ++a) numbers[action_text(domain, problem, ground.actions()[a])] = static_cast<int>(a);
    State state = ground.initial();
    std::istringstream steps(plan);
    for (std::string step; std::getline(steps, step, ';');) {
      ASSERT_TRUE(numbers.contains(step)) << "no action " << step;
      ASSERT_TRUE(ground.applicable(numbers[step], state)) << step;
      ground.apply(numbers[step], state);
    }
    EXPECT_TRUE(ground.goal(state)) << plan;
  }

  std::map<std::string, nlohmann::json> recorded_;
  std::filesystem::path to_;
  std::size_t expansions_;
  int compared_ = 0;
};

}  // namespace hone::pddl
