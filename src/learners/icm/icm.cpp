#include "learners/icm/icm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/error.h"
#include "learners/start_from.h"

namespace hone {

namespace {

Curiosity net_of(Bonus bonus) {
  switch (bonus) {
    case Bonus::icm: return Curiosity::icm;
    case Bonus::random_features: return Curiosity::random_features;
    case Bonus::pixels: return Curiosity::pixels;
    case Bonus::rnd: return Curiosity::rnd;
    case Bonus::none:
    case Bonus::noise: break;
  }
  return Curiosity::none;
}

// What is left, after `done` of the steps, of something that falls linearly to the share `end`.
double falling(double end, double done) { return 1.0 - (1.0 - end) * std::min(done, 1.0); }

const BatchSpec& fitting(const BatchSpec& spec) {
  const Space& o = spec.observation;
  if (o.kind != SpaceKind::box || o.dtype != Dtype::u8 || o.shape.size() != 3 || o.shape[1] != o.shape[2])
    throw Error(Fault::unavailable, "icm: expected a world whose observations are frames (bytes, channels by side by side), as maze has; this one's are of another kind");
  if (spec.action.kind != SpaceKind::discrete || spec.action.dtype != Dtype::i32) throw Error(Fault::unavailable, "icm: expected a world with a list of actions");
  return spec;
}

std::int32_t action_at(const Rollout& x, std::size_t k) {
  std::int32_t a = 0;
  std::memcpy(&a, x.actions.data() + k * sizeof a, sizeof a);
  return a;
}

double draw(Noise kind, Rng& rng) {
  if (kind == Noise::uniform) return rng.uniform();
  if (kind == Noise::gaussian) return rng.normal();
  const double u = rng.uniform() - 0.5;
  return (u < 0 ? 1.0 : -1.0) * std::log(1.0 - 2.0 * std::abs(u));
}

std::unique_ptr<Learner> make_icm(const Settings& settings, const LearnerContext& context) {
  const auto config = read_config<IcmConfig>(settings);
  if (context.batch == nullptr || context.nets == nullptr) throw Error(Fault::unavailable, "icm: needs a world of the reflex tempo (maze)");
  return std::make_unique<Icm>(config, *context.batch, *context.nets, Rng(context.rng).split("networks").next());
}

}  // namespace

Icm::Actor::Actor(Icm& of, int slots) : of_(of) { memory.assign(static_cast<std::size_t>(slots) * 2 * static_cast<std::size_t>(of.config_.memory), 0.0F); }

void Icm::Actor::act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) {
  const auto n = static_cast<std::size_t>(sight.slots), count = static_cast<std::size_t>(of_.actions_);
  memory.resize(n * 2 * static_cast<std::size_t>(of_.config_.memory), 0.0F);
  const auto streams = static_cast<std::size_t>(of_.streams_);
  logits_.resize(n * count), values_.resize(n * streams);
  of_.nets_->act(sight, memory, logits_, values_);
  for (std::size_t i = 0; i < n; ++i) {
    const auto z = std::span<const float>(logits_).subspan(i * count, count);
    const double top = static_cast<double>(*std::max_element(z.begin(), z.end()));
    double sum = 0.0;
    for (const float x : z) sum += std::exp(static_cast<double>(x) - top);
    std::size_t a = 0;
    if (!explore && of_.config_.greedy) {
      a = static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
    } else {
      double left = rng.uniform() * sum;
      for (a = 0; a + 1 < count; ++a)
        if ((left -= std::exp(static_cast<double>(z[a]) - top)) < 0.0) break;
    }
    const auto action = static_cast<std::int32_t>(a) + of_.first_action_;
    std::memcpy(actions.data() + i * sizeof action, &action, sizeof action);
    if (!logp.empty()) logp[i] = static_cast<float>(static_cast<double>(z[a]) - top - std::log(sum));
    if (!value.empty()) value[i] = values_[i * streams];
  }
}

Icm::Icm(const IcmConfig& config, const BatchSpec& spec, const Nets& nets, std::uint64_t seed)
    : config_(config), first_action_(static_cast<int>(fitting(spec).action.low)), actions_(static_cast<int>(spec.action.high - spec.action.low) + 1), streams_(config.separate_values ? 2 : 1),
      nets_(nets.explorer({.channels = static_cast<int>(spec.observation.shape[0]), .side = static_cast<int>(spec.observation.shape[1]), .actions = actions_, .memory = config.memory, .values = streams_,
                           .curiosity = net_of(config.curiosity), .detach_target = config.detach_target, .seed = seed})),
      collecting_(*this, spec.slots), kept_(config.keep_window, spec.slots) {
  began_ = collecting_.memory;
  bonus_sum_.assign(static_cast<std::size_t>(spec.slots), 0.0);
  const auto parts = [&](const char* field, int count) {
    if (count > spec.slots)
      throw Error(Fault::bad_input, std::string("icm: field '") + field + "': expected at most as many as there are slots (" + std::to_string(spec.slots) + "), got " + std::to_string(count));
  };
  if (config.algorithm == Algorithm::ppo) parts("minibatches", config.minibatches);
  parts("curiosity_minibatches", config.curiosity_minibatches);
  if (config.keep == Keep::best && !config.reward) throw Error(Fault::bad_input, "icm: field 'keep': expected last where reward is false, since best is by reward; got best");
  if (!config.start_from.empty()) start_from(config.start_from, *nets_);
}

