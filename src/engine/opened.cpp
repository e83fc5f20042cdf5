#include "engine/opened.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "core/cores.h"
#include "core/error.h"
#include "engine/memo.h"
#include "hone_version.h"
#include "models/policy_module.h"
#include "wire/sha256.h"

namespace hone {

std::filesystem::path default_home() {
  if (const char* home = std::getenv("HONE_HOME"); home != nullptr && *home != 0) return home;
  return ".hone";
}

std::filesystem::path store_path(const std::filesystem::path& home) { return home / "hone.db"; }

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  std::string line, name = "unknown CPU";
  while (std::getline(in, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    if (const auto colon = line.find(": "); colon != std::string::npos) name = line.substr(colon + 2);
    break;
  }
  return name + ", " + std::to_string(usable_cores()) + " cores";
}

namespace {

void merge(Settings& into, const Settings& over) {
  for (const auto& [key, value] : over) into[key] = value;
}

// What goes wrong in opening a field names its place in the recipe.
template <class Open>
auto at_field(const std::string& where, const char* field, Open open) -> decltype(open()) {
  try {
    return open();
  } catch (const Error& e) {
    throw where.empty() ? e : e.within(where + ": field '" + field + "'");
  }
}

}  // namespace

Opened::Opened(const Recipe& recipe) : recipe_(recipe) {
  const EnvEntry& env = find_env(recipe.env.name, recipe.env.where);
  method_ = &find_learner(recipe.method.name, recipe.method.where);
  const bool wants_batch = method_->tempo == Tempo::reflex;
  if (wants_batch && env.open_batch == nullptr)
    throw Error(Fault::bad_input, recipe.env.where + ": world '" + recipe.env.name + "' has no reflex tempo, which method '" + recipe.method.name + "' needs");
  if (!wants_batch && env.open == nullptr)
    throw Error(Fault::bad_input, recipe.env.where + ": world '" + recipe.env.name + "' has no deliberate tempo, which method '" + recipe.method.name + "' needs");
  if (wants_batch) batch_ = env.open_batch(recipe.env.settings);
  else world_ = env.open(recipe.env.settings);
  make_learner(Rng(recipe.seed), wants_batch ? &batch_->make({.slots = recipe.slots})->spec() : nullptr, false);  // its settings fit
  if (wants_batch) return;

  find_agent(recipe.agent.name, recipe.agent.where);
  for (const auto& arm : recipe.arms) find_agent(arm.agent.name, arm.agent.where);
  if (!method_->asks)
    for (const Part* helper : {&recipe.writer, &recipe.judge})
      if (!helper->name.empty()) throw Error(Fault::bad_input, helper->where + ": method '" + recipe.method.name + "' asks neither writer nor judge");
  writer_ = open_helper(recipe.writer, "writer");
  judge_ = open_helper(recipe.judge, "judge");
  if (method_->trains) {
    if (recipe.model.empty()) throw Error(Fault::bad_input, recipe.method.where + ": method '" + recipe.method.name + "' trains weights, so the recipe must name a model");
    trainable_ = at_field(recipe.model_where, "model", [&] {
      std::vector<std::string> texts;
      for (const auto& task : world_->tasks(Split::train)) texts.push_back(task.goal);
      return std::make_unique<Trainable>(recipe.model, read_config<TrainableConfig>(recipe.model_settings), recipe.seed, texts);
    });
    model_sha_ = trainable_->model().facts().artifact_sha;
  } else if (!recipe.model.empty()) {
    model_ = open_helper({recipe.model, recipe.model_settings, recipe.model_where}, "model");
    model_sha_ = model_.model->facts().artifact_sha;
    if (recipe.deterministic && model_.chooser != nullptr) memo_ = std::make_unique<Memo>(*model_.chooser);
  }
  if (!recipe.embedder.empty() && recipe.embedder != "none") embedder_ = at_field(recipe.embedder_where, "embedder", [&] {
    const auto options = read_config<ModelOptions>(recipe.embedder_settings);
    if (is_remote(recipe.embedder) && !options.remote.cache) unkept_ += (unkept_.empty() ? "embedder " : " and embedder ") + recipe.embedder;
    return open_embedder(recipe.embedder, options);
  });
  // Every agent can be made with its settings and this model.
  stage(Split::train, recipe.agent, recipe.learn_agent, {});
  for (const auto& arm : recipe.arms) stage(Split::test, arm.agent, {}, {});
}

Opened::~Opened() = default;

OpenModel Opened::open_helper(const Part& part, const char* field) {
  if (part.name.empty()) return {};
  Settings given = part.settings;
  if (const auto own = given.find("deterministic"); own != given.end())
    throw Error(Fault::bad_input, own->second.where + ": field 'deterministic': belongs to the recipe itself, not to its model");
  given["deterministic"] = Setting{{recipe_.deterministic ? "true" : "false"}, false, ""};
  return at_field(part.where, field, [&] {
    const auto options = read_config<ModelOptions>(given);
    if (is_remote(part.name) && !options.remote.cache) unkept_ += (unkept_.empty() ? "" : " and ") + std::string(field) + " " + part.name;
    return open_model(part.name, options);
  });
}

void Opened::check_models() const {
  const auto check = [](const std::string& spec, const std::string& before) {
    const auto file = model_file(spec);
    if (file.empty()) return;
    if (const auto now = sha256_file(file); now != before) throw Error(Fault::corrupt, file.string() + " changed while it was in use: SHA-256 " + before + " is now " + now);
  };
  if (model_.model != nullptr) check(recipe_.model, model_sha_);
  if (writer_.model != nullptr) check(recipe_.writer.name, writer_.model->facts().artifact_sha);
  if (judge_.model != nullptr) check(recipe_.judge.name, judge_.model->facts().artifact_sha);
  if (embedder_ != nullptr) check(recipe_.embedder, embedder_->facts().artifact_sha);
}

std::string Opened::for_tests_only() const {
  for (const std::string* spec : {&recipe_.model, &recipe_.writer.name, &recipe_.judge.name}) {
    if (spec->empty()) continue;
    const auto& all = backend_catalog();
    const auto backend = std::find_if(all.begin(), all.end(), [&](const BackendEntry& b) { return b.handles(*spec); });
    if (backend != all.end() && backend->tests_only) return *spec;
  }
  return {};
}

std::string Opened::unrepeatable() const {
  if (!recipe_.deterministic || unkept_.empty()) return {};
  return unkept_ + ": a server decides what it answers, and its replies are not kept (cache: false), so this run can't be promised to repeat although it is deterministic";
}

std::vector<Task> Opened::tasks(Split split) const { return reflex() ? batch_->tasks(split) : world_->tasks(split); }

Stage Opened::stage(Split split, const Part& agent, const Settings& over, std::stop_token stop) const {
  Stage out;
  out.world = world_.get();
  out.split = split;
  out.agent = &find_agent(agent.name, agent.where);
  out.agent_settings = agent.settings;
  merge(out.agent_settings, over);
  if (trainable_) {
    out.model = &trainable_->model();
    out.chooser = &trainable_->model();
  } else {
    out.model = model_.model.get();
    out.chooser = memo_ != nullptr ? memo_.get() : model_.chooser;
  }
  out.writer = writer_.model.get();
  out.judge = judge_.model.get();
  out.prices = recipe_.prices;
  out.stop = std::move(stop);
  try {
    out.agent->make(out.agent_settings, {out.model, out.chooser});
  } catch (const Error& e) {
    throw e.within("agent '" + agent.name + "'");
  }
  return out;
}

std::unique_ptr<Learner> Opened::make_learner(const Rng& rng, const BatchSpec* batch, bool from_store) const {
  LearnerContext context{.train = {}, .world = {}, .batch = batch, .nets = &trained_nets(), .rng = rng};
  if (!reflex()) context.world = world_->facts(Split::train);
  Settings given = recipe_.method.settings;
  if (from_store) given["from_store"] = Setting{{"true"}, false, "--from-store"};
  else if (!reflex()) context.train = world_->tasks(Split::train);
  else context.train = batch_->tasks(Split::train);
  try {
    return method_->make(given, context);
  } catch (const Error& e) {
    throw e.within("method '" + recipe_.method.name + "'");
  }
}

MadeOf Opened::made_of() const {
  std::string all = std::string(hone_version) + "\n" + recipe_fingerprint(recipe_) + model_sha_ + "\n" +
                    (embedder_ ? embedder_->facts().artifact_sha : "") + "\n";
  for (const OpenModel* helper : {&writer_, &judge_})
    if (helper->model != nullptr) all += helper->model->facts().artifact_sha + "\n";
  MadeOf out{.hash = {}, .recipe = sha256_hex(all), .files = named_files(recipe_)};
  for (const Split split : {Split::train, Split::validation, Split::test})
    for (const auto& task : tasks(split)) all += task.id + "\n";
  out.hash = sha256_hex(all);
  return out;
}

}  // namespace hone
