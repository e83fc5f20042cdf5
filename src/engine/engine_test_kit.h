// What engine tests share: a small desk with a file of its own, a model whose habits are known, a store in a scratch folder.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/folder_test_kit.h"
#include "engine/arms.h"
#include "engine/learn.h"
#include "engine/opened.h"
#include "models/scripted.h"
#include "store/transfer.h"

namespace hone::test {

// Four queues, told apart by two words each; every request has a number of its own.
inline std::filesystem::path write_requests(const Folder& scratch, int each = 12) {
  const std::vector<std::pair<std::string, std::string>> queues{
      {"fruit", "ripe apples pears"}, {"metal", "rusty iron bolts"}, {"music", "loud drums guitars"}, {"water", "cold river rain"}};
  const auto path = scratch / "requests.csv";
  std::ofstream out(path);
  out << "text,label\n";
  for (const auto& [label, words] : queues)
    for (int i = 0; i < each; ++i) out << "please send " << words << " number" << i << ' ' << label[0] << i << ',' << label << '\n';
  return path;
}

inline std::string desk_yaml(const std::filesystem::path& requests) {
  return "name: kit\nenv: {name: desk, requests: " + requests.string() +
         ", train: 24, validation: 8, test: 12, train_tries: 3, eval_tries: 1}\n"
         "agent: {name: react, cases: 2, insights: false, calibrate: never}\n"
         "model: scripted:echo\nembedder: \"scripted:256\"\n"
         "method: {name: expel, retries: 1, insights: false, reflect: false, round_tasks: 4}\n"
         "arms:\n"
         "  - {name: before, role: baseline, lessons: false}\n"
         "  - {name: after, role: learned}\n"
         "  - {name: vote, agent: vote}\n"
         "evaluation: {curve: 2, changes: 4}\n";
}

// Knows nothing but how to copy: prefers the queue that the last "Queue: x" line of its prompt names, else the first choice.
inline double copy_last_case(const ChoiceRequest& request, std::size_t choice) {
  std::string prompt;
  for (const auto& m : request.prompt) prompt += m.content + "\n";
  std::size_t best = std::string::npos, at_best = 0;
  for (std::size_t i = 0; i < request.choices.size(); ++i) {
    const auto at = prompt.rfind(": " + request.choices[i] + "\n");
    if (at != std::string::npos && (best == std::string::npos || at > at_best)) best = i, at_best = at;
  }
  if (best == std::string::npos) best = 0;
  return choice == best ? -0.1 : -5.0;
}

inline std::string canonical(const Store& store, const std::string& run) {
  std::ostringstream out;
  export_jsonl(store, out, {.runs = {run}, .canonical = true});
  return out.str();
}

// One learning run without the command line: world and method from a recipe, the model given.
struct Bench {
  explicit Bench(const Folder& scratch, const std::string& extra = {}, const std::string& file = "hone.db")
      : requests(write_requests(scratch)), recipe(parse_recipe(desk_yaml(requests) + extra, "kit.yaml")), world(find_env("desk").open(recipe.env.settings)),
        store(scratch / file), model([](std::span<const Message>, const Sampling&) { return std::string("UPVOTE 1: x."); }, copy_last_case) {}

  Stage stage(Split split = Split::train) {
    Stage s;
    s.world = world.get();
    s.split = split;
    s.agent = &find_agent(recipe.agent.name);
    s.agent_settings = recipe.agent.settings;
    s.model = &model;
    s.chooser = &model;
    s.stop = stop.get_token();
    return s;
  }
  std::unique_ptr<Learner> learner() {
    return find_learner(recipe.method.name)
        .make(recipe.method.settings, {.train = world->tasks(Split::train), .world = world->facts(Split::train), .batch = nullptr, .rng = Rng(recipe.seed).split("learner")});
  }
  std::string new_run() {
    RunInfo info;
    info.name = "kit";
    info.env = "desk";
    info.method = recipe.method.name;
    return store.create_run(info);
  }
  LearnState learn_into(const std::string& run, Listener listener = {}, std::function<Usage()> beside = {}) {
    const auto who = learner();
    LearnPlan plan;
    plan.store = &store;
    plan.run = run;
    plan.recipe = &recipe;
    plan.stage = stage();
    plan.learner = who.get();
    plan.embedder = &embedder;
    plan.rng = Rng(recipe.seed);
    plan.listener = std::move(listener);
    plan.beside = std::move(beside);
    return learn(plan);
  }

  std::filesystem::path requests;
  Recipe recipe;
  std::unique_ptr<World> world;
  Store store;
  ScriptedModel model;
  ScriptedEmbedder embedder{256};
  std::stop_source stop;
};

}  // namespace hone::test
