#include <gtest/gtest.h>

#include <cstdlib>

#include "agents/planted_lessons.h"
#include "core/agent.h"
#include "core/error.h"

namespace hone {

extern constinit const AgentEntry agent_process;

namespace {

std::string source_dir() {
  if (const char* dir = std::getenv("HONE_SOURCE_DIR")) return dir;
  const std::string here = __FILE__;
  return here.substr(0, here.rfind("/src/agents/"));
}

Settings program(std::vector<std::string> command) { return {{"command", {std::move(command), true, ""}}, {"timeout_seconds", {{"5"}, false, ""}}}; }
std::unique_ptr<Agent> example() { return agent_process.make(program({"python3", source_dir() + "/examples/own_agent.py"}), {}); }
// Answers the hello with {} and then one line per question.
std::unique_ptr<Agent> scripted(const std::vector<std::string>& answers) {
  std::string script = "read -r q; echo '{}'; ";
  for (const auto& a : answers) script += "read -r q; echo '" + a + "'; ";
  return agent_process.make(program({"/bin/sh", "-c", script + "read -r q"}), {});
}

const WorldFacts desk{.name = "desk", .role = "r", .action_help = "h", .task_word = "Request", .action_word = "Queue", .max_steps = 1, .failure_reasons = {}};

Brief brief_of(const std::string& goal, const Lessons* lessons) {
  Brief b;
  b.task = {.id = "desk/1", .env = "desk", .kind = "route", .goal = goal, .seed = 1, .params = {}};
  b.world = &desk;
  b.lessons.lessons = lessons;
  b.rng = Rng(7);
  return b;
}

TEST(ProcessAgent, TheExampleUsesWhatWasLearned) {
  PlantedLessons lessons({planted_case("1", "the kettle leaks", {"b", "c"}, 0.9), planted_case("2", "my voucher is empty", {"a"}, 0.8)});
  const Observation seen{"", {"a", "b", "c"}, {}};
  for (const auto& [goal, action, choice] : std::vector<std::tuple<std::string, std::string, int>>{{"the voucher was empty", "a", 0}, {"a kettle that leaks", "c", 2}}) {
    const auto agent = example();
    agent->begin(brief_of(goal, &lessons));
    const auto move = agent->act(seen);
    EXPECT_EQ(move.action, action);
    EXPECT_EQ(move.choice, choice);
    EXPECT_EQ(move.thought, "2 cases fit");
    ASSERT_EQ(move.lessons.size(), 2U);
    EXPECT_EQ(move.lessons[0].how, LessonUse::used);
  }
}

TEST(ProcessAgent, TheExampleDrawsALotWithoutExperienceTheSameWayForTheSameSeed) {
  const Observation seen{"", {"a", "b", "c"}, {}};
  const auto first = example(), second = example();
  first->begin(brief_of("x", nullptr));
  second->begin(brief_of("x", nullptr));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(first->act(seen).action, second->act(seen).action);
}

TEST(ProcessAgent, MovesByIndexAndInFreeText) {
  const auto agent = scripted({"{}", R"({"choice":1,"thought":"t"})", R"({"action":"open the box"})"});
  agent->begin(brief_of("x", nullptr));
  const auto move = agent->act({"", {"a", "b"}, {}});
  EXPECT_EQ(move.action, "b");
  EXPECT_EQ(move.thought, "t");
  const auto free = agent->act({"text", {}, {}});
  EXPECT_EQ(free.action, "open the box");
  EXPECT_EQ(free.choice, -1);
}

TEST(ProcessAgent, WrongAnswersAreErrorsThatNameTheField) {
  for (const auto& [answer, part] : std::vector<std::pair<std::string, std::string>>{
           {R"({"choice":2})", "act.choice"}, {R"({"choice":-1})", "act.choice"}, {R"({"thought":"hm"})", "act.action"}, {R"({"action":5})", "act.action"}, {"?", "no JSON"}}) {
    const auto agent = scripted({"{}", answer});
    agent->begin(brief_of("x", nullptr));
    try {
      agent->act({"", {"a", "b"}, {}});
      ADD_FAILURE() << answer;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace hone
