#include "envs/sums/countdown.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "core/rng.h"
#include "envs/conformance_kit.h"

namespace hone {
namespace {

using sums::Rational;

std::string refusal(const Settings& given) {
  try {
    open_countdown(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "opened";
}

struct Question {
  std::vector<std::int64_t> numbers;
  std::int64_t target = 0;
};
Question question(const std::string& goal) {
  Question out;
  const std::regex number("[0-9]+");
  for (std::sregex_iterator it(goal.begin(), goal.end(), number), end; it != end; ++it) out.numbers.push_back(std::stoll(it->str()));
  out.target = out.numbers.front();
  out.numbers.erase(out.numbers.begin());
  return out;
}

// Tries every way to join the numbers two by two, all of them used; an expression, or empty.
std::string brute_force(const std::vector<std::pair<Rational, std::string>>& left, std::int64_t target) {
  if (left.size() == 1) return left[0].first == Rational{target, 1} ? left[0].second : "";
  for (std::size_t i = 0; i < left.size(); ++i)
    for (std::size_t j = 0; j < left.size(); ++j) {
      if (i == j) continue;
      for (const char op : {'+', '-', '*', '/'}) {
        const auto value = sums::apply(op, left[i].first, left[j].first);
        if (!value) continue;
        std::vector<std::pair<Rational, std::string>> next{{*value, "(" + left[i].second + " " + op + " " + left[j].second + ")"}};
        for (std::size_t k = 0; k < left.size(); ++k)
          if (k != i && k != j) next.push_back(left[k]);
        if (auto found = brute_force(next, target); !found.empty()) return found;
      }
    }
  return {};
}

Outcome answered(const World& world, const Task& task, const std::string& action) {
  const auto env = world.make(Split::test);
  env->reset(task);
  return env->step(action);
}

TEST(Countdown, EveryTaskHasASolutionAndSplitsShareNone) {
  const auto world = open_countdown({});
  std::set<std::string> contents;
  std::size_t n = 0, three = 0;
  for (const auto split : conformance::splits)
    for (const auto& task : world->tasks(split)) {
      auto q = question(task.goal);
      EXPECT_GE(q.target, 10);
      EXPECT_LE(q.target, 100);
      EXPECT_EQ(task.kind, "numbers-" + std::to_string(q.numbers.size()));
      three += q.numbers.size() == 3;
      if (n++ % 4 == 0) {
        std::vector<std::pair<Rational, std::string>> start;
        for (const auto number : q.numbers) start.push_back({{number, 1}, std::to_string(number)});
        const auto solution = brute_force(start, q.target);
        ASSERT_NE(solution, "") << task.goal;
        EXPECT_TRUE(answered(*world, task, solution).solved) << solution;
        EXPECT_FALSE(answered(*world, task, solution + " + 1").solved);
      }
      std::sort(q.numbers.begin(), q.numbers.end());
      std::string content = std::to_string(q.target);
      for (const auto number : q.numbers) content += " " + std::to_string(number);
      EXPECT_TRUE(contents.insert(content).second) << content;
    }
  EXPECT_EQ(n, 1200U);
  EXPECT_EQ(three, 600U);
}

TEST(Countdown, JudgesExactly) {
  const auto fault = [](const char* expression, NumberUse use = NumberUse::each) { return countdown_fault(expression, {8, 3, 8, 3}, 24, use); };
  EXPECT_EQ(fault("8 / (3 - 8 / 3)"), "");  // only fractions lead there
  EXPECT_EQ(fault("8 ÷ (3 − 8 ÷ 3)"), "");
  EXPECT_EQ(fault("8 * 3"), "8 and 3 are not used");
  EXPECT_EQ(fault("8 * 3", NumberUse::at_most), "");
  EXPECT_EQ(fault("8 * 3 * 3 / 3", NumberUse::at_most), "3 is used more often than it is given");
  EXPECT_EQ(fault("24"), "24 is not among the numbers");
  EXPECT_EQ(fault("8 - 3 + 8 / 3"), "its value is 23/3, not 24");
  EXPECT_EQ(fault("8 / (3 - 3) + 8"), "it divides by zero");
  EXPECT_EQ(fault("(8 + 3"), "')' is missing");
  EXPECT_EQ(fault("8 +"), "a number is missing at the end");
  EXPECT_EQ(fault("8 3"), "expected + - * / or the end, got '3'");
  EXPECT_EQ(fault("-8"), "expected a number or '(', got '-8'");
  EXPECT_EQ(fault("8 ** 3"), "expected a number or '(', got '* 3'");
  EXPECT_EQ(fault("8.5"), "expected + - * / or the end, got '.5'");
  EXPECT_EQ(fault("1234567890"), "a number has more than 9 digits");
  EXPECT_EQ(fault(""), "there is no expression in this answer");
}

TEST(Countdown, HostileExpressionsAreBounded) {
  EXPECT_EQ(sums::evaluate(std::string(100'000, '(')).error, "it is longer than 400 characters");
  EXPECT_EQ(sums::evaluate(std::string(200, '(')).error, "more than 40 parentheses in one another");
  EXPECT_EQ(sums::to_text(sums::evaluate(std::string(40, '(') + "7" + std::string(40, ')')).value), "7");
  std::string big = "999999999";
  for (int i = 0; i < 5; ++i) big += "*999999999";
  EXPECT_EQ(sums::evaluate(big).error, "its numbers grow too large");
  std::string fractions = "1";
  for (int i = 1; i < 20; ++i) fractions += "+1/" + std::to_string(1'000'000'000 - i);
  EXPECT_EQ(sums::evaluate(fractions).error, "its numbers grow too large");
  Rng rng(4);
  const std::string signs = "0123456789+-*/() \xC3\x97\\times.x";
  int valued = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t n = rng.below(12); n-- > 0;) text += signs[rng.below(i % 2 == 0 ? 16 : signs.size())];
    const auto out = sums::evaluate(text);
    valued += out.error.empty();
    EXPECT_GT(out.value.below, 0);
  }
  EXPECT_GT(valued, 100);
}

TEST(Countdown, ExpressionsAreReadFromText) {
  const std::vector<std::pair<std::string, std::string>> cases{{"3 + 4", "3 + 4"},
                                                               {"Let me see.\n\nAnswer: `(3 + 4) * 2`.\n", "(3 + 4) * 2"},
                                                               {"$3 \\times 4$ = 12", "3 \\times 4"},
                                                               {"so \\boxed{3 \\times 4 = 12} it is 1", "3 \\times 4"},
                                                               {"3*4=12", "3*4"},
                                                               {"", ""},
                                                               {"= 12", ""}};
  for (const auto& [answer, expression] : cases) EXPECT_EQ(expression_of(answer), expression) << answer;
  EXPECT_EQ(countdown_fault(expression_of("\\boxed{3 \\times 4 = 12}"), {3, 4}, 12, NumberUse::each), "");
}

TEST(Countdown, TellsWhy) {
  const auto world = open_countdown({});
  const auto task = world->tasks(Split::test).at(0);
  const auto out = answered(*world, task, "1 / 0");
  EXPECT_EQ(out.next.text, "Wrong: it divides by zero.");
  EXPECT_EQ(out.feedback, "Incorrect. Reward 0.00. The answer was read as 1 / 0. Why: it divides by zero.");
  EXPECT_EQ(*out.ending, Ending::terminal);
  EXPECT_NE(world->facts(Split::train).action_help.find("exactly once"), std::string::npos);
  EXPECT_NE(open_countdown(settings({{"use", "at_most"}}))->facts(Split::train).action_help.find("at most once"), std::string::npos);
}

TEST(Countdown, MisuseIsNamed) {
  EXPECT_NE(refusal(settings({{"min_numbers", "5"}})).find("expected min_numbers at most max_numbers, got 5 and 4"), std::string::npos);
  EXPECT_NE(refusal(settings({{"min_target", "200"}})).find("expected min_target at most max_target, got 200 and 100"), std::string::npos);
  EXPECT_NE(refusal(settings({{"fit", "true"}})).find("fit is for worlds with files"), std::string::npos);
  EXPECT_NE(refusal(settings({{"max_number", "2"}, {"min_numbers", "2"}, {"max_numbers", "2"}})).find("countdown: no more than 0 different tasks found"), std::string::npos);
}

}  // namespace
}  // namespace hone
