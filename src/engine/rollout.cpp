#include "engine/rollout.h"

#include <cstring>
#include <numeric>

#include "core/error.h"

namespace hone {

RolloutCollector::RolloutCollector(const BatchWorld& world, std::vector<Task> tasks, const BatchOptions& options, Rng rng)
    : env_(world.make(options)), savable_(dynamic_cast<Savable*>(env_.get())), slots_(options.slots), rng_(rng) {
  if (tasks.empty()) throw Error(Fault::bad_input, "this world has no training tasks");
  for (int i = 0; i < slots_; ++i) {
    Task task = tasks[static_cast<std::size_t>(i) % tasks.size()];
    task.seed = mix64(task.seed + static_cast<std::uint64_t>(i));
    tasks_.push_back(std::move(task));
  }
  const auto n = static_cast<std::size_t>(slots_);
  all_.resize(n);
  std::iota(all_.begin(), all_.end(), 0);
  running_return_.assign(n, 0.0);
  running_length_.assign(n, 0);
  fresh_.assign(n, 1);
}

// Memory of the longest stretch asked for so far; the first row of observations stays.
void RolloutCollector::make_room(int steps) {
  if (steps <= capacity_) return;
  capacity_ = steps;
  const auto n = static_cast<std::size_t>(slots_), total = n * static_cast<std::size_t>(steps);
  const std::size_t ob = spec().observation.bytes();
  obs_.resize((total + n) * ob);
  final_obs_.resize(total * ob);
  actions_.resize(total * spec().action.bytes());
  reward_.resize(total), logp_.resize(total), value_.resize(total);
  terminated_.resize(total), truncated_.resize(total), fault_.resize(total);
  info_.resize(total * spec().infos.size());
  fresh_.resize(total + n);
}

// Everything of step t, slot by slot.
Buffers RolloutCollector::row(std::size_t obs_row, std::size_t at) {
  const auto n = static_cast<std::size_t>(slots_), ob = spec().observation.bytes(), infos = spec().infos.size();
  return {std::span(obs_).subspan(obs_row * n * ob, n * ob), std::span(final_obs_).subspan(at * n * ob, n * ob), std::span(reward_).subspan(at * n, n),
          std::span(terminated_).subspan(at * n, n), std::span(truncated_).subspan(at * n, n), std::span(fault_).subspan(at * n, n),
          std::span(info_).subspan(at * n * infos, n * infos)};
}

void RolloutCollector::start() {
  make_room(1);
  env_->reset(all_, tasks_, row(0, 0));
  std::fill_n(fresh_.begin(), slots_, std::uint8_t{1});
  started_ = true;
}

const Rollout& RolloutCollector::collect(BatchActor& actor, int steps, RolloutStats& stats) {
  const auto n = static_cast<std::size_t>(slots_), ob = spec().observation.bytes(), ab = spec().action.bytes();
  if (started_ && rollout_.steps > 0) {  // go on from the last observation of the stretch before
    const auto last = static_cast<std::size_t>(rollout_.steps) * n;
    std::memmove(obs_.data(), obs_.data() + last * ob, n * ob);
    std::memmove(fresh_.data(), fresh_.data() + last, n);
  }
  make_room(steps);
  if (!started_) start();
  for (int t = 0; t < steps; ++t) {
    const auto now = static_cast<std::size_t>(t);
    const std::size_t first = now * n;
    const auto actions = std::span(actions_).subspan(first * ab, n * ab);
    actor.act({std::span<const std::byte>(obs_).subspan(first * ob, n * ob), std::span<const std::uint8_t>(fresh_).subspan(first, n), slots_}, true, rng_, actions,
              std::span(logp_).subspan(first, n), std::span(value_).subspan(first, n));
    env_->send(all_, actions);
    env_->recv(row(now + 1, now), slots_);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = first + i;
      running_return_[i] += static_cast<double>(reward_[k]);
      ++running_length_[i];
      fresh_[k + n] = terminated_[k] != 0 || truncated_[k] != 0 || fault_[k] != 0;
      if (fresh_[k + n] == 0) continue;
      stats.faults += fault_[k] != 0;
      stats.returns.push_back(running_return_[i]);
      stats.lengths.push_back(running_length_[i]);
      for (std::size_t j = 0; j < spec().infos.size(); ++j) stats.infos[spec().infos[j]].push_back(static_cast<double>(info_[k * spec().infos.size() + j]));
      running_return_[i] = 0.0;
      running_length_[i] = 0;
    }
  }
  const std::size_t total = static_cast<std::size_t>(steps) * n;
  rollout_.steps = steps;
  rollout_.slots = slots_;
  rollout_.data = {std::span(obs_).subspan(0, (total + n) * ob), std::span(final_obs_).subspan(0, total * ob), std::span(reward_).subspan(0, total),
                   std::span(terminated_).subspan(0, total), std::span(truncated_).subspan(0, total), std::span(fault_).subspan(0, total),
                   std::span(info_).subspan(0, total * spec().infos.size())};
  rollout_.fresh = std::span<const std::uint8_t>(fresh_).subspan(0, total + n);
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
  const std::size_t n = static_cast<std::size_t>(slots_), size = n * spec().observation.bytes(), last = static_cast<std::size_t>(rollout_.steps);
  sink.write(std::span(obs_).subspan(last * size, size));
  sink.write(std::as_bytes(std::span(fresh_).subspan(last * n, n)));
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
  source.read(std::as_writable_bytes(std::span(fresh_).subspan(0, static_cast<std::size_t>(slots_))));
  savable_->load(source);
  rollout_.steps = 0;
}

