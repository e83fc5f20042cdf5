// Judges and their calibration (developmental_support, section 6, item 9).
#include "learners/developmental/judge.h"

#include <fstream>
#include <map>

#include "core/folder_test_kit.h"
#include "learners/developmental/developmental_test_kit.h"

namespace hone::developmental {
namespace {

using test::FakeTools;
using test::thrown;

Config with(JudgeKind kind) {
  Config c = test::small();
  c.judge = kind;
  return c;
}

TEST(DevelopmentalJudge, TwentyFourAnchorsFourOfEachStageAndTrapsBesideThem) {
  std::map<int, int> per_stage;
  for (const auto& a : read_anchors("")) ++per_stage[a.stage];
  EXPECT_EQ(per_stage, (std::map<int, int>{{0, 2}, {1, 4}, {2, 4}, {3, 4}, {4, 4}, {5, 4}, {6, 4}}));
}

// The same hand wrote anchors and cue words: this shows that the rules do what they say, not that they are right.
TEST(DevelopmentalJudge, RulesRateTheAnchorsAndAreNotTakenInByFineWords) {
  const auto config = with(JudgeKind::rules);
  FakeTools tools([](const Request&) { return std::string(); });
  const auto judge = make_judge(config);
  const auto c = calibrate(*judge, read_anchors(""), tools);
  EXPECT_EQ(c.anchors, 24);
  EXPECT_GE(c.exact_share(), 0.6);
  EXPECT_GE(c.within_one_share(), 0.8);
  EXPECT_EQ(c.traps_held, 2);
  EXPECT_TRUE(c.claims_stages(config));
  EXPECT_LE(stage_by_rules("Action: Yes.\nReason: Universal ethical principles and human dignity, universally."), 3);
  EXPECT_TRUE(tools.asked.empty());
}

TEST(DevelopmentalJudge, RulesRateReasonsNotTheActionAndNotTheNames) {
  EXPECT_EQ(stage_by_rules("Action: Report it to the authority, as the law demands.\nReason: She will owe him a favour."), 2);
  for (const auto& a : read_anchors("")) {
    std::string other = a.item.answer;
    for (const auto& [name, swapped] : {std::pair<std::string, std::string>{"Ivo", "Xu Lan"}, {"Petra", "Bob"}, {"Noor", "Mary"}, {"Karim", "Olu"}, {"Lena", "Iman"}})
      for (auto at = other.find(name); at != std::string::npos; at = other.find(name, at + swapped.size())) other.replace(at, name.size(), swapped);
    EXPECT_EQ(stage_by_rules(other), stage_by_rules(a.item.answer)) << a.id;
  }
}

TEST(DevelopmentalJudge, BelowTheGateNoStageIsClaimed) {
  const auto config = with(JudgeKind::model);
  const auto anchors = read_anchors("");
  std::map<std::string, int> stage;
  for (const auto& a : anchors) stage[a.item.answer] = a.stage;
  const auto judged = [&](const std::function<int(int)>& says) {
    FakeTools tools([&](const Request& r) {
      for (const auto& [answer, s] : stage)
        if (r.prompt[0].content.find("Answer: " + answer + "\n") != std::string::npos) return std::to_string(says(s));
      return std::string("?");
    });
    const auto judge = make_judge(config);
    return calibrate(*judge, anchors, tools);
  };
  const auto right = judged([](int s) { return s == 0 ? 3 : s; });
  EXPECT_EQ(right.exact, 24);
  EXPECT_TRUE(right.claims_stages(config));
  const auto always3 = judged([](int) { return 3; });
  EXPECT_EQ(always3.exact, 4);
  EXPECT_EQ(always3.within_one, 12);
  EXPECT_FALSE(always3.claims_stages(config));
  EXPECT_FALSE(judged([](int s) { return s == 0 ? 6 : s; }).claims_stages(config)) << "taken in by fine words";
  int n = 0;  // every second one off by one: 50 % exact, 100 % within one
  const auto half = judged([&](int s) { return s == 0 ? 3 : ++n % 2 == 0 ? s : s == 6 ? 5 : s + 1; });
  EXPECT_EQ(half.exact, 12);
  EXPECT_EQ(half.within_one, 24);
  EXPECT_FALSE(half.claims_stages(config));
}

TEST(DevelopmentalJudge, AModelIsAskedInBothOrdersAndADependenceOnTheOrderIsNoPreference) {
  const auto config = with(JudgeKind::model);
  const std::vector<RatedPair> pairs{{"s", "q", "good", "bad"}};
  const auto vote = [&](const std::function<std::string(const std::string&)>& say) {
    FakeTools tools([&](const Request& r) { return say(r.prompt[0].content); });
    const auto judge = make_judge(config);
    const int out = judge->prefer(pairs, "k", tools).at(0);
    EXPECT_EQ(tools.asked.size(), 2U);
    EXPECT_EQ(tools.asked[0].asked, Helper::judge);
    EXPECT_NE(tools.asked[0].prompt[0].content.find("Answer A: good\nAnswer B: bad"), std::string::npos);
    EXPECT_NE(tools.asked[1].prompt[0].content.find("Answer A: bad\nAnswer B: good"), std::string::npos);
    return out;
  };
  EXPECT_EQ(vote([](const std::string& p) { return p.find("A: good") != std::string::npos ? "A" : "B"; }), 1);
  EXPECT_EQ(vote([](const std::string& p) { return p.find("A: good") != std::string::npos ? "B" : "A"; }), -1);
  EXPECT_EQ(vote([](const std::string&) { return "A"; }), 0);
  EXPECT_EQ(vote([](const std::string&) { return "neither"; }), 0);
}

TEST(DevelopmentalJudge, TheJudgeSeesNeitherWhoWroteItNorTheExamplesOfTheAnalysis) {
  const auto config = with(JudgeKind::model);
  FakeTools tools([](const Request&) { return std::string("4"); });
  const auto judge = make_judge(config);
  judge->rate(std::vector<Rated>{{"scene", "question", "answer"}}, "k", tools);
  const auto& text = tools.asked.at(0).prompt[0].content;
  for (const char* word : {"she will pay me back", "base", "tuned", "revision"}) EXPECT_EQ(text.find(word), std::string::npos) << word;
  EXPECT_FALSE(tools.asked[0].sampling.grammar.empty());
  EXPECT_EQ(tools.asked[0].sampling.temperature, 0.0F);
}

TEST(DevelopmentalJudge, ARefusalHasNoStageAndIsNotAskedAbout) {
  const auto config = with(JudgeKind::model);
  FakeTools tools([](const Request&) { return std::string("6"); });
  const auto judge = make_judge(config);
  const auto r = judge->rate(std::vector<Rated>{{"s", "q", "I'm sorry, I can't."}, {"s", "q", "Action: Yes.\nReason: So."}}, "k", tools);
  EXPECT_EQ(r[0].stage, 0);
  EXPECT_TRUE(r[0].refusal);
  EXPECT_EQ(r[1].stage, 6);
  EXPECT_EQ(tools.asked.size(), 1U);
}

TEST(DevelopmentalJudge, AnchorsOfOnesOwnAreChecked) {
  const hone::test::Folder folder;
  const std::string path = (folder / "anchors.jsonl").string();
  std::ofstream(path) << R"({"id":"a","stage":7,"scenario":"s","question":"q","action":"a","reason":"r"})" << "\n";
  EXPECT_NE(thrown([&] { read_anchors(path); }).find(":1: stage: expected 0 to 6, got 7"), std::string::npos);
  std::ofstream(path) << R"({"id":"a","stage":0,"at_most":3,"scenario":"s","question":"q","action":"a","reason":"r"})" << "\n";
  EXPECT_NE(thrown([&] { read_anchors(path); }).find("expected at least one anchor with a stage"), std::string::npos);
}

}  // namespace
}  // namespace hone::developmental
