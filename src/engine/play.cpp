#include "engine/play.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "engine/meter.h"

namespace hone {

namespace {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class Entry>
const Entry& find_in(const std::vector<const Entry*>& catalog, const char* what, const std::string& name, const std::string& where) {
  std::vector<std::string> known;
  for (const Entry* entry : catalog) {
    if (entry->name == name) return *entry;
    known.emplace_back(entry->name);
  }
  throw Error(Fault::bad_input, unknown_name(what, name, known, where).what());
}

// The episode's own loop. A world that never ends is cut off at a hard limit above its own.
void run_episode(const Stage& stage, const Trial& trial, const Play& how, Meter& meter, Episode& episode) {
  const auto& facts = stage.world->facts(stage.split);
  AgentTools tools{meter.has_model() ? &meter : nullptr, meter.has_chooser() ? &meter : nullptr};
  const auto agent = stage.agent->make(stage.agent_settings, tools);
  const auto env = stage.world->make(stage.split);
  Observation seen = env->reset(trial.task);
  Sampling sampling = trial.sampling;
  if (sampling.seed == 0) sampling.seed = how.rng.split("sampling").next();
  agent->begin({.task = trial.task, .world = &facts, .lessons = how.view, .notes = trial.notes, .rng = how.rng.split("agent"), .sampling = sampling});
  const int limit = facts.max_steps > 0 ? facts.max_steps + 1 : 10000;
  for (int step = 0; step < limit; ++step) {
    if (stage.stop.stop_requested()) throw Error(Fault::interrupted, "stopped");
    Move move = agent->act(seen);
    const Outcome outcome = env->step(move.action);
    episode.steps.push_back({std::move(seen), std::move(move), outcome.reward, outcome.comment});
    seen = outcome.next;
    if (outcome.ending) {
      episode.ending = *outcome.ending;
      episode.score = outcome.score;
      episode.solved = outcome.solved;
      episode.feedback = outcome.feedback;
      episode.last = std::move(seen);
      return;
    }
  }
  episode.ending = Ending::cut_off;
  episode.last = std::move(seen);
}

}  // namespace

const AgentEntry& find_agent(const std::string& name, const std::string& where) { return find_in(agent_catalog(), "agent", name, where); }
const EnvEntry& find_env(const std::string& name, const std::string& where) { return find_in(env_catalog(), "env", name, where); }
const LearnerEntry& find_learner(const std::string& name, const std::string& where) {
  return find_in(learner_catalog(), "method", name, where);
}

std::string agent_label(const std::string& name, const Settings& settings) {
  std::string label = name;
  for (const auto& [key, setting] : settings) {
    label += " " + key + "=";
    for (std::size_t i = 0; i < setting.values.size(); ++i) label += (i == 0 ? "" : ",") + setting.values[i];
  }
  return label;
}

Episode play(const Stage& stage, const Trial& trial, const Play& how) {
  Episode episode;
  episode.run = how.run;
  episode.key = how.key;
  episode.group = trial.group.empty() ? trial.task.id : trial.group;
  episode.parent = trial.parent;
  episode.attempt = trial.attempt;
  episode.task = trial.task;
  episode.notes = trial.notes;
  episode.by.agent = agent_label(std::string(stage.agent->name), stage.agent_settings);
  if (stage.model != nullptr) episode.by.model = stage.model->facts().artifact_sha;
  episode.by.weights = stage.weights;
  if (how.view.lessons != nullptr) {
    episode.by.scope = how.view.lessons->scope();
    episode.by.lessons = how.view.lessons->version();
  }
  episode.started_ms = now_ms();
  Errand errand(stage.stop);
  Meter meter(stage.model, stage.chooser, stage.prices, stage.stop);
  auto fault = [&](const char* why) {
    episode.ending = Ending::fault;
    episode.fault = why;
  };
  try {
    run_episode(stage, trial, how, meter, episode);
  } catch (const Error& e) {
    // Without its model no try can be played: the run stops here and goes on when there is one again.
    if (e.fault() == Fault::interrupted || e.fault() == Fault::unavailable) throw;
    fault(e.what());
  } catch (const std::exception& e) {
    fault(e.what());
  }
  meter.also(errand);
  episode.usage = meter.usage();
  episode.ended_ms = now_ms();
  return episode;
}

std::vector<Episode> play_all(const Stage& stage, const Batch& batch, int in_flight, const EpisodeKnown& known, const EpisodeDone& done) {
  const std::size_t n = batch.trials.size();
  std::vector<Episode> episodes(n);
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < n; ++i) {
    if (auto before = known ? known(batch.how[i].key) : std::nullopt) {
      episodes[i] = std::move(*before);
      done(i, episodes[i], true);
    } else {
      open.push_back(i);
    }
  }
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr failure;
  const Errand* const above = Errand::now();
  auto worker = [&] {
    const Errand errand(stage.stop, above);
    for (;;) {
      const std::size_t at = next.fetch_add(1);
      if (at >= open.size() || failed) return;
      const std::size_t i = open[at];
      try {
        Episode episode = play(stage, batch.trials[i], batch.how[i]);
        const std::lock_guard lock(mutex);
        episodes[i] = std::move(episode);
        done(i, episodes[i], false);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        failed = true;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min(open.size(), static_cast<std::size_t>(std::max(1, in_flight)));
    for (std::size_t t = 1; t < count; ++t) threads.emplace_back(worker);
    if (count > 0) worker();
  }
  if (failure) std::rethrow_exception(failure);
  return episodes;
}

}  // namespace hone
