#include "engine/rollout.h"

#include <cstring>
#include <numeric>

#include "core/error.h"

namespace hone {

RolloutCollector::RolloutCollector(const BatchWorld& world, std::vector<Task> tasks, int slots, int max_steps, Rng rng)
    : env_(world.make(slots)), savable_(dynamic_cast<Savable*>(env_.get())), slots_(slots), capacity_(max_steps), rng_(rng) {
  if (tasks.empty()) throw Error(Fault::bad_input, "this world has no training tasks");
  for (int i = 0; i < slots; ++i) {
    Task task = tasks[static_cast<std::size_t>(i) % tasks.size()];
    task.seed = mix64(task.seed + static_cast<std::uint64_t>(i));
    tasks_.push_back(std::move(task));
  }
  all_.resize(static_cast<std::size_t>(slots));
  std::iota(all_.begin(), all_.end(), 0);
  const auto n = static_cast<std::size_t>(slots), total = n * static_cast<std::size_t>(max_steps);
  const std::size_t ob = spec().observation.bytes(), ab = spec().action.bytes();
  running_return_.assign(n, 0.0);
  running_length_.assign(n, 0);
  obs_.resize((total + n) * ob);
  final_obs_.resize(total * ob);
  actions_.resize(total * ab);
  reward_.resize(total);
  logp_.resize(total);
  value_.resize(total);
  terminated_.resize(total);
  truncated_.resize(total);
  fault_.resize(total);
}

void RolloutCollector::start() {
  const auto n = static_cast<std::size_t>(slots_), ob = spec().observation.bytes();
  Buffers first{std::span(obs_).subspan(0, n * ob), std::span(final_obs_).subspan(0, n * ob), std::span(reward_).subspan(0, n),
                std::span(terminated_).subspan(0, n), std::span(truncated_).subspan(0, n), std::span(fault_).subspan(0, n)};
  env_->reset(all_, tasks_, first);
  started_ = true;
}

const Rollout& RolloutCollector::collect(BatchActor& actor, int steps, RolloutStats& stats) {
  if (steps > capacity_) throw Error(Fault::internal, "a rollout of " + std::to_string(steps) + " steps was asked for, " + std::to_string(capacity_) + " prepared");
  const auto n = static_cast<std::size_t>(slots_), ob = spec().observation.bytes(), ab = spec().action.bytes();
  if (!started_) {
    start();
  } else {  // go on from the last observation of the stretch before
    const std::size_t last = static_cast<std::size_t>(rollout_.steps) * n * ob;
    if (last > 0) std::memmove(obs_.data(), obs_.data() + last, n * ob);
  }
  for (int t = 0; t < steps; ++t) {
    const std::size_t row = static_cast<std::size_t>(t) * n;
    const auto actions = std::span(actions_).subspan(row * ab, n * ab);
    actor.act(std::span<const std::byte>(obs_).subspan(row * ob, n * ob), slots_, true, rng_, actions, std::span(logp_).subspan(row, n),
              std::span(value_).subspan(row, n));
    Buffers out{std::span(obs_).subspan((row + n) * ob, n * ob), std::span(final_obs_).subspan(row * ob, n * ob),
                std::span(reward_).subspan(row, n), std::span(terminated_).subspan(row, n), std::span(truncated_).subspan(row, n),
                std::span(fault_).subspan(row, n)};
    env_->send(all_, actions);
    env_->recv(out, slots_);
    for (std::size_t i = 0; i < n; ++i) {
      running_return_[i] += static_cast<double>(reward_[row + i]);
      ++running_length_[i];
      if (terminated_[row + i] == 0 && truncated_[row + i] == 0 && fault_[row + i] == 0) continue;
      stats.faults += fault_[row + i] != 0;
      stats.returns.push_back(running_return_[i]);
      stats.lengths.push_back(running_length_[i]);
      running_return_[i] = 0.0;
      running_length_[i] = 0;
    }
  }
  const std::size_t total = static_cast<std::size_t>(steps) * n;
  rollout_.steps = steps;
  rollout_.slots = slots_;
  rollout_.data = {std::span(obs_).subspan(0, (total + n) * ob), std::span(final_obs_).subspan(0, total * ob), std::span(reward_).subspan(0, total),
                   std::span(terminated_).subspan(0, total), std::span(truncated_).subspan(0, total), std::span(fault_).subspan(0, total)};
  rollout_.actions = std::span(actions_).subspan(0, total * ab);
  rollout_.logp = std::span(logp_).subspan(0, total);
  rollout_.value = std::span(value_).subspan(0, total);
  return rollout_;
}

void RolloutCollector::save(Sink& sink) const {
  put(sink, rng_.state());
  put(sink, static_cast<std::uint8_t>(started_ && savable_ != nullptr));
  if (!started_ || savable_ == nullptr) return;
  for (int i = 0; i < slots_; ++i) {
    put(sink, running_return_[static_cast<std::size_t>(i)]);
    put(sink, running_length_[static_cast<std::size_t>(i)]);
  }
  const std::size_t row = static_cast<std::size_t>(slots_) * spec().observation.bytes();
  sink.write(std::span(obs_).subspan(static_cast<std::size_t>(rollout_.steps) * row, row));
  savable_->save(sink);
}

void RolloutCollector::load(Source& source) {
  Rng::State state{};
  get(source, state);
  rng_.restore(state);
  std::uint8_t running = 0;
  get(source, running);
  if (running == 0) return;
  for (int i = 0; i < slots_; ++i) {
    get(source, running_return_[static_cast<std::size_t>(i)]);
    get(source, running_length_[static_cast<std::size_t>(i)]);
  }
  start();  // gives the world its tasks; their state is then replaced
  source.read(std::span(obs_).subspan(0, static_cast<std::size_t>(slots_) * spec().observation.bytes()));
  savable_->load(source);
  rollout_.steps = 0;
}

RandomActor::RandomActor(const Space& action) : action_(action) {
  if (action.kind != SpaceKind::discrete || action.dtype != Dtype::i32)
    throw Error(Fault::unavailable, "the random actor knows discrete i32 actions only");
}

void RandomActor::act(std::span<const std::byte>, int slots, bool, Rng& rng, std::span<std::byte> actions, std::span<float>, std::span<float>) {
  const auto n = static_cast<std::uint64_t>(action_.high - action_.low) + 1;
  for (int i = 0; i < slots; ++i) {
    const auto a = static_cast<std::int32_t>(action_.low + static_cast<double>(rng.below(n)));
    std::memcpy(actions.data() + static_cast<std::size_t>(i) * sizeof a, &a, sizeof a);
  }
}

std::vector<double> evaluate_actor(const BatchWorld& world, const std::vector<Task>& tasks, BatchActor& actor, Rng rng) {
  std::vector<double> scores;
  const auto env = world.make(1);
  const auto& spec = env->spec();
  std::vector<std::byte> obs(spec.observation.bytes()), final_obs(obs.size()), action(spec.action.bytes());
  float reward = 0.0F, logp = 0.0F, value = 0.0F;
  std::uint8_t terminated = 0, truncated = 0, fault = 0;
  const Buffers out{obs, final_obs, std::span(&reward, 1), std::span(&terminated, 1), std::span(&truncated, 1), std::span(&fault, 1)};
  const int slot = 0;
  for (const Task& task : tasks) {
    env->reset(std::span(&slot, 1), std::span(&task, 1), out);
    Rng draws = rng.split(task.id);
    double total = 0.0;
    int steps = 0;
    do {
      actor.act(obs, 1, false, draws, action, std::span(&logp, 1), std::span(&value, 1));
      env->send(std::span(&slot, 1), action);
      env->recv(out, 1);
      total += static_cast<double>(reward);
      ++steps;
    } while (terminated == 0 && truncated == 0 && fault == 0);
    scores.push_back(fault != 0 ? 0.0 : world.score(total, steps));
  }
  return scores;
}

}  // namespace hone
