// Signs stay hidden: with signs drawn for the run and rules untold, nothing that the agent reads before the first reflection says what they
// mean, and no prompt of any role draws a board in the usual ones.
#include <set>

#include "learners/erl/erl_test_kit.h"
#include "learners/erl/reflect.h"

namespace hone {
namespace {

using namespace erl_test;

// Cells of all boards in a text: signs written as blank, sign, blank, tab.
std::set<std::string> signs_in(const std::string& text) {
  std::set<std::string> out;
  for (std::size_t at = text.find(" \t"); at != std::string::npos; at = text.find(" \t", at + 1)) {
    const auto from = text.rfind(' ', at - 1);
    out.insert(text.substr(from + 1, at - from - 1));
  }
  return out;
}

// A try that walks to and fro, as agent chat plays it.
Episode walked(const World& world, const Task& task, const std::string& system) {
  const auto env = world.make(Split::train);
  const Bytes tokenizer;
  Episode e;
  e.id = "walk", e.task = task, e.group = task.id;
  std::vector<Message> messages{{"system", system}};
  Observation seen = env->reset(task);
  for (int i = 0; i < 100; ++i) {
    const std::string action = std::vector<std::string>{"Left", "Up", "Right", "Down"}[static_cast<std::size_t>(i) % 4];
    messages.push_back({"user", (i == 0 ? task.goal + "\n" : "") + seen.text});
    Trace trace;
    trace.prompt_ids = tokenizer.chat(messages, true);
    trace.ids = tokenizer.encode(action, false);
    trace.ids.push_back(Bytes::end);
    messages.push_back({"assistant", action});
    Step step;
    step.seen = seen, step.did.action = action, step.did.trace = trace;
    const Outcome out = env->step(action);
    step.comment = out.comment;
    e.steps.push_back(step);
    seen = out.next;
    if (!out.ending) continue;
    e.feedback = out.feedback, e.score = out.score, e.solved = out.solved, e.last = out.next;
    return e;
  }
  throw Error(Fault::internal, "it never ends");
}

TEST(ErlBoards, NoPromptDrawsABoardInTheUsualSignsOrSaysWhatSignsMeanBeforeAReflection) {
  const std::set<std::string> usual{"P", "G", "H", "F", "S", "X", "*", "@", "+", "$", "#", ".", "O", "B", "W"};
  const std::vector<std::string> meanings{"hole", "goal", "safe", "wall", "box", "player", "push", "frozen"};
  int worlds = 0;
  for (const EnvEntry* entry : env_catalog()) {
    if (entry->name != "frozenlake" && entry->name != "sokoban") continue;
    ++worlds;
    std::set<std::set<std::string>> alphabets;
    for (const char* symbol_seed : {"5", "6", "7"}) {
      const auto world = entry->open(settings({{"symbols", "random"}, {"symbol_seed", symbol_seed}, {"train", "12"}, {"validation", "2"}, {"test", "2"}}));
      const auto facts = world->facts(Split::train);
      const auto config = small();
      const std::string system = erl::initial_prompt(config, facts);
      std::set<std::string> alphabet;
      for (const auto& task : world->tasks(Split::train)) {
        const Episode first = walked(*world, task, system);
        std::string before = system + task.goal;
        for (const auto& step : first.steps) before += step.seen.text;
        for (const auto& meaning : meanings) EXPECT_EQ(before.find(meaning), std::string::npos) << entry->name << " says " << meaning;
        for (const auto style : {erl::Style::general, erl::Style::grid, erl::Style::brief}) {
          const auto prompt = erl::reflection_prompt(system, {}, first, facts, style);
          const auto record = erl::told_record(system, {}, first, facts, style);
          const auto drawn = signs_in(prompt[1].content), told = signs_in(record.back());
          EXPECT_FALSE(drawn.empty());
          EXPECT_EQ(drawn, told);
          for (const auto& sign : drawn) EXPECT_FALSE(usual.contains(sign)) << entry->name << " draws " << sign;
          alphabet.insert(drawn.begin(), drawn.end());
          EXPECT_EQ(prompt[0].content.find(" \t"), std::string::npos);
        }
      }
      alphabets.insert(alphabet);
    }
    EXPECT_EQ(alphabets.size(), 3U) << entry->name << ": other signs in every run";
  }
  EXPECT_EQ(worlds, 2);
}

}  // namespace
}  // namespace hone
