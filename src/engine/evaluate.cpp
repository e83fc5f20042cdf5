#include "engine/evaluate.h"

namespace hone {

EvalResult evaluate(const Stage& stage, const EvalPlan& plan, Journal& journal, const Listener& listener) {
  Batch batch;
  for (const Task& task : plan.tasks) {
    Play how;
    how.run = plan.run;
    how.key = plan.label + "/" + task.id;
    how.view.lessons = plan.lessons_for ? plan.lessons_for(task) : plan.lessons;
    how.rng = plan.rng.split(how.key);
    batch.trials.push_back({.task = task, .group = task.id, .parent = {}, .notes = {}, .sampling = {}});
    batch.how.push_back(std::move(how));
  }
  EvalResult result;
  double sum = 0.0;
  int n = 0;
  const auto total = static_cast<int>(plan.tasks.size());
  auto done = [&](std::size_t, const Episode& episode, bool replayed) {
    if (!replayed) journal.append(episode);
    sum += episode.score;
    ++n;
    result.usage += episode.usage;
    if (listener)
      listener({"progress", {{"phase", plan.label}, {"done", n}, {"total", total}, {"score", sum / n}, {"replayed", replayed},
                             {"tokens", result.usage.prompt_tokens + result.usage.generated_tokens}}});
  };
  if (listener) listener({"phase", {{"phase", plan.label}, {"total", total}}});
  result.episodes = play_all(stage, batch, plan.in_flight, [&](const std::string& key) { return journal.find(key); }, done);
  for (const auto& e : result.episodes) {
    result.scores.push_back(e.score);
    result.faults += e.ending == Ending::fault;
  }
  result.score = bootstrap_mean(result.scores, plan.rng.split("interval"));
  return result;
}

}  // namespace hone
