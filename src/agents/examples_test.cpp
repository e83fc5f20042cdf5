#include "agents/examples.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agents/planted_lessons.h"
#include "agents/react.h"
#include "core/folder_test_kit.h"
#include "models/scripted.h"

namespace hone {
namespace {

using test::File;

std::string refusal(const std::string& text) {
  const File file("examples.jsonl", text);
  try {
    read_examples(file.path);
  } catch (const Error& e) {
    return std::string(e.what()).substr(file.path.size());
  }
  return "accepted";
}

constexpr const char* two = R"({"task": "Where is the pear?", "steps": [{"thought": "I look in the bowl.", "action": "Look[bowl]", "observation": "A pear."}, {"action": "Finish[bowl]"}]}

{"task": "Which is older?", "kind": "route", "steps": [{"action": "Finish[the oak]", "observation": "Right."}]}
)";

TEST(Examples, BecomeCasesAsAnAgentsOwn) {
  const File file("examples.jsonl", two);
  const auto read = read_examples(file.path);
  ASSERT_EQ(read.size(), 2U);
  const Case with = read[0].as_case("Action", true);
  EXPECT_EQ(with.task, "Where is the pear?");
  EXPECT_EQ(with.transcript, "Thought: I look in the bowl.\nAction: Look[bowl]\nA pear.\nAction: Finish[bowl]");
  EXPECT_EQ(with.actions, (std::vector<std::string>{"Look[bowl]", "Finish[bowl]"}));
  EXPECT_EQ(with.thoughts, std::vector<std::string>{"I look in the bowl."});
  EXPECT_EQ(read[0].as_case("Queue", false).transcript, "Queue: Look[bowl]\nA pear.\nQueue: Finish[bowl]");
  EXPECT_EQ(read[1].kind, "route");
}

TEST(Examples, WhatDoesNotFitIsNamed) {
  EXPECT_EQ(refusal("\n"), ": expected at least one solved task (task, steps), got none");
  EXPECT_EQ(refusal("{\"task\": \"a\"}\n"), ":1: example.steps: missing");
  EXPECT_EQ(refusal("\n{\"task\": \"a\", \"steps\": []}\n").substr(0, 20), ":2: example.steps: e");
  EXPECT_EQ(refusal("{\"task\": \"a\", \"steps\": [{\"action\": \" \"}]}\n"), ":1: example.steps[0].action: expected an action, got nothing");
  EXPECT_NE(refusal("{\"task\": 3, \"steps\": []}\n").find("example.task"), std::string::npos);
  EXPECT_THROW(read_examples("/nowhere/at/all.jsonl"), Error);
}

// The prompts that a react agent writes with, for a task of this kind.
std::string prompt_of(const std::string& kind, const Lessons* lessons, std::initializer_list<std::pair<const char*, const char*>> more) {
  const File file("examples.jsonl", two);
  Settings given = settings({{"format", "chat"}, {"cases", "2"}});
  given["examples"] = {{file.path}, false, ""};
  for (const auto& [name, value] : more) given[name] = {{value}, false, ""};
  std::string seen;
  ScriptedModel model(
      [&](std::span<const Message> messages, const Sampling&) {
        seen.clear();
        for (const auto& m : messages) seen += m.content + "\n";
        return std::string("Action: Finish[x]");
      },
      [](const ChoiceRequest&, std::size_t) { return 0.0; });
  WorldFacts world;
  world.name = "desk", world.action_word = "Action", world.task_word = "Question";
  const auto agent = make_react(given, {&model, &model});
  Brief brief;
  brief.task = {.id = "desk/1", .env = "desk", .kind = kind, .goal = "Which tree is older?", .seed = 1, .params = {}};
  brief.world = &world;
  brief.lessons.lessons = lessons;
  agent->begin(brief);
  agent->act({});
  return seen;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Examples, FillThePlacesForWhichNothingIsRecalled) {
  const std::string bare = prompt_of("route", nullptr, {});
  EXPECT_TRUE(has(bare, "Question: Where is the pear?\nThought: I look in the bowl.\nAction: Look[bowl]\nA pear.")) << bare;
  EXPECT_TRUE(has(bare, "Which is older?")) << bare;
  EXPECT_FALSE(has(prompt_of("bridge", nullptr, {}), "Which is older?")) << "of another kind";
  EXPECT_FALSE(has(prompt_of("route", nullptr, {{"cases", "1"}}), "Which is older?"));
  EXPECT_FALSE(has(prompt_of("route", nullptr, {{"thoughts", "0"}}), "I look in the bowl.")) << "an agent that doesn't think is shown no thoughts";
  PlantedLessons one({planted_case("1", "the elm and the ash", {"Finish[the elm]"}, 0.9)}), many({planted_case("1", "elm", {"Finish[the elm]"}, 0.9), planted_case("2", "ash", {"Finish[the ash]"}, 0.8)});
  const std::string mixed = prompt_of("route", &one, {});
  EXPECT_TRUE(has(mixed, "the elm and the ash") && has(mixed, "the pear") && !has(mixed, "Which is older?")) << mixed;
  EXPECT_LT(mixed.find("the pear"), mixed.find("the elm and the ash")) << "what is near comes last";
  const std::string own = prompt_of("route", &many, {});
  EXPECT_TRUE(has(own, "elm") && has(own, "ash") && !has(own, "the pear")) << own;
}

}  // namespace
}  // namespace hone