std::unique_ptr<BatchActor> Icm::player() { return std::make_unique<Actor>(*this, 1); }

Need Icm::next(const Progress& progress) {
  Need need;
  need.done = progress.last_call || seen_ >= config_.steps;
  if (need.done && config_.keep == Keep::best) kept_.restore(*nets_);
  if (need.done) return need;
  const std::int64_t each = static_cast<std::int64_t>(config_.rollout) * static_cast<std::int64_t>(bonus_sum_.size());
  need.rollout_steps = config_.rollout;
  need.rollouts = static_cast<int>(std::min<std::int64_t>(config_.round, (config_.steps - seen_ + each - 1) / each));
  means_.clear();
  return need;
}

Stretch Icm::stretch(const Rollout& x, std::span<const int> slots) const { return {&x, slots, began_, counts_}; }

std::vector<float> Icm::bonus_of(const Rollout& x, Metrics& metrics, Rng& rng) {
  const auto total = static_cast<std::size_t>(x.steps) * static_cast<std::size_t>(x.slots), n = static_cast<std::size_t>(x.slots);
  std::vector<float> bonus(total, 0.0F);
  const double eta = config_.eta * falling(config_.eta_end, done());
  if (config_.curiosity == Bonus::noise) {
    for (auto& b : bonus) b = static_cast<float>(eta * draw(config_.noise, rng));
  } else if (config_.curiosity != Bonus::none) {
    std::vector<int> all(n);
    std::iota(all.begin(), all.end(), 0);
    const auto errors = nets_->curiosity(stretch(x, all));
    std::copy(errors.begin(), errors.end(), bonus.begin());
    if (config_.normalise_bonus) {
      for (std::size_t i = 0; i < total; ++i) {
        double& sum = bonus_sum_[i % n];
        sum = config_.gamma * sum + static_cast<double>(bonus[i]);
        const double before = sum - bonus_mean_;
        bonus_mean_ += before / ++bonus_count_;
        bonus_squares_ += before * (sum - bonus_mean_);
      }
      const auto deviation = static_cast<float>(std::sqrt(bonus_squares_ / bonus_count_) + 1e-8);
      for (auto& b : bonus) b /= deviation;
    }
    for (auto& b : bonus) b *= static_cast<float>(eta);
    const NetStep how{config_.curiosity_lr * falling(config_.lr_end, done()), config_.curiosity_scale, config_.clip};
    const CuriosityLoss loss = update_curiosity(x, all, how, rng);
    metrics["forward_loss"] = loss.forward;
    if (config_.curiosity == Bonus::icm) metrics["inverse_loss"] = loss.inverse, metrics["inverse_accuracy"] = loss.accuracy;
    metrics["curiosity_norm"] = loss.norm;
  }
  metrics["bonus"] = std::accumulate(bonus.begin(), bonus.end(), 0.0) / static_cast<double>(total);
  return bonus;
}

// r_t = clip(r_e + r_i), icm.md 2.1 and 2.5.6; or each by itself.
std::vector<Icm::Stream> Icm::rewards_of(const Rollout& x, Metrics& metrics, Rng& rng) {
  std::vector<float> bonus = bonus_of(x, metrics, rng), world(bonus.size());
  metrics["reward"] = std::accumulate(x.data.reward.begin(), x.data.reward.begin() + static_cast<std::ptrdiff_t>(world.size()), 0.0) / static_cast<double>(world.size());
  if (config_.reward)
    for (std::size_t i = 0; i < world.size(); ++i) world[i] = static_cast<float>(config_.reward_scale) * x.data.reward[i];
  const auto most = static_cast<float>(config_.reward_clip > 0.0 ? config_.reward_clip : INFINITY);
  const auto clipped = [most](std::vector<float>& all) {
    for (float& r : all) r = std::clamp(r, -most, most);
  };
  if (streams_ == 2) {
    clipped(world), clipped(bonus);
    return {{std::move(world), config_.gamma, config_.endless}, {std::move(bonus), config_.bonus_gamma, true}};
  }
  for (std::size_t i = 0; i < world.size(); ++i) world[i] += bonus[i];
  clipped(world);
  return {{std::move(world), config_.gamma, config_.endless}};
}

