// Whole runs of poking, small.
#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "models/policy_module.h"

namespace hone {
namespace {

using test::Folder;

class PokeRun : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  }
  static Recipe recipe(const std::string& method = "", const std::vector<std::string>& set = {}) {
    return parse_recipe("name: kit\nenv: {name: poke, pixels: 16, episode: 8, train: 8, validation: 2, test: 6, score: reached}\nslots: 8\n"
                        "method: {name: poke, pokes: 160, rollout: 10, updates: 12, round: 6, batch: 8, features: 16, hidden: 16" + method + "}\n", "kit.yaml", set);
  }
  struct Result {
    std::vector<Metrics> metrics;
    std::vector<std::byte> nets;
    wire::Json report;
  };
  Result run(const Recipe& r) {
    const auto home = scratch_ / ("home" + std::to_string(++runs_));
    const auto done = run_recipe(r, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
    const Store store(store_path(home), {.create = false, .read_only = true});
    Result out;
    out.report = done.report;
    for (const auto& m : store.metrics(done.run)) {
      out.metrics.resize(static_cast<std::size_t>(m.round));
      out.metrics.back()[m.name] = m.value;
    }
    for (const auto& l : store.lessons({.scope = std::nullopt, .run = done.run}))
      if (const auto* w = std::get_if<Weights>(&l.lesson.what)) out.nets = store.artifact(w->artifact_sha).value();
    return out;
  }
  Folder scratch_;
  int runs_ = 0;
};

TEST_F(PokeRun, ThreadsChangeNothingAndTheTableHasTheRivals) {
  const Result one = run(recipe("", {"threads=1"})), three = run(recipe("", {"threads=3"}));
  EXPECT_EQ(one.nets, three.nets);
  ASSERT_EQ(one.metrics.size(), 3U);  // one round of pokes, two of training
  for (const char* name : {"location_loss", "angle_loss", "length_loss", "forward_loss", "held_out/angle", "held_out/length_within_one", "held_out/forward"}) EXPECT_TRUE(one.metrics.back().contains(name)) << name;
  EXPECT_EQ(one.metrics.back().at("pokes"), 160.0);
  std::vector<std::string> names;
  for (const auto& arm : one.report["arms"]) {
    names.push_back(arm["name"]);
    EXPECT_EQ(arm["faults"], 0) << arm["name"];
    EXPECT_EQ(arm["scores"].size(), 6U);
    for (const char* info : {"relative", "turn", "distance"}) EXPECT_GE(arm["infos"][info].get<double>(), 0.0) << info;
    for (const auto& score : arm["scores"]) EXPECT_TRUE(score == 0.0 || score == 1.0);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"random", "random on the thing", "blob", "learned policy"}));
}

TEST_F(PokeRun, LambdaAndShuffledLabelsChangeWhatIsLearned) {
  const auto joint = run(recipe()).nets;
  EXPECT_NE(joint, run(recipe(", lambda: 0")).nets);
  EXPECT_NE(joint, run(recipe(", shuffle_labels: true")).nets);
  EXPECT_NE(joint, run(recipe(", inverse: 0")).nets);
}

TEST_F(PokeRun, MisuseIsNamed) {
  const auto refusal = [&](const Recipe& r) {
    try {
      run(r);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_NE(refusal(recipe(", lambda: 0, inverse: 0")).find("poke: field 'lambda': expected above 0 where 'inverse' is 0"), std::string::npos);
  EXPECT_NE(refusal(recipe(", layout: alexnet")).find("expected pictures of 63 to 256 pixels a side for this layout, got 16"), std::string::npos);
  EXPECT_NE(refusal(recipe(", lr: 1e300")).find("not finite"), std::string::npos);
  EXPECT_NE(refusal(recipe(", order: backwards")).find("order"), std::string::npos);
  EXPECT_NE(refusal(parse_recipe("env: gridworld\nmethod: poke\n", "kit.yaml")).find("expected a world with a picture now and one of the goal"), std::string::npos);
}

}  // namespace
}  // namespace hone
