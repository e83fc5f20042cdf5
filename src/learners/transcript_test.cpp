#include "learners/transcript.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

using Texts = std::vector<std::string>;
const WorldFacts desk = [] {
  WorldFacts facts;
  facts.action_word = "Queue";
  return facts;
}();

Step step(const std::string& seen, const std::string& thought, const std::string& action) {
  Step out;
  out.seen = {seen, {"never", "shown"}, {}};
  out.did.action = action;
  out.did.thought = thought;
  return out;
}

Episode bounced_then_solved() {
  Episode e;
  e.id = "e1";
  e.task = {"t1", "desk", "route", "where is my money", 0, {}};
  e.steps = {step("where is my money\n", "", "billing"), step("Bounced.", "Not billing then.", "refunds")};
  e.last.text = "Solved.";
  e.solved = true;
  e.notes = {"look twice"};
  return e;
}

Texts keys_of(const Lesson& lesson, RecallKey kind) {
  Texts out;
  for (const auto& key : lesson.keys)
    if (key.kind == kind) out.push_back(key.text);
  return out;
}

TEST(Transcript, OfASingleDecisionIsTwoLines) {
  Episode e = bounced_then_solved();
  e.steps = {step("", "", "refunds")};
  EXPECT_EQ(transcript_of(e, desk), "Queue: refunds\nSolved.");
}

TEST(Transcript, LeavesOutTheTaskAndEndsWithTheVerdict) {
  EXPECT_EQ(transcript_of(bounced_then_solved(), desk), "Queue: billing\nBounced.\nThought: Not billing then.\nQueue: refunds\nSolved.");
}

TEST(Transcript, AStepClosesAtTheObservationAfterItsMove) {
  EXPECT_EQ(transcript_steps(bounced_then_solved(), desk), (Texts{"Queue: billing\nBounced.", "Thought: Not billing then.\nQueue: refunds\nSolved."}));
  Episode e = bounced_then_solved();
  e.steps[0].seen.text = "You stand in a room.";
  EXPECT_EQ(transcript_steps(e, WorldFacts{})[0], "You stand in a room.\nAction: billing\nBounced.");
}

TEST(Transcript, ShowsAnEmptyMoveAndRepairsInvalidText) {
  Episode e = bounced_then_solved();
  e.steps = {step("", "", " "), step("\xff", "", "x")};
  EXPECT_EQ(transcript_steps(e, desk)[0], "Queue:\n\xef\xbf\xbd");
  EXPECT_TRUE(transcript_steps(Episode{}, desk).empty());
}

int length(std::string_view text) { return static_cast<int>(text.size()); }

TEST(Elision, LeavesOutTheLongestStepsOneByOneUntilItFits) {
  const std::string a(100, 'a'), b(300, 'b'), c(200, 'c'), mark = "[a long step is left out here]";
  const int m = length(mark);
  EXPECT_EQ(elided({a, b, c}, 600, length), a + "\n" + b + "\n" + c);
  EXPECT_EQ(elided({a, b, c}, 599, length), a + "\n" + mark + "\n" + c);
  EXPECT_EQ(elided({a, b, c}, 300 + m, length), a + "\n" + mark + "\n" + c);
  EXPECT_EQ(elided({a, b, c}, 299 + m, length), a + "\n" + mark + "\n" + mark);
  EXPECT_EQ(elided({a, b, c}, 1, length), mark + "\n" + mark + "\n" + mark);  // all gone, and it ends
  EXPECT_EQ(elided({a, b, c}, 0, length), a + "\n" + b + "\n" + c);
  EXPECT_EQ(elided({c, a, c}, 499, length), mark + "\n" + a + "\n" + c);  // the first of equals
  EXPECT_EQ(elided({}, 5, length), "");
}