// Of the errors just asked for; what parts and further epochs learn from is asked for again. Losses are means over the first epoch.
CuriosityLoss Icm::update_curiosity(const Rollout& x, std::vector<int>& order, const NetStep& how, Rng& rng) {
  const std::size_t n = order.size(), parts = config_.algorithm == Algorithm::a3c ? n : static_cast<std::size_t>(config_.curiosity_minibatches);
  CuriosityLoss mean;
  for (int epoch = 0; epoch < config_.curiosity_epochs; ++epoch) {
    if (parts > 1) rng.shuffle(order);
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t first = part * n / parts, width = (part + 1) * n / parts - first;
      if (parts > 1 || epoch > 0) nets_->curiosity(stretch(x, std::span<const int>(order).subspan(first, width)));
      const CuriosityLoss now = nets_->learn_curiosity(config_.beta, how);
      if (epoch > 0) continue;
      const auto of = static_cast<double>(parts);
      mean.forward += now.forward / of, mean.inverse += now.inverse / of, mean.accuracy += now.accuracy / of, mean.norm += now.norm / of;
    }
  }
  return mean;
}

// A rollout holds the first stream's values as they were said; with more they are asked for again.
std::vector<float> Icm::values_of(const Rollout& x) {
  const auto n = static_cast<std::size_t>(x.slots), total = static_cast<std::size_t>(x.steps) * n, streams = static_cast<std::size_t>(streams_);
  if (streams == 1) return {x.value.begin(), x.value.begin() + static_cast<std::ptrdiff_t>(total)};
  std::vector<float> out(total * streams);
  std::vector<int> all(n);
  std::iota(all.begin(), all.end(), 0);
  const std::size_t parts = std::min(n, static_cast<std::size_t>(config_.minibatches));
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t first = part * n / parts, width = (part + 1) * n / parts - first;
    const Judged judged = nets_->judge(stretch(x, std::span<const int>(all).subspan(first, width)));
    for (std::size_t t = 0; t < static_cast<std::size_t>(x.steps); ++t)
      std::copy_n(judged.values.begin() + static_cast<std::ptrdiff_t>(t * width * streams), width * streams, out.begin() + static_cast<std::ptrdiff_t>((t * n + first) * streams));
  }
  return out;
}

std::vector<float> Icm::last_values(const Rollout& x) {
  const auto n = static_cast<std::size_t>(x.slots), row = x.data.obs.size() / (static_cast<std::size_t>(x.steps) + 1);
  std::vector<float> memory = collecting_.memory, logits(n * static_cast<std::size_t>(actions_)), values(n * static_cast<std::size_t>(streams_));
  nets_->act({x.data.obs.subspan(static_cast<std::size_t>(x.steps) * row, row), x.fresh.subspan(static_cast<std::size_t>(x.steps) * n, n), x.slots}, memory, logits, values);
  return values;
}

// Advantages added over the streams; targets [steps, slots, streams].
Returns Icm::returns_of_streams(const Rollout& x, std::span<const Stream> streams) {
  const std::size_t total = streams[0].reward.size(), width = streams.size();
  const std::vector<float> values = values_of(x), last = last_values(x);
  const auto column = [width](std::span<const float> all, std::size_t stream) {
    std::vector<float> out(all.size() / width);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = all[i * width + stream];
    return out;
  };
  Returns sum{std::vector<float>(total), std::vector<float>(total * width)};
  for (std::size_t s = 0; s < width; ++s) {
    std::vector<std::uint8_t> ended(total);
    for (std::size_t k = 0; k < total && !streams[s].endless; ++k) ended[k] = x.data.terminated[k] != 0 || x.data.truncated[k] != 0 || x.data.fault[k] != 0;
    const Returns of = returns_of(streams[s].reward, column(values, s), ended, column(last, s), x.slots, streams[s].gamma, config_.lambda);
    for (std::size_t k = 0; k < total; ++k) sum.advantage[k] += of.advantage[k], sum.target[k * width + s] = of.target[k];
  }
  return sum;
}

