// ERL through the engine: reflection and memory are there while it learns and nowhere else.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "models/policy_module.h"

namespace hone {
namespace {

using test::Folder;

Recipe small_run(const Folder& scratch, const std::vector<std::string>& set) {
  return parse_recipe("name: kit\nenv: {name: desk, requests: " + test::write_requests(scratch).string() +
                          ", train: 24, validation: 4, test: 12, train_tries: 1, eval_tries: 1, feedback: queue}\nagent: {name: chat, hold: true}\n"
                          "model: {name: tiny, width: 16, layers: 1, heads: 2, context: 512, batch: 8}\nembedder: none\n"
                          "method: {name: erl, rounds: 3, tasks: 4, group: 2, prompts: brief, reflect_tokens: 8, lr: 0}\nin_flight: 8\nevaluation: {curve: 1}\n",
                      "kit.yaml", set);
}

// What decides an evaluation, without ids and times: task, moves, what was read and said token by token, score.
std::vector<std::string> played(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    const auto json = wire::Json::parse(line);
    std::string kept = json["key"].dump() + json["task"]["id"].dump() + json["score"].dump();
    for (const auto& step : json["steps"]) kept += step["did"]["action"].dump() + step["did"]["trace"]["prompt_ids"].dump() + step["did"]["trace"]["ids"].dump() + step["did"]["trace"]["logp"].dump();
    EXPECT_TRUE(!json.contains("notes") || json["notes"].empty());
    EXPECT_EQ(json["steps"].size(), 1U);
    out.push_back(kept);
  }
  std::sort(out.begin(), out.end());
  return out;
}

double last_metric(const Store& store, const std::string& run, const std::string& name) {
  double value = -1.0;
  for (const auto& m : store.metrics(run))
    if (m.name == name) value = m.value;
  return value;
}

TEST(ErlRun, EvaluationIsOnePlainTryPerTaskAndDoesNotKnowTheMemory) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  Folder scratch;
  std::vector<std::vector<std::string>> evaluations;
  for (const char* memory : {"1", "0"}) {
    const RunOptions options{.home = scratch / memory, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt};
    const auto run = run_recipe(small_run(scratch, {std::string("method.memory=") + memory}), options);
    const Store store(store_path(options.home));
    // The weights stay as they are (lr: 0), so nothing but the memory could make the two differ.
    EXPECT_EQ(last_metric(store, run.run, "memory/filled"), memory[0] == '1' ? 1.0 : -1.0);
    std::set<std::string> episodes;
    const auto generations = store.generations(run.run);
    EXPECT_GT(generations.size(), 3U);
    for (const auto& g : generations) {
      EXPECT_TRUE(g.key.starts_with("learn/")) << g.key;
      EXPECT_EQ(g.role, "reflection");
      EXPECT_FALSE(g.trace.prompt_ids.empty());
      EXPECT_EQ(g.trace.ids.size(), g.trace.logp.size());
    }
    evaluations.push_back(played(options.home / "runs" / run.run / "evaluation.jsonl"));
  }
  // Two arms of 12 test and 4 validation tasks, and what the curve plays of the latter.
  EXPECT_GE(evaluations[0].size(), 32U);
  EXPECT_EQ(evaluations[0], evaluations[1]);
}

}  // namespace
}  // namespace hone
