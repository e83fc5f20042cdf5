// The recipes hotpot and gsm8k with a scripted model on questions of our own, and ExpeL's stage D from the one to the other.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "engine/transfer.h"
#include "envs/gsm8k.h"
#include "envs/hotpot.h"
#include "wire/text_file.h"

namespace hone {
namespace {

using test::Folder;
using wire::Json;

const char* const rule = "When a question names a thing, search its title first.";
const char* const advice = "Say twenty-nine when in doubt.";

std::string fixture(const std::string& name) {
  const char* dir = std::getenv("HONE_SOURCE_DIR");
  return (dir == nullptr ? std::string(".") : std::string(dir)) + "/tests/fixtures/" + name;
}

// A recipe that ships, with a model that replies by what stands in its prompt (the first part that does).
struct Play {
  explicit Play(const std::string& recipe_name, const std::vector<std::pair<std::string, std::string>>& replies, std::vector<std::string> set) {
    Json json = {{"replies", Json::object()}, {"otherwise", "Thought: no idea\nAction: Search[nothing]"}};
    for (const auto& [part, reply] : replies) json["replies"][part] = reply;
    const auto script = (scratch / (recipe_name + ".json")).string();
    std::ofstream(script) << json.dump();
    set.insert(set.end(), {"model=scripted:" + script, "embedder=\"scripted:64\"", "env.train=6", "env.validation=0", "env.test=4", "evaluation.changes=0"});
    recipe = load_recipe(recipe_name, set);
  }
  RunResult run(const std::filesystem::path& home) { return run_recipe(recipe, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt}); }
  Folder scratch;
  Recipe recipe;
};

// Knows every answer but reads nothing: thinks a line and finishes.
std::vector<std::pair<std::string, std::string>> hotpot_replies() {
  std::vector<std::pair<std::string, std::string>> out{{"UPVOTE", std::string("ADD: ") + rule}};
  for (const auto& item : parse_hotpot(read_text_file(fixture("hotpot.jsonl")), "hotpot.jsonl"))
    out.emplace_back("Question: " + item.question, "Thought: known\nAction: Finish[" + item.answer + "]");
  return out;
}

std::vector<Json> evaluation_of(const RunResult& result) {
  std::vector<Json> out;
  std::ifstream in(result.report_path.parent_path() / "evaluation.jsonl");
  for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line));
  return out;
}

TEST(Recipes, HotpotRunsWithEveryArmOnItsOwnQuestions) {
  Play play("hotpot", hotpot_replies(), {"env.questions=" + fixture("hotpot.jsonl"), "agent.cases=0"});
  const auto result = play.run(play.scratch / "home");
  EXPECT_EQ(result.report["arms"].size(), 3U);
  EXPECT_EQ(result.result["baseline"]["score"], 1.0);
  EXPECT_EQ(result.result["learned"]["score"], 1.0);
  EXPECT_EQ(result.result["learned"]["tasks"], 4);
  const Store store(store_path(play.scratch / "home"), {.create = false, .read_only = true});
  const auto insights = store.snapshot(result.run)->all({.form = LessonForm::insight});
  ASSERT_EQ(insights.size(), 1U);
  EXPECT_EQ(std::get<Insight>(insights[0].what).text, rule);
  bool thought = false;
  for (const auto& e : evaluation_of(result)) {
    // The scripted model always thinks first, which the Act arm does not let it do.
    EXPECT_EQ(e["ending"], e["key"].get<std::string>().starts_with("test/Act/") ? "cut_off" : "terminal");
    for (const auto& step : e["steps"]) thought = thought || (step["did"].contains("thought") && step["did"]["thought"] == "known");
  }
  EXPECT_TRUE(thought);
}

TEST(Recipes, HotpotRecallsItsCasesAndEndsAtSevenSteps) {
  Play play("hotpot", {{"UPVOTE", std::string("ADD: ") + rule}}, {"env.questions=" + fixture("hotpot.jsonl")});
  const auto result = play.run(play.scratch / "home");
  EXPECT_EQ(result.result["learned"]["score"], 0.0);
  const auto played = evaluation_of(result);
  EXPECT_EQ(played.size(), 12U);
  for (const auto& e : played) {
    EXPECT_EQ(e["ending"], "cut_off");
    EXPECT_EQ(e["steps"].size(), 7U);
  }
}

