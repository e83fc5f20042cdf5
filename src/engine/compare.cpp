#include "engine/compare.h"

#include <chrono>
#include <set>

#include "core/error.h"
#include "engine/arms.h"
#include "engine/news.h"
#include "engine/opened.h"
#include "learners/folded.h"
#include "store/upkeep.h"
#include "wire/sha256.h"

namespace hone {

namespace {

Recipe with_seed(Recipe recipe, std::uint64_t seed) {
  recipe.seed = seed;
  return recipe;
}

RunInfo finished_run(const Store& store, const Recipe& recipe, const MadeOf& made_of) {
  auto found = run_made_of(store, made_of, Wanted::finished);
  if (!found)
    throw Error(Fault::not_found, "recipe '" + recipe.name + "' with seed " + std::to_string(recipe.seed) +
                                      " has no finished run here (hone eval never learns): first `hone learn " +
                                      (recipe.path.rfind("builtin:", 0) == 0 ? recipe.path.substr(8) : recipe.path) + " --set seed=" +
                                      std::to_string(recipe.seed) + "`");
  return *found;
}

// The lessons of a run of another recipe: fair only on tasks that it did not try.
RunInfo named_run(const Store& store, const std::string& id, const Recipe& recipe, const Opened& opened) {
  RunInfo info = store.find_run(id);
  if (info.status != RunStatus::finished)
    throw Error(Fault::usage, "--run " + id + ": expected a finished run, got one that is " + std::string(to_string(info.status)));
  std::set<std::string> tried;
  for (const auto& episode : store.episodes({.run = info.id, .with_steps = false})) tried.insert(episode.task.env + "/" + episode.task.id);
  for (const auto& task : opened.tasks(Split::test))
    if (tried.contains(task.env + "/" + task.id))
      throw Error(Fault::bad_input, "--run " + id + ": learned from task '" + task.id + "', a test task of recipe '" + recipe.name + "'");
  return info;
}

// Which lessons: the version alone does not say what was erased or merged since.
std::string lessons_hash(const Lessons* lessons) {
  std::string ids;
  if (lessons != nullptr)
    for (const auto& lesson : lessons->all({})) ids += lesson.id + "\n";
  return sha256_hex(ids).substr(0, 12);
}

// One more seed of a row: scores become the mean over seeds, task by task.
void add_seed(CompareRow& row, const std::vector<Task>& tasks, const std::vector<double>& scores) {
  std::vector<std::string> ids;
  for (const auto& task : tasks) ids.push_back(task.id);
  if (row.seeds > 0 && ids != row.task_ids)
    throw Error(Fault::bad_input, "hone eval: the seeds of recipe '" + row.recipe + "' have different test tasks, which can't be averaged; evaluate them one by one");
  row.task_ids = std::move(ids);
  row.scores.resize(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) row.scores[i] = (row.scores[i] * row.seeds + scores[i]) / (row.seeds + 1);
  ++row.seeds;
  row.tasks = static_cast<int>(tasks.size());
}

int folds_of(const Learner& learner) {
  const auto* folded = dynamic_cast<const Folded*>(&learner);
  return folded == nullptr ? 1 : folded->folds();
}

// The arms of one recipe and seed on the test tasks.
class OneRun {
 public:
  OneRun(const CompareOptions& options, const Recipe& recipe, const Store& store)
      : options_(options), recipe_(recipe), opened_(recipe_), store_(store), info_(options.run.empty() ? finished_run(store, recipe_, opened_.made_of()) : named_run(store, options.run, recipe_, opened_)) {
    if (opened_.reflex()) throw Error(Fault::usage, "hone eval: '" + recipe.name + "' is of the reflex tempo; its scores are in its run's report (hone runs show)");
    if (const auto learner = opened_.make_learner(Rng(recipe_.seed), nullptr, false); folds_of(*learner) > 1)
      throw Error(Fault::usage, "hone eval: '" + recipe.name + "' is evaluated by folds, each task with the lessons of the others; its scores are in its run's report (hone runs show)");
  }