RandomActor::RandomActor(const Space& action) : action_(action) {
  const bool listed = action.kind == SpaceKind::discrete && action.dtype == Dtype::i32;
  if (!listed && (action.kind != SpaceKind::box || action.dtype != Dtype::f32)) throw Error(Fault::unavailable, "the random actor knows discrete i32 actions and boxes of f32 only");
}

void RandomActor::act(const Sight& sight, bool, Rng& rng, std::span<std::byte> actions, std::span<float>, std::span<float>) {
  if (action_.kind == SpaceKind::box) {
    const std::size_t width = action_.bytes() / sizeof(float);
    for (std::size_t i = 0; i < static_cast<std::size_t>(sight.slots) * width; ++i) {
      const auto [low, high] = action_.ranges.empty() ? std::array{action_.low, action_.high} : action_.ranges[i % width];
      const double share = static_cast<double>(rng.below(1U << 23U)) * 0x1p-23;  // so coarse that a float of it stays below the highest
      const auto a = static_cast<float>(low + (high - low) * share);
      std::memcpy(actions.data() + i * sizeof a, &a, sizeof a);
    }
    return;
  }
  const auto n = static_cast<std::uint64_t>(action_.high - action_.low) + 1;
  for (int i = 0; i < sight.slots; ++i) {
    const auto a = static_cast<std::int32_t>(action_.low + static_cast<double>(rng.below(n)));
    std::memcpy(actions.data() + static_cast<std::size_t>(i) * sizeof a, &a, sizeof a);
  }
}

Evaluated evaluate_actor(const BatchWorld& world, Split split, BatchActor& actor, const BatchOptions& given, Rng rng, Recorder* recorder) {
  const auto tasks = world.tasks(split);
  BatchOptions options = given;
  options.slots = std::min(options.slots, static_cast<int>(tasks.size()));
  options.autoreset = Autoreset::disabled;
  options.asynchronous = false;
  options.split = split;
  const auto env = world.make(options);
  const auto& spec = env->spec();
  const auto n = static_cast<std::size_t>(options.slots), ob = spec.observation.bytes(), ab = spec.action.bytes();
  std::vector<std::byte> obs(n * ob), final_obs(n * ob), actions(n * ab), some(n * ab);
  std::vector<float> reward(n), logp(n), value(n), info(n * spec.infos.size());
  std::vector<std::uint8_t> terminated(n), truncated(n), fault(n), fresh(n, 1);
  const Buffers out{obs, final_obs, reward, terminated, truncated, fault, info};
  Evaluated result{.scores = std::vector<double>(tasks.size()), .infos = {}, .faults = 0};
  for (const auto& name : spec.infos) result.infos[name].resize(tasks.size());
  std::vector<double> total(n);
  std::vector<std::size_t> task_of(n);
  std::vector<int> steps(n), playing;
  std::size_t next = 0;
  const auto show = [&](std::size_t s) {
    if (recorder != nullptr) recorder->see(task_of[s], std::span(obs).subspan(s * ob, ob));
  };
  const auto begin = [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    task_of[s] = next++;
    env->reset(std::span(&slot, 1), std::span(&tasks[task_of[s]], 1), out);
    total[s] = 0.0, steps[s] = 0, fresh[s] = 1;
    show(s);
  };
  for (int s = 0; s < options.slots; ++s) playing.push_back(s), begin(s);
  while (!playing.empty()) {
    actor.act({obs, fresh, options.slots}, false, rng, actions, logp, value);
    for (std::size_t i = 0; i < playing.size(); ++i) std::memcpy(some.data() + i * ab, actions.data() + static_cast<std::size_t>(playing[i]) * ab, ab);
    env->send(playing, std::span(some).first(playing.size() * ab));
    env->recv(out, static_cast<int>(playing.size()));
    std::vector<int> left;
    for (const int slot : playing) {
      const auto s = static_cast<std::size_t>(slot);
      total[s] += static_cast<double>(reward[s]);
      ++steps[s];
      fresh[s] = 0;
      show(s);
      if (terminated[s] == 0 && truncated[s] == 0 && fault[s] == 0) {
        left.push_back(slot);
        continue;
      }
      result.scores[task_of[s]] = fault[s] != 0 ? 0.0 : world.score(total[s], steps[s]);
      result.faults += fault[s] != 0;
      if (recorder != nullptr) recorder->end(task_of[s], tasks[task_of[s]].id, result.scores[task_of[s]]);
      for (std::size_t j = 0; j < spec.infos.size(); ++j) result.infos[spec.infos[j]][task_of[s]] = static_cast<double>(info[s * spec.infos.size() + j]);
      if (next < tasks.size()) begin(slot), left.push_back(slot);
    }
    playing = std::move(left);
  }
  return result;
}

}  // namespace hone
