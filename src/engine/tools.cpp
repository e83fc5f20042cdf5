#include "engine/tools.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "engine/meter.h"

namespace hone {

Generation EngineTools::generate_one(const Request& request) {
  Generation out;
  out.key = "learn/" + std::to_string(plan_.round) + "/" + request.key;
  if (auto known = plan_.store->find_generation(plan_.run, out.key)) return *known;
  Model* model = plan_.stage->model;
  if (request.asked != Helper::none && plan_.stage->writer != nullptr) model = plan_.stage->writer;
  if (request.asked == Helper::judge && plan_.stage->judge != nullptr) model = plan_.stage->judge;
  Meter meter(model, nullptr, plan_.stage->prices, plan_.stage->stop);
  Sampling sampling = request.sampling;
  if (sampling.seed == 0) sampling.seed = plan_.rng.split("generate").split(out.key).next();
  Reply reply = meter.chat(request.prompt, sampling);
  out.role = request.role;
  out.prompt = request.prompt;
  out.text = std::move(reply.text);
  out.trace = std::move(reply.trace);
  out.by.model = meter.facts().artifact_sha;
  out.by.weights = plan_.stage->weights;
  out.usage = meter.usage();
  out.id = plan_.store->append(plan_.run, out);
  return out;
}

std::vector<Generation> EngineTools::generate(std::span<const Request> requests) {
  std::vector<Generation> out(requests.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  std::size_t done = 0;
  const auto worker = [&] {
    for (std::size_t i = next++; i < requests.size(); i = next++) {
      try {
        out[i] = generate_one(requests[i]);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = requests.size();
        return;
      }
      const std::lock_guard lock(mutex);
      usage_ += out[i].usage;
      if (plan_.listener)
        plan_.listener({"generation", {{"role", requests[i].role}, {"done", ++done}, {"total", requests.size()},
                                       {"tokens", usage_.prompt_tokens + usage_.generated_tokens}}});
    }
  };
  {
    // A model that trains gives each request its own answer, whatever else is asked for; other back ends are asked one by one.
    const auto count = plan_.policy == nullptr ? 1 : std::min(requests.size(), static_cast<std::size_t>(std::max(1, plan_.recipe->in_flight)));
    std::vector<std::jthread> threads;
    for (std::size_t t = 1; t < count; ++t) threads.emplace_back(worker);
    worker();
  }
  if (failure) std::rethrow_exception(failure);
  return out;
}

std::vector<Episode> EngineTools::play(std::span<const Trial> trials) {
  Batch batch;
  for (const Trial& trial : trials) {
    Play how;
    how.run = plan_.run;
    how.key = "learn/" + std::to_string(plan_.round) + "/tool/" + std::to_string(played_++);
    if (trial.with_lessons) how.view = {.lessons = plan_.known, .withheld = {}, .withhold_rate = plan_.recipe->withhold};
    how.rng = plan_.rng.split("trial").split(how.key);
    batch.how.push_back(std::move(how));
    batch.trials.push_back(trial);
  }
  auto done = [&](std::size_t, const Episode& episode, bool replayed) {
    if (!replayed) plan_.store->append(episode);
    usage_ += episode.usage;
  };
  auto episodes = play_all(*plan_.stage, batch, plan_.recipe->in_flight,
                           [&](const std::string& key) { return plan_.store->find_episode(plan_.run, key); }, done);
  for (auto& e : episodes)
    if (auto stored = plan_.store->find_episode(plan_.run, e.key)) e.id = stored->id;
  return episodes;
}

int EngineTools::count_tokens(std::string_view text) {
  if (plan_.stage->model == nullptr) return static_cast<int>(text.size() / 4);  // no model, no tokenizer: the usual rule of thumb
  return plan_.stage->model->count_tokens(text);
}

Rng EngineTools::rng(std::string_view label) { return plan_.rng.split("learn").split(static_cast<std::uint64_t>(plan_.round)).split(label); }

bool EngineTools::report(std::string_view message, const Metrics& metrics) {
  if (plan_.listener) plan_.listener({"message", {{"text", message}, {"metrics", wire::to_json(metrics)}}});
  return plan_.stage->stop.stop_requested();
}

}  // namespace hone
