#include "learners/expel/transfer.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

Case example(const std::string& task, const std::string& transcript) {
  Case out;
  out.task = task;
  out.transcript = transcript;
  return out;
}

Lesson insight(const std::string& text, int count, std::vector<std::string> evidence) {
  Lesson lesson;
  lesson.what = Insight{text, count};
  lesson.evidence = std::move(evidence);
  return lesson;
}

Transfer transfer() {
  Transfer t;
  t.source.role = "You route requests of the north office.";
  t.source.action_help = "Name one queue.";
  t.target.name = "south";
  t.target.role = "You route requests of the south office.";
  t.target.action_help = "Name one desk.";
  t.target.task_word = "Request";
  t.insights = {insight("Read the last sentence first.", 5, {"e1", "e2"}), insight("Words like refund decide.", 2, {"e2", "e3"})};
  return t;
}

TEST(Transfer, GoldenWithoutDemonstrations) {
  const Request request = transfer_request(transfer());
  ASSERT_EQ(request.prompt.size(), 1U);
  EXPECT_EQ(request.prompt[0].role, "user");
  EXPECT_EQ(request.prompt[0].content, R"(You are a teacher who has gathered experience with one kind of task and hands it on to a student who is about to start with another kind.

YOUR KIND OF TASK:
You route requests of the north office.
Name one queue.

WHAT YOU LEARNED (importance in brackets):
- Read the last sentence first. (importance 5)
- Words like refund decide. (importance 2)

THE STUDENT'S KIND OF TASK:
You route requests of the south office.
Name one desk.

Write one short paragraph in plain words that gives the student the advice which helps with the student's kind of task, the important things first. Do not say which of your experiences a sentence comes from.

Your advice:)");
  EXPECT_EQ(request.role, "transfer");
  EXPECT_EQ(request.sampling.temperature, 0.0F);
}

TEST(Transfer, GoldenWithDemonstrationsDiffersByThemOnly) {
  Transfer t = transfer();
  std::string expected = transfer_request(t).prompt[0].content;
  t.examples = {example("my card is gone", "Queue: cards\nSolved."), example("hello", "Queue: other\nSolved.")};
  expected.replace(expected.find("Name one desk.\n"), 15, R"(Name one desk.

HOW THE STUDENT'S TASKS LOOK:
Request: my card is gone
Queue: cards
Solved.

Request: hello
Queue: other
Solved.
)");
  EXPECT_EQ(transfer_request(t).prompt[0].content, expected);
}

TEST(Transfer, TheParagraphBecomesOneInsightRestingOnAllSources) {
  Generation reply;
  reply.text = "\n Read to the end: it decides. Look for refund. \n";
  const Lesson lesson = transferred_insight(transfer(), reply);
  const auto& it = std::get<Insight>(lesson.what);
  EXPECT_EQ(it.text, "Read to the end: it decides. Look for refund.");
  EXPECT_EQ(it.count, 5);
  EXPECT_EQ(lesson.evidence, (std::vector<std::string>{"e1", "e2", "e3"}));
  EXPECT_EQ(lesson.env, "south");
  EXPECT_EQ(lesson.scope, "");
  EXPECT_EQ(lesson.prompt_hash.size(), 64U);
  Transfer with = transfer();
  with.examples = {example("x", "y")};
  EXPECT_NE(transferred_insight(with, reply).prompt_hash, lesson.prompt_hash);
}

TEST(Transfer, NeedsInsightsAndAReply) {
  Transfer t = transfer();
  t.insights[0].what = t.insights[1].what = Case{};
  EXPECT_THROW(transfer_request(t), Error);
  Generation blank;
  blank.text = " \n";
  EXPECT_THROW(transferred_insight(transfer(), blank), Error);
}

}  // namespace
}  // namespace hone
