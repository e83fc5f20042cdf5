#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/play.h"
#include "engine/recipe.h"

namespace hone::cli {

namespace {

struct PlayFlags {
  std::string env;
  std::vector<std::string> set;
  int tasks = 5;
};

// A number picks a choice; anything else is taken as the action itself.
std::string read_action(const Observation& seen) {
  fmt::print("> ");
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line)) throw Error(Fault::interrupted, "end of input");
  char* end = nullptr;
  const long n = std::strtol(line.c_str(), &end, 10);
  if (end != line.c_str() && *end == 0 && n >= 1 && n <= static_cast<long>(seen.choices.size())) return seen.choices[static_cast<std::size_t>(n - 1)];
  return line;
}

void show(const Observation& seen) {
  if (!seen.text.empty()) print(printable(seen.text, 2000));
  if (seen.choices.empty()) return;
  std::size_t widest = 0;
  for (const auto& c : seen.choices) widest = std::max(widest, c.size());
  std::string row;
  for (std::size_t i = 0; i < seen.choices.size(); ++i) {
    row += fmt::format("{:>3} {:<{}}  ", i + 1, seen.choices[i], widest);
    if (row.size() > 90 || i + 1 == seen.choices.size()) {
      print(row);
      row.clear();
    }
  }
}

int play(const Context&, const PlayFlags& flags) {
  std::string yaml = "env: {name: " + flags.env + "}\nmethod: expel\n";
  std::vector<std::string> set;
  for (const auto& s : flags.set) set.push_back("env." + s);
  const Recipe recipe = parse_recipe(yaml, "hone play", set);
  const EnvEntry& entry = find_env(flags.env);
  if (entry.open == nullptr) throw Error(Fault::usage, "world '" + flags.env + "' is of the reflex tempo: nothing to type into");
  const auto world = entry.open(recipe.env.settings);
  const auto env = world->make(Split::train);
  print(world->facts().role);
  print(dim("a number picks a choice; end of input (ctrl-D) ends the game"));
  int solved = 0, played = 0;
  try {
    for (const Task& task : world->tasks(Split::train)) {
      if (played >= flags.tasks) break;
      print("\n" + bold(fmt::format("task {} of {}", played + 1, flags.tasks)));
      print((world->facts().task_word.empty() ? "Task" : world->facts().task_word) + ": " + printable(task.goal, 2000));
      Observation seen = env->reset(task);
      for (;;) {
        show(seen);
        const auto outcome = env->step(read_action(seen));
        seen = outcome.next;
        if (!outcome.ending) continue;
        print(seen.text);
        solved += outcome.solved;
        ++played;
        break;
      }
    }
  } catch (const Error& e) {
    if (e.fault() != Fault::interrupted) throw;
    print("");
  }
  print(fmt::format("you solved {} of {}", solved, played));
  return 0;
}

}  // namespace

void add_play(CLI::App& app, Context& context) {
  auto flags = std::make_shared<PlayFlags>();
  auto* command = app.add_subcommand("play", "be the agent yourself");
  command->add_option("env", flags->env, "a world (hone env list)")->required();
  command->add_option("--set", flags->set, "a setting of the world: --set train_tries=3")->take_all();
  command->add_option("--tasks", flags->tasks, "how many tasks")->capture_default_str()->check(CLI::Range(1, 100000));
  command->callback([flags, &context] { context.action = [flags, &context] { return play(context, *flags); }; });
}

}  // namespace hone::cli