TEST(Case, CarriesEveryKindOfKeyAndItsEvidence) {
  const Lesson lesson = case_of(bounced_then_solved(), desk,
                                {RecallKey::task, RecallKey::thought, RecallKey::action, RecallKey::step, RecallKey::reflection});
  EXPECT_EQ(keys_of(lesson, RecallKey::task), Texts{"where is my money"});
  EXPECT_EQ(keys_of(lesson, RecallKey::thought), Texts{"Not billing then."});
  EXPECT_EQ(keys_of(lesson, RecallKey::action), (Texts{"billing", "refunds"}));
  EXPECT_EQ(keys_of(lesson, RecallKey::step), (Texts{"Queue: billing\nBounced.", "Thought: Not billing then.\nQueue: refunds\nSolved."}));
  EXPECT_EQ(keys_of(lesson, RecallKey::reflection), Texts{"look twice"});
  EXPECT_EQ(lesson.evidence, Texts{"e1"});
  EXPECT_EQ(lesson.env, "desk");
  EXPECT_EQ(lesson.kind, "route");
  EXPECT_TRUE(lesson.prompt_hash.empty());
  const auto& it = std::get<Case>(lesson.what);
  EXPECT_EQ(it.task_id, "t1");
  EXPECT_EQ(it.task, "where is my money");
  EXPECT_EQ(it.transcript, transcript_of(bounced_then_solved(), desk));
  EXPECT_EQ(it.actions, (Texts{"billing", "refunds"}));  // the last one solved it
  EXPECT_EQ(it.thoughts, Texts{"Not billing then."});
  EXPECT_TRUE(it.solved);
}

TEST(Case, HasOnlyTheKeysAskedForAndNoneTwice) {
  Episode e = bounced_then_solved();
  e.steps[1].did.action = " billing ";
  const Lesson lesson = case_of(e, desk, {RecallKey::action});
  ASSERT_EQ(lesson.keys.size(), 1U);
  EXPECT_EQ(lesson.keys[0].text, "billing");
}

TEST(Transcript, TheDirectWayLeavesOutDetoursAndLooksThatLedNowhere) {
  // At the door one may go to the hall, the attic or the cellar; the key is in the cellar.
  const std::vector<std::string> door{"hall", "attic", "cellar"}, attic{"take hat", "hall", "cellar"}, hat{"put hat", "hall", "cellar"}, cellar{"take key", "hall"}, key{"open door", "hall"};
  Episode e;
  e.task.goal = "leave";
  const auto add = [&](std::string seen, std::vector<std::string> choices, bool changed, std::string action) {
    Step step;
    step.seen = {std::move(seen), std::move(choices), {}, changed};
    step.did.action = std::move(action);
    e.steps.push_back(std::move(step));
  };
  add("You stand at the door.", door, true, "attic");
  add("A hat.", attic, false, "take hat");
  add("You have the hat.", hat, true, "put hat");
  add("You put it back.", attic, true, "hall");
  add("The hall.", {"attic", "cellar"}, false, "cellar");
  add("A key.", cellar, false, "take key");
  add("You have the key.", key, true, "open door");
  e.last = {"You are out.", {}, {}, true};
  EXPECT_EQ(direct_steps(e), (std::vector<std::size_t>{4, 5, 6}));
  const auto lesson = case_of(e, WorldFacts{}, {RecallKey::task}, true);
  const auto& it = std::get<Case>(lesson.what);
  EXPECT_EQ(it.transcript, "You stand at the door.\nAction: cellar\nA key.\nAction: take key\nYou have the key.\nAction: open door\nYou are out.");
  EXPECT_EQ(it.actions, (std::vector<std::string>{"cellar", "take key", "open door"}));
  EXPECT_EQ(std::get<Case>(case_of(e, WorldFacts{}, {RecallKey::task}).what).actions.size(), 7U);
  for (auto& step : e.steps) step.seen.choices.clear(), step.seen.changed = true;
  EXPECT_EQ(direct_steps(e).size(), 7U) << "a world that tells neither keeps all";
}

}  // namespace
}  // namespace hone
