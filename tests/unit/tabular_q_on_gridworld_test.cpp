// The tabular learner on the native reflex world: values against value iteration, unseen starts, exact resume.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "envs/gridworld.h"
#include "learners/tabular_q/tabular_q.h"

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

// The engine's rollout in small: steps all slots with the learner acting.
struct Runner {
  Runner(const BatchWorld& world, TabularQ& q, int slot_count, int step_count, std::uint64_t seed)
      : learner(q), env(world.make({.slots = slot_count})), slots(static_cast<std::size_t>(slot_count)), steps(static_cast<std::size_t>(step_count)), rng(seed) {
    const auto train = world.tasks(Split::train);
    for (std::size_t i = 0; i < slots; ++i) tasks.push_back(train[i % train.size()]);
    all.resize(slots);
    std::iota(all.begin(), all.end(), 0);
    const std::size_t n = slots * steps;
    obs.resize(n + slots), final_obs.resize(n), actions.resize(n), reward.resize(n), terminated.resize(n), truncated.resize(n), fault.resize(n);
    env->reset(all, tasks, row(0, 0));
  }
  Buffers row(std::size_t obs_row, std::size_t at) {
    return {std::as_writable_bytes(std::span(obs).subspan(obs_row * slots, slots)), std::as_writable_bytes(std::span(final_obs).subspan(at * slots, slots)),
            std::span(reward).subspan(at * slots, slots), std::span(terminated).subspan(at * slots, slots),
            std::span(truncated).subspan(at * slots, slots), std::span(fault).subspan(at * slots, slots)};
  }
  void round() {
    for (std::size_t t = 0; t < steps; ++t) {
      const auto a = std::as_writable_bytes(std::span(actions).subspan(t * slots, slots));
      learner.act({std::as_bytes(std::span(obs).subspan(t * slots, slots)), {}, static_cast<int>(slots)}, true, rng, a, {}, {});
      env->send(all, a);
      env->recv(row(t + 1, t), static_cast<int>(slots));
    }
    Rollout r;
    r.steps = static_cast<int>(steps), r.slots = static_cast<int>(slots);
    r.data = {std::as_writable_bytes(std::span(obs)), std::as_writable_bytes(std::span(final_obs)), reward, terminated, truncated, fault};
    r.actions = std::as_writable_bytes(std::span(actions));
    NoTools tools;
    learner.learn({.episodes = {}, .rollout = &r}, NoLessons(), tools);
    std::copy(obs.end() - static_cast<std::ptrdiff_t>(slots), obs.end(), obs.begin());
  }
  TabularQ& learner;
  std::unique_ptr<BatchEnv> env;
  std::size_t slots, steps;
  Rng rng;
  std::vector<Task> tasks;
  std::vector<int> all;
  std::vector<std::int32_t> obs, final_obs, actions;
  std::vector<float> reward;
  std::vector<std::uint8_t> terminated, truncated, fault;
};

// Optimal values by value iteration over the world's whole transition law: another way to the same numbers.
std::vector<double> planned(const Grid& grid, double slip, double gamma) {
  const auto n = static_cast<std::size_t>(grid.states());
  std::vector<double> q(n * 4, 0.0);
  for (double change = 1.0; change > 1e-12;) {
    change = 0.0;
    for (int s = 0; s < grid.states(); ++s) {
      if (grid.at(s) != Cell::free) continue;
      for (int a = 0; a < 4; ++a) {
        double sum = 0.0;
        for (const auto& to : landings(grid, slip, s, a)) {
          const double* next = &q[static_cast<std::size_t>(to.state) * 4];
          sum += to.probability * (static_cast<double>(to.reward) + (to.terminated ? 0.0 : gamma * *std::max_element(next, next + 4)));
        }
        double& cell = q[static_cast<std::size_t>(s) * 4 + static_cast<std::size_t>(a)];
        change = std::max(change, std::abs(sum - cell));
        cell = sum;
      }
    }
  }
  return q;
}

TEST(TabularQOnGridworld, ReachesTheValuesOfValueIteration) {
  const Settings given{{"map", {{"....", ".#O.", "...G"}, true, ""}}, {"slip", {{"0"}, false, ""}}, {"step_limit", {{"15"}, false, ""}}};
  const auto world = open_gridworld(given);
  GridConfig grid_config;
  grid_config.map = given.at("map").values;
  const Grid grid = make_grid(grid_config);
  TabularQConfig c;
  c.alpha = 1.0, c.decay = 0.0, c.gamma = 0.9, c.epsilon_start = c.epsilon_end = 1.0;  // no noise in the world: a full step is exact
  TabularQ learner(c, world->make({})->spec());
  Runner run(*world, learner, 4, 64, 5);
  for (int i = 0; i < 120; ++i) run.round();
  const auto q = planned(grid, 0.0, c.gamma);
  for (int s = 0; s < grid.states(); ++s)
    for (int a = 0; grid.at(s) == Cell::free && a < 4; ++a) EXPECT_NEAR(learner.q(s, a), q[static_cast<std::size_t>(s * 4 + a)], 1e-6) << s << " " << a;
}

