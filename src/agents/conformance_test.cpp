// What every listed agent must keep, found by walking the catalogue: legal moves in a world with choices, repeatability, no use of
// withheld lessons, and an account of what it used.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "agents/planted_lessons.h"
#include "core/agent.h"
#include "core/error.h"
#include "envs/toy.h"
#include "models/scripted.h"

namespace hone {
namespace {

std::string source_dir() {
  if (const char* dir = std::getenv("HONE_SOURCE_DIR")) return dir;
  const std::string here = __FILE__;
  return here.substr(0, here.rfind("/src/agents/"));
}

Settings example_settings(const AgentEntry& entry) {
  Settings given;
  if (entry.name == "process") given["command"] = {{"python3", source_dir() + "/examples/own_agent.py"}, true, ""};
  EXPECT_EQ(entry.needs_settings, !given.empty()) << entry.name;
  return given;
}

std::vector<Planted> toy_cases() {
  std::vector<Planted> out;
  for (const auto& task : make_toy_world()->tasks(Split::train)) {
    auto p = planted_case("case of " + task.id, task.goal, {"go " + toy_answer(task)}, 0.5);
    p.lesson.env = "toy";
    p.lesson.kind = "fetch";
    out.push_back(std::move(p));
  }
  return out;
}

// All test tasks of the toy world as text, with what was used.
std::string play(const AgentEntry& entry, const LessonView& view, bool choices, std::uint64_t seed) {
  ScriptedModel model([](std::span<const Message>, const Sampling&) { return "Action: go hall"; });
  const auto world = make_toy_world({.rooms = 4, .people = 1, .max_steps = 3, .choices = choices});
  const auto agent = entry.make(example_settings(entry), {&model, &model});
  std::ostringstream out;
  for (const auto& task : world->tasks(Split::test)) {
    const auto env = world->make(Split::test);
    Brief brief;
    brief.task = task;
    brief.world = &world->facts(Split::test);
    brief.lessons = view;
    brief.rng = Rng(seed).split(task.id);
    agent->begin(brief);
    Observation seen = env->reset(task);
    for (;;) {
      const Move move = agent->act(seen);
      if (choices) {
        EXPECT_GE(move.choice, 0) << entry.name;
        EXPECT_EQ(move.action, seen.choices.at(static_cast<std::size_t>(move.choice))) << entry.name;
      }
      EXPECT_TRUE(move.preference.empty() || move.preference.size() == seen.choices.size()) << entry.name;
      out << move.action;
      for (const auto& use : move.lessons) {
        out << " " << use.lesson << "=" << static_cast<int>(use.how);
        const bool hidden = std::find(view.withheld.begin(), view.withheld.end(), use.lesson) != view.withheld.end();
        EXPECT_EQ(hidden, use.how == LessonUse::withheld) << entry.name;
      }
      out << "\n";
      const auto result = env->step(move.action);
      seen = result.next;
      if (result.ending) break;
    }
  }
  return out.str();
}

TEST(AgentConformance, EntriesDescribeThemselvesAndRefuseUnknownSettings) {
  ASSERT_GE(agent_catalog().size(), 4U);
  ScriptedModel model(ScriptedModel::Table{}, "x");
  for (const AgentEntry* e : agent_catalog()) {
    EXPECT_FALSE(e->summary.empty()) << e->name;
    for (const auto& field : e->fields()) EXPECT_FALSE(field.doc.empty()) << e->name << "." << field.name;
    auto given = example_settings(*e);
    given["no_such_setting"] = {{"1"}, false, "r.yaml:3"};
    try {
      e->make(given, {&model, &model});
      ADD_FAILURE() << e->name;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("r.yaml:3: unknown setting 'no_such_setting'"), std::string::npos) << error.what();
    }
  }
}

TEST(AgentConformance, MovesAreLegalAndRepeatWithTheSeed) {
  const PlantedLessons lessons(toy_cases());
  LessonView view;
  view.lessons = &lessons;
  view.withhold_rate = 0.0;
  for (const AgentEntry* e : agent_catalog()) EXPECT_EQ(play(*e, view, true, 1), play(*e, view, true, 1)) << e->name;
}

TEST(AgentConformance, PlaysWithoutLessons) {
  for (const AgentEntry* e : agent_catalog()) EXPECT_EQ(play(*e, {}, true, 1).find("case of"), std::string::npos) << e->name;
}

TEST(AgentConformance, WithheldLessonsAreNotUsedOnesThatRecallOffersAreAccountedFor) {
  const PlantedLessons lessons(toy_cases());
  LessonView open, shut;
  open.lessons = shut.lessons = &lessons;
  for (const auto& lesson : lessons.all({})) shut.withheld.push_back(lesson.id);
  for (const AgentEntry* e : agent_catalog()) {
    const auto with = play(*e, open, true, 1), without = play(*e, shut, true, 1);
    EXPECT_EQ(without.find("=1"), std::string::npos) << e->name;
    if (e->name != "random") {
      EXPECT_NE(with.find("=1"), std::string::npos) << e->name;
    }
  }
}

TEST(AgentConformance, FreeTextWorldsAreSurvived) {
  for (const AgentEntry* e : agent_catalog()) {
    if (e->name == "process") continue;  // the example draws among choices; its own test plays free text
    EXPECT_FALSE(play(*e, {}, false, 1).empty()) << e->name;
  }
}

}  // namespace
}  // namespace hone
