#include "learners/tabular_q/tabular_q.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace hone {
namespace {

class NoLessons final : public Lessons {
 public:
  std::string scope() const override { return "none"; }
  std::uint64_t version() const override { return 0; }
  std::vector<Lesson> all(const LessonFilter&) const override { return {}; }
  std::vector<Recalled> recall(const RecallQuery&) const override { return {}; }
};
class NoTools final : public Tools {
 public:
  std::vector<Generation> generate(std::span<const Request>) override { return {}; }
  std::vector<Episode> play(std::span<const Trial>) override { return {}; }
  int count_tokens(std::string_view) override { return 0; }
  Rng rng(std::string_view) override { return Rng(0); }
  bool report(std::string_view, const Metrics&) override { return false; }
};

BatchSpec spec_of(int states, int actions) {
  BatchSpec spec;
  spec.observation = {SpaceKind::discrete, Dtype::i32, {}, 0.0, states - 1.0};
  spec.action = {SpaceKind::discrete, Dtype::i32, {}, 0.0, actions - 1.0};
  spec.slots = 1;
  return spec;
}

// One slot, one transition per step.
struct Transition {
  std::int32_t s, a;
  float r;
  std::int32_t next;
  bool terminated = false, truncated = false, fault = false;
};

Update feed(TabularQ& learner, const std::vector<Transition>& steps) {
  std::vector<std::int32_t> obs, final_obs, actions;
  std::vector<float> reward;
  std::vector<std::uint8_t> terminated, truncated, fault;
  for (const auto& t : steps) {
    obs.push_back(t.s), actions.push_back(t.a), reward.push_back(t.r), final_obs.push_back(t.next);
    terminated.push_back(t.terminated), truncated.push_back(t.truncated), fault.push_back(t.fault);
  }
  obs.push_back(steps.back().next);
  Rollout rollout;
  rollout.steps = static_cast<int>(steps.size());
  rollout.slots = 1;
  rollout.data = {std::as_writable_bytes(std::span(obs)), std::as_writable_bytes(std::span(final_obs)), reward, terminated, truncated, fault, {}};
  rollout.actions = std::as_writable_bytes(std::span(actions));
  NoTools tools;
  return learner.learn({.episodes = {}, .rollout = &rollout}, NoLessons(), tools);
}

TEST(TabularQ, FollowsTheEquationOnTwoStatesWorkedByHand) {
  TabularQConfig c;
  c.alpha = 0.5, c.decay = 0.0, c.gamma = 0.9;
  TabularQ learner(c, spec_of(2, 2));
  feed(learner, {{1, 0, 1.0F, 0}});  // Q(1,0) = 0 + 0.5 (1 + 0.9 * 0 - 0) = 0.5
  EXPECT_DOUBLE_EQ(learner.q(1, 0), 0.5);
  feed(learner, {{0, 1, 0.0F, 1}});  // Q(0,1) = 0.5 (0 + 0.9 * 0.5) = 0.225
  EXPECT_DOUBLE_EQ(learner.q(0, 1), 0.225);
  feed(learner, {{1, 0, 1.0F, 0}});  // Q(1,0) = 0.5 + 0.5 (1 + 0.9 * 0.225 - 0.5) = 0.85125
  EXPECT_DOUBLE_EQ(learner.q(1, 0), 0.85125);
  EXPECT_DOUBLE_EQ(learner.q(0, 0), 0.0);
}

TEST(TabularQ, LearningRateFallsWithTheVisitsOfThePair) {
  TabularQConfig c;
  c.alpha = 1.0, c.decay = 1.0, c.gamma = 0.0;
  TabularQ learner(c, spec_of(2, 2));
  for (const float r : {1.0F, 4.0F, 7.0F}) feed(learner, {{0, 0, r, 1}});
  EXPECT_DOUBLE_EQ(learner.q(0, 0), 4.0);  // alpha_n = 1/n makes it the mean
}

TEST(TabularQ, BootstrapsOnTruncationButNotOnTermination) {
  TabularQConfig c;
  c.alpha = 1.0, c.decay = 0.0, c.gamma = 0.5, c.initial = 8.0;
  TabularQ ended(c, spec_of(3, 1)), cut(c, spec_of(3, 1)), broken(c, spec_of(3, 1));
  feed(ended, {{0, 0, 1.0F, 2, true, false}});
  EXPECT_DOUBLE_EQ(ended.q(0, 0), 1.0);
  feed(cut, {{0, 0, 1.0F, 2, false, true}});
  EXPECT_DOUBLE_EQ(cut.q(0, 0), 1.0 + 0.5 * 8.0);
  feed(broken, {{0, 0, 1.0F, 2, false, false, true}});
  EXPECT_DOUBLE_EQ(broken.q(0, 0), 8.0);
}

TEST(TabularQ, AfterATruncationTheReachedStateCountsNotTheNextEpisodesFirst) {
  TabularQConfig c;
  c.alpha = 1.0, c.decay = 0.0, c.gamma = 0.5;
  TabularQ learner(c, spec_of(3, 1));
  feed(learner, {{2, 0, 10.0F, 0, true, false}});                                   // Q(2) = 10
  feed(learner, {{0, 0, 0.0F, 2, false, true}, {1, 0, 0.0F, 1, true, false}});     // reached 2, new episode starts in 1
  EXPECT_DOUBLE_EQ(learner.q(0, 0), 5.0);
}

TEST(TabularQ, WithoutExperienceNothingChanges) {
  TabularQ learner({}, spec_of(2, 2));
  NoTools tools;
  EXPECT_TRUE(learner.learn({}, NoLessons(), tools).metrics.empty());
  EXPECT_EQ(learner.next({}).rollout_steps, 64);
  EXPECT_TRUE(learner.next({.round = 1, .last_call = true}).done);
}

TEST(TabularQ, ActsGreedilyByLotAmongEqualsAndExploresAtEpsilon) {
  TabularQConfig c;
  c.epsilon_start = 0.4;
  TabularQ learner(c, spec_of(2, 4));
  feed(learner, {{1, 2, 1.0F, 0, true}, {0, 0, -1.0F, 0, true}});
  Rng rng(3);
  std::vector<int> greedy_tied(4), greedy(4), exploring(4);
  std::int32_t s = 0, a = 0;
  float logp = 0, value = 0;
  auto act = [&](std::int32_t state, bool explore) {
    s = state;
    learner.act({std::as_bytes(std::span(&s, 1)), {}, 1}, explore, rng, std::as_writable_bytes(std::span(&a, 1)), std::span(&logp, 1), std::span(&value, 1));
    return static_cast<std::size_t>(a);
  };
  for (int i = 0; i < 3000; ++i) ++greedy_tied[act(0, false)], ++greedy[act(1, false)], ++exploring[act(1, true)];
  EXPECT_EQ(greedy_tied[0], 0);
  for (int k = 1; k < 4; ++k) EXPECT_NEAR(greedy_tied[static_cast<std::size_t>(k)], 1000, 110);  // 4 standard deviations
  EXPECT_EQ(greedy[2], 3000);
  EXPECT_NEAR(exploring[2], 3000 * (0.6 + 0.1), 110);
  EXPECT_FLOAT_EQ(value, static_cast<float>(learner.q(1, 2)));
}

TEST(TabularQ, SavedStateMustFitTheTable) {
  TabularQ a({}, spec_of(2, 2)), b({}, spec_of(2, 2)), other({}, spec_of(3, 2));
  feed(a, {{1, 0, 1.0F, 0}, {0, 1, 0.5F, 1}});
  MemorySink sink;
  a.save(sink);
  MemorySource source(sink.data);
  b.load(source);
  for (int s = 0; s < 2; ++s)
    for (int x = 0; x < 2; ++x) EXPECT_EQ(a.q(s, x), b.q(s, x));
  EXPECT_EQ(a.epsilon(), b.epsilon());
  MemorySource cut(std::span(sink.data).first(sink.data.size() - 1));
  EXPECT_THROW(b.load(cut), Error);
  MemorySource again(sink.data);
  EXPECT_THROW(other.load(again), Error);
}

TEST(TabularQ, RefusesWorldsItHasNoTableFor) {
  BatchSpec box = spec_of(2, 2);
  box.observation = {SpaceKind::box, Dtype::f32, {2}, 0.0, 1.0};
  EXPECT_THROW(TabularQ({}, box), Error);
  const LearnerContext deliberate{.train = {}, .world = {}, .batch = nullptr, .nets = nullptr, .rng = Rng(0)};
  EXPECT_THROW(learner_tabular_q.make({}, deliberate), Error);
}

}  // namespace
}  // namespace hone
