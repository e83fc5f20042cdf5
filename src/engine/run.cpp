#include "engine/run.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "core/error.h"
#include "engine/arms.h"
#include "engine/gif.h"
#include "engine/learn.h"
#include "engine/meter.h"
#include "engine/opened.h"
#include "engine/news.h"
#include "engine/reflex_run.h"
#include "engine/replay.h"
#include "engine/report.h"
#include "engine/stored.h"
#include "engine/transfer.h"
#include "models/errand.h"
#include "store/store.h"
#include "wire/sha256.h"

namespace hone {

namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// One run in progress: what its phases share.
struct Running {
  const Recipe& recipe;
  const RunOptions& options;
  const Opened& opened;
  Store& store;
  News& news;
  RunInfo info;
  bool resumed = false;
  std::filesystem::path directory;
  double seconds_before = 0.0;  // spent by earlier, interrupted sittings
  Errand* errand = nullptr;     // of the run
  Usage vectors;                // of texts embedded outside tries: lessons, when they are committed
  Clock::time_point started = Clock::now();

  void tell(const std::string& kind, wire::Json fields) const {
    if (options.listener) options.listener({kind, std::move(fields)});
  }
  double seconds() const { return seconds_before + since(started); }
  void remember_spent() {
    store.put_record(info.id, "seconds", wire::dump(wire::Json(seconds())));
    Meter meter(nullptr, nullptr, recipe.prices, {});
    meter.also(*errand);
    if (meter.usage().prompt_tokens == 0) return;
    vectors += meter.usage();
    vectors.seconds = 0.0;  // the clock of the round counts them
    store.put_record(info.id, "vectors", wire::dump(wire::to_json(vectors)));
  }
};

// Which stored episodes a run learns from is part of what it is.
std::string chosen_episodes(const Store& store, const Opened& opened, EpisodeQuery query) {
  if (opened.reflex()) throw Error(Fault::usage, "--from-store: a method of the reflex tempo learns from rollouts, not from stored episodes");
  query.with_steps = false;
  std::string ids;
  for (const auto& e : store.episodes(query)) ids += e.id + "\n";
  return sha256_hex(ids).substr(0, 16);
}

RunInfo make_run(Store& store, const Recipe& recipe, const Opened& opened, const MadeOf& made_of) {
  RunInfo info;
  info.name = recipe.name;
  info.recipe_yaml = recipe.text;
  info.config_hash = made_of.hash;
  info.meta = meta_of(made_of);
  info.env = recipe.env.name;
  info.method = recipe.method.name;
  info.model = opened.model_sha();
  info.seed = recipe.seed;
  info.id = store.create_run(info);
  return *store.run(info.id);
}

RunResult finished(const Running& r, bool reused) {
  RunResult out;
  out.run = r.info.id;
  out.reused = reused;
  out.report_path = r.directory / "report.html";
  if (const auto json = r.store.record(r.info.id, "result")) out.result = wire::parse(*json, "result of run " + r.info.id);
  if (const auto json = r.store.record(r.info.id, "report")) out.report = wire::parse(*json, "report of run " + r.info.id);
  if (out.result.is_null() || out.report.is_null())
    throw Error(Fault::not_found, "the result of run " + r.info.id + " quoted an episode that was erased and went with it; --fresh runs this recipe again");
  return out;
}

// What the run leaves behind, for other programs and for `model: runs/ID/model/model.gguf`; a lesson says so.
void publish(Running& r, Trainable& trainable, const LearnState& learned) {
  if (learned.rounds == 0 || r.store.find_commit(r.info.id, "publish")) return;
  auto episodes = r.store.episodes({.run = r.info.id, .with_steps = false});
  std::sort(episodes.begin(), episodes.end(), [](const Episode& a, const Episode& b) { return a.key < b.key; });  // they end in any order
  std::vector<std::string> evidence;
  for (const auto& episode : episodes) evidence.push_back(episode.id);
  r.tell("phase", {{"phase", "saving the model"}, {"total", 0}});
  const auto folder = r.directory / "model";
  const std::string sha = trainable.publish(folder);
  wire::Json places{{"gguf", "model/model.gguf"}, {"safetensors", "model/safetensors"}, {"sha256", sha}, {"base", r.opened.model_sha()}};  // in the run's folder
  if (std::filesystem::exists(folder / "adapter")) places["adapter"] = "model/adapter";
  const auto manifest = wire::dump(places);
  const auto bytes = std::as_bytes(std::span(manifest));
  Lesson lesson;
  lesson.scope = scope_of(r.info.id);
  lesson.learner = r.recipe.method.name;
  lesson.env = r.recipe.env.name;
  lesson.evidence = std::move(evidence);
  lesson.what = Weights{.base_sha = r.opened.model_sha(), .artifact_sha = r.store.put_artifact(bytes), .arch = trainable.model().facts().architecture, .tokenizer_sha = {}, .form = Weights::Form::full};
  r.store.commit({r.info.id, "publish", {.add = {lesson}, .retire = {}}, std::nullopt}, r.opened.embedder());
}

void deliberate(Running& r, ReportData& data) {
  const Recipe& recipe = r.recipe;
  Journal journal((r.directory / "evaluation.jsonl").string());
  const Rng rng(recipe.seed);
  const auto learner = r.opened.make_learner(rng.split("learner"), nullptr, r.options.from_store.has_value());
  Arms arms({&recipe, &r.opened, &r.store, &journal, r.info.id, learner.get(), r.options.listener, r.options.stop});
  const bool evaluating = recipe.evaluation.enabled;
  if (evaluating)
    for (const Arm& arm : arms.list())
      if (arm.role == ArmRole::baseline) {
        const auto before = arms.test(arm);
        r.tell("arm", {{"arm", arm.name}, {"score", interval_json(before.score)}, {"tasks", before.score.n}});
      }

  Usage transfer;
  if (!recipe.transfer_from.empty()) transfer = transfer_insights(r.store, recipe, r.opened, r.info.id, r.options.stop);
  LearnPlan plan;
  plan.store = &r.store;
  plan.run = r.info.id;
  plan.recipe = &recipe;
  plan.stage = r.opened.stage(Split::train, recipe.agent, recipe.learn_agent, r.options.stop);
  plan.learner = learner.get();
  plan.embedder = r.opened.embedder();
  plan.trainable = r.opened.trainable();
  plan.weights = r.directory / "weights";
  if (plan.trainable != nullptr) std::filesystem::create_directories(plan.weights);
  if (r.options.from_store) {
    Stored stored = experience_from(r.store.episodes(*r.options.from_store), r.opened.world());
    for (const auto& w : stored.warnings) {
      data.warnings.push_back(w);
      r.tell("warning", {{"text", w}});
    }
    plan.stored = std::move(stored.episodes);
  }
  plan.rng = rng;
  plan.listener = r.options.listener;
  plan.beside = [&] { return r.vectors; };
  std::size_t shown = 0;
  plan.after_round = [&](const LearnState& state) {
    r.remember_spent();
    if (!evaluating) return;
    const auto points = arms.curve(state);
    for (; shown < points.size(); ++shown)
      r.tell("curve", {{"tasks_seen", points[shown].tasks_seen}, {"score", interval_json(points[shown].result.score)}});
  };
  r.tell("phase", {{"phase", "learning"}, {"total", r.opened.tasks(Split::train).size()}});
  data.learned = learn(plan);
  data.learned.usage += transfer;
  if (!evaluating) {
    if (plan.trainable != nullptr) publish(r, *plan.trainable, data.learned);
    return;
  }
  data.curve = arms.curve(data.learned);
  for (; shown < data.curve.size(); ++shown)
    r.tell("curve", {{"tasks_seen", data.curve[shown].tasks_seen}, {"score", interval_json(data.curve[shown].result.score)}});
  data.arms = arms.table();
  for (const auto& row : data.arms)
    r.tell("arm", {{"arm", row.arm.name}, {"score", interval_json(row.test.score)}, {"tasks", row.test.score.n}, {"default", row.best}});

  if (plan.trainable != nullptr) {
    publish(r, *plan.trainable, data.learned);
    return;  // replays take lessons out of a prompt; weights can't be taken apart
  }
  // Tries that the lessons turned from lost to solved are the ones worth explaining first.
  const ArmResult *baseline = nullptr, *learned = nullptr;
  for (const auto& row : data.arms) {
    if (row.arm.role == ArmRole::baseline) baseline = &row;
    if (row.arm.role == ArmRole::learned) learned = &row;
  }
  std::vector<Episode> order;
  for (const bool gained : {true, false})
    for (std::size_t i = 0; i < learned->test.episodes.size(); ++i)
      if ((learned->test.scores[i] > baseline->test.scores[i]) == gained) order.push_back(learned->test.episodes[i]);
  // With folds every task has lessons of its own: no one list to take a lesson out of.
  if (const Lessons* known = arms.folded() ? nullptr : arms.lessons(); known != nullptr && recipe.evaluation.changes > 0) {
    r.tell("phase", {{"phase", "replay"}, {"total", recipe.evaluation.changes}});
    data.changes = find_changes(arms.stage(learned->arm, Split::test),
                                {.run = r.info.id, .lessons = known, .rng = arms.rng(), .want = recipe.evaluation.changes, .try_at_most = 3 * recipe.evaluation.changes},
                                order, journal, r.options.listener);
  }
}

RunResult drive(Running& r) {
  r.tell("run", {{"run", r.info.id}, {"name", r.recipe.name}, {"env", r.recipe.env.name}, {"method", r.recipe.method.name}, {"model", r.recipe.model},
                 {"seed", r.recipe.seed}, {"resumed", r.resumed}, {"train_tasks", r.opened.tasks(Split::train).size()},
                 {"test_tasks", r.opened.tasks(Split::test).size()}});
  ReportData data;
  data.recipe = &r.recipe;
  data.opened = &r.opened;
  data.store = &r.store;
  data.run = r.info.id;
  data.home = r.options.home;
  data.resumed = r.resumed;
  data.report_path = std::filesystem::absolute(r.directory / "report.html").lexically_normal();
  if (const auto script = r.opened.for_tests_only(); !script.empty()) data.warnings.push_back("model '" + script + "' is a script for tests: its scores say nothing about a real model");
  if (const auto why = r.opened.unrepeatable(); !why.empty()) data.warnings.push_back(why);
  if (r.opened.reflex()) reflex_run({&r.recipe, &r.opened, &r.store, r.info.id, r.options.listener, r.options.stop}, data);
  else deliberate(r, data);
  data.seconds = r.seconds();
  r.remember_spent();
  data.learned.usage += r.vectors;
  for (const auto& trouble : r.news.troubles()) data.warnings.push_back(trouble);
  if (!data.learned.ended_by.empty()) data.warnings.push_back("learning was ended by the cap on " + data.learned.ended_by);
  data.faults = faults_of(data);
  for (const auto& f : data.faults) data.warnings.push_back(f.told());
  const auto report = report_json(data);
  auto result = result_json(data);
  if (const auto model = data.report_path.parent_path() / "model" / "model.gguf"; std::filesystem::exists(model)) result["model"] = model.string();
  for (std::size_t i = 0; i < data.recordings.size(); ++i) write_file(r.directory / recording_file(i), gif_of(data.recordings[i], std::max(1, 256 / data.recordings[i].width)));
  write_file(r.directory / "report.json", wire::dump(report));
  write_file(r.directory / "report.html", report_html(report));
  r.store.put_record(r.info.id, "result", wire::dump(result));
  r.store.put_record(r.info.id, "report", wire::dump(report));
  r.store.set_status(r.info.id, RunStatus::finished);
  return finished(r, false);
}

}  // namespace

