#include "engine/transfer.h"

#include "agents/examples.h"
#include "core/error.h"
#include "engine/learn.h"
#include "engine/tools.h"
#include "learners/expel/transfer.h"
#include "wire/read.h"
#include "wire/text_file.h"

namespace hone {

Usage transfer_insights(Store& store, const Recipe& recipe, const Opened& opened, const std::string& run, std::stop_token stop) {
  if (store.find_commit(run, "transfer")) return {};
  const RunInfo source = store.find_run(recipe.transfer_from);
  Transfer transfer;
  transfer.target = opened.world().facts(Split::train);
  // The source world's own description: opened from the recipe that the source run was made with.
  const Recipe source_recipe = parse_recipe(source.recipe_yaml, "recipe of run " + source.id);
  transfer.source = find_env(source_recipe.env.name).open(source_recipe.env.settings)->facts(Split::train);
  transfer.insights = store.snapshot(scope_of(source.id))->all({.form = LessonForm::insight});
  if (transfer.insights.empty()) throw Error(Fault::bad_input, "transfer_from: run " + source.id + " has no insights");
  transfer.examples = transfer_examples(recipe, transfer.target.action_word.empty() ? "Action" : transfer.target.action_word);
  const Stage stage = opened.stage(Split::train, recipe.agent, {}, stop);
  EngineTools tools({&store, run, -1, &stage, &recipe, Rng(recipe.seed), {}, nullptr});
  const Request request = transfer_request(transfer);
  Lesson advice = transferred_insight(transfer, tools.generate(std::span(&request, 1)).front());
  advice.scope = scope_of(run);
  advice.learner = recipe.method.name;
  advice.env = recipe.env.name;
  store.commit({run, "transfer", {.add = {advice}, .retire = {}}, std::nullopt}, opened.embedder());
  return tools.usage();
}

std::vector<Case> transfer_examples(const Recipe& recipe, const std::string& action_word) {
  std::vector<Case> out;
  const std::string& path = recipe.transfer_examples;
  if (path.empty()) return out;
  try {
    for_each_json_line(read_text_file(path), path, [&](const wire::Json& json, int, const std::string& at) {
      const wire::Fields f(json, at + ": example");
      if (f.find("steps") != nullptr) return out.push_back(read_example(json, at).as_case(action_word, true));
      Case example;
      f.need("task", example.task);
      f.need("transcript", example.transcript);
      example.solved = true;
      out.push_back(std::move(example));
    });
    if (out.empty()) throw Error(Fault::bad_input, path + ": expected at least one solved task (task, transcript), got none");
  } catch (const Error& e) {
    throw e.within(recipe.transfer_examples_where + ": field 'transfer_examples'");
  }
  return out;
}

}  // namespace hone
