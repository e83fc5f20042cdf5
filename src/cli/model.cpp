#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/config.h"
#include "models/catalogue.h"

namespace hone::cli {

namespace {

// What the built-in recipes use.
const std::vector<std::string> kDefaults = {"smollm2-135m", "all-minilm-l6-v2"};

wire::Json model_json(const CatalogueModel& m) {
  const auto status = model_status(m.name);
  return {{"name", m.name}, {"summary", m.summary}, {"licence", m.licence}, {"quantisation", m.quantisation}, {"use", m.use == ModelUse::chat ? "chat" : "embed"},
          {"parameters", m.parameters}, {"bytes", m.bytes}, {"present", status.present}, {"path", status.path.string()}, {"sha256", status.sha256}, {"source", status.source}};
}

int list(const Context& context) {
  wire::Json all = wire::Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& m : model_catalogue()) {
    all.push_back(model_json(m));
    rows.push_back({std::string(m.name), m.use == ModelUse::chat ? "chat" : "embed", count(static_cast<double>(m.parameters)), bytes_text(static_cast<double>(m.bytes)),
                    std::string(m.licence), model_status(m.name).present ? "here" : "not pulled", std::string(m.summary)});
  }
  if (context.json) print_json(all);
  else print_table({"name", "use", "parameters", "size", "licence", "", "what"}, rows);
  return 0;
}

int show(const Context& context, const std::string& name) {
  const auto* m = find_model(name);
  if (m == nullptr) {
    std::vector<std::string> known;
    for (const auto& one : model_catalogue()) known.emplace_back(one.name);
    throw unknown_name("model", name, known);
  }
  const auto json = model_json(*m);
  if (context.json) {
    print_json(json);
    return 0;
  }
  for (const auto& [key, value] : json.items()) print(fmt::format("{:<13} {}", key, value.is_string() ? value.get<std::string>() : value.dump()));
  return 0;
}

int pull(const Context& context, std::vector<std::string> names, bool defaults, bool force) {
  if (defaults) names = kDefaults;
  if (names.empty()) throw Error(Fault::usage, "hone model pull: which model? See `hone model list`, or --default");
  for (const auto& name : names) {
    const auto* known = find_model(name);
    if (known != nullptr && model_status(name).present && !force) {
      if (!context.json) note(name + " is here: " + path_of(name).string());
      continue;
    }
    Bar bar;
    std::string message;
    PullOptions options;
    options.force = force;
    options.progress = [&](const PullProgress& p) {
      if (context.stop.stop_requested()) throw Error(Fault::interrupted, "stopped; pull again to go on");
      if (p.message != message) {
        bar.finish();
        message = p.message;
        if (!context.json) bar.start(name, static_cast<double>(p.total) / 1e6);
      }
      bar.update(static_cast<double>(p.done) / 1e6, "MB  " + p.message);
    };
    const auto path = pull_model(name, options);
    bar.finish();
    if (!context.json) note(name + " is here: " + path.string());
  }
  if (context.json) {
    wire::Json out = wire::Json::array();
    for (const auto& name : names)
      if (const auto* m = find_model(name)) out.push_back(model_json(*m));
    print_json(out);
  }
  return 0;
}

}  // namespace

void add_model(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("model", "language models and embedders");
  command->require_subcommand(1);
  command->add_subcommand("list", "models known by name")->callback([&context] { context.action = [&context] { return list(context); }; });
  auto name = std::make_shared<std::string>();
  auto* one = command->add_subcommand("show", "one model: size, licence, where it is");
  one->add_option("name", *name)->required();
  one->callback([&context, name] { context.action = [&context, name] { return show(context, *name); }; });
  struct Flags {
    std::vector<std::string> names;
    bool defaults = false, force = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* get = command->add_subcommand("pull", "fetch a model, check it, make it ready; goes on where it was interrupted");
  get->add_option("names", flags->names, "names from `hone model list`");
  get->add_flag("--default", flags->defaults, "what the built-in recipes use");
  get->add_flag("--force", flags->force, "fetch again although it is here");
  get->callback([&context, flags] { context.action = [&context, flags] { return pull(context, flags->names, flags->defaults, flags->force); }; });
}

}  // namespace hone::cli