TEST(Recipes, Gsm8kRunsWithEveryArmOnItsOwnProblems) {
  std::vector<std::pair<std::string, std::string>> replies{{"UPVOTE", "ADD: When a number is asked for, check its unit."}};
  for (const auto& item : parse_gsm8k(read_text_file(fixture("gsm8k.jsonl")), "gsm8k.jsonl"))
    replies.emplace_back("Problem: " + item.question, "Thought: a\nThought: b\nThought: c\nAnswer: it is " + item.answer);
  Play play("gsm8k", replies, {"env.problems=" + fixture("gsm8k.jsonl"), "env.test_problems=''", "agent.cases=0"});
  const auto result = play.run(play.scratch / "home");
  EXPECT_EQ(result.report["arms"].size(), 3U);
  EXPECT_EQ(result.result["baseline"]["score"], 1.0);
  EXPECT_EQ(result.result["learned"]["score"], 1.0);
}

TEST(StageD, InsightsOfHotpotReachGsm8kRewrittenWithCountsAndExamples) {
  Play source("hotpot", hotpot_replies(), {"env.questions=" + fixture("hotpot.jsonl")});
  const auto home = source.scratch / "home";
  const auto learned = source.run(home);
  // A model that follows words: it says 29 only where the advice is in its prompt.
  Play target("gsm8k", {{"hands it on to a student", advice}, {advice, "Thought: a\nThought: b\nThought: c\nAnswer: 29"}, {"Problem: ", "Answer: 0"}},
              {"env.problems=" + fixture("gsm8k.jsonl"), "env.test_problems=''", "transfer_from=" + learned.run,
               "transfer_examples=" + fixture("gsm8k_examples.jsonl")});
  target.recipe.env.settings["train"] = Setting{{"0"}, false, ""};
  const auto result = target.run(home);

  const Store store(store_path(home), {.create = false, .read_only = true});
  const auto calls = store.generations(result.run);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].role, "transfer");
  const std::string& prompt = calls[0].prompt.at(0).content;
  EXPECT_NE(prompt.find(std::string("- ") + rule + " (importance "), std::string::npos) << prompt;
  EXPECT_LT(prompt.find("encyclopedia"), prompt.find(rule)) << "the source's own task comes first";
  EXPECT_LT(prompt.find(rule), prompt.find("You solve a word problem"));
  EXPECT_NE(prompt.find("HOW THE STUDENT'S TASKS LOOK:\nProblem: A box has 3 red and 4 blue pens. How many pens do 5 boxes have?\nThought: One box has 3 + 4 = 7 pens."),
            std::string::npos)
      << prompt;

  const auto lessons = store.snapshot(result.run)->all({.form = LessonForm::insight});
  ASSERT_EQ(lessons.size(), 1U);
  EXPECT_EQ(std::get<Insight>(lessons[0].what).text, advice);
  EXPECT_EQ(lessons[0].env, "gsm8k");
  EXPECT_FALSE(lessons[0].evidence.empty());
  int told = 0, untold = 0;
  for (const auto& e : evaluation_of(result)) {
    const bool with = e["key"].get<std::string>().starts_with("test/ExpeL/");
    EXPECT_EQ(e["steps"][0]["did"]["action"], with ? "29" : "0") << e["key"];
    ++(with ? told : untold);
  }
  EXPECT_EQ(told, 4);
  EXPECT_EQ(untold, 8);
}

TEST(StageD, ExamplesThatDoNotFitAreSaidBeforeAnythingIsPlayed) {
  Folder scratch;
  Recipe recipe;
  recipe.transfer_examples_where = "r.yaml:9";
  recipe.transfer_examples = (scratch / "e.jsonl").string();
  const auto refusal = [&](const std::string& text) -> std::string {
    std::ofstream(recipe.transfer_examples) << text;
    try {
      transfer_examples(recipe);
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal("{\"task\":\"a\"}\n").find("r.yaml:9: field 'transfer_examples': "), std::string::npos);
  EXPECT_NE(refusal("{\"task\":\"a\"}\n").find("e.jsonl:1: example.transcript: missing"), std::string::npos);
  EXPECT_NE(refusal("\n{\"task\":\"a\",\"transcript\":[]}\n").find("e.jsonl:2: example.transcript: expected a string, got array"), std::string::npos);
  EXPECT_NE(refusal("\n").find("expected at least one solved task"), std::string::npos);
  EXPECT_EQ(refusal("{\"task\":\"a\",\"transcript\":\"b\"}\n"), "accepted");
  EXPECT_EQ(refusal("{\"task\":\"a\",\"steps\":[{\"thought\":\"b\",\"action\":\"c\"}]}\n"), "accepted") << "as agents read them";
  EXPECT_EQ(transfer_examples(recipe, "Answer")[0].transcript, "Thought: b\nAnswer: c");
  recipe.transfer_examples = "/nowhere/e.jsonl";
  EXPECT_THROW(transfer_examples(recipe), Error);
}

}  // namespace
}  // namespace hone
