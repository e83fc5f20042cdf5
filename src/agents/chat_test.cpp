#include <gtest/gtest.h>

#include "core/agent.h"
#include "models/scripted.h"

namespace hone {

extern const AgentEntry agent_chat;

namespace {

struct Heard {
  std::vector<std::vector<Message>> prompts;
  std::vector<Sampling> samplings;
};

Brief brief_of(const WorldFacts& facts) {
  Brief brief;
  brief.task.goal = "Reach B.";
  brief.world = &facts;
  brief.rng = Rng(3);
  return brief;
}

TEST(Chat, EachPromptIsTheStartOfTheNext) {
  Heard heard;
  ScriptedModel model([&](std::span<const Message> prompt, const Sampling& sampling) {
    heard.prompts.emplace_back(prompt.begin(), prompt.end());
    heard.samplings.push_back(sampling);
    return "move " + std::to_string(heard.prompts.size());
  });
  WorldFacts facts;
  facts.role = "You play.";
  facts.action_help = "Say a move.";
  const auto agent = agent_chat.make(settings({{"max_tokens", "9"}}), {&model, nullptr});
  Brief brief = brief_of(facts);
  brief.sampling.temperature = 0.7F;
  agent->begin(brief);
  EXPECT_EQ(agent->act({.text = "A . B"}).action, "move 1");
  EXPECT_EQ(agent->act({.text = ". A B"}).action, "move 2");
  ASSERT_EQ(heard.prompts[1].size(), 4U);
  EXPECT_EQ(heard.prompts[0][0].content, "You play.\nSay a move.");
  EXPECT_EQ(heard.prompts[0][1].content, "Reach B.\nA . B");
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(heard.prompts[1][i].content, heard.prompts[0][i].content);
  EXPECT_EQ(heard.prompts[1][2].content, "move 1");
  EXPECT_EQ(heard.prompts[1][2].role, "assistant");
  EXPECT_EQ(heard.prompts[1][3].content, ". A B");
  EXPECT_EQ(heard.samplings[0].max_tokens, 9);
  EXPECT_TRUE(heard.samplings[0].logprobs);
  EXPECT_EQ(heard.samplings[0].temperature, 0.7F);
  EXPECT_NE(heard.samplings[0].seed, heard.samplings[1].seed);
}

TEST(Chat, NotesStandInForTheFirstMessageAndHistoryCanBeLeftOut) {
  std::vector<Message> last;
  ScriptedModel model([&](std::span<const Message> prompt, const Sampling&) {
    last.assign(prompt.begin(), prompt.end());
    return "x";
  });
  WorldFacts facts;
  facts.role = "You play.";
  const auto agent = agent_chat.make(settings({{"history", "false"}}), {&model, nullptr});
  Brief brief = brief_of(facts);
  brief.notes = {"B is the goal."};
  agent->begin(brief);
  agent->act({.text = "one"});
  agent->act({.text = "two"});
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last[0].content, "B is the goal.");
  EXPECT_EQ(last[1].content, "Reach B.\ntwo");
}

TEST(Chat, AReplyStandsForTheChoiceItNames) {
  std::string reply;
  ScriptedModel model([&](std::span<const Message>, const Sampling&) { return reply; });
  const auto agent = agent_chat.make({}, {&model, nullptr});
  const WorldFacts facts;
  const std::vector<std::string> choices{"card", "card lost", "refund"};
  for (const auto& [said, choice] : std::vector<std::pair<std::string, int>>{{"Card.", 0}, {"I say card lost", 1}, {"ref", 2}, {"", 0}, {"refund\n", 2}}) {
    reply = said;
    agent->begin(brief_of(facts));
    const Move move = agent->act({.text = "?", .choices = choices});
    EXPECT_EQ(move.choice, choice) << said;
    EXPECT_EQ(move.action, choices[static_cast<std::size_t>(choice)]);
  }
}

TEST(Chat, IsHeldToTheChoicesWhenAsked) {
  std::vector<std::string> grammars;
  ScriptedModel model([&](std::span<const Message>, const Sampling& sampling) {
    grammars.push_back(sampling.grammar);
    return "b";
  });
  const WorldFacts facts;
  const auto agent = agent_chat.make(settings({{"hold", "true"}}), {&model, nullptr});
  agent->begin(brief_of(facts));
  EXPECT_EQ(agent->act({.text = "?", .choices = {"a", "b"}}).choice, 1);
  agent->act({.text = "free"});
  EXPECT_EQ(grammars, (std::vector<std::string>{"root ::= \"a\" | \"b\"", ""}));
}

TEST(Chat, NeedsAModelThatWrites) { EXPECT_THROW(agent_chat.make({}, {nullptr, nullptr}), Error); }

}  // namespace
}  // namespace hone