void Icm::update_actor(const Rollout& x, const Returns& returns, Metrics& metrics, Rng& rng) {
  const auto n = static_cast<std::size_t>(x.slots), streams = static_cast<std::size_t>(streams_);
  std::vector<float> advantage = returns.advantage;
  if (config_.normalise_advantage || config_.centre_advantage) {
    const auto count = static_cast<double>(advantage.size());
    const double mean = std::accumulate(advantage.begin(), advantage.end(), 0.0) / count;
    double squares = 0.0;
    for (const float a : advantage) squares += (static_cast<double>(a) - mean) * (static_cast<double>(a) - mean);
    const double deviation = config_.normalise_advantage ? std::sqrt(squares / count) + 1e-8 : 1.0;
    for (float& a : advantage) a = static_cast<float>((static_cast<double>(a) - mean) / deviation);
  }
  const bool ppo = config_.algorithm == Algorithm::ppo;
  const double lr = config_.lr * falling(config_.lr_end, done());
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  const std::size_t parts = ppo ? static_cast<std::size_t>(config_.minibatches) : config_.algorithm == Algorithm::a3c ? n : 1;
  ActorReport sum;
  double norm = 0.0;
  int updates = 0;
  for (int epoch = 0; epoch < (ppo ? config_.epochs : 1); ++epoch) {
    if (ppo) rng.shuffle(order);
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t first = part * n / parts, width = (part + 1) * n / parts - first;
      const auto slots = std::span<const int>(order).subspan(first, width);
      const Judged judged = nets_->judge(stretch(x, slots));
      std::vector<int> actions;
      std::vector<float> a, r, old, d_logits(judged.logits.size()), d_values(judged.values.size());
      std::vector<std::uint8_t> counts;
      for (std::size_t t = 0; t < static_cast<std::size_t>(x.steps); ++t)
        for (const int slot : slots) {
          const std::size_t k = t * n + static_cast<std::size_t>(slot);
          actions.push_back(action_at(x, k) - first_action_);
          a.push_back(advantage[k]), old.push_back(x.logp[k]), counts.push_back(counts_[k]);
          for (std::size_t s = 0; s < streams; ++s) r.push_back(returns.target[k * streams + s]);
        }
      const ActorReport report = actor_slopes({judged.logits, judged.values, actions, a, r, old, counts}, {config_.value_weight, config_.entropy, ppo ? config_.ppo_clip : 0.0}, d_logits, d_values);
      norm += nets_->learn({d_logits, d_values}, {lr, config_.loss_scale, config_.clip, config_.adam_eps});
      sum.policy += report.policy, sum.value += report.value, sum.entropy += report.entropy, sum.clipped += report.clipped;
      ++updates;
    }
  }
  metrics["policy_loss"] = sum.policy / updates, metrics["value_loss"] = sum.value / updates, metrics["entropy"] = sum.entropy / updates, metrics["norm"] = norm / updates;
  if (ppo) metrics["clipped"] = sum.clipped / updates;
}

Update Icm::learn(const Experience& experience, const Lessons&, Tools& tools) {
  Update update;
  if (experience.rollout == nullptr) return update;
  const Rollout& x = *experience.rollout;
  Rng rng = tools.rng("icm").split(static_cast<std::uint64_t>(seen_));
  counts_.assign(static_cast<std::size_t>(x.steps) * static_cast<std::size_t>(x.slots), 1);
  for (std::size_t k = 0; k < counts_.size(); ++k) counts_[k] = x.data.fault[k] == 0;
  if (config_.keep == Keep::best) kept_.see(x, *nets_);
  Metrics now;
  const auto streams = rewards_of(x, now, rng);
  if (seen_ >= config_.warmup) update_actor(x, returns_of_streams(x, streams), now, rng);
  for (const auto& [name, value] : now) {
    Mean& mean = means_[name];
    update.metrics[name] = (mean.sum += value) / ++mean.of;
  }
  began_ = collecting_.memory;
  seen_ += static_cast<std::int64_t>(counts_.size());
  update.metrics["steps"] = static_cast<double>(seen_);
  return update;
}

void Icm::save(Sink& sink) const {
  nets_->save(sink);
  put(sink, seen_), put(sink, bonus_count_), put(sink, bonus_mean_), put(sink, bonus_squares_);
  sink.write(std::as_bytes(std::span(bonus_sum_)));
  sink.write(std::as_bytes(std::span(collecting_.memory)));
  if (config_.keep == Keep::best) kept_.save(sink);
}

void Icm::load(Source& source) {
  nets_->load(source);
  get(source, seen_), get(source, bonus_count_), get(source, bonus_mean_), get(source, bonus_squares_);
  source.read(std::as_writable_bytes(std::span(bonus_sum_)));
  source.read(std::as_writable_bytes(std::span(collecting_.memory)));
  began_ = collecting_.memory;
  if (config_.keep == Keep::best) kept_.load(source);
}

constinit const LearnerEntry learner_icm{
    .name = "icm",
    .summary = "explores out of curiosity: a reward for what it can't yet predict, for worlds of frames",
    .citation = "Pathak et al. 2017, Curiosity-driven Exploration by Self-supervised Prediction, arXiv 1705.05363",
    .tempo = Tempo::reflex,
    .nets = true,
    .fields = &describe_config<IcmConfig>,
    .make = &make_icm,
};

}  // namespace hone
