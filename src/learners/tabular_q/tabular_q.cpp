#include "learners/tabular_q/tabular_q.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hone {

namespace {

void require_discrete(const Space& space, const char* what) {
  if (space.kind == SpaceKind::discrete && space.dtype == Dtype::i32 && space.shape.empty() && space.high >= space.low &&
      space.high - space.low < 1e6)
    return;
  throw Error(Fault::unavailable, std::string("tabular_q: expected a world with a discrete ") + what + " of at most a million values (i32), got another kind");
}

std::int32_t int_at(std::span<const std::byte> bytes, std::size_t at) {
  std::int32_t value = 0;
  std::memcpy(&value, bytes.data() + at * sizeof value, sizeof value);
  return value;
}

std::unique_ptr<Learner> make_tabular_q(const Settings& settings, const LearnerContext& context) {
  const auto config = read_config<TabularQConfig>(settings);
  if (context.batch == nullptr) throw Error(Fault::unavailable, "tabular_q: needs a world of the reflex tempo (gridworld)");
  return std::make_unique<TabularQ>(config, *context.batch);
}

}  // namespace

TabularQ::TabularQ(const TabularQConfig& config, const BatchSpec& spec) : config_(config) {
  require_discrete(spec.observation, "observation");
  require_discrete(spec.action, "action");
  first_state_ = static_cast<int>(spec.observation.low);
  first_action_ = static_cast<int>(spec.action.low);
  states_ = static_cast<int>(spec.observation.high) - first_state_ + 1;
  actions_ = static_cast<int>(spec.action.high) - first_action_ + 1;
  const std::size_t pairs = static_cast<std::size_t>(states_) * static_cast<std::size_t>(actions_);
  q_.assign(pairs, config.initial);
  visits_.assign(pairs, 0);
}

double TabularQ::epsilon() const {
  const double part = static_cast<double>(seen_) / (config_.epsilon_share * static_cast<double>(config_.steps));
  return config_.epsilon_start + (config_.epsilon_end - config_.epsilon_start) * std::min(1.0, part);
}

double TabularQ::best_value(int state) const {
  const auto row = q_.begin() + static_cast<std::ptrdiff_t>(index(state, 0));
  return *std::max_element(row, row + actions_);
}

int TabularQ::state_of(std::span<const std::byte> obs, std::size_t at) const {
  const int state = int_at(obs, at) - first_state_;
  if (state < 0 || state >= states_)
    throw Error(Fault::internal, "tabular_q: expected an observation of " + std::to_string(states_) + " values, got " + std::to_string(state + first_state_));
  return state;
}

Need TabularQ::next(const Progress& progress) {
  Need need;
  need.done = progress.last_call || seen_ >= config_.steps;
  if (!need.done) need.rollout_steps = config_.rollout_steps;
  return need;
}

Update TabularQ::learn(const Experience& experience, const Lessons&, Tools&) {
  Update update;
  if (experience.rollout == nullptr) return update;
  const Rollout& x = *experience.rollout;
  const auto slots = static_cast<std::size_t>(x.slots), total = static_cast<std::size_t>(x.steps) * slots;
  double error = 0.0, reward = 0.0;
  std::size_t used = 0, ended = 0;
  for (std::size_t i = 0; i < total; ++i) {  // data.obs has one row of slots more: the state after step i is at i + slots
    ++seen_;
    if (x.data.fault[i] != 0) continue;
    const bool terminated = x.data.terminated[i] != 0, truncated = x.data.truncated[i] != 0;
    const int a = int_at(x.actions, i) - first_action_;
    if (a < 0 || a >= actions_) throw Error(Fault::internal, "tabular_q: a rollout with action " + std::to_string(a + first_action_));
    const std::size_t at = index(state_of(x.data.obs, i), a);
    // After the end of an episode the next row is the next episode's: the state reached is in final_obs.
    const double v = terminated ? 0.0 : best_value(truncated ? state_of(x.data.final_obs, i) : state_of(x.data.obs, i + slots));
    const double r = static_cast<double>(x.data.reward[i]);
    const double delta = r + config_.gamma * v - q_[at];
    if (visits_[at] < UINT32_MAX) ++visits_[at];
    q_[at] += config_.alpha * std::pow(static_cast<double>(visits_[at]), -config_.decay) * delta;  // eq. (1), (2)
    error += std::abs(delta);
    reward += r;
    ended += terminated || truncated;
    ++used;
  }
  const auto tried = std::count_if(visits_.begin(), visits_.end(), [](std::uint32_t n) { return n > 0; });
  update.metrics = {{"td_error", error / static_cast<double>(std::max<std::size_t>(1, used))},
                    {"epsilon", epsilon()},
                    {"tried_pairs", static_cast<double>(tried) / static_cast<double>(visits_.size())},
                    {"steps", static_cast<double>(seen_)}};
  if (ended > 0) update.metrics["return"] = reward / static_cast<double>(ended);
  return update;
}

std::unique_ptr<BatchActor> TabularQ::player() {
  class Player final : public BatchActor {  // a table remembers nothing between steps
   public:
    explicit Player(TabularQ& table) : table_(table) {}
    void act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) override {
      table_.act(sight, explore, rng, actions, logp, value);
    }

   private:
    TabularQ& table_;
  };
  return std::make_unique<Player>(*this);
}

void TabularQ::act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float>, std::span<float> value) {
  const double chance = explore ? epsilon() : 0.0;
  for (int i = 0; i < sight.slots; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const int s = state_of(sight.obs, row);
    const double best = best_value(s);
    std::int32_t action = 0;
    if (chance > 0.0 && rng.uniform() < chance) {
      action = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(actions_)));
    } else {
      std::uint64_t ties = 0;
      for (int a = 0; a < actions_; ++a)  // the n-th of equal ones replaces the one before with chance 1/n: all equally likely
        if (q(s, a) >= best && (++ties == 1 || rng.below(ties) == 0)) action = a;
    }
    action += first_action_;
    std::memcpy(actions.data() + row * sizeof action, &action, sizeof action);
    if (!value.empty()) value[row] = static_cast<float>(best);
  }
}

void TabularQ::save(Sink& sink) const {
  put(sink, states_), put(sink, actions_), put(sink, seen_);
  for (const double v : q_) put(sink, v);
  for (const std::uint32_t n : visits_) put(sink, n);
}

void TabularQ::load(Source& source) {
  int states = 0, actions = 0;
  get(source, states), get(source, actions);
  if (states != states_ || actions != actions_)
    throw Error(Fault::corrupt, "tabular_q: expected a table of " + std::to_string(states_) + " by " + std::to_string(actions_) + ", got " +
                                    std::to_string(states) + " by " + std::to_string(actions));
  get(source, seen_);
  for (double& v : q_) get(source, v);
  for (std::uint32_t& n : visits_) get(source, n);
}

constinit const LearnerEntry learner_tabular_q{
    .name = "tabular_q",
    .summary = "one-step Q-learning with a table, for small worlds of the reflex tempo",
    .citation = "Watkins 1989, Learning from delayed rewards (PhD thesis, Cambridge); Watkins and Dayan 1992, Q-learning, Machine Learning 8",
    .tempo = Tempo::reflex,
    .fields = &describe_config<TabularQConfig>,
    .make = &make_tabular_q,
};

}  // namespace hone
