#include "engine/recipe.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone {
namespace {

const char* const kGood = "name: a\nenv: {name: desk, train: 5}\nmethod: expel\nseed: 3\nbudget: {episodes: 7}\narms:\n  - {name: x, role: baseline, lessons: false}\n  - {name: y, role: learned, cases: 2}\n";

std::string error_of(const std::string& yaml, const std::vector<std::string>& set = {}) {
  try {
    parse_recipe(yaml, "r.yaml", set);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Recipe, ReadsEveryPart) {
  const auto r = parse_recipe(kGood, "r.yaml");
  EXPECT_EQ(r.env.name, "desk");
  EXPECT_EQ(r.env.settings.at("train").values[0], "5");
  EXPECT_EQ(r.env.settings.at("train").where, "r.yaml:2");
  EXPECT_EQ(r.seed, 3U);
  EXPECT_EQ(r.budget.episodes, 7);
  ASSERT_EQ(r.arms.size(), 2U);
  EXPECT_FALSE(r.arms[0].lessons);
  EXPECT_EQ(r.arms[1].agent.settings.at("cases").values[0], "2");
}

TEST(Recipe, ItsTextGivesItAgainWithWhatWasSet) {
  const std::vector<std::string> set{"env.train=9", "method.name=expel", "method.insights=false", "seed=4"};
  const auto r = parse_recipe(kGood, "r.yaml", set);
  EXPECT_EQ(r.overrides, set);
  EXPECT_EQ(parse_recipe(kGood, "r.yaml").text, kGood);
  const auto again = parse_recipe(r.text, "stored");
  EXPECT_EQ(recipe_fingerprint(again), recipe_fingerprint(r));
  EXPECT_NE(recipe_fingerprint(again), recipe_fingerprint(parse_recipe(kGood, "r.yaml")));
}

TEST(Recipe, HowAServerIsReachedDecidesNoResult) {
  const std::string yaml = std::string(kGood) + "model: {name: 'http://h:1/v1#m', timeout_s: 5}\nembedder: {name: 'http://h:1/v1#e', key_env: KEY}\n";
  const auto r = parse_recipe(yaml, "r.yaml");
  EXPECT_EQ(r.model, "http://h:1/v1#m");
  EXPECT_EQ(r.embedder, "http://h:1/v1#e");
  EXPECT_EQ(r.embedder_settings.at("key_env").values[0], "KEY");
  for (const char* same : {"model.timeout_s=9", "model.retries=0", "model.cache=false", "model.key_env=X", "embedder.concurrency=1"})
    EXPECT_EQ(recipe_fingerprint(parse_recipe(yaml, "r.yaml", {same})), recipe_fingerprint(r)) << same;
  for (const char* other : {"model.api=chat", "model.name=http://h:2/v1#m", "embedder=http://h:1/v1#f", "embedder.api=chat"})
    EXPECT_NE(recipe_fingerprint(parse_recipe(yaml, "r.yaml", {other})), recipe_fingerprint(r)) << other;
  EXPECT_EQ(parse_recipe(kGood, "r.yaml", {"model=http://127.0.0.1:8080/v1#m"}).model, "http://127.0.0.1:8080/v1#m");
}

TEST(Recipe, OverridesReplaceFieldsWhateverTheirForm) {
  const auto r = parse_recipe(kGood, "r.yaml", {"env.train=9", "method.retries=0", "seed=5", "env.command=[a, b]"});
  EXPECT_EQ(r.env.settings.at("train").values[0], "9");
  EXPECT_EQ(r.method.name, "expel");
  EXPECT_EQ(r.method.settings.at("retries").values[0], "0");
  EXPECT_EQ(r.seed, 5U);
  EXPECT_TRUE(r.env.settings.at("command").list);
}

TEST(Recipe, ErrorsNameFileLineFieldAndNearestName) {
  EXPECT_NE(error_of("env: desk\nmethod: expel\nsead: 1\n").find("r.yaml:3: unknown field 'sead'; did you mean 'seed'?"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nseed: x\n").find("r.yaml:3: field 'seed': expected a whole number"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nin_flight: 0\n").find("expected 1 to 256, got 0"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nseed: [1]\n").find("got a list"), std::string::npos);
  EXPECT_NE(error_of("env: desk\n").find("'method' is missing"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nenv: desk\nmethod: expel\n").find("appears twice"), std::string::npos);
  EXPECT_NE(error_of("env: [\n").find("not valid YAML"), std::string::npos);
  EXPECT_NE(error_of("just text").find("expected a map"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\narms: [{name: a}]\n").find("role: baseline"), std::string::npos);
  EXPECT_NE(error_of(kGood, {"sed=1"}).find("did you mean 'seed'?"), std::string::npos);
  EXPECT_NE(error_of(kGood, {"nonsense"}).find("key=value"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nbudget: {episods: 3}\n").find("did you mean 'episodes'?"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\ntransfer_examples: a.jsonl\n").find("r.yaml:3: field 'transfer_examples': needs transfer_from"), std::string::npos);
}

TEST(Recipe, FingerprintIgnoresWhatDoesNotChangeTheResult) {
  const auto a = parse_recipe(kGood, "a.yaml"), b = parse_recipe(std::string(kGood) + "in_flight: 8\n", "b.yaml");
  EXPECT_EQ(recipe_fingerprint(a), recipe_fingerprint(b));
  EXPECT_NE(recipe_fingerprint(a), recipe_fingerprint(parse_recipe(kGood, "a.yaml", {"seed=4"})));
  EXPECT_NE(recipe_fingerprint(a), recipe_fingerprint(parse_recipe(kGood, "a.yaml", {"env.train=6"})));
}

TEST(Recipe, EveryBuiltInRecipeReads) {
  for (const char* name : {"desk", "gridworld", "banking77-20", "banking77-77", "own_world", "own_agent", "hotpot", "gsm8k"}) EXPECT_EQ(load_recipe(name).name, name);
  try {
    load_recipe("dask");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'desk'?"), std::string::npos);
  }
}

TEST(Recipe, OverridesOfWhatIsNoMapAreOneError) {
  EXPECT_NE(error_of("desk", {"seed=2"}).find("r.yaml: expected a map of fields"), std::string::npos);
  EXPECT_NE(error_of("[env]", {"env.tries=2"}).find("r.yaml: expected a map of fields"), std::string::npos);
}

TEST(Recipe, MustBeUtf8) {
  EXPECT_EQ(error_of("env: desk\nmethod: ex\xffpel\n"), "r.yaml:2: expected UTF-8 text, got other bytes");
  EXPECT_EQ(error_of("env: desk\nmethod: expel\n", {"env.\xff=1"}), "--set: expected UTF-8 text, got other bytes");
  EXPECT_EQ(error_of("env: desk\nmethod: expel\n", {std::string("method=\0\0\0x", 11)}), "--set: expected UTF-8 text, got a NUL byte");
}

}  // namespace
}  // namespace hone
