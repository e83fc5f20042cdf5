// Developmental Support through the engine, on a decoder with random weights (developmental_support, section 6).
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "models/policy_module.h"

namespace hone {
namespace {

using test::Folder;

#define NEEDS_POLICY() \
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why

std::string yaml(const Folder& scratch, const std::string& method, const std::string& more = {}) {
  return "name: kit\nenv: {name: desk, requests: " + test::write_requests(scratch).string() +
         ", train: 4, validation: 4, test: 4, train_tries: 1, eval_tries: 1}\nagent: {name: chat, hold: true}\n"
         "model: {name: tiny, width: 32, layers: 2, heads: 2, context: 1024, batch: 8, precision: f32}\nembedder: none\n"
         "method: {name: developmental, fields: two, " + method + "}\nevaluation: {enabled: false}\n" + more;
}

RunOptions at(const std::filesystem::path& home, Listener listener = {}, std::stop_token stop = {}) {
  return {.home = home, .listener = std::move(listener), .stop = std::move(stop), .fresh = false, .from_store = std::nullopt};
}

// Of all rounds, the last value of each metric; `first`: the first.
std::map<std::string, double> metrics(const std::filesystem::path& home, const std::string& run, bool first = false) {
  std::map<std::string, double> out;
  for (const auto& m : Store(store_path(home), {.create = false, .read_only = true}).metrics(run))
    if (!first || !out.contains(m.name)) out[m.name] = m.value;
  return out;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

constexpr const char* hand = "written_by: hand, judge: rules, ";

// A writer and a judge as a file of replies: every phase is known by a sentence of its prompt.
std::filesystem::path script(const Folder& scratch) {
  const auto path = scratch / "writer.json";
  std::ofstream(path) << R"({"replies": {
    "The number that fits": "6",
    "argues on the higher level": "A",
    "Look back at how": "THOUGHT: gain\nVALUES: gain\nCONSIDERED: him\nOVERLOOKED: her",
    "Rate the reasons of an answer": "STAGE: 2\nEVIDENCE: a favour\nCEILING: gain only",
    "What would have to change": "THINKING: a favour -> her place\nDOING: nothing",
    "Follow this advice": "Action: Yes, do it.\nReason: In her place, not knowing whose it is, any human being would ask.",
    "What should be done": "Action: Yes, do it.\nReason: She will owe a favour and pay it back, so it is a good bargain."},
    "otherwise": "?"})";
  return path;
}

TEST(DevelopmentalRun, TheFirstStepTrainsEveryAnswerTokenAndPreferenceStartsAtLnTwo) {
  NEEDS_POLICY();
  Folder scratch;
  const auto recipe = parse_recipe(yaml(scratch, std::string(hand) + "train: 6, unseen: 4, batch: 10, length_tolerance: 1, mean_length_tolerance: 1, sft_passes: 1, dpo_passes: 1, lr: 0.0001, sequences_per_step: 100"), "kit.yaml");
  const auto run = run_recipe(recipe, at(scratch / "home"));
  const auto m = metrics(scratch / "home", run.run);
  EXPECT_GT(m.at("sft/loss"), 0.0);
  EXPECT_GT(m.at("sft/gradient_norm"), 0.0);
  EXPECT_GT(m.at("sft/tokens"), 6 * 40.0);  // bytes of six answers
  // All pairs in one step: the policy is still the reference, up to the rounding of another batch (exactly: objective/preference_test.cpp).
  EXPECT_NEAR(m.at("dpo/loss"), std::log(2.0), 1e-5);
  EXPECT_NEAR(m.at("dpo/rewards/margins"), 0.0, 1e-5);
  const Store store(store_path(scratch / "home"));
  const auto lessons = store.lessons({.scope = std::nullopt, .run = run.run});
  ASSERT_EQ(lessons.size(), 1U);
  const auto& weights = std::get<Weights>(lessons[0].lesson.what);
  EXPECT_NE(weights.artifact_sha, weights.base_sha);
}

