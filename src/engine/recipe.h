// A recipe: one short YAML file that names world, agent, model, method, budget and seed. Read once, checked whole: every error
// names file, line and field, and the nearest valid name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace hone {

// A catalogue name with its settings: `env: desk` or `env: {name: desk, tries: 3}`.
struct Part {
  std::string name;
  Settings settings;
  std::string where;
};

struct Budget {  // caps on learning, looked at before each round; evaluation comes on top; 0 = none
  std::int64_t episodes = 0, tokens = 0;
  double seconds = 0.0, money = 0.0;
};
template <class V>
void visit(V& v, Budget& c) {
  v.field("episodes", c.episodes, "most episodes to play while learning (reflex worlds: the round that reaches it is finished), 0 = no cap", {.min = 0});
  v.field("tokens", c.tokens, "most tokens of learning, prompt and generated; the round that reaches it is finished, evaluation comes on top; 0 = no cap", {.min = 0});
  v.field("seconds", c.seconds, "most seconds of learning, 0 = no cap; a run cut by time does not repeat exactly", {.min = 0});
  v.field("money", c.money, "most money of learning, in the currency of the prices; as for tokens; 0 = no cap", {.min = 0});
}

struct Prices {  // per million tokens
  double prompt = 0.0, generated = 0.0, embedded = -1.0;
};
template <class V>
void visit(V& v, Prices& c) {
  v.field("prompt", c.prompt, "price of a million prompt tokens", {.min = 0});
  v.field("generated", c.generated, "price of a million generated tokens", {.min = 0});
  v.field("embedded", c.embedded, "price of a million tokens that a remote embedder reads, -1 = that of prompt tokens", {.min = -1});
}

struct EvaluationConfig {
  int curve = 4;
  int curve_tasks = 0;
  int changes = 8;
  bool enabled = true;
};
template <class V>
void visit(V& v, EvaluationConfig& c) {
  v.field("enabled", c.enabled, "evaluate before and after learning");
  v.field("curve", c.curve, "points of the learning curve, measured on the validation tasks while learning", {.min = 0, .max = 100});
  v.field("curve_tasks", c.curve_tasks, "validation tasks per point of the curve, 0 = all", {.min = 0});
  v.field("changes", c.changes, "how many 'which lesson changed which move' examples the report looks for", {.min = 0, .max = 100});
}

enum class ArmRole { other, baseline, learned };

// One row of the result table: an agent, with or without what was learned.
struct Arm {
  std::string name, note;
  Part agent;
  ArmRole role = ArmRole::other;
  bool lessons = true;
  bool weights = true;  // play with the weights that were learned; false: with those before. Follows lessons unless given
};

struct Recipe {
  std::string name, path;   // path as given, or "builtin:desk"
  std::string text;         // YAML that gives this recipe again: as read or, with overrides, written anew with them in place
  std::vector<std::string> overrides;  // as given to --set
  Part env, agent{"react", {}, ""}, method;
  Settings learn_agent;     // settings that replace the agent's while learning (exploration)
  double withhold = 0.05;   // chance that a recalled lesson is withheld while learning
  std::string model, embedder = "all-minilm-l6-v2";
  Settings model_settings, embedder_settings;
  std::string model_where, embedder_where;  // for error messages
  Part writer, judge;       // models for a method's own calls; an empty name = the writer, and the model that plays
  std::uint64_t seed = 1;
  int in_flight = 4;
  int slots = 16, threads = 0;  // reflex tempo: worlds stepped together, and by how many threads (0 = one per core)
  bool deterministic = true;
  Budget budget;
  Prices prices;
  EvaluationConfig evaluation;
  std::vector<Arm> arms;
  std::string transfer_from;  // run whose insights are rewritten for this world before anything else (ExpeL stage D)
  std::string transfer_examples;  // file of solved tasks of this world shown in that call; empty = none (the paper's ablation)
  std::string transfer_examples_where;  // for error messages

  const Arm* arm(ArmRole role) const;
};

// `overrides`: "key=value" with dotted keys, as given to --set ("env.tries=3", "seed=2").
Recipe parse_recipe(const std::string& text, const std::string& path, const std::vector<std::string>& overrides = {});

// Names of the recipes that ship with Hone: "desk", ...
std::vector<std::string> builtin_recipes();

// A path to a file, or the name of a recipe that ships with Hone.
Recipe load_recipe(const std::string& path_or_name, const std::vector<std::string>& overrides = {});

// What decides the result, as bytes: everything but in_flight, threads, how a server is reached, the path and the layout of the file.
std::string recipe_fingerprint(const Recipe& recipe);

// Every field that parse_recipe knows, for `hone learn --help-recipe` and the docs.
std::vector<FieldDoc> describe_recipe();

}  // namespace hone
