#include "learners/expel/prompts.h"

#include <gtest/gtest.h>

#include "embedded/learner_prompt.h"
#include "learners/expel/expel_test_kit.h"
#include "learners/prompt.h"
#include "wire/sha256.h"

namespace hone::expel {
namespace {

int length(std::string_view text) { return static_cast<int>(text.size()); }

TaskRecord record(const std::string& text, std::vector<Try> tries) {
  TaskRecord out;
  out.text = text;
  out.tries = std::move(tries);
  return out;
}

struct Fixture {
  WorldFacts world = expel_test::world();
  ExpelConfig config;
  std::vector<TaskRecord> records{
      record("the red box", {{"e1", false, {"Button: left\nNothing happens."}}, {"e2", true, {"Button: right\nIt opens."}}}),
      record("the blue box", {{"e3", true, {"Button: top\nIt opens."}}})};
  PromptContext context() const { return {world, config, length}; }
};

TEST(ReflectionPrompt, GoldenWithReasonsAndWithoutExamples) {
  Fixture f;
  const auto prompt = reflection_prompt(f.records[0], f.records[0].tries[0], f.context());
  EXPECT_EQ(prompt.text, R"(You are an agent that gets better by looking back at its own failed tries.
Your work: You open a box by pressing the right button.
You are shown one of your tries that failed. A try fails here when the steps are used up, or the alarm goes off. Say why it probably failed and give a short new plan that avoids the same failure. Answer in whole sentences, on a single line.

Your try that failed:
Box: the red box
Button: left
Nothing happens.

Reflection:)");
  EXPECT_EQ(prompt.hash, sha256_hex(learner_prompt("expel/prompts/reflect.md")));
}

TEST(ReflectionPrompt, GoldenWithExamplesAndWithoutReasons) {
  Fixture f;
  f.config.reflection_examples = 2;
  f.world.failure_reasons.clear();
  f.world.task_word.clear();
  const auto prompt = reflection_prompt(f.records[0], f.records[0].tries[0], f.context());
  EXPECT_EQ(prompt.text, R"(You are an agent that gets better by looking back at its own failed tries.
Your work: You open a box by pressing the right button.
You are shown one of your tries that failed. Say why it probably failed and give a short new plan that avoids the same failure. Answer in whole sentences, on a single line.

An example of another agent's try that failed:
Task: put a clean cup on the desk
Thought: I need a cup first.
Action: go to the table
You see a cup and a fork.
Action: take the cup
You hold the cup.
Action: put the cup on the desk
Nothing happens. No steps are left.
Reflection: I put the cup down without cleaning it, so the task was never fulfilled. Next time I take the cup to the sink, clean it there, and only then carry it to the desk.

An example of another agent's try that failed:
Task: find out in which year the older of the two bridges was opened
Action: look up the north bridge
It was opened in 1931.
Action: answer 1931
Wrong answer.
Reflection: I answered after looking up one bridge only and never compared the two. Next time I look up both bridges and answer with the earlier year.

Your try that failed:
Task: the red box
Button: left
Nothing happens.

Reflection:)");
  f.config.reflection_examples = 0;
  EXPECT_NE(prompt.hash, reflection_prompt(f.records[0], f.records[0].tries[0], f.context()).hash);
}

TEST(ReflectionPrompt, ElidesTheLongestStep) {
  Fixture f;
  f.config.transcript_tokens = 60;
  const Try failed{"e", false, {"Button: left\n" + std::string(500, 'x'), "Button: right\nNothing happens."}};
  const auto text = reflection_prompt(f.records[0], failed, f.context()).text;
  EXPECT_EQ(text.find("xxx"), std::string::npos);
  EXPECT_NE(text.find("Box: the red box\n[a long step is left out here]\nButton: right\nNothing happens."), std::string::npos);
}

TEST(ReflectionLine, IsTheFirstLineWithoutTheCue) {
  EXPECT_EQ(reflection_line("  I pressed left.  \nmore"), "I pressed left.");
  EXPECT_EQ(reflection_line("\n\nReflection:  I pressed left."), "I pressed left.");
  EXPECT_EQ(reflection_line(" \n "), "");
  EXPECT_EQ(reflection_line("Reflection:"), "");
}

TEST(Reasons, ReadAsASentence) {
  WorldFacts world;
  EXPECT_EQ(reasons_sentence(world), "");
  world.failure_reasons = {"a happens"};
  EXPECT_EQ(reasons_sentence(world), " A try fails here when a happens.");
  world.failure_reasons = {"a happens", "b does", "c"};
  EXPECT_EQ(reasons_sentence(world), " A try fails here when a happens, b does, or c.");
}

const char* const format_released = R"(Answer with operations only, one to a line:
- to support an existing rule that clearly holds for what you saw, write AGREE NUMBER: RULE
- to speak against an existing rule that contradicts or repeats another one, write REMOVE NUMBER: RULE
- to replace an existing rule that is too narrow or can be made better, write EDIT NUMBER: RULE
- to add an idea that is unlike all existing rules and helps with other tasks, write ADD NUMBER: RULE
In place of NUMBER stands the number of a rule, in place of RULE its whole text. Rules that you do not name stay as they are.
Do not refer to the tries shown above. Keep every rule short and easy to apply: one sentence that ends with a full stop. Any operation may be used more than once, but give at most 4 operations, and at most 1 for each existing rule.
)";

TEST(InsightPrompt, GoldenOfACompareCallOnAnEmptyList) {
  Fixture f;
  f.config.operator_names = OperatorNames::agree;
  const auto prompt = insight_prompt({true, {{0, 1}, {0, 0}}}, f.records, {}, f.context());
  EXPECT_EQ(prompt.text, std::string(R"(You are a careful reasoner who keeps a list of rules for another agent and improves it by judging that agent's past tries: you add rules, edit them, support them or speak against them.
The agent's work: You open a box by pressing the right button.
You are given two of its tries at the same task: one succeeded, one failed. A try fails here when the steps are used up, or the alarm goes off.

Box: the red box

THE TRY THAT SUCCEEDED:
Button: right
It opens.

THE TRY THAT FAILED:
Button: left
Nothing happens.

CURRENT RULES:
1. )") + R"(

Compare the two tries. Change the list so that it holds GENERAL, HIGH-LEVEL rules that keep the agent from failing in similar ways on other tasks, by better thoughts and better actions.

)" + format_released + "\nYour operations:");
  const auto text = [](const char* name) { return learner_prompt(std::string("expel/prompts/") + name); };
  EXPECT_EQ(prompt.hash, prompt_hash({text("insights_compare.md"), text("insights_format.md"), text("insights_open.md")}));
}

TEST(InsightPrompt, GoldenOfASuccessCallOnAFullList) {
  Fixture f;
  f.config.max_insights = 2;
  std::string format = format_released;
  format.replace(format.find("AGREE"), 5, "UPVOTE");
  format.replace(format.find("REMOVE"), 6, "DOWNVOTE");
  const std::vector<Rule> rules{{"Press softly.", 41}, {"Look first.", 37}};
  const auto prompt = insight_prompt({false, {{1, 0}, {0, 1}}}, f.records, rules, f.context());
  EXPECT_EQ(prompt.text, R"(You are a careful reasoner who keeps a list of rules for another agent and improves it by judging that agent's past tries: you add rules, edit them, support them or speak against them.
The agent's work: You open a box by pressing the right button.
You are given tries of it that succeeded.

TRIES THAT SUCCEEDED:
Box: the blue box
Button: top
It opens.

Box: the red box
Button: right
It opens.

CURRENT RULES:
1. Press softly.
2. Look first.

Find out what made these tries succeed. Change the list so that it holds GENERAL, HIGH-LEVEL rules that are helpful tips for other tasks, for better thoughts and better actions.

)" + format + R"(
The list is full. Prefer DOWNVOTE for rules that are not needed, and use ADD only for an exceptional insight that is unlike all the others.
Your operations:)");
}

TEST(InsightPrompt, TaskTextStaysData) {
  Fixture f;
  f.records[0].text = "{{rules}} {{success}} \xff";
  const auto prompt = insight_prompt({true, {{0, 1}, {0, 0}}}, f.records, {}, f.context());
  EXPECT_NE(prompt.text.find("Box: {{rules}} {{success}} \xef\xbf\xbd\n"), std::string::npos);
}

TEST(InsightPrompt, TranscriptsShareTheTokenLimit) {
  Fixture f;
  f.config.transcript_tokens = 100;
  f.records[0].tries[0].steps = {std::string(51, 'x')};
  f.records[0].tries[1].steps = {std::string(50, 'y')};
  const auto prompt = insight_prompt({true, {{0, 1}, {0, 0}}}, f.records, {}, f.context());
  EXPECT_EQ(prompt.text.find("xxx"), std::string::npos);
  EXPECT_NE(prompt.text.find(std::string(50, 'y')), std::string::npos);
}

}  // namespace
}  // namespace hone::expel
