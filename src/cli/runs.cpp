#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/opened.h"
#include "store/store.h"

namespace hone::cli {

namespace {

std::string when(std::int64_t ms) {
  const std::time_t t = ms / 1000;
  std::tm local{};
  localtime_r(&t, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

Store open(const Context& context, bool writing) {
  need_store(context);
  return Store(store_path(context.home), {.create = false, .read_only = !writing});
}

wire::Json run_json(const Store& store, const RunInfo& run, const Context& context) {
  wire::Json j{{"id", run.id}, {"name", run.name}, {"env", run.env}, {"method", run.method}, {"model", run.model}, {"seed", run.seed}, {"status", to_string(run.status)},
               {"created_ms", run.created_ms}, {"episodes", store.count_episodes({.run = run.id})}};
  j["report"] = (context.home / "runs" / run.id / "report.html").string();
  j["scopes"] = wire::Json::array();
  for (const auto& s : store.scopes(run.id)) j["scopes"].push_back({{"scope", s.scope}, {"version", s.version}, {"lessons", s.live}});
  j["result"] = nullptr;
  if (const auto result = store.record(run.id, "result")) j["result"] = wire::parse(*result, "result of run " + run.id);
  return j;
}

std::string share(const wire::Json& result, const char* side) {
  return result.is_object() && result.contains(side) ? percent(result[side]["score"].get<double>()) : "";
}

int list(const Context& context, const std::vector<std::string>& only) {
  const Store store = open(context, false);
  std::vector<RunInfo> runs;
  if (only.empty()) runs = store.runs();
  for (const auto& name : only) runs.push_back(store.find_run(name));
  wire::Json all = wire::Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : runs) {
    auto j = run_json(store, run, context);
    rows.push_back({run.id, run.name, run.method, std::to_string(run.seed), std::string(to_string(run.status)), when(run.created_ms), std::to_string(j["episodes"].get<int>()),
                    share(j["result"], "baseline"), share(j["result"], "learned")});
    all.push_back(std::move(j));
  }
  if (context.json) print_json(all);
  else print_table({"run", "recipe", "method", "seed", "status", "started", "episodes", "before", "after"}, rows);
  return 0;
}

int show(const Context& context, const std::string& name) {
  const Store store = open(context, false);
  const auto run = store.find_run(name);
  auto j = run_json(store, run, context);
  if (context.json) {
    j["recipe"] = run.recipe_yaml;
    j["metrics"] = wire::Json::array();
    for (const auto& m : store.metrics(run.id)) j["metrics"].push_back({{"round", m.round}, {"name", m.name}, {"value", m.value}});
    print_json(j);
    return 0;
  }
  // An imported run may say anything.
  print(printable_lines(fmt::format("{} ({}), {} by {}, seed {}, {}, started {}", run.id, run.name, run.env, run.method, run.seed, to_string(run.status), when(run.created_ms))));
  print(fmt::format("episodes {}", j["episodes"].get<int>()));
  for (const auto& s : store.scopes(run.id)) print(fmt::format("lessons  {} at version {}{}", s.live, s.version, s.scope == run.id ? "" : " in " + printable(s.scope, 200)));
  if (j["result"].is_object() && j["result"].contains("baseline")) print(fmt::format("score    {} before, {} after", share(j["result"], "baseline"), share(j["result"], "learned")));
  if (j["result"].is_object() && j["result"].contains("faults"))
    for (const auto& f : j["result"]["faults"])
      print(printable_lines(fmt::format("faults   {} of {} tries of '{}'; the first: {}", f["faults"].get<int>(), f["tries"].get<int>(), f["of"].get<std::string>(), f["first"].get<std::string>())));
  print("report   " + j["report"].get<std::string>());
  print("\n" + printable_lines(run.recipe_yaml));
  return 0;
}

int remove(const Context& context, const std::string& name, bool dependents) {
  Store store = open(context, true);
  const auto run = store.find_run(name);
  const auto gone = store.remove_run(run.id, dependents);
  std::error_code ignored;
  // An older Hone took any id from an export: a folder outside home/runs is not the run's.
  if (valid_run_id(run.id)) std::filesystem::remove_all(run_folder(context.home, run.id), ignored);
  if (context.json) print_json({{"run", run.id}, {"episodes", gone.episodes.size()}, {"lessons", gone.lessons.size()}});
  else print(fmt::format("removed run {}: {}, {}, its report", run.id, counted(static_cast<double>(gone.episodes.size()), "episode"), counted(static_cast<double>(gone.lessons.size()), "lesson")));
  return 0;
}

}  // namespace

void add_runs(CLI::App& app, Context& context) {
  struct Flags {
    std::vector<std::string> names;
    std::string name;
    bool dependents = false;
  };
  auto f = std::make_shared<Flags>();
  auto* command = app.add_subcommand("runs", "what was run here");
  command->require_subcommand(1);
  command->add_subcommand("list", "all runs, oldest first")->callback([&context] { context.action = [&context] { return list(context, {}); }; });
  auto* sub = command->add_subcommand("show", "one run: status, lessons, recipe");
  sub->add_option("run", f->name, "id (its start is enough) or name")->required();
  sub->callback([&context, f] { context.action = [&context, f] { return show(context, f->name); }; });
  sub = command->add_subcommand("compare", "several runs side by side");
  sub->add_option("runs", f->names, "ids (their starts are enough) or names")->required();
  sub->callback([&context, f] { context.action = [&context, f] { return list(context, f->names); }; });
  sub = command->add_subcommand("rm", "remove a run with its episodes, lessons and report");
  sub->add_option("run", f->name, "id (its start is enough) or name")->required();
  sub->add_flag("--and-dependents", f->dependents, "also lessons of other runs that rest on its episodes");
  sub->callback([&context, f] { context.action = [&context, f] { return remove(context, f->name, f->dependents); }; });
}

}  // namespace hone::cli
