#include "engine/learn.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "engine/replay.h"
#include "store/upkeep.h"

namespace hone {
namespace {

// A server that goes away after some answers.
class Leaving final : public ChoiceModel {
 public:
  Leaving(ChoiceModel& model, int answers) : model_(model), left_(answers) {}
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override {
    if (left_-- <= 0) throw Error(Fault::unavailable, "http://host/v1: no connection");
    return model_.score(requests);
  }

 private:
  ChoiceModel& model_;
  int left_;
};

// Says as its thought how many steps it was told that it has.
class Counting final : public Agent {
 public:
  void begin(const Brief& brief) override { told_ = std::to_string(brief.world->max_steps); }
  Move act(const Observation&) override { return {.action = "no queue", .thought = told_, .choice = -1, .preference = {}, .trace = {}, .lessons = {}}; }

 private:
  std::string told_;
};

TEST(Play, AnAgentIsToldTheStepsOfItsSplit) {
  test::Folder scratch;
  test::Bench bench(scratch);
  const AgentEntry counting{.name = "counting", .summary = "", .fields = nullptr,
                            .make = [](const Settings&, const AgentTools&) -> std::unique_ptr<Agent> { return std::make_unique<Counting>(); }};
  Stage stage = bench.stage();
  stage.agent = &counting;
  for (const auto& [split, steps] : {std::pair{Split::train, 3U}, std::pair{Split::validation, 1U}, std::pair{Split::test, 1U}}) {
    stage.split = split;
    const auto episode = play(stage, {.task = bench.world->tasks(split)[0], .group = {}, .parent = {}, .notes = {}, .sampling = {}}, {.run = {}, .key = "k", .view = {}, .rng = Rng(1)});
    EXPECT_EQ(episode.fault, "");
    ASSERT_EQ(episode.steps.size(), steps);
    EXPECT_EQ(episode.steps[0].did.thought, std::to_string(steps));
  }
}

TEST(Play, StopsWhenTheModelIsGoneAndGoesOnWhenItIsThereAgain) {
  test::Folder scratch;
  test::Bench bench(scratch);
  const auto tasks = bench.world->tasks(Split::train);
  Batch batch;
  for (std::size_t i = 0; i < 6; ++i) {
    batch.trials.push_back({.task = tasks[i], .group = {}, .parent = {}, .notes = {}, .sampling = {}});
    batch.how.push_back({.run = {}, .key = std::to_string(i), .view = {}, .rng = Rng(i)});
  }
  std::map<std::string, Episode> kept;
  const auto known = [&](const std::string& key) { return kept.contains(key) ? std::optional(kept.at(key)) : std::nullopt; };
  const auto done = [&](std::size_t, const Episode& e, bool) { kept[e.key] = e; };
  Stage stage = bench.stage();
  Leaving leaving(bench.model, 5);
  stage.chooser = &leaving;
  try {
    play_all(stage, batch, 1, known, done);
    ADD_FAILURE() << "expected an Error";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::unavailable);
  }
  const auto before = kept.size();
  EXPECT_GT(before, 0U);
  EXPECT_LT(before, 6U);
  for (const auto& [key, e] : kept) EXPECT_NE(e.ending, Ending::fault);
  stage.chooser = &bench.model;
  const auto calls = bench.model.calls();
  std::int64_t moves = 0;
  for (const auto& e : play_all(stage, batch, 1, known, done))
    if (std::stoul(e.key) >= before) moves += static_cast<std::int64_t>(e.steps.size());
  EXPECT_EQ(kept.size(), 6U);
  EXPECT_EQ(bench.model.calls() - calls, moves) << "what was played is not played again";
}

using test::Bench;
using test::Folder;

TEST(Learn, EveryTrainingTaskIsPlayedRecordedAndRemembered) {
  Folder scratch;
  Bench bench(scratch);
  const auto run = bench.new_run();
  const auto state = bench.learn_into(run);
  EXPECT_TRUE(state.done);
  EXPECT_EQ(state.tasks_seen.back(), 24);
  const auto episodes = bench.store.episodes({.run = run});
  EXPECT_GE(episodes.size(), 24U);
  EXPECT_EQ(static_cast<std::int64_t>(episodes.size()), state.episodes);
  const auto lessons = bench.store.snapshot(scope_of(run), std::nullopt, &bench.embedder)->all({.form = LessonForm::example});
  EXPECT_FALSE(lessons.empty());
  for (const auto& lesson : lessons) {
    ASSERT_FALSE(lesson.evidence.empty());
    EXPECT_TRUE(bench.store.episode(lesson.evidence[0]).has_value());
  }
}

TEST(Learn, WhatIsRecalledMakesUnseenTasksBetter) {
  Folder scratch;
  Bench bench(scratch);
  const auto run = bench.new_run();
  bench.learn_into(run);
  Journal journal((scratch / "evaluation.jsonl").string());
  const auto known = bench.store.snapshot(scope_of(run), std::nullopt, &bench.embedder);
  EvalPlan plan{.run = run, .label = "before", .tasks = bench.world->tasks(Split::test), .lessons = nullptr, .lessons_for = {}, .rng = Rng(1), .in_flight = 2};
  const auto before = evaluate(bench.stage(Split::test), plan, journal, {});
  plan.label = "after";
  plan.lessons = known.get();
  const auto after = evaluate(bench.stage(Split::test), plan, journal, {});
  EXPECT_LE(before.score.mean, 0.5);
  EXPECT_GE(after.score.mean, before.score.mean + 0.4);
}

TEST(Learn, TheNumberInFlightChangesNothing) {
  Folder a, b;
  Bench one(a, "in_flight: 1\n"), eight(b, "in_flight: 8\n");
  const auto run_one = one.new_run(), run_eight = eight.new_run();
  one.learn_into(run_one);
  eight.learn_into(run_eight);
  EXPECT_EQ(test::canonical(one.store, run_one), test::canonical(eight.store, run_eight));
}

TEST(Learn, AStoppedRunGoesOnToTheSameBytes) {
  Folder a, b;
  Bench whole(a), broken(b);
  const auto undisturbed = whole.new_run(), run = broken.new_run();
  whole.learn_into(undisturbed);
  int sittings = 0;
  for (bool done = false; !done; ++sittings) {
    ASSERT_LT(sittings, 100);
    broken.stop = std::stop_source();
    int seen = 0;
    try {
      done = broken.learn_into(run, [&](const Event& e) {
        if (e.kind == "episode" && !e.fields["replayed"].get<bool>() && ++seen == 5) broken.stop.request_stop();
      }).done;
    } catch (const Error& e) {
      ASSERT_EQ(e.fault(), Fault::interrupted) << e.what();
    }
  }
  EXPECT_GT(sittings, 3);
  EXPECT_EQ(test::canonical(whole.store, undisturbed), test::canonical(broken.store, run));
}

TEST(Learn, ACapEndsTheRunWithWhatWasLearned) {
  Folder scratch;
  Bench bench(scratch, "budget: {episodes: 10}\n");
  const auto run = bench.new_run();
  std::string warning;
  const auto state = bench.learn_into(run, [&](const Event& e) {
    if (e.kind == "warning") warning = e.fields["text"];
  });
  EXPECT_EQ(state.ended_by, "episodes");
  EXPECT_TRUE(state.done);
  EXPECT_LE(bench.store.count_episodes({.run = run}), 10);
  EXPECT_GT(bench.store.latest_version(scope_of(run)), 0U);
  EXPECT_NE(warning.find("episodes"), std::string::npos);
}

TEST(Learn, ACapOnEpisodesBelowARoundIsUsedToTheLast) {
  Folder scratch;
  for (const int cap : {3, 5}) {  // rounds are of four tasks
    Bench bench(scratch, "budget: {episodes: " + std::to_string(cap) + "}\n", "cap" + std::to_string(cap) + ".db");
    const auto run = bench.new_run();
    const auto state = bench.learn_into(run);
    EXPECT_EQ(state.ended_by, "episodes");
    EXPECT_EQ(bench.store.count_episodes({.run = run}), cap);
    EXPECT_GT(bench.store.latest_version(scope_of(run)), 0U);
  }
}

TEST(Learn, WhatIsUsedBesideTriesCountsTowardsTheCaps) {
  Folder scratch;
  Bench bench(scratch, "budget: {tokens: 1000000, money: 1}\n");
  Usage vectors;
  const auto with = [&](std::int64_t tokens, double money) {
    vectors.prompt_tokens = tokens, vectors.money = money;
    return bench.learn_into(bench.new_run(), {}, [&] { return vectors; }).ended_by;
  };
  EXPECT_EQ(with(0, 0.0), "");
  EXPECT_EQ(with(1000000, 0.0), "tokens");
  EXPECT_EQ(with(0, 1.0), "money");
}

TEST(Learn, WithheldLessonsAreCountedAsSuch) {
  Folder scratch;
  Bench bench(scratch, "withhold: 0.5\n");
  const auto run = bench.new_run();
  bench.learn_into(run);
  std::int64_t used = 0, withheld = 0;
  for (const auto& e : bench.store.episodes({.run = run}))
    for (const auto& s : e.steps)
      for (const auto& l : s.did.lessons) (l.how == LessonUse::withheld ? withheld : used)++;
  EXPECT_GT(withheld, 0);
  EXPECT_GT(used, 0);
  EXPECT_FALSE(bench.store.credit(scope_of(run)).empty());
}

TEST(Replay, TheLessonThatDecidedAMoveIsFoundByTakingItAway) {
  Folder scratch;
  Bench bench(scratch);
  const auto run = bench.new_run();
  bench.learn_into(run);
  Journal journal((scratch / "evaluation.jsonl").string());
  const auto known = bench.store.snapshot(scope_of(run), std::nullopt, &bench.embedder);
  EvalPlan plan{.run = run, .label = "after", .tasks = bench.world->tasks(Split::test), .lessons = known.get(), .lessons_for = {}, .rng = Rng(1), .in_flight = 1};
  const auto after = evaluate(bench.stage(Split::test), plan, journal, {});
  auto one_case = bench.stage(Split::test);
  one_case.agent_settings["cases"] = Setting{{"1"}, false, ""};
  plan.label = "one";
  const auto single = evaluate(one_case, plan, journal, {});
  const auto changes = find_changes(one_case, {.run = run, .lessons = known.get(), .rng = Rng(1), .want = 50, .try_at_most = 50}, single.episodes, journal, {});
  for (const auto& change : changes) {
    EXPECT_NE(change.with.action, change.without.action);
    EXPECT_TRUE(bench.store.lesson(change.lesson).has_value());
  }
  // The copying model follows its one case; taking that away gives it the next nearest, which may name the same queue.
  EXPECT_FALSE(after.episodes.empty());
}

}  // namespace
}  // namespace hone
