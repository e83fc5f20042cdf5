// The grammar of answers (developmental_support, section 2.4) and what an answer must not be.
#include "learners/developmental/answer.h"

#include <gtest/gtest.h>

namespace hone::developmental {
namespace {

TEST(DevelopmentalAnswer, FourLabelsInOrderAreRead) {
  const auto a = parse_answer("Thought: one\ntwo\n\nReason: three\nAction: four\nReason: five\n", Fields::four);
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(a->thought, "one\ntwo");
  EXPECT_EQ(a->reason, "three");
  EXPECT_EQ(a->action, "four");
  EXPECT_EQ(a->why, "five");
  const auto again = parse_answer(write_answer(*a, Fields::four), Fields::four);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->thought, a->thought);
}

TEST(DevelopmentalAnswer, CarriageReturnsAndBoldLabelsAreFine) {
  const auto a = parse_answer("**Thought:** one\r\n**Reason**: two\r\nAction:\r\nthree\r\n**Reason:** four\r\n", Fields::four);
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(a->thought, "one");
  EXPECT_EQ(a->reason, "two");
  EXPECT_EQ(a->action, "three");
  EXPECT_EQ(a->why, "four");
}

TEST(DevelopmentalAnswer, WrongOrderMissingExtraAndEmptyLabelsAreFormatErrors) {
  for (const char* text : {"Reason: a\nThought: b\nAction: c\nReason: d", "Thought: a\nReason: b\nAction: c", "Thought: a\nReason: b\nAction: c\nReason: d\nReason: e", "Thought: a\nReason:\nAction: c\nReason: d", "", "It is right."})
    EXPECT_FALSE(parse_answer(text, Fields::four).has_value()) << text;
  EXPECT_FALSE(parse_answer("Action: a\nReason: b\nAction: c", Fields::two).has_value());
  EXPECT_TRUE(parse_answer("Sure.\nAction: a\nReason: b", Fields::two).has_value());
  // A label inside a line is text.
  EXPECT_EQ(parse_answer("Action: a\nReason: the Action: word", Fields::two)->why, "the Action: word");
}

TEST(DevelopmentalAnswer, ThePromptHoldsTheDilemmaAndTheLabels) {
  Situation s;
  s.scenario = "A scene {{question}}.";
  s.question = "Should it?";
  const auto prompt = task_prompt(s, Fields::four);
  EXPECT_NE(prompt.find("### Scenario ###\nA scene {{question}}.\n"), std::string::npos);
  EXPECT_NE(prompt.find("### Question ###\nShould it?\n"), std::string::npos);
  EXPECT_NE(prompt.find("### Output Format ###\nThought:"), std::string::npos);
  EXPECT_EQ(task_prompt(s, Fields::two).find("Thought:"), std::string::npos);
}

TEST(DevelopmentalAnswer, TalkOfTheCycleIsSeen) {
  for (const char* text : {"This is at Stage 6.", "As Kohlberg says", "Unlike my previous answer", "on a higher stage"}) EXPECT_TRUE(mentions_cycle(text)) << text;
  for (const char* text : {"The actor is on stage tonight.", "She answers first."}) EXPECT_FALSE(mentions_cycle(text)) << text;
}

TEST(DevelopmentalAnswer, RefusalsAreKnownByTheirBeginning) {
  EXPECT_TRUE(is_refusal("I'm sorry, but I can't help with that."));
  EXPECT_TRUE(is_refusal("As an AI, I have no view."));
  EXPECT_FALSE(is_refusal("Action: Refuse.\nReason: She said 'I can't help you', and that was wrong."));
}

TEST(DevelopmentalAnswer, FineWordsAreMaskedWholeAndNothingElse) {
  EXPECT_TRUE(has_buzzword("It is unethical."));
  EXPECT_FALSE(has_buzzword("It counts the same for each."));
  EXPECT_EQ(without_buzzwords("Universal principles, and a universe of dignity."), "such such, and a universe of such.");
}

TEST(DevelopmentalAnswer, LabelledLines) {
  const auto read = labelled("noise\nSTAGE: 3\nEVIDENCE: a; b;\n c\nSTAGE: 5\n", {"STAGE", "EVIDENCE"});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->at("STAGE"), "3");
  EXPECT_EQ(entries(read->at("EVIDENCE")), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(labelled("STAGE: 3\n", {"STAGE", "EVIDENCE"}).has_value());
  EXPECT_FALSE(labelled("STAGE: 3\nEVIDENCE:\n", {"STAGE", "EVIDENCE"}).has_value());
}

}  // namespace
}  // namespace hone::developmental
