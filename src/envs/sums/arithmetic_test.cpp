#include "envs/sums/arithmetic.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "envs/conformance_kit.h"
#include "envs/sums/one_move.h"

namespace hone {
namespace {

std::string refusal(const Settings& given) {
  try {
    open_arithmetic(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "opened";
}

// The values of goal texts by the exact reader of countdown, which shares no code with Chain::value.
std::string value_of(const std::string& goal) {
  const auto out = sums::evaluate(goal);
  EXPECT_EQ(out.error, "") << goal;
  return sums::to_text(out.value);
}

Outcome answered(const World& world, const Task& task, const std::string& action) {
  const auto env = world.make(Split::test);
  env->reset(task);
  return env->step(action);
}

TEST(Arithmetic, EveryTaskIsSolvedByItsValueAndNoOther) {
  const auto world = open_arithmetic({{"levels", {{"1", "2", "3", "4", "5", "6"}, true, ""}}, {"train", {{"600"}, false, ""}}});
  std::map<std::string, int> kinds;
  std::set<std::string> contents;
  for (const auto split : conformance::splits)
    for (const auto& task : world->tasks(split)) {
      ++kinds[task.kind];
      const std::string value = value_of(task.goal);
      EXPECT_EQ(value.find('/'), std::string::npos) << task.goal;
      EXPECT_TRUE(answered(*world, task, "It is " + value).solved) << task.goal;
      EXPECT_FALSE(answered(*world, task, value + "0 + 1 = " + value + "1").solved) << task.goal;
      EXPECT_TRUE(task.params.empty());
    }
  for (const char* kind : {"level-1", "level-2", "level-3", "level-4", "level-5", "level-6"}) EXPECT_GE(kinds[kind], 130) << kind;
}

TEST(Arithmetic, OneContentOneTaskInWhateverOrder) {
  const Chain a{{3, 7, 12}, "*+"}, b{{12, 7, 3}, "+*"}, c{{12, 7, 3}, "-*"}, d{{84, 7, 2}, "/*"}, e{{84, 2, 7}, "*/"};
  EXPECT_EQ(a.text(), "3 * 7 + 12");
  EXPECT_EQ(a.content(), b.content());
  EXPECT_NE(b.content(), c.content());
  EXPECT_EQ(d.content(), e.content());
  EXPECT_EQ(sums::to_text(a.value()), "33");
  EXPECT_EQ(sums::to_text(c.value()), "-9");
  EXPECT_EQ(sums::to_text(d.value()), "24");
  const auto world = open_arithmetic({{"levels", {{"3"}, true, ""}}, {"train", {{"3000"}, false, ""}}, {"validation", {{"500"}, false, ""}}, {"test", {{"500"}, false, ""}}});
  std::set<std::pair<std::string, std::string>> pairs;
  std::size_t n = 0;
  for (const auto split : conformance::splits)
    for (const auto& task : world->tasks(split)) {
      const auto at = task.goal.find(" * ");
      std::string x = task.goal.substr(0, at), y = task.goal.substr(at + 3);
      if (y < x) std::swap(x, y);
      pairs.emplace(x, y), ++n;
    }
  EXPECT_EQ(n, 4000U);
  EXPECT_EQ(pairs.size(), n) << "17 * 23 and 23 * 17 are one task";
}

TEST(Arithmetic, BigNumbersAreExact) {
  const auto world = open_arithmetic({{"levels", {{"own"}, true, ""}}, {"digits", {{"18"}, false, ""}}, {"terms", {{"2"}, false, ""}}, {"operations", {{"*"}, true, ""}},
                                      {"train", {{"5"}, false, ""}}, {"validation", {{"0"}, false, ""}}, {"test", {{"5"}, false, ""}}});
  const auto task = world->tasks(Split::test).at(0);
  const auto at = task.goal.find(" * ");
  // School multiplication, digit by digit.
  const std::string x = task.goal.substr(0, at), y = task.goal.substr(at + 3);
  ASSERT_EQ(x.size() + y.size(), 36U);
  std::vector<int> digits(36, 0);
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < y.size(); ++j) digits[i + j] += (x[x.size() - 1 - i] - '0') * (y[y.size() - 1 - j] - '0');
  std::string product;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i + 1 < digits.size()) digits[i + 1] += digits[i] / 10;
    product.insert(product.begin(), static_cast<char>('0' + digits[i] % 10));
  }
  product.erase(0, product.find_first_not_of('0'));
  EXPECT_TRUE(answered(*world, task, product).solved) << task.goal << " = " << product;
  product.back() = product.back() == '9' ? '8' : static_cast<char>(product.back() + 1);
  EXPECT_FALSE(answered(*world, task, product).solved);
}

TEST(Arithmetic, AnswersAreReadFromTextOrBox) {
  const auto world = open_arithmetic({});
  const auto task = world->tasks(Split::test).at(0);
  const std::string value = value_of(task.goal);
  EXPECT_TRUE(answered(*world, task, "\\boxed{" + value + "}, as checked in step 3").solved);
  EXPECT_FALSE(answered(*world, task, value + ", as checked in step 31415").solved);
  EXPECT_TRUE(answered(*world, task, "\\boxed{1} no, $\\boxed{" + value + ".0}$").solved);
  auto out = answered(*world, task, "none");
  EXPECT_EQ(out.next.text, "Wrong: there is no number in this answer.");
  EXPECT_EQ(out.feedback, "Incorrect. Reward 0.00. Why: there is no number in this answer.");
  out = answered(*world, task, "31415");
  EXPECT_EQ(out.next.text, "Wrong.");
  EXPECT_EQ(out.feedback, "Incorrect. Reward 0.00. The answer was read as 31415.");
  EXPECT_EQ(*out.ending, Ending::terminal);
  EXPECT_EQ(answered(*world, task, value).feedback, "Correct. Reward 1.00. The answer was read as " + value + ".");
  const auto strict = open_arithmetic(settings({{"answer", "boxed"}}));
  EXPECT_EQ(answered(*strict, task, value).next.text, "Wrong: there is no \\boxed{} in this answer.");
  EXPECT_TRUE(answered(*strict, task, "\\boxed{{" + value + "}}").solved);
  EXPECT_FALSE(answered(*strict, task, "\\boxed{" + value).solved);
  EXPECT_EQ(sums::boxed("\\boxed{a}{b} \\boxed{c{d}} \\boxed{e"), "c{d}");
  EXPECT_EQ(sums::boxed("boxed{a}"), std::nullopt);
  std::string hostile;
  for (int i = 0; i < 200'000; ++i) hostile += "\\boxed{";
  EXPECT_EQ(sums::boxed(hostile), std::nullopt);
}

TEST(Arithmetic, MisuseIsNamed) {
  EXPECT_NE(refusal({{"levels", {{"7"}, true, ""}}}).find("unknown level '7'"), std::string::npos);
  EXPECT_NE(refusal({{"levels", {{}, true, ""}}}).find("expected at least one level"), std::string::npos);
  EXPECT_NE(refusal({{"levels", {{"own"}, true, ""}}, {"operations", {{"^"}, true, ""}}}).find("unknown operation '^'"), std::string::npos);
  EXPECT_NE(refusal({{"levels", {{"own"}, true, ""}}, {"operations", {{}, true, ""}}}).find("expected some operations"), std::string::npos);
  EXPECT_NE(refusal({{"levels", {{"own"}, true, ""}}, {"digits", {{"10"}, false, ""}}, {"terms", {{"4"}, false, ""}}}).find("expected digits times terms at most 36, got 10 times 4"), std::string::npos);
  EXPECT_NE(refusal({{"levels", {{"3"}, true, ""}}, {"train", {{"5000"}, false, ""}}}).find("arithmetic: no more than 4095 different tasks found"), std::string::npos);
  EXPECT_NE(refusal(settings({{"fit", "true"}})).find("fit is for worlds with files"), std::string::npos);
  const auto world = open_arithmetic({});
  const auto env = world->make(Split::train);
  EXPECT_THROW(env->reset({.id = "arithmetic/none", .env = {}, .kind = {}, .goal = {}, .seed = 0, .params = {}}), Error);
}

}  // namespace
}  // namespace hone
