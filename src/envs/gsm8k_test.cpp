#include "envs/gsm8k.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "core/folder_test_kit.h"
#include "envs/conformance_kit.h"
#include "wire/json.h"
#include "wire/text_file.h"

namespace hone {
namespace {

using test::File;

std::string problem(const std::string& question, const std::string& answer) {
  return R"({"question":")" + question + R"(","answer":")" + answer + "\"}\n";
}

std::string refusal(const std::string& text) {
  try {
    parse_gsm8k(text, "p.jsonl");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

std::string opened(std::initializer_list<std::pair<std::string, std::string>> given) {
  try {
    open_gsm8k(settings(given));
  } catch (const Error& e) {
    return e.what();
  }
  return "opened";
}

Outcome answered(const World& world, const Task& task, const std::string& action) {
  const auto env = world.make(Split::test);
  env->reset(task);
  return env->step(action);
}

TEST(Gsm8kAnswer, BothRulesAreThoseOfTheReference) {
  std::ifstream in(conformance::source_dir() + "/tests/reference/gsm8k_answers.json");
  const auto cases = wire::Json::parse(in);
  ASSERT_GE(cases.size(), 60U);
  for (const auto& c : cases) {
    const auto said = c["said"].get<std::string>(), right = c["right"].get<std::string>();
    const auto gold = marked_answer(right);
    ASSERT_TRUE(gold) << right;
    EXPECT_EQ(marked_answer(said).value_or("[invalid]"), c["marked"].get<std::string>()) << said;
    EXPECT_EQ(marked_answer(said) == gold, c["marked_right"].get<bool>()) << said << " | " << right;
    const auto number = last_number(said);
    EXPECT_EQ(number ? wire::Json(*number) : wire::Json(nullptr), c["last"]) << said;
    EXPECT_EQ(number && number == last_number(*gold), c["last_right"].get<bool>()) << said << " | " << right;
  }
}

TEST(Gsm8k, OneAnswerAndAVerdict) {
  File file("all.jsonl", problem("How many?", "so 1,000.\\n#### 1,000"));
  const auto given = settings({{"problems", file.path}, {"train", "0"}, {"validation", "0"}, {"test", "1"}});
  const auto world = open_gsm8k(given);
  EXPECT_EQ(world->facts(Split::test).max_steps, 1);
  const auto task = world->tasks(Split::test).at(0);
  EXPECT_EQ(task.kind, "problem");
  EXPECT_EQ((task.id + task.goal).find("1000"), std::string::npos);
  EXPECT_TRUE(task.params.empty());
  auto out = answered(*world, task, "It is $1,000.00.");
  EXPECT_TRUE(out.solved);
  EXPECT_EQ(out.next.text, "Right.");
  EXPECT_EQ(out.score, 1.0);
  EXPECT_EQ(*out.ending, Ending::terminal);
  out = answered(*world, task, "1000 or 999");
  EXPECT_FALSE(out.solved);
  EXPECT_EQ(out.next.text, "Wrong.");
  EXPECT_EQ(answered(*world, task, "many").next.text, "Wrong: there is no number in this answer.");
  auto marked = given;
  marked["answer"] = Setting{{"marked"}, false, ""};
  const auto strict = open_gsm8k(marked);
  EXPECT_NE(strict->facts(Split::test).action_help.find("####"), std::string::npos);
  EXPECT_FALSE(answered(*strict, task, "1000").solved);
  EXPECT_FALSE(answered(*strict, task, "#### 1000.0").solved) << "compared as text";
  EXPECT_TRUE(answered(*strict, task, "so #### 1,000 in all, not 7").solved);
}

TEST(Gsm8k, TestFileKeepsItsProblemsOutOfTraining) {
  File train("_train.jsonl", problem("One?", "#### 1") + problem("Two?", "#### 2") + problem("Three?", "#### 3"));
  File test("_test.jsonl", problem("ONE", "#### 1") + problem("Four?", "#### 4"));
  const auto world = open_gsm8k(settings({{"problems", train.path}, {"test_problems", test.path}, {"train", "2"}, {"validation", "0"}, {"test", "2"}}));
  std::set<std::string> trained, tested;
  for (const auto& t : world->tasks(Split::train)) trained.insert(t.goal);
  for (const auto& t : world->tasks(Split::test)) tested.insert(t.goal);
  EXPECT_EQ(trained, (std::set<std::string>{"Two?", "Three?"}));
  EXPECT_EQ(tested, (std::set<std::string>{"ONE", "Four?"}));
  EXPECT_NE(opened({{"problems", train.path}, {"test_problems", test.path}}).find("gsm8k: expected at least 100 different problems (test), got 2"), std::string::npos);
  File none("_none.jsonl", "\n");
  EXPECT_NE(opened({{"problems", train.path}, {"test_problems", none.path}}).find("holds no problem"), std::string::npos);
}

TEST(Gsm8k, BadInputGetsOneClearError) {
  const std::string good = problem("One?", "#### 1");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"answer":"#### 1"})", "p.jsonl:2: problem.question: missing"},
      {problem(" ", "#### 1"), "p.jsonl:2: problem.question: expected a problem, got nothing"},
      {R"({"question":"a"})", "p.jsonl:2: problem.answer: missing"},
      {R"({"question":"a","answer":5})", "p.jsonl:2: problem.answer: expected a string, got number 5"},
      {problem("a", "it is 5"), "p.jsonl:2: problem.answer: expected a number behind \"#### \", got \"it is 5\""},
      {problem("a", "#### ,."), "p.jsonl:2: problem.answer: expected a number behind"},
      {"[]\n", "p.jsonl:2: problem: expected an object, got array"},
      {"{\"\xff\":1}\n", "p.jsonl:2:3: not valid UTF-8"},
  };
  for (const auto& [line, message] : bad) EXPECT_NE(refusal(good + line).find(message), std::string::npos) << refusal(good + line) << "\nexpected " << message;
  EXPECT_EQ(parse_gsm8k(good + problem("one", "#### 2"), "p.jsonl").size(), 1U);
  EXPECT_EQ(parse_gsm8k(problem(std::string(10'000'000, 'y'), "#### 2"), "p.jsonl").size(), 1U);
  EXPECT_NE(opened({}).find("field 'problems': expected a file, got none"), std::string::npos);
  EXPECT_NE(opened({{"problems", "/nowhere/p.jsonl"}}).find("no such file"), std::string::npos);
}

}  // namespace
}  // namespace hone