RunResult run_recipe(const Recipe& recipe, const RunOptions& given) {
  RunOptions options = given;
  options.listener = one_at_a_time(given.listener);
  News news;
  Errand errand(options.stop, news.hear(options.listener));
  const Opened opened(recipe);
  std::error_code failure;
  std::filesystem::create_directories(options.home / "runs", failure);
  if (failure) throw Error(Fault::io, (options.home / "runs").string() + ": can't be made: " + failure.message());
  Store store(store_path(options.home));
  if (!recipe.transfer_from.empty()) (void)store.find_run(recipe.transfer_from);  // before anything is played
  if (!recipe.transfer_examples.empty()) (void)transfer_examples(recipe);
  MadeOf made_of = opened.made_of();
  if (options.from_store) {
    const std::string chosen = "/from-store/" + chosen_episodes(store, opened, *options.from_store);
    made_of.hash += chosen, made_of.recipe += chosen;
  }
  Running r{recipe, options, opened, store, news, {}};
  r.errand = &errand;
  if (const auto earlier = options.fresh ? std::nullopt : run_made_of(store, made_of, Wanted::to_go_on)) {
    r.info = *earlier;
    r.resumed = true;
    if (const auto used = store.record(r.info.id, "vectors")) r.vectors = wire::usage_from_json(wire::parse(*used, "vectors"), "vectors");
    if (const auto spent = store.record(r.info.id, "seconds")) r.seconds_before = wire::parse(*spent, "seconds").get<double>();
  } else {
    r.info = make_run(store, recipe, opened, made_of);
  }
  r.directory = options.home / "runs" / r.info.id;
  std::filesystem::create_directories(r.directory);
  const auto lock = store.lock_run(r.info.id);
  if (r.info.status == RunStatus::finished && std::filesystem::exists(r.directory / "report.html")) return finished(r, true);
  store.set_status(r.info.id, RunStatus::running);
  try {
    return drive(r);
  } catch (const Error& e) {
    try {  // the disk may be what failed
      r.remember_spent();
      store.set_status(r.info.id, e.fault() == Fault::interrupted ? RunStatus::stopped : RunStatus::failed);
    } catch (const Error&) {
    }
    throw;
  }
}