// Some fifty steps of one pair.
TEST(DevelopmentalRun, FourPairsAreLearnedByHeart) {
  NEEDS_POLICY();
  Folder scratch;
  const auto recipe = parse_recipe(yaml(scratch, std::string(hand) + "train: 4, unseen: 0, batch: 4, length_tolerance: 1, mean_length_tolerance: 1, sft_passes: 1, dpo_passes: 12, lr: 0.001, sequences_per_step: 2"), "kit.yaml", {"model.layers=1"});
  const auto m = metrics(scratch / "home", run_recipe(recipe, at(scratch / "home")).run);
  EXPECT_EQ(m.at("dpo/rewards/accuracies"), 1.0);
  EXPECT_GT(m.at("dpo/rewards/margins"), 5.0);
}

TEST(DevelopmentalRun, WriterAndJudgeAreOtherModelsThanTheOneTrained) {
  NEEDS_POLICY();
  Folder scratch;
  const auto file = script(scratch);
  const std::string method = "judge: model, train: 4, unseen: 2, batch: 3, rounds: 1, length_tolerance: 1, mean_length_tolerance: 1, sft_passes: 1, dpo_passes: 1, lr: 0.0001, records: " + (scratch / "records").string();
  const std::string helpers = "writer: \"scripted:" + file.string() + "\"\njudge: \"scripted:" + file.string() + "\"\n";
  const auto recipe = parse_recipe(yaml(scratch, method, helpers), "kit.yaml");
  // This judge says 6 and A to everything: no stage is claimed and, since A depends on the order, no revision is preferred.
  try {
    run_recipe(recipe, at(scratch / "home"));
    ADD_FAILURE() << "pairs were made of nothing";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("no pair to learn from is left of 6 dilemmas (not_accepted 6)"), std::string::npos) << e.what();
  }
  const auto by_rules = parse_recipe(yaml(scratch, "judge: rules" + method.substr(12), helpers), "kit.yaml");
  const auto run = run_recipe(by_rules, at(scratch / "home2")).run;
  EXPECT_EQ(metrics(scratch / "home2", run).at("pairs/train"), 4.0);
  const auto rows = text_of(scratch / "records" / "dpo.jsonl");
  EXPECT_NE(rows.find("any human being would ask"), std::string::npos);
  EXPECT_NE(text_of(scratch / "records" / "records.jsonl").find("\"model\":\"scripted"), std::string::npos);
}

TEST(DevelopmentalRun, StoppedInTheMiddleOfTheCycleItGoesOnToTheSameBytes) {
  NEEDS_POLICY();
  Folder scratch;
  const std::string method = "judge: rules, train: 4, unseen: 2, batch: 2, rounds: 1, length_tolerance: 1, mean_length_tolerance: 1, sft_passes: 1, dpo_passes: 1, lr: 0.0001";
  const auto recipe = [&](const std::string& records) {
    return parse_recipe(yaml(scratch, method + ", records: " + (scratch / records).string(), "writer: \"scripted:" + script(scratch).string() + "\"\n"), "kit.yaml");
  };
  const auto canonical = [](const std::filesystem::path& home, const std::string& run) { return test::canonical(Store(store_path(home), {.create = false, .read_only = true}), run); };
  const auto whole = run_recipe(recipe("records"), at(scratch / "whole")).run;
  const auto expected = canonical(scratch / "whole", whole);
  const auto rows = text_of(scratch / "records" / "dpo.jsonl"), records = text_of(scratch / "records" / "records.jsonl");
  ASSERT_FALSE(rows.empty());
  for (const int after : {1, 4, 9, 14}) {
    std::filesystem::remove_all(scratch / "records");
    const auto home = scratch / ("home" + std::to_string(after));
    std::stop_source stop;
    int calls = 0;
    const auto listener = [&](const Event& e) {
      if (e.kind == "generation" && ++calls == after) stop.request_stop();
    };
    try {
      run_recipe(recipe("records"), at(home, listener, stop.get_token()));
      ADD_FAILURE() << "it was not stopped after " << after;
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::interrupted) << e.what();
    }
    const auto run = run_recipe(recipe("records"), at(home)).run;
    EXPECT_EQ(canonical(home, run), expected) << after;
    EXPECT_EQ(text_of(scratch / "records" / "dpo.jsonl"), rows) << after;
    EXPECT_EQ(text_of(scratch / "records" / "records.jsonl"), records) << after;
  }
}

