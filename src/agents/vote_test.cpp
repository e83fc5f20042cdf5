#include <gtest/gtest.h>

#include <map>

#include "agents/planted_lessons.h"
#include "core/agent.h"

namespace hone {

extern constinit const AgentEntry agent_vote;

namespace {

Brief brief_of(const Lessons* lessons, std::uint64_t seed = 7) {
  Brief b;
  b.task = {.id = "desk/1", .env = "desk", .kind = "route", .goal = "x", .seed = 1, .params = {}};
  b.lessons.lessons = lessons;
  b.rng = Rng(seed);
  return b;
}
const Observation abc{"", {"a", "b", "c"}, {}};

Move vote(const Lessons* lessons, const Settings& given, std::uint64_t seed = 7) {
  const auto agent = agent_vote.make(given, {});
  agent->begin(brief_of(lessons, seed));
  return agent->act(abc);
}

TEST(Vote, TheWeightOfTheNearestSolvedCasesDecides) {
  PlantedLessons lessons({planted_case("1", "t", {"a"}, 0.9), planted_case("2", "t", {"b"}, 0.6), planted_case("3", "t", {"c", "b"}, 0.5),
                          planted_case("4", "t", {"c"}, 1.0, false)});
  EXPECT_EQ(vote(&lessons, {}).action, "b");                          // 0.6 + 0.5 > 0.9
  EXPECT_EQ(vote(&lessons, settings({{"k", "2"}})).action, "a");      // 0.9 > 0.6
  EXPECT_EQ(vote(&lessons, settings({{"power", "4"}})).action, "a");  // 0.66 > 0.13 + 0.06
  const auto move = vote(&lessons, {});
  EXPECT_EQ(move.choice, 1);
  EXPECT_EQ(move.lessons.size(), 3U);  // the failed case has no voice
}

TEST(Vote, FailedCasesCountAgainstWhenAsked) {
  PlantedLessons lessons({planted_case("1", "t", {"a"}, 0.5), planted_case("2", "t", {"b"}, 0.45), planted_case("3", "t", {"a"}, 0.9, false)});
  EXPECT_EQ(vote(&lessons, {}).action, "a");
  EXPECT_EQ(vote(&lessons, settings({{"bounced", "3"}})).action, "b");
}

TEST(Vote, EqualSharesAreDrawnByLot) {
  std::map<std::string, int> taken;
  for (std::uint64_t seed = 0; seed < 300; ++seed) ++taken[vote(nullptr, {}, seed).action];
  for (const auto& [action, n] : taken) EXPECT_NEAR(n, 100, 35) << action;  // about 4 standard deviations
  EXPECT_EQ(taken.size(), 3U);
}

}  // namespace
}  // namespace hone