  void play(std::vector<CompareRow>& rows, Journal& journal, std::size_t first_row) {
    const auto scope = scope_of(info_.id);
    const auto latest = store_.latest_version(scope);
    const auto version = options_.version.value_or(latest);
    if (version > latest) throw Error(Fault::usage, "--version " + std::to_string(version) + ": run " + info_.id + " has versions 0 to " + std::to_string(latest));
    std::unique_ptr<Lessons> known;
    if (version > 0) known = store_.snapshot(scope, version, opened_.embedder());
    auto tasks = opened_.tasks(Split::test);
    if (options_.tasks > 0 && static_cast<std::size_t>(options_.tasks) < tasks.size()) tasks.resize(static_cast<std::size_t>(options_.tasks));
    Arms arms({&recipe_, &opened_, &store_, &journal, info_.id, nullptr, options_.listener, options_.stop});
    std::string of = info_.id + "@" + std::to_string(version) + "-" + lessons_hash(known.get());
    if (!options_.run.empty()) of += "-" + opened_.made_of().hash.substr(0, 12);  // these arms are not that run's
    std::size_t row = first_row;
    for (const Arm& arm : arms.list()) {
      EvalPlan plan{.run = info_.id, .label = of + "/" + arm.name, .tasks = tasks, .lessons = arm.lessons ? known.get() : nullptr,
                    .lessons_for = {}, .rng = arms.rng(), .in_flight = recipe_.in_flight};
      const auto result = evaluate(arms.stage(arm, Split::test), plan, journal, options_.listener);
      if (row == rows.size()) rows.push_back({.recipe = recipe_.name, .arm = arm.name, .baseline = arm.role == ArmRole::baseline, .score = {}, .usage = {}, .faults = {.of = arm.name + " of " + recipe_.name}, .against_first = {}, .task_ids = {}, .scores = {}});
      add_seed(rows[row], tasks, result.scores);
      rows[row].usage += result.usage;
      for (const auto& episode : result.episodes) rows[row].faults.count(episode);
      ++row;
    }
    opened_.check_models();
  }
  std::string model_hash() const { return opened_.model_sha(); }

 private:
  const CompareOptions& options_;
  Recipe recipe_;
  Opened opened_;
  const Store& store_;
  RunInfo info_;
};

}  // namespace

CompareResult compare_recipes(const CompareOptions& given) {
  CompareOptions options = given;
  options.listener = one_at_a_time(given.listener);
  const auto started = std::chrono::steady_clock::now();
  if (!options.run.empty() && options.seeds != 1)
    throw Error(Fault::usage, "hone eval: --run names one run, expected --seeds 1, got " + std::to_string(options.seeds));
  const Store store(store_path(options.home), {.create = false, .read_only = true});
  News news;
  const Errand errand(options.stop, news.hear(options.listener));
  CompareResult out;
  out.store_hash_before = content_hash(store);
  std::filesystem::create_directories(options.home / "evaluations");
  for (const auto& recipe : options.recipes) {
    const std::size_t first_row = out.rows.size();
    for (int s = 0; s < options.seeds; ++s) {
      OneRun one(options, with_seed(recipe, recipe.seed + static_cast<std::uint64_t>(s)), store);
      Journal journal((options.home / "evaluations" / (recipe.name + "-" + std::to_string(recipe.seed + static_cast<std::uint64_t>(s)) + ".jsonl")).string());
      one.play(out.rows, journal, first_row);
      out.model_hashes.push_back(one.model_hash());
    }
  }
  const Rng rng = Rng(1).split("compare");
  for (auto& row : out.rows) {
    row.score = bootstrap_mean(row.scores, rng.split(row.recipe + "/" + row.arm));
    if (&row != &out.rows.front() && row.task_ids == out.rows.front().task_ids && row.seeds == out.rows.front().seeds)
      row.against_first = compare_paired(out.rows.front().scores, row.scores, rng.split("against/" + row.recipe + "/" + row.arm));
  }
  out.warnings = news.troubles();
  bool through = false;  // some try that asked a model
  for (const auto& row : out.rows) {
    if (row.faults.faults > 0) out.warnings.push_back(row.faults.told());
    if (row.faults.faults == row.faults.tries && out.failed.empty()) out.failed = row.faults.nothing_got_through();
    through = through || (row.faults.faults < row.faults.tries && row.usage.calls > 0);
  }
  if (through) out.failed.clear();
  out.store_hash_after = content_hash(store);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (out.store_hash_before != out.store_hash_after) throw Error(Fault::internal, "evaluation changed the store: " + out.store_hash_before + " is now " + out.store_hash_after);
  return out;
}

wire::Json compare_json(const CompareResult& result) {
  wire::Json rows = wire::Json::array();
  for (const auto& row : result.rows) {
    wire::Json j{{"recipe", row.recipe}, {"arm", row.arm}, {"baseline", row.baseline}, {"score", row.score.mean}, {"low", row.score.low}, {"high", row.score.high},
                 {"tasks", row.tasks}, {"seeds", row.seeds}, {"faults", row.faults.faults}, {"tokens", row.usage.prompt_tokens + row.usage.generated_tokens}, {"seconds", row.usage.seconds}, {"money", row.usage.money}};
    j["difference"] = nullptr;
    if (*row.against_first.test != 0) {
      j["difference"] = interval_json(row.against_first.difference);
      j["difference"]["p"] = row.against_first.p;
      j["difference"]["test"] = row.against_first.test;
    }
    rows.push_back(std::move(j));
  }
  wire::Json out{{"rows", std::move(rows)}, {"warnings", result.warnings}, {"store_before", result.store_hash_before}, {"store_after", result.store_hash_after}, {"models", result.model_hashes}, {"seconds", result.seconds}};
  if (!result.failed.empty()) out["failed"] = result.failed;
  return out;
}

}  // namespace hone
