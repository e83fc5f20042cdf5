// Whole runs of curiosity on the maze, small.
#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "models/policy_module.h"

namespace hone {
namespace {

using test::Folder;

class IcmRun : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  }
  static Recipe recipe(const std::string& method, const std::string& env = "", const std::vector<std::string>& set = {}) {
    return parse_recipe("name: kit\nenv: {name: maze, map: three_rooms, limit_tics: 60, train: 8, validation: 2, test: 2, evaluation_repeat: 4" + env + "}\nslots: 4\n"
                        "method: {name: icm, steps: 160, rollout: 10, round: 2, " + method + "}\nevaluation: {enabled: false}\n", "kit.yaml", set);
  }
  // Every round's metrics, and the bytes of the networks (actor first).
  struct Result {
    std::vector<Metrics> metrics;
    std::vector<std::byte> nets;
  };
  Result run(const Recipe& r) {
    const auto home = scratch_ / ("home" + std::to_string(++runs_));
    const std::string id = run_recipe(r, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt}).run;
    const Store store(store_path(home), {.create = false, .read_only = true});
    Result out;
    for (const auto& m : store.metrics(id)) {
      out.metrics.resize(static_cast<std::size_t>(m.round));
      out.metrics.back()[m.name] = m.value;
    }
    for (const auto& l : store.lessons({.scope = std::nullopt, .run = id}))
      if (const auto* w = std::get_if<Weights>(&l.lesson.what)) out.nets = store.artifact(w->artifact_sha).value();
    return out;
  }
  Folder scratch_;
  int runs_ = 0;
};

constexpr std::size_t actor_bytes = 8 + 4 * 588293;

TEST_F(IcmRun, WithoutWeightOnTheBonusTheActorIsThePlainOne) {  // icm.md 8.7
  const Result plain = run(recipe("curiosity: none")), weightless = run(recipe("curiosity: icm, eta: 0")), curious = run(recipe("curiosity: icm, eta: 10"));
  ASSERT_GT(plain.nets.size(), actor_bytes);
  const auto actor = [](const Result& r) { return std::span(r.nets).first(actor_bytes); };
  EXPECT_TRUE(std::ranges::equal(actor(plain), actor(weightless)));
  EXPECT_FALSE(std::ranges::equal(actor(plain), actor(curious)));
}

TEST_F(IcmRun, ThreadsChangeNothing) {
  const Result one = run(recipe("curiosity: icm", "", {"threads=1"})), three = run(recipe("curiosity: icm", "", {"threads=3"}));
  EXPECT_EQ(one.nets, three.nets);
}

TEST_F(IcmRun, WorkersInTurnAreA2cForOneSlotAndStepOftenerForMore) {
  const auto of = [&](const std::string& algorithm, const std::string& slots) { return run(recipe("curiosity: icm, algorithm: " + algorithm, "", {"slots=" + slots})).nets; };
  EXPECT_EQ(of("a3c", "1"), of("a2c", "1"));
  EXPECT_NE(of("a3c", "4"), of("a2c", "4"));
}

TEST_F(IcmRun, CuriosityInPartsLearnsMoreFromTheSameAndNotByThreads) {
  const auto of = [&](int parts, const char* threads) { return run(recipe("curiosity: icm, centre_advantage: true, curiosity_lr: 0.001, curiosity_minibatches: " + std::to_string(parts), "", {threads})); };
  const Result whole = of(1, "threads=1"), parts = of(4, "threads=1"), threads = of(4, "threads=3");
  EXPECT_EQ(parts.nets, threads.nets);
  EXPECT_LT(parts.metrics.back().at("forward_loss"), whole.metrics.back().at("forward_loss"));
}

// With no weight on the bonus its value learns nothing but zero, and what the actor learns from is the reward's return alone.
TEST_F(IcmRun, ValuesApartForesawTheirOwn) {
  const auto of = [&](const std::string& more) { return run(recipe("algorithm: ppo, minibatches: 2, epochs: 2, separate_values: true, curiosity: random_features" + more, ", living_cost: true")); };
  const Result apart = of(""), threads = of(""), longer = of(", bonus_gamma: 0.5"), together = run(recipe("algorithm: ppo, minibatches: 2, epochs: 2, curiosity: random_features", ", living_cost: true"));
  EXPECT_EQ(apart.nets, threads.nets);
  EXPECT_NE(apart.nets, longer.nets);
  EXPECT_EQ(apart.nets.size(), together.nets.size() + 3 * 4 * 257);  // a second value's weights, and Adam's two moments of them
}

TEST_F(IcmRun, RewardAndBonusAreToldApart) {
  for (const char* kind : {"icm", "random_features", "pixels", "rnd", "noise"}) {
    const Result r = run(recipe(std::string("algorithm: ppo, minibatches: 2, epochs: 2, normalise_bonus: true, curiosity: ") + kind, ", living_cost: true"));
    ASSERT_EQ(r.metrics.size(), 2U) << kind;
    for (const auto& m : r.metrics) {
      EXPECT_NEAR(m.at("reward"), -0.0004, 1e-6) << kind;
      EXPECT_GT(m.at("bonus"), 0.0) << kind;
      EXPECT_GT(m.at("entropy"), 1.0) << kind;
      EXPECT_TRUE(m.contains("clipped")) << kind;
      EXPECT_TRUE(m.contains("rollout/rooms")) << kind;
    }
    EXPECT_EQ(r.metrics.back().at("steps"), 160.0);
  }
}

TEST_F(IcmRun, MisuseIsNamed) {
  const auto refusal = [&](const Recipe& r) {
    try {
      run(r);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_NE(refusal(recipe("algorithm: ppo, minibatches: 5")).find("expected at most as many as there are slots (4), got 5"), std::string::npos);
  EXPECT_NE(refusal(recipe("keep: best, reward: false")).find("'keep': expected last where reward is false"), std::string::npos);
  EXPECT_NE(refusal(recipe("start_from: /no/such/file")).find("can't read /no/such/file"), std::string::npos);
  EXPECT_NE(refusal(recipe("lr: 1e300")).find("not finite"), std::string::npos);
  EXPECT_NE(refusal(parse_recipe("env: gridworld\nmethod: icm\n", "kit.yaml")).find("expected a world whose observations are frames"), std::string::npos);
}

}  // namespace
}  // namespace hone
