#include <CLI/CLI.hpp>

#include "cli/app.h"
#include "cli/terminal.h"
#include "engine/play.h"

namespace hone::cli {

namespace {

wire::Json fields_json(const std::vector<FieldDoc>& docs) {
  wire::Json out = wire::Json::array();
  for (const auto& d : docs) out.push_back({{"name", d.name}, {"type", d.type}, {"default", d.standard}, {"range", d.range}, {"doc", d.doc}});
  return out;
}

struct Row {
  std::string name, summary, more;
  std::vector<FieldDoc> fields;
};

std::vector<Row> envs() {
  std::vector<Row> rows;
  for (const auto* e : env_catalog()) rows.push_back({std::string(e->name), std::string(e->summary), e->open != nullptr ? "deliberate" : "reflex", e->fields()});
  return rows;
}
std::vector<Row> agents() {
  std::vector<Row> rows;
  for (const auto* a : agent_catalog()) rows.push_back({std::string(a->name), std::string(a->summary), "", a->fields()});
  return rows;
}
std::vector<Row> methods() {
  std::vector<Row> rows;
  for (const auto* l : learner_catalog()) rows.push_back({std::string(l->name), std::string(l->summary), std::string(l->citation), l->fields()});
  return rows;
}

int list(const Context& context, const std::vector<Row>& rows, const char* more) {
  if (context.json) {
    wire::Json out = wire::Json::array();
    for (const auto& r : rows) out.push_back({{"name", r.name}, {"summary", r.summary}, {more, r.more}, {"fields", fields_json(r.fields)}});
    print_json(out);
    return 0;
  }
  std::vector<std::vector<std::string>> cells;
  for (const auto& r : rows) cells.push_back({r.name, r.more, r.summary});
  print_table({"name", more, "what"}, cells);
  return 0;
}

int show(const Context& context, const std::vector<Row>& rows, const std::string& name, const char* what, const char* more) {
  std::vector<std::string> known;
  for (const auto& r : rows) {
    known.push_back(r.name);
    if (r.name != name) continue;
    if (context.json) {
      print_json({{"name", r.name}, {"summary", r.summary}, {more, r.more}, {"fields", fields_json(r.fields)}});
      return 0;
    }
    print(bold(r.name) + ": " + r.summary);
    if (!r.more.empty()) print(r.more);
    print("");
    std::vector<std::vector<std::string>> cells;
    for (const auto& d : r.fields) cells.push_back({d.name, d.type, d.standard, d.range, d.doc});
    print_table({"setting", "type", "default", "range", "what"}, cells);
    return 0;
  }
  throw unknown_name(what, name, known);
}

void add_catalog(CLI::App& app, Context& context, const char* verb, const char* help, std::vector<Row> (*rows)(), const char* more) {
  auto* command = app.add_subcommand(verb, help);
  command->require_subcommand(1);
  command->add_subcommand("list", "all of them")->callback([&context, rows, more] { context.action = [&context, rows, more] { return list(context, rows(), more); }; });
  auto* one = command->add_subcommand("show", "one of them, with its settings");
  auto name = std::make_shared<std::string>();
  one->add_option("name", *name, std::string("a name from `hone ") + verb + " list`")->required();
  one->callback([&context, rows, name, verb, more] { context.action = [&context, rows, name, verb, more] { return show(context, rows(), *name, verb, more); }; });
}

}  // namespace

void add_catalogs(CLI::App& app, Context& context) {
  add_catalog(app, context, "env", "worlds", envs, "tempo");
  add_catalog(app, context, "agent", "agents", agents, "note");
  add_catalog(app, context, "method", "ways of learning", methods, "citation");
}

}  // namespace hone::cli
