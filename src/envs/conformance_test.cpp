// What every listed world of the deliberate tempo must keep, found by walking the catalogue.
#include "envs/conformance_kit.h"

namespace hone {
namespace {

using namespace conformance;

// One episode of random moves as text; free-text worlds get words.
std::string random_episode(const World& world, Split split, const Task& task, Rng rng) {
  const auto env = world.make(split);
  std::ostringstream out;
  out << "task " << task.id << "\ngoal " << task.goal << "\n";
  Observation seen = env->reset(task);
  const int limit = world.facts(split).max_steps;
  for (int step = 1;; ++step) {
    out << "seen " << seen.text << " [" << seen.choices.size() << " choices]\n";
    const std::string action = seen.choices.empty() ? "look" : seen.choices[rng.below(seen.choices.size())];
    const Outcome result = env->step(action);
    out << "did " << action << "\nreward " << result.reward << "\n";
    seen = result.next;
    EXPECT_TRUE(result.score >= 0.0 && result.score <= 1.0);
    if (result.ending) {
      out << "last " << seen.text << "\nending " << (*result.ending == Ending::terminal ? "terminal" : "cut_off") << " score " << result.score
          << " solved " << result.solved << "\n";
      return out.str();
    }
    if (step >= limit) {
      ADD_FAILURE() << world.facts(split).name << ": no end after max_steps = " << limit;
      return out.str();
    }
  }
}

TEST(WorldConformance, EveryListedEntryOpensInOneTempo) {
  ASSERT_FALSE(env_catalog().empty());
  for (const EnvEntry* e : env_catalog()) {
    EXPECT_NE(e->open == nullptr, e->open_batch == nullptr) << e->name;
    EXPECT_FALSE(e->summary.empty()) << e->name;
    for (const auto& field : e->fields()) EXPECT_FALSE(field.doc.empty()) << e->name << "." << field.name;
    Settings unknown = example_settings(e->name);
    unknown["no_such_setting"] = {{"1"}, false, ""};
    EXPECT_THROW(e->open != nullptr ? (void)e->open(unknown) : (void)e->open_batch(unknown), Error) << e->name;
    if (e->needs_settings) {
      EXPECT_THROW(e->open != nullptr ? (void)e->open({}) : (void)e->open_batch({}), Error) << e->name;
    }
  }
}

TEST(WorldConformance, SplitsAreDisjointAndTheSameEveryTime) {
  for (const EnvEntry* e : listed(false)) {
    const auto a = e->open(settings_for(*e)), b = e->open(settings_for(*e));
    std::set<std::string> ids;
    for (const auto split : splits) {
      expect_sound_tasks(e->name, a->tasks(split), ids);
      EXPECT_TRUE(same(a->tasks(split), a->tasks(split)) && same(a->tasks(split), b->tasks(split))) << e->name;
    }
    EXPECT_FALSE(a->tasks(Split::train).empty() || a->tasks(Split::test).empty()) << e->name;
  }
}

TEST(WorldConformance, RandomPlayEndsAndRepeatsWithItsSeed) {
  for (const EnvEntry* e : listed(false)) {
    const auto a = e->open(settings_for(*e)), b = e->open(settings_for(*e));
    for (const auto split : splits) {
      const auto tasks = a->tasks(split);
      for (std::size_t i = 0; i < std::min<std::size_t>(tasks.size(), 10); ++i)
        EXPECT_EQ(random_episode(*a, split, tasks[i], Rng(i)), random_episode(*b, split, tasks[i], Rng(i))) << e->name;
    }
  }
}

TEST(WorldConformance, IllegalActionsAreAnsweredNotThrown) {
  for (const EnvEntry* e : listed(false)) {
    const auto world = e->open(settings_for(*e));
    const std::string long_text(100'000, 'x');
    for (const std::string& action : {std::string(), std::string("no such action"), std::string("\xff\xfe\0x", 4), std::string("\n\n"), long_text}) {
      const auto env = world->make(Split::train);
      env->reset(world->tasks(Split::train).at(0));
      const auto out = env->step(action);
      EXPECT_FALSE(out.solved) << e->name;
      EXPECT_FALSE(out.next.text.empty() && !out.ending) << e->name << ": an illegal action is answered with an observation that says so";
    }
  }
}

TEST(WorldConformance, AnEnvCanBeResetInTheMiddle) {
  for (const EnvEntry* e : listed(false)) {
    const auto world = e->open(settings_for(*e));
    const auto tasks = world->tasks(Split::train);
    const auto env = world->make(Split::train);
    const auto fresh = world->make(Split::train);
    env->reset(tasks.at(0));
    env->step("no such action");
    EXPECT_EQ(env->reset(tasks.at(1)).choices, fresh->reset(tasks.at(1)).choices) << e->name;
  }
}

// What undo rests on: a state taken anywhere, put back anywhere, goes on as it did the first time.
TEST(WorldConformance, ASavableEnvGoesOnFromASavedState) {
  for (const EnvEntry* e : listed(false)) {
    const auto world = e->open(settings_for(*e));
    const auto tasks = world->tasks(Split::train);
    const auto env = world->make(Split::train), other = world->make(Split::train);
    auto* savable = dynamic_cast<Savable*>(env.get());
    if (savable == nullptr) continue;
    auto* copy = dynamic_cast<Savable*>(other.get());
    Observation seen = env->reset(tasks.at(0));
    other->reset(tasks.at(1));
    for (int step = 0; step < 20; ++step) {
      MemorySink state;
      savable->save(state);
      const std::string action = seen.choices.empty() ? "look" : seen.choices[static_cast<std::size_t>(step) % seen.choices.size()];
      const Outcome first = env->step(action);
      MemorySource here(state.data), there(state.data);
      savable->load(here);
      copy->load(there);
      for (const auto& again : {env->step(action), other->step(action)}) {
        EXPECT_EQ(again.next.text, first.next.text) << e->name;
        EXPECT_EQ(again.next.choices, first.next.choices) << e->name;
        EXPECT_EQ(again.ending, first.ending) << e->name;
        EXPECT_EQ(again.score, first.score) << e->name;
      }
      for (std::size_t bytes = 0; bytes < state.data.size(); ++bytes) {
        MemorySource cut(std::span(state.data).first(bytes));
        EXPECT_THROW(copy->load(cut), Error) << e->name << ": a state that was cut";
      }
      if (first.ending) break;
      seen = first.next;
    }
  }
}

TEST(WorldConformance, FactsSayWhatAnAgentMustKnow) {
  for (const EnvEntry* e : listed(false)) {
    const auto world = e->open(settings_for(*e));
    for (const auto split : splits) {
      const auto& f = world->facts(split);
      EXPECT_FALSE(f.name.empty() || f.role.empty() || f.action_help.empty()) << e->name;
      EXPECT_GT(f.max_steps, 0) << e->name;
    }
  }
}

// In a world with choices the answer to a task must not be readable from the task: playing what the task's own fields name is
// no better than chance would be if it read the goal. Here: no choice stands in a hidden field of the task (id, kind, params).
TEST(WorldConformance, TasksDoNotCarryTheirAnswer) {
  for (const EnvEntry* e : listed(false)) {
    const auto world = e->open(settings_for(*e));
    for (const auto split : splits)
      for (const auto& task : world->tasks(split)) {
        std::string hidden = task.id + " " + task.kind;
        for (const auto& [key, value] : task.params) hidden += " " + key + "=" + value;
        for (const auto& choice : world->make(split)->reset(task).choices)
          EXPECT_EQ(hidden.find(choice), std::string::npos) << e->name << " " << task.id << " names " << choice;
      }
  }
}

TEST(WorldConformance, EveryListedWorldPlaysItsGoldenTranscript) {
  for (const EnvEntry* e : listed(false)) {
    const auto world = e->open(settings_for(*e));
    std::string text;
    for (const auto split : {Split::train, Split::test})
      for (std::size_t i = 0; i < 2; ++i) text += random_episode(*world, split, world->tasks(split).at(i), Rng(i)) + "\n";
    compare_with_golden(std::string(e->name), text);
  }
}

}  // namespace
}  // namespace hone
