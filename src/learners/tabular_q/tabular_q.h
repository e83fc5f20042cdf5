// tabular_q: one-step Q-learning with a table.
// Watkins, "Learning from delayed rewards", PhD thesis, Cambridge 1989; convergence: Watkins and Dayan, "Q-learning", Machine Learning 8, 1992.
//
//   Q(s,a) <- Q(s,a) + alpha_n (r + gamma V(s') - Q(s,a)),   V(s') = max_b Q(s',b)        (1)
//   alpha_n = alpha / n^decay,  n = how often (s,a) was updated, this time included       (2)
//
// Where the thesis is silent: V(s') = 0 where the world terminated; where a time limit truncated the episode, s' is the last
// observation and its value counts (a limit is not an end). Steps of a world's fault are left out. Behaviour: epsilon-greedy
// with a linear schedule, equal values drawn by lot.
#pragma once

#include <memory>
#include <vector>

#include "core/learner.h"

namespace hone {

struct TabularQConfig {
  double alpha = 0.5, decay = 0.5, gamma = 0.97;
  double epsilon_start = 1.0, epsilon_end = 0.1, epsilon_share = 0.6;
  double initial = 0.0;
  std::int64_t steps = 60'000;
  int rollout_steps = 64;
};

template <class V>
void visit(V& v, TabularQConfig& c) {
  v.field("alpha", c.alpha, "learning rate of the first update of a pair", {.min = 1e-6, .max = 1});
  v.field("decay", c.decay, "alpha_n = alpha / n^decay; 0 = constant, above 0.5 = converges with noise", {.min = 0, .max = 1});
  v.field("gamma", c.gamma, "discount per step", {.min = 0, .max = 1});
  v.field("epsilon_start", c.epsilon_start, "share of random moves at the start", {.min = 0, .max = 1});
  v.field("epsilon_end", c.epsilon_end, "share of random moves at the end", {.min = 0, .max = 1});
  v.field("epsilon_share", c.epsilon_share, "share of the steps in which epsilon falls", {.min = 1e-9, .max = 1});
  v.field("initial", c.initial, "value that every pair starts with; high = optimistic", {.min = -1e6, .max = 1e6});
  v.field("steps", c.steps, "steps of experience in all, every slot's counted", {.min = 1});
  v.field("rollout_steps", c.rollout_steps, "steps of every slot between two updates of what is reported", {.min = 1, .max = 4096});
}

class TabularQ final : public Learner, public ActingLearner, public BatchActor {
 public:
  // Needs discrete i32 observations and actions; throws Error{unavailable} otherwise.
  TabularQ(const TabularQConfig& config, const BatchSpec& spec);

  Need next(const Progress& progress) override;
  Update learn(const Experience& experience, const Lessons& known, Tools& tools) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;  // throws Error{corrupt} when saved for other spaces
  BatchActor& actor() override { return *this; }
  std::unique_ptr<BatchActor> player() override;

  // Epsilon-greedy when exploring, else greedy; equal values are drawn by lot. `value` gets max_b Q(s,b); logp is left alone.
  void act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) override;

  int states() const { return states_; }
  int actions() const { return actions_; }
  double q(int state, int action) const { return q_[index(state, action)]; }
  double epsilon() const;

 private:
  std::size_t index(int s, int a) const { return static_cast<std::size_t>(s) * static_cast<std::size_t>(actions_) + static_cast<std::size_t>(a); }
  double best_value(int state) const;
  int state_of(std::span<const std::byte> obs, std::size_t at) const;  // the at-th i32, checked

  TabularQConfig config_;
  int states_, actions_, first_state_, first_action_;
  std::vector<double> q_;              // [states, actions]
  std::vector<std::uint32_t> visits_;  // [states, actions]
  std::int64_t seen_ = 0;              // steps learned from
};

extern constinit const LearnerEntry learner_tabular_q;

}  // namespace hone
