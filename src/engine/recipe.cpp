#include "engine/recipe.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "core/error.h"
#include "embedded/builtin_recipe.h"
#include "models/backend.h"
#include "wire/json.h"

namespace hone {

namespace {

using Where = std::string;

struct Reader {
  std::string path;

  Where at(const YAML::Node& node) const {
    const auto mark = node.Mark();
    return mark.is_null() ? path : path + ":" + std::to_string(mark.line + 1);
  }
  [[noreturn]] void fail(const YAML::Node& node, const std::string& what) const {
    throw Error(Fault::bad_input, at(node) + ": " + what);
  }
  std::string scalar(const YAML::Node& node, const std::string& field) const {
    if (!node.IsScalar()) fail(node, "field '" + excerpt(field) + "': expected one value, got " + kind(node));
    return node.Scalar();
  }
  static std::string kind(const YAML::Node& node) {
    if (node.IsMap()) return "a map";
    if (node.IsSequence()) return "a list";
    if (node.IsNull()) return "nothing";
    return "one value";
  }
  Setting setting(const YAML::Node& node, const std::string& field) const {
    Setting s{{}, false, at(node)};
    if (node.IsScalar()) {
      s.values = {node.Scalar()};
    } else if (node.IsSequence()) {
      s.list = true;
      for (const auto& item : node) s.values.push_back(scalar(item, field));
    } else {
      fail(node, "field '" + excerpt(field) + "': expected one value or a list, got " + kind(node));
    }
    return s;
  }
  // A map's entries in order; twice the same key is an error (YAML libraries keep one of them silently).
  std::vector<std::pair<std::string, YAML::Node>> entries(const YAML::Node& node, const std::string& field) const {
    if (!node.IsMap()) fail(node, "field '" + field + "': expected a map, got " + kind(node));
    std::vector<std::pair<std::string, YAML::Node>> out;
    std::set<std::string> seen;
    for (const auto& item : node) {
      const auto key = scalar(item.first, field);
      if (!seen.insert(key).second) fail(item.first, "field '" + excerpt(key) + "' appears twice");
      out.emplace_back(key, item.second);
    }
    return out;
  }
  Settings settings(const YAML::Node& node, const std::string& field) const {
    Settings out;
    for (const auto& [key, value] : entries(node, field)) out[key] = setting(value, key);
    return out;
  }
  Part part(const YAML::Node& node, const std::string& field) const {
    Part out;
    out.where = at(node);
    if (node.IsScalar()) {
      out.name = node.Scalar();
      return out;
    }
    out.settings = settings(node, field);
    const auto name = out.settings.find("name");
    if (name == out.settings.end() || name->second.values.size() != 1)
      fail(node, "field '" + field + "': expected a name, as in `" + field + ": {name: ...}`");
    out.name = name->second.values[0];
    out.settings.erase(name);
    return out;
  }
  template <class T>
  void number(const YAML::Node& node, const std::string& field, T& out, Range range) const {
    ConfigReader one(single_ = Settings{{field, setting(node, field)}});
    one.field(field.c_str(), out, "", range);
  }
  mutable Settings single_;
};

Arm parse_arm(const Reader& r, const YAML::Node& node, const Part& agent) {
  Arm arm;
  arm.agent = agent;
  Settings given = r.settings(node, "arms");
  auto take = [&](const char* key) -> std::string {
    const auto it = given.find(key);
    if (it == given.end()) return {};
    if (it->second.list) r.fail(node, std::string("field '") + key + "': expected one value, got a list");
    auto value = it->second.values[0];
    given.erase(it);
    return value;
  };
  arm.name = take("name");
  if (arm.name.empty()) r.fail(node, "an arm needs a name");
  arm.note = take("note");
  if (const auto other = take("agent"); !other.empty() && other != agent.name) arm.agent = Part{other, {}, r.at(node)};
  const auto role = take("role");
  if (role == "baseline") arm.role = ArmRole::baseline;
  else if (role == "learned") arm.role = ArmRole::learned;
  else if (!role.empty()) throw unknown_name("role", role, {"baseline", "learned"}, r.at(node));
  const auto flag = [&](const char* key, bool& out) {
    const auto text = take(key);
    if (text.empty()) return;
    try {
      config_detail::parse(text, out);
    } catch (const Error& e) {
      r.fail(node, std::string("field '") + key + "': " + e.what());
    }
  };
  flag("lessons", arm.lessons);
  arm.weights = arm.lessons;
  flag("weights", arm.weights);
  for (auto& [key, value] : given) arm.agent.settings[key] = value;
  return arm;
}

const std::vector<std::string> kTopLevel = {"name",  "env",        "agent",  "learn",  "model", "embedder", "writer", "judge", "method",   "seed",
                                            "in_flight", "slots", "threads", "deterministic", "budget", "prices", "evaluation", "arms", "withhold", "transfer_from", "transfer_examples"};

void apply_override(YAML::Node root, const std::string& text) {
  const auto eq = text.find('=');
  if (eq == std::string::npos || eq == 0)
    throw Error(Fault::usage, "--set: expected key=value, got '" + excerpt(text) + "'");
  const std::string key = text.substr(0, eq);
  YAML::Node value;
  try {
    value = YAML::Load(text.substr(eq + 1));
  } catch (const YAML::Exception& e) {
    throw Error(Fault::usage, "--set " + excerpt(key) + ": " + excerpt(e.what()));
  }
  const auto dot = key.find('.');
  const std::string top = key.substr(0, dot);
  if (std::find(kTopLevel.begin(), kTopLevel.end(), top) == kTopLevel.end())
    throw Error(Fault::usage, unknown_name("field", top, kTopLevel, "--set").what());
  if (dot == std::string::npos) {
    if ((top == "env" || top == "agent" || top == "method" || top == "model" || top == "embedder" || top == "writer" || top == "judge") && root[top] && root[top].IsMap() && value.IsScalar())
      root[top]["name"] = value;
    else
      root[top] = value;
    return;
  }
  const std::string sub = key.substr(dot + 1);
  if (root[top] && root[top].IsScalar()) {
    YAML::Node map;
    map["name"] = root[top].Scalar();
    root[top] = map;
  }
  root[top][sub] = value;
}

template <class C>
C section(const Reader& r, const YAML::Node& node, const std::string& field) {
  const auto given = r.settings(node, field);
  return read_config<C>(given);
}

// A name becomes part of file names.
std::string plain_name(const Reader& r, const YAML::Node& node) {
  auto name = r.scalar(node, "name");
  if (name.empty() || name.front() == '.' || name.find_first_of(std::string("/\\\0", 3)) != std::string::npos)
    r.fail(node, "field 'name': expected a name without '/' that does not begin with '.', got '" + excerpt(name) + "'");
  return name;
}

void parse_field(const Reader& r, Recipe& out, const std::string& key, const YAML::Node& value) {
  if (key == "name") out.name = plain_name(r, value);
  else if (key == "env") out.env = r.part(value, key);
  else if (key == "agent") out.agent = r.part(value, key);
  else if (key == "method") out.method = r.part(value, key);
  else if (key == "writer") out.writer = r.part(value, key);
  else if (key == "judge") out.judge = r.part(value, key);
  else if (key == "learn") out.learn_agent = r.settings(value, key);
  else if (key == "transfer_from") out.transfer_from = r.scalar(value, key);
  else if (key == "transfer_examples") out.transfer_examples = r.scalar(value, key), out.transfer_examples_where = r.at(value);
  else if (key == "seed") r.number(value, key, out.seed, {});
  else if (key == "in_flight") r.number(value, key, out.in_flight, {.min = 1, .max = 256});
  else if (key == "slots") r.number(value, key, out.slots, {.min = 1, .max = 4096});
  else if (key == "threads") r.number(value, key, out.threads, {.min = 0, .max = 256});
  else if (key == "deterministic") r.number(value, key, out.deterministic, {});
  else if (key == "withhold") r.number(value, key, out.withhold, {.min = 0, .max = 1});
  else if (key == "budget") out.budget = section<Budget>(r, value, key);
  else if (key == "prices") out.prices = section<Prices>(r, value, key);
  else if (key == "evaluation") out.evaluation = section<EvaluationConfig>(r, value, key);
  else if (key == "model") {
    const auto part = r.part(value, key);
    out.model = part.name;
    out.model_settings = part.settings;
    out.model_where = part.where;
  } else if (key == "embedder") {
    const auto part = r.part(value, key);
    out.embedder = part.name;
    out.embedder_settings = part.settings;
    out.embedder_where = part.where;
  }
}

void check_arms(const Recipe& recipe) {
  int baselines = 0, learned = 0;
  std::set<std::string> names;
  for (const auto& arm : recipe.arms) {
    baselines += arm.role == ArmRole::baseline;
    learned += arm.role == ArmRole::learned;
    if (!names.insert(arm.name).second) throw Error(Fault::bad_input, arm.agent.where + ": two arms are named '" + excerpt(arm.name) + "'");
  }
  if (!recipe.arms.empty() && (baselines != 1 || learned != 1))
    throw Error(Fault::bad_input, recipe.path + ": arms: expected one arm with role: baseline and one with role: learned, got " +
                                      std::to_string(baselines) + " and " + std::to_string(learned));
}

// YAML libraries take bytes that are no UTF-8 and write others in their place; after a NUL they believe in UTF-16 or UTF-32.
void require_utf8(std::string_view text, const std::string& at, Fault fault) {
  const std::string good = wire::valid_utf8(text);
  const auto bad = std::mismatch(text.begin(), text.end(), good.begin(), good.end()).first;
  const auto nul = std::find(text.begin(), text.end(), '\0');
  const auto first = std::min(bad, nul);
  if (first == text.end()) return;
  throw Error(fault, at + (fault == Fault::usage ? "" : ":" + std::to_string(std::count(text.begin(), first, '\n') + 1)) + ": expected UTF-8 text, got " +
                         (first == nul ? "a NUL byte" : "other bytes"));
}

// Comments of the file are lost; what was changed is said at the top.
std::string with_overrides(const YAML::Node& root, const std::string& path, const std::vector<std::string>& overrides) {
  std::string out = "# " + path + " with";
  for (const auto& o : overrides) out += " " + o;
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out + "\n" + YAML::Dump(root) + "\n";
}

}  // namespace

const Arm* Recipe::arm(ArmRole role) const {
  for (const auto& a : arms)
    if (a.role == role) return &a;
  return nullptr;
}

Recipe parse_recipe(const std::string& text, const std::string& path, const std::vector<std::string>& overrides) {
  require_utf8(text, path, Fault::bad_input);
  for (const auto& o : overrides) require_utf8(o, "--set", Fault::usage);
  Reader r{path, {}};
  YAML::Node root;
  try {
    root = YAML::Load(text);
    if (!root.IsMap()) throw Error(Fault::bad_input, path + ": expected a map of fields (env, method, ...), got " + Reader::kind(root));
    for (const auto& o : overrides) apply_override(root, o);
  } catch (const YAML::Exception& e) {
    throw Error(Fault::bad_input, path + ":" + std::to_string(e.mark.line + 1) + ": not valid YAML: " + excerpt(e.msg));
  }

  Recipe out;
  out.path = path;
  out.overrides = overrides;
  out.text = overrides.empty() ? text : with_overrides(root, path, overrides);
  YAML::Node arms;
  for (const auto& [key, value] : r.entries(root, "recipe")) {
    if (std::find(kTopLevel.begin(), kTopLevel.end(), key) == kTopLevel.end())
      throw Error(Fault::bad_input, unknown_name("field", key, kTopLevel, r.at(value)).what());
    if (key == "arms") arms = value;
    else parse_field(r, out, key, value);
  }
  if (out.env.name.empty()) throw Error(Fault::bad_input, path + ": field 'env' is missing: which world?");
  if (out.method.name.empty()) throw Error(Fault::bad_input, path + ": field 'method' is missing: which way of learning?");
  if (!out.transfer_examples.empty() && out.transfer_from.empty())
    throw Error(Fault::bad_input, out.transfer_examples_where + ": field 'transfer_examples': needs transfer_from, the run whose insights are rewritten");
  if (out.name.empty()) out.name = out.env.name + "-" + out.method.name;
  if (arms.IsDefined() && !arms.IsNull()) {
    if (!arms.IsSequence()) r.fail(arms, "field 'arms': expected a list, got " + Reader::kind(arms));
    for (const auto& node : arms) out.arms.push_back(parse_arm(r, node, out.agent));
  }
  check_arms(out);
  return out;
}

std::vector<std::string> builtin_recipes() {
  std::vector<std::string> names;
  for (const auto file : builtin_recipe_names()) names.emplace_back(file.substr(0, file.rfind(".yaml")));
  return names;
}

Recipe load_recipe(const std::string& path_or_name, const std::vector<std::string>& overrides) {
  const auto known = builtin_recipes();
  for (const auto& name : known)
    if (name == path_or_name) return parse_recipe(std::string(builtin_recipe(name + ".yaml")), "builtin:" + name, overrides);
  std::ifstream in(path_or_name, std::ios::binary);
  if (!in) {
    if (path_or_name.find('/') == std::string::npos && path_or_name.find('.') == std::string::npos)
      throw unknown_name("recipe", path_or_name, known);
    throw Error(Fault::usage, path_or_name + ": can't be read (no such file?)");
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse_recipe(text.str(), path_or_name, overrides);
}

namespace {
// How long to wait for a server, or which key to send, decides no result: a run goes on after a change of these.
void print(std::ostream& s, const Settings& settings, bool of_model = false) {
  s << "{";
  for (const auto& [key, setting] : settings) {
    if (of_model && only_transport(key)) continue;
    s << key << "=";
    for (const auto& v : setting.values) s << v.size() << ":" << v << ",";
    s << ";";
  }
  s << "}";
}
}  // namespace

std::string recipe_fingerprint(const Recipe& recipe) {
  std::ostringstream s;
  auto part = [&](const char* label, const Part& p) {
    s << label << " " << p.name << " ";
    print(s, p.settings);
    s << "\n";
  };
  part("env", recipe.env);
  part("agent", recipe.agent);
  part("method", recipe.method);
  s << "learn ";
  print(s, recipe.learn_agent);
  s << "\nmodel " << recipe.model << " ";
  print(s, recipe.model_settings, true);
  s << "\nembedder " << recipe.embedder;
  if (!recipe.embedder_settings.empty()) s << " ", print(s, recipe.embedder_settings, true);
  s << "\nseed " << recipe.seed << "\ndeterministic " << recipe.deterministic << "\nwithhold "
    << recipe.withhold << "\nbudget " << recipe.budget.episodes << " " << recipe.budget.tokens << " " << recipe.budget.seconds << " "
    << recipe.budget.money << "\nevaluation " << recipe.evaluation.enabled << " " << recipe.evaluation.curve << " "
    << recipe.evaluation.curve_tasks << " " << recipe.evaluation.changes << "\ntransfer " << recipe.transfer_from << "\n";
  for (const auto& [label, p] : {std::pair{"writer ", &recipe.writer}, std::pair{"judge ", &recipe.judge}}) {
    if (p->name.empty()) continue;
    s << label << p->name << " ";
    print(s, p->settings, true);
    s << "\n";
  }
  if (recipe.slots != Recipe{}.slots) s << "slots " << recipe.slots << "\n";
  if (!recipe.transfer_examples.empty()) s << "transfer examples " << recipe.transfer_examples << "\n";
  for (const auto& arm : recipe.arms) {
    s << "arm " << arm.name << " " << static_cast<int>(arm.role) << arm.lessons << (arm.weights == arm.lessons ? "" : arm.weights ? "w" : "-w") << " ";
    part("", arm.agent);
  }
  return s.str();
}

std::vector<FieldDoc> describe_recipe() {
  std::vector<FieldDoc> docs = {
      {"name", "text", "<env>-<method>", "", "what the run is called"},
      {"env", "name or map", "", "hone env list", "the world, with its settings"},
      {"agent", "name or map", "react", "hone agent list", "who acts, with its settings"},
      {"learn", "map", "", "", "agent settings that hold while learning only"},
      {"model", "name, path, URL or map", "", "hone model list", "the language model; a server as http(s)://host:port/v1#MODEL"},
      {"embedder", "name, path, URL or map", "all-minilm-l6-v2", "", "what recall compares texts with; a server as for model"},
      {"writer", "name, path, URL or map", "", "hone model list", "the model that a method's own calls go to; without it the one that plays"},
      {"judge", "name, path, URL or map", "", "hone model list", "the model that rates what was written; without it the writer"},
      {"method", "name or map", "", "hone method list", "the way of learning, with its settings"},
      {"seed", "whole number", "1", "", "every draw follows from it"},
      {"in_flight", "whole number", "4", "1 to 256", "episodes played at the same time; does not change the result"},
      {"slots", "whole number", "16", "1 to 4096", "worlds of the reflex tempo stepped together; each has its own episode, so it is part of the result"},
      {"threads", "whole number", "0", "0 to 256", "threads that step them, 0 = one per core; does not change the result"},
      {"deterministic", "true | false", "true", "", "same recipe, seed, model, build and CPU give the same bytes"},
      {"withhold", "number", "0.05", "0 to 1", "chance that a recalled lesson is withheld while learning (credit)"},
      {"transfer_from", "text", "", "", "a run whose insights are rewritten for this world (ExpeL stage D)"},
      {"transfer_examples", "path", "", "", "JSONL file of solved tasks of this world (task and transcript, or task and steps as for an agent's examples) that the rewriting call shows"},
      {"arms", "list of maps", "", "", "rows of the result table: name, role (baseline | learned), agent, lessons, weights (as learned; follows lessons), agent settings"},
  };
  auto add = [&](const std::string& prefix, std::vector<FieldDoc> more) {
    for (auto& d : more) {
      d.name = prefix + "." + d.name;
      docs.push_back(std::move(d));
    }
  };
  add("budget", describe_config<Budget>());
  add("prices", describe_config<Prices>());
  add("evaluation", describe_config<EvaluationConfig>());
  return docs;
}

}  // namespace hone
