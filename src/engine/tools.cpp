#include "engine/tools.h"

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
  out.usage = meter.usage();
  out.id = plan_.store->append(plan_.run, out);
  return out;
}

std::vector<Generation> EngineTools::generate(std::span<const Request> requests) {
  std::vector<Generation> out;
  int n = 0;
  for (const Request& request : requests) {
    out.push_back(generate_one(request));
    usage_ += out.back().usage;
    if (plan_.listener && !requests.empty())
      plan_.listener({"generation", {{"role", request.role}, {"done", ++n}, {"total", requests.size()},
                                     {"tokens", usage_.prompt_tokens + usage_.generated_tokens}}});
  }
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
