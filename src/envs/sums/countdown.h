// countdown: reach a target with the given numbers, + - * / and parentheses. One move; every task has a solution, any is taken.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/splits.h"
#include "envs/sums/exact.h"

namespace hone {

enum class NumberUse { each, at_most };

struct CountdownConfig {
  int min_numbers = 3, max_numbers = 4;
  int max_number = 99;
  int min_target = 10, max_target = 100;
  NumberUse use = NumberUse::each;
  SplitConfig splits{.train = 1000, .validation = 100, .test = 100, .fit = false, .split_seed = 1};
};

template <class V>
void visit(V& v, CountdownConfig& c) {
  v.field("min_numbers", c.min_numbers, "fewest numbers of a task; tasks are made for every count in turn", {.min = 2, .max = 8});
  v.field("max_numbers", c.max_numbers, "most numbers", {.min = 2, .max = 8});
  v.field("max_number", c.max_number, "numbers go from 1 to this", {.min = 2, .max = 9999});
  v.field("min_target", c.min_target, "least target", {.min = 1, .max = 1e6});
  v.field("max_target", c.max_target, "greatest target", {.min = 1, .max = 1e6});
  v.choice("use", c.use, {{"each", NumberUse::each}, {"at_most", NumberUse::at_most}}, "each number exactly once, or at most once");
  visit(v, c.splits);
}

void validate(const CountdownConfig& config);  // throws Error{bad_input}

// The expression in an answer: what stands in the last \boxed{}, else the last line that is not blank, behind its last ':' if it has one;
// up to the first '='; without ` $ and blanks around it and without a full stop at the end.
std::string_view expression_of(std::string_view answer);

// Why `expression` does not solve the task; empty when it does.
std::string countdown_fault(std::string_view expression, const std::vector<std::int64_t>& numbers, std::int64_t target, NumberUse use);

std::unique_ptr<World> open_countdown(const Settings& settings);

extern constinit const EnvEntry env_countdown;

}  // namespace hone
