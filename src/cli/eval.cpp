#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/app.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/compare.h"
#include "engine/opened.h"
#include "store/store.h"

namespace hone::cli {

namespace {

struct EvalFlags {
  std::vector<std::string> recipes, set;
  int seeds = 1, tasks = 0;
  std::string run;
  std::int64_t version = -1;
};

// Phases are named ID@VERSION-LESSONS/ARM, for the journal; people read the run's name and seed.
Listener naming_runs(Listener next, const Context& context) {
  const Store store(store_path(context.home), {.create = false, .read_only = true});
  std::map<std::string, std::string> names;
  for (const auto& run : store.runs()) names[run.id] = fmt::format("{}, seed {}", run.name, run.seed);
  return [next = std::move(next), names = std::move(names)](const Event& e) {
    Event shown = e;
    if (const auto it = shown.fields.find("phase"); it != shown.fields.end() && it->is_string()) {
      const auto phase = it->get<std::string>();
      const auto run = names.find(phase.substr(0, phase.find('@')));
      if (run != names.end()) *it = phase.substr(phase.rfind('/') + 1) + " (" + run->second + ")";
    }
    next(shown);
  };
}

int eval(const Context& context, const EvalFlags& flags) {
  CompareOptions options;
  options.home = context.home;
  for (const auto& r : flags.recipes) options.recipes.push_back(load_recipe(r, flags.set));
  options.seeds = flags.seeds;
  options.tasks = flags.tasks;
  options.run = flags.run;
  if (flags.version >= 0) options.version = static_cast<std::uint64_t>(flags.version);
  need_store(context);
  options.listener = context.json ? make_listener(true) : naming_runs(make_listener(false), context);
  options.stop = context.stop;
  const auto result = compare_recipes(options);
  if (context.json) {
    print_json(compare_json(result));
    return result.failed.empty() ? 0 : 1;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : result.rows) {
    const bool compared = *row.against_first.test != 0;
    const auto& d = row.against_first.difference;
    rows.push_back({row.recipe, row.arm, percent(row.score.mean), fmt::format("[{} to {}]", percent(row.score.low), percent(row.score.high)),
                    compared ? fmt::format("{:+.1f} [{:+.1f} to {:+.1f}]", 100 * d.mean, 100 * d.low, 100 * d.high) : "", compared ? fmt::format("{:.2g}", row.against_first.p) : "",
                    fmt::format("{} x {}", row.tasks, row.seeds), count(static_cast<double>(row.usage.prompt_tokens + row.usage.generated_tokens)), duration(row.usage.seconds)});
  }
  print_table({"recipe", "agent", "score", "95 %", "points against the first row", "p", "tasks x seeds", "tokens", "time"}, rows);
  for (const auto& warning : result.warnings) print("warning: " + printable_lines(warning));
  print(dim("store before and after: " + result.store_hash_after.substr(0, 16) + ", unchanged"));
  if (result.failed.empty()) return 0;
  fail(result.failed, false, to_string(Fault::unavailable));
  return 1;
}

}  // namespace

void add_eval(CLI::App& app, Context& context) {
  auto flags = std::make_shared<EvalFlags>();
  auto* command = app.add_subcommand("eval", "play what was learned on unseen tasks, several recipes in one table; learns nothing");
  command->add_option("recipes", flags->recipes, "recipes whose runs are finished")->required();
  command->add_option("--set", flags->set, "replace a field in every recipe")->take_all()->allow_extra_args(false);
  command->add_option("--seeds", flags->seeds, "so many runs of each recipe: seed, seed + 1, ...")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_option("--tasks", flags->tasks, "only the first so many test tasks, 0 = all")->capture_default_str()->check(CLI::Range(0, 1000000));
  command->add_option("--run", flags->run, "play the lessons of this run (name or start of its id) with the recipes' agents: what a setting of the agent changes, without learning again");
  command->add_option("--version", flags->version, "the lessons as they were at this version; 1 is the first round of learning")->check(CLI::NonNegativeNumber);
  command->callback([flags, &context] { context.action = [flags, &context] { return eval(context, *flags); }; });
}

}  // namespace hone::cli
