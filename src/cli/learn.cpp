#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/app.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/play.h"
#include "engine/opened.h"
#include "engine/run.h"
#include "store/store.h"

namespace hone::cli {

namespace {

struct LearnFlags {
  std::string recipe;
  std::vector<std::string> set;
  bool fresh = false, dry_run = false, fields = false;
  std::string from_store;
};

std::string interval_text(const wire::Json& j, const char* middle) {
  return fmt::format("{}  [{} to {}]", percent(j[middle].get<double>()), percent(j["low"].get<double>()), percent(j["high"].get<double>()));
}

// Small sums keep their first digits.
std::string amount(double money) { return money >= 1.0 ? fmt::format("{:.2f}", money) : fmt::format("{:.2g}", money); }

void print_result(const RunResult& run) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& arm : run.report["arms"]) {
    const auto& d = arm["difference"];
    rows.push_back({arm["name"].get<std::string>() + (arm["default"].get<bool>() ? " *" : ""), interval_text(arm, "score"), d.is_null() ? "" : fmt::format("{:+.1f}", 100 * d["mean"].get<double>()),
                    d.is_null() ? "" : fmt::format("[{:+.1f} to {:+.1f}]", 100 * d["low"].get<double>(), 100 * d["high"].get<double>()),
                    d.is_null() ? "" : fmt::format("{:.2g}", d["p"].get<double>()), count(arm["tokens"].get<double>()), duration(arm["seconds"].get<double>())});
  }
  print("");
  if (!rows.empty()) {
    print_table({"agent", "score on unseen tasks", "points", "95 %", "p", "tokens", "time"}, rows);
    const auto& arms = run.report["arms"];
    print(dim(fmt::format("{}, one try each; points and p against the first row on the same tasks ({}); * the agent offered by default{}",
                          counted(arms[0]["tasks"].get<int>(), "unseen task"), run.report["result"]["difference"].value("test", "paired"),
                          arms[0]["validation"].is_null() ? "" : ": best on the validation tasks")));
  }
  for (const auto& w : run.report["warnings"]) print("warning: " + printable_lines(w.get<std::string>()));  // it may quote a server
  const double money = run.result.value("money", 0.0);
  print(fmt::format("{} tokens, {}{}", count(run.result["tokens"].get<double>()), duration(run.result["seconds"].get<double>()), money > 0.0 ? ", money " + amount(money) : ""));
  if (const auto model = run.result.value("model", ""); !model.empty()) print("model: " + bold(model) + " (GGUF; safetensors beside it)");
  print("report: " + bold(run.report_path.string()));
}

int learn_fields(const Context& context, const LearnFlags& flags) {
  auto docs = describe_recipe();
  if (context.json) {
    wire::Json all = wire::Json::array();
    for (const auto& d : docs) all.push_back({{"name", d.name}, {"type", d.type}, {"default", d.standard}, {"range", d.range}, {"doc", d.doc}});
    print_json(all);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& d : docs) rows.push_back({d.name, d.type, d.standard, d.range, d.doc});
  print_table({"field", "type", "default", "range", "what"}, rows);
  (void)flags;
  return 0;
}

int dry_run(const Context& context, const Recipe& recipe) {
  const auto e = estimate_run(recipe, context.stop);
  if (context.json) {
    print_json({{"train_tasks", e.train_tasks}, {"evaluation_tasks", e.evaluation_tasks}, {"episodes", e.episodes}, {"tokens", e.tokens}, {"seconds", e.seconds}, {"money", e.money}, {"basis", e.basis}});
    return 0;
  }
  print(fmt::format("'{}' would play {} to learn from and {} to evaluate:", recipe.name, counted(static_cast<double>(e.train_tasks), "task"), counted(static_cast<double>(e.evaluation_tasks), "try", "tries")));
  print(fmt::format("at least {} tokens, {} on this machine, money {:.2f}", count(static_cast<double>(e.tokens)), duration(e.seconds), e.money));
  print(dim("a lower bound, measured on " + printable_lines(e.basis)));
  return 0;
}

int learn(const Context& context, const LearnFlags& flags) {
  if (flags.fields) return learn_fields(context, flags);
  if (flags.recipe.empty()) {
    std::string names;
    for (const auto& name : builtin_recipes()) names += (names.empty() ? "" : ", ") + name;
    throw Error(Fault::usage, "hone learn: which recipe? These ship: " + names + "; or a YAML file of your own");
  }
  const Recipe recipe = load_recipe(flags.recipe, flags.set);
  if (flags.dry_run) return dry_run(context, recipe);
  RunOptions options;
  options.home = context.home;
  options.listener = make_listener(context.json);
  options.stop = context.stop;
  options.fresh = flags.fresh;
  if (!flags.from_store.empty()) {
    EpisodeQuery query;
    need_store(context);
    const Store store(store_path(context.home), {.create = false, .read_only = true});
    if (flags.from_store != "all") query.run = store.find_run(flags.from_store).id;
    options.from_store = query;
  }
  const RunResult run = run_recipe(recipe, options);
  const auto failed = run.result.value("failed", "");
  if (context.json) {
    print_json(run.result);
    return failed.empty() ? 0 : 1;
  }
  if (run.reused) note(fmt::format("run {} of this recipe is finished; showing its result (--fresh runs it again)", run.run.substr(0, 13)));
  print_result(run);
  if (failed.empty()) return 0;
  fail(failed, false, to_string(Fault::bad_input));
  return 1;
}

}  // namespace

void add_learn(CLI::App& app, Context& context) {
  auto flags = std::make_shared<LearnFlags>();
  auto* command = app.add_subcommand("learn", "act, learn, evaluate; goes on by itself where it was interrupted");
  command->add_option("recipe", flags->recipe, "a recipe that ships with Hone (desk, ...) or a YAML file");
  command->add_option("--set", flags->set, "replace a field of the recipe: --set seed=2 --set env.train=100")->take_all()->allow_extra_args(false);
  command->add_flag("--fresh", flags->fresh, "start anew, even if this run is finished or was interrupted");
  command->add_flag("--dry-run", flags->dry_run, "say at least how many tokens, how much time and money it takes, by playing three tasks; write nothing");
  command->add_option("--from-store", flags->from_store, "learn from stored episodes instead of playing: a run's id, or 'all'");
  command->add_flag("--fields", flags->fields, "list every field of a recipe");
  command->callback([flags, &context] { context.action = [flags, &context] { return learn(context, *flags); }; });
}

}  // namespace hone::cli
