// The cycle with writers that are known in advance.
#include "learners/developmental/cycle.h"

#include <algorithm>
#include <set>

#include "learners/developmental/developmental_test_kit.h"

namespace hone::developmental {
namespace {

using test::FakeTools;
using test::good_writer;
using test::situation;
using test::thrown;

std::vector<Story> run(const Config& config, FakeTools& tools, bool claims = true, std::vector<Situation> situations = {situation("d1")}) {
  const auto judge = make_judge(config);
  CycleContext context{config, *judge, claims, tools, {}};
  return live_through(std::move(situations), context);
}

TEST(DevelopmentalCycle, PhasesComeInOrderAndRepeatUntilTheJudgeIsContent) {
  FakeTools tools(good_writer);
  const auto stories = run(test::small(), tools);
  ASSERT_TRUE(stories[0].accepted) << stories[0].dropped;
  EXPECT_EQ(stories[0].rounds, 2);
  EXPECT_EQ(stories[0].first_rating.stage, 2);
  EXPECT_EQ(stories[0].last_rating.stage, 6);
  std::vector<std::string> roles;
  for (const auto& r : tools.asked) {
    if (roles.empty() || roles.back() != r.role) roles.push_back(r.role);
    EXPECT_EQ(r.asked, r.role == "judge" ? Helper::judge : Helper::writer);
  }
  EXPECT_EQ(roles, (std::vector<std::string>{"experience", "introspection", "analysis", "hypothesis", "revision", "judge", "analysis", "hypothesis", "revision", "judge"}));
}

TEST(DevelopmentalCycle, EachPhaseIsShownWhatTheOnesBeforeItFound) {
  FakeTools tools(good_writer);
  run(test::small(), tools);
  for (const auto& r : tools.asked) {
    const auto& text = r.prompt[0].content;
    const auto has = [&](const char* part) { EXPECT_NE(text.find(part), std::string::npos) << r.key << ": " << part; };
    if (r.role == "introspection" || r.key == "d1/analysis/1/0") has("Reason: She will owe him a favour.");
    if (r.role == "analysis") has("looked at gains; chose"), has("chosen in conscience"), has("pay me back");
    if (r.key == "d1/analysis/2/0") has("They agreed that gates serve people.");
    if (r.role == "hypothesis") {
      has("it is about gain only"), has("3 = "), has("4 = ");
      EXPECT_EQ(text.find("6 = "), std::string::npos) << "the next two stages, not the last";
    }
    if (r.role == "revision") has("what would both accept"), has("### Scenario ###");
  }
}

TEST(DevelopmentalCycle, UnreadableRepliesAreAskedForAgainAndThenDropTheStory) {
  Config config = test::small();
  config.retries = 1;
  int n = 0;
  FakeTools once([&](const Request& r) { return r.role == "introspection" && n++ == 0 ? std::string("hm") : good_writer(r); });
  EXPECT_TRUE(run(config, once)[0].accepted);
  FakeTools never([&](const Request& r) { return r.role == "analysis" ? std::string("STAGE: high\nEVIDENCE: x\nCEILING: y") : good_writer(r); });
  const auto stories = run(config, never);
  EXPECT_FALSE(stories[0].accepted);
  EXPECT_EQ(stories[0].dropped, "unreadable analysis");
  EXPECT_EQ(std::count_if(never.asked.begin(), never.asked.end(), [](const Request& r) { return r.role == "analysis"; }), 2);
}

TEST(DevelopmentalCycle, ARevisionThatSpeaksOfTheCycleIsAskedForAgain) {
  Config config = test::small();
  config.retries = 0;
  FakeTools tools([](const Request& r) { return r.role == "revision" ? std::string("Action: Yes.\nReason: Any human being; this is stage 6.") : good_writer(r); });
  EXPECT_EQ(run(config, tools)[0].dropped, "unreadable revision");
}

TEST(DevelopmentalCycle, WhatNeverReachesTheTargetIsDropped) {
  Config config = test::small();
  config.rounds = 1;
  FakeTools tools(good_writer);
  const auto stories = run(config, tools);
  EXPECT_EQ(stories[0].dropped, "not accepted");
  EXPECT_EQ(stories[0].last_rating.stage, 5);
  config.target_stage = 5;
  FakeTools again(good_writer);
  EXPECT_TRUE(run(config, again)[0].accepted);
}

TEST(DevelopmentalCycle, WithoutClaimedStagesAPreferenceInBothOrdersDecides) {
  FakeTools tools(good_writer);
  const auto stories = run(test::small(), tools, false);
  ASSERT_TRUE(stories[0].accepted);
  EXPECT_EQ(stories[0].last_rating.stage, 0) << "no stage is told";
  FakeTools partial([](const Request& r) { return r.role == "judge" ? std::string("A") : good_writer(r); });
  EXPECT_EQ(run(test::small(), partial, false)[0].dropped, "not accepted");
}

TEST(DevelopmentalCycle, ARefusalIsNoExperienceOfAHighStage) {
  FakeTools tools([](const Request& r) { return r.role == "revision" ? std::string("I'm sorry.\nAction: None.\nReason: Any human being is the same.") : good_writer(r); });
  EXPECT_EQ(run(test::small(), tools)[0].dropped, "refusal");
}

TEST(DevelopmentalCycle, TheWriterMayInventTheScenes) {
  Config config = test::small();
  config.invent = true;
  config.train = 2;
  config.unseen = 1;
  FakeTools tools(good_writer);
  auto situations = situations_of(config, Rng(1));
  ASSERT_EQ(situations.size(), 3U);
  EXPECT_TRUE(situations[0].scenario.empty());
  const auto stories = run(config, tools, true, situations);
  EXPECT_EQ(stories[0].situation.scenario, "Zed keeps a gate. A stranger asks to pass.");
  EXPECT_EQ(stories[0].situation.source, "model");
  EXPECT_NE(tools.asked[0].prompt[0].content.find(situations[0].domain), std::string::npos);
}

TEST(DevelopmentalCycle, ShippedDilemmasAndWordingsOfTheTwoSplitsHaveNothingInCommon) {
  Config config = test::small();
  config.written_by = WrittenBy::hand;
  config.judge = JudgeKind::rules;
  config.train = 200;
  config.unseen = 100;
  FakeTools tools([](const Request&) { return std::string(); });
  const auto judge = make_judge(config);
  CycleContext context{config, *judge, true, tools, {}};
  const auto stories = by_hand(situations_of(config, Rng(1)), context, Rng(2));
  ASSERT_EQ(stories.size(), 300U);
  std::set<std::string> domains[2], reasons[2], names[2];
  int stages[7] = {};
  for (const auto& s : stories) {
    ASSERT_TRUE(s.accepted) << s.first << s.last << s.first_rating.stage;
    EXPECT_LT(s.first_rating.stage, 6);
    EXPECT_EQ(s.last_rating.stage, 6);
    ++stages[s.first_rating.stage];
    EXPECT_EQ(provenance(s).size(), 6U);
    domains[s.situation.unseen].insert(s.situation.domain);
    names[s.situation.unseen].insert(s.situation.who);
    for (const auto* text : {&s.first, &s.last}) {
      const auto a = parse_answer(*text, Fields::two);
      ASSERT_TRUE(a.has_value());
      EXPECT_EQ(a->why.find('{'), std::string::npos) << a->why;
      reasons[s.situation.unseen].insert(a->why);
    }
    EXPECT_EQ(parse_answer(s.first, Fields::two)->action, parse_answer(s.last, Fields::two)->action) << "a pair is about reasons, not a turned verdict";
  }
  for (int stage = 1; stage <= 5; ++stage) EXPECT_GT(stages[stage], 20) << stage;
  for (const auto& x : domains[1]) EXPECT_FALSE(domains[0].contains(x)) << x;
  for (const auto& x : names[1]) EXPECT_FALSE(names[0].contains(x)) << x;
  for (const auto& x : reasons[1]) EXPECT_FALSE(reasons[0].contains(x)) << x;
  EXPECT_TRUE(tools.asked.empty());
}

TEST(DevelopmentalCycle, AskingForMoreDilemmasThanThereAreSaysHowManyThereAre) {
  Config config = test::small();
  config.train = 1000;
  EXPECT_NE(thrown([&] { situations_of(config, Rng(1)); }).find("train: expected at most 224"), std::string::npos);
}

}  // namespace
}  // namespace hone::developmental