TEST(DevelopmentalRun, FreeAnswersOfBothModelsAreKeptAndComeBackAfterAStop) {
  NEEDS_POLICY();
  Folder scratch;
  const auto recipe = [&](const std::string& records) {
    return parse_recipe(yaml(scratch, std::string(hand) + "train: 4, unseen: 2, batch: 6, length_tolerance: 1, mean_length_tolerance: 1, sft_passes: 1, dpo_passes: 1, lr: 0.001, sft_lr: 0.01, reply_tokens: 16, "
                                                          "suites: true, suite_runs: 2, records: " + (scratch / records).string()), "kit.yaml");
  };
  const auto run = run_recipe(recipe("one"), at(scratch / "one.home")).run;
  const auto text = text_of(scratch / "one" / "suites.jsonl");
  std::map<std::string, int> rows;
  std::map<std::string, std::pair<std::string, std::string>> seeds;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    const auto model = json["model_id"].get<std::string>();
    ++rows[json["suite"].get<std::string>() + " " + model];
    auto& both = seeds[json["suite"].get<std::string>() + json["item_id"].get<std::string>() + std::to_string(json["run"].get<int>())];
    (model == "before" ? both.first : both.second) = json["seed"].get<std::string>();
    EXPECT_TRUE(json["labels"].empty() && json["helpful"].is_null()) << "nobody judged them";
  }
  EXPECT_EQ(rows, (std::map<std::string, int>{{"adversarial before", 8}, {"adversarial after", 8}, {"adversarial_plain before", 8}, {"adversarial_plain after", 8}, {"helpful before", 15}, {"helpful after", 15}}));
  for (const auto& [item, both] : seeds) EXPECT_EQ(both.first, both.second) << item;
  const auto m = metrics(scratch / "one.home", run);
  for (const char* name : {"adversarial/A4/before/refusal", "adversarial/A4/after/refusal", "adversarial_plain/after/refusal", "helpful/before/words", "helpful/after/cut", "neutral/perplexity"}) EXPECT_TRUE(m.contains(name)) << name;
  // Stopped between the two.
  std::stop_source stop;
  int round = 0;
  const auto listener = [&](const Event& e) {
    if (e.kind == "round" && ++round == 4) stop.request_stop();
  };
  EXPECT_THROW(run_recipe(recipe("two"), at(scratch / "two.home", listener, stop.get_token())), Error);
  const auto half = text_of(scratch / "two" / "suites.jsonl");
  EXPECT_EQ(text.substr(0, half.size()), half);
  EXPECT_LT(half.size(), text.size());
  run_recipe(recipe("two"), at(scratch / "two.home"));
  EXPECT_EQ(text_of(scratch / "two" / "suites.jsonl"), text);
}

TEST(DevelopmentalRun, AMethodThatAsksNobodyRefusesAWriter) {
  Folder scratch;
  auto text = test::desk_yaml(test::write_requests(scratch)) + "judge: \"scripted:echo\"\n";
  try {
    Opened opened(parse_recipe(text, "kit.yaml"));
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("kit.yaml:12: method 'expel' asks neither writer nor judge"), std::string::npos) << e.what();
  }
}

TEST(DevelopmentalRun, SettingsThatDontFitEachOtherAreRefused) {
  NEEDS_POLICY();
  Folder scratch;
  const auto refused = [&](const std::string& method) {
    try {
      Opened opened(parse_recipe(yaml(scratch, method), "kit.yaml"));
      return std::string("nothing");
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  EXPECT_NE(refused("written_by: hand, invent: true").find("invent: the sentences that ship"), std::string::npos);
  EXPECT_NE(refused("sft_passes: 0, dpo_passes: 0").find("expected at least 1"), std::string::npos);
  EXPECT_NE(refused("lr: 0").find("lr: expected more than 0"), std::string::npos);
  EXPECT_NE(refused("sequences_per_step: 3").find("expected an even number"), std::string::npos);
  EXPECT_NE(refused("suites: true").find("suites: expected a folder in `records`"), std::string::npos);
  EXPECT_NE(refused("situations: nowhere.jsonl").find("nowhere.jsonl: can't be opened"), std::string::npos);
}

}  // namespace
}  // namespace hone