Estimate estimate_run(const Recipe& recipe, std::stop_token stop) {
  const Errand errand(stop);
  const Opened opened(recipe);
  Estimate out;
  const auto train = opened.tasks(Split::train), test = opened.tasks(Split::test), validation = opened.tasks(Split::validation);
  out.train_tasks = static_cast<std::int64_t>(train.size());
  if (opened.reflex()) {
    out.basis = "nothing: a world of the reflex tempo costs no tokens and no money, and its time is not estimated";
    return out;
  }
  const auto arms = std::max<std::size_t>(recipe.arms.size(), 2);
  const auto curve_tasks = recipe.evaluation.curve_tasks > 0 ? std::min<std::size_t>(validation.size(), static_cast<std::size_t>(recipe.evaluation.curve_tasks)) : validation.size();
  if (recipe.evaluation.enabled)
    out.evaluation_tasks = static_cast<std::int64_t>(arms * (test.size() + validation.size()) + (static_cast<std::size_t>(recipe.evaluation.curve) + 1) * curve_tasks);
  const auto& sample = !train.empty() ? train : test;
  if (sample.empty()) throw Error(Fault::bad_input, "this recipe has no tasks");
  const Stage stage = opened.stage(Split::train, recipe.agent, recipe.learn_agent, stop);
  Usage used;
  const auto started = Clock::now();
  const int measured = static_cast<int>(std::min<std::size_t>(3, sample.size()));
  int faults = 0;
  std::string first;
  for (int i = 0; i < measured; ++i) {
    const Episode tried = play(stage, {.task = sample[static_cast<std::size_t>(i)], .group = {}, .parent = {}, .notes = {}, .sampling = {}}, {.run = {}, .key = {}, .view = {}, .rng = Rng(recipe.seed)});
    used += tried.usage;
    if (tried.ending == Ending::fault && faults++ == 0) first = tried.fault;
  }
  const Budget& budget = recipe.budget;
  out.episodes = budget.episodes > 0 ? std::min(out.train_tasks, budget.episodes) : out.train_tasks;
  // Learning up to its caps, evaluation on top.
  const auto total = [&](double spent, double cap) {
    const double each = spent / measured, learning = each * static_cast<double>(out.episodes);
    return (cap > 0.0 ? std::min(learning, cap) : learning) + each * static_cast<double>(out.evaluation_tasks);
  };
  out.tokens = static_cast<std::int64_t>(total(static_cast<double>(used.prompt_tokens + used.generated_tokens), static_cast<double>(budget.tokens)));
  out.seconds = total(since(started), budget.seconds);
  out.money = total(used.money, budget.money);
  out.basis = std::to_string(measured) + " tries played now; retries, reflections and longer prompts with recalled cases come on top";
  if (faults > 0) out.basis += "; " + std::to_string(faults) + " of them ended by a fault, so the numbers say little; the first: " + first;
  return out;
}

}  // namespace hone