TEST(TabularQOnGridworld, ComesNearTheValuesOfValueIterationWhereMovesSlip) {
  const Settings given{{"map", {{"...", ".O.", "..G"}, true, ""}}, {"slip", {{"0.2"}, false, ""}}, {"step_limit", {{"30"}, false, ""}}};
  const auto world = open_gridworld(given);
  GridConfig grid_config;
  grid_config.map = given.at("map").values;
  const Grid grid = make_grid(grid_config);
  TabularQConfig c;
  c.alpha = 1.0, c.decay = 0.7, c.gamma = 0.9, c.epsilon_start = c.epsilon_end = 1.0;
  TabularQ learner(c, world->make({})->spec());
  Runner run(*world, learner, 8, 256, 6);
  for (int i = 0; i < 100; ++i) run.round();
  const auto q = planned(grid, 0.2, c.gamma);
  for (int s = 0; s < grid.states(); ++s)
    for (int a = 0; grid.at(s) == Cell::free && a < 4; ++a) EXPECT_NEAR(learner.q(s, a), q[static_cast<std::size_t>(s * 4 + a)], 0.03) << s << " " << a;
}

// Promise: after learning, starts that were never trained from are solved far more often than by chance.
TEST(TabularQOnGridworld, LearnsToSolveUnseenStarts) {
  const auto world = open_gridworld({});
  TabularQ learner({}, world->make({})->spec());
  auto solved = [&] {
    const auto tasks = world->tasks(Split::test);
    const auto env = world->make({});
    double sum = 0.0;
    Rng rng(11);
    for (int repeat = 0; repeat < 5; ++repeat)
      for (auto task : tasks) {
        task.seed += static_cast<std::uint64_t>(repeat);
        std::int32_t obs = 0, final_obs = 0, action = 0;
        float reward = 0;
        std::uint8_t terminated = 0, truncated = 0, fault = 0;
        const Buffers out{std::as_writable_bytes(std::span(&obs, 1)), std::as_writable_bytes(std::span(&final_obs, 1)), std::span(&reward, 1),
                          std::span(&terminated, 1), std::span(&truncated, 1), std::span(&fault, 1)};
        const int slot = 0;
        env->reset(std::span(&slot, 1), std::span(&task, 1), out);
        while (terminated == 0 && truncated == 0) {
          learner.act({std::as_bytes(std::span(&obs, 1)), {}, 1}, false, rng, std::as_writable_bytes(std::span(&action, 1)), {}, {});
          env->send(std::span(&slot, 1), std::as_bytes(std::span(&action, 1)));
          env->recv(out, 1);
        }
        sum += static_cast<double>(reward);
      }
    return sum / static_cast<double>(5 * tasks.size());
  };
  const double before = solved();
  Runner run(*world, learner, 16, 64, 7);
  int rounds = 0;
  while (!learner.next({.round = rounds, .last_call = false}).done) run.round(), ++rounds;
  EXPECT_EQ(rounds, 59);  // 60,000 steps by 16 * 64
  EXPECT_LT(before, 0.4);
  EXPECT_GT(solved(), 0.8);
}

TEST(TabularQOnGridworld, GoesOnBitByBitAfterSaveAndLoad) {
  const auto world = open_gridworld({});
  TabularQ a({}, world->make({})->spec()), b({}, world->make({})->spec());
  Runner run_a(*world, a, 8, 32, 9);
  for (int i = 0; i < 10; ++i) run_a.round();
  MemorySink sink;
  a.save(sink);
  MemorySource source(sink.data);
  b.load(source);
  EXPECT_EQ(a.epsilon(), b.epsilon());
  MemorySink world_state;
  dynamic_cast<Savable&>(*run_a.env).save(world_state);
  Runner run_b(*world, b, 8, 32, 9);
  MemorySource world_source(world_state.data);
  dynamic_cast<Savable&>(*run_b.env).load(world_source);
  run_b.obs = run_a.obs;
  run_b.rng = run_a.rng;
  for (int i = 0; i < 5; ++i) run_a.round(), run_b.round();
  MemorySink end_a, end_b;
  a.save(end_a), b.save(end_b);
  EXPECT_EQ(end_a.data, end_b.data);
}

}  // namespace
}  // namespace hone
