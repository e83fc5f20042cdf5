#include "engine/arms.h"

#include <algorithm>

#include "core/error.h"
#include "learners/folded.h"

namespace hone {

namespace {

std::vector<Arm> default_arms(const Recipe& recipe) {
  Arm before{"without experience", "", recipe.agent, ArmRole::baseline, false, false};
  Arm after{"with experience", "", recipe.agent, ArmRole::learned, true, true};
  return {before, after};
}

}  // namespace

ArmResult* offered(std::span<ArmResult> rows) {
  const auto rank = [](const ArmResult& row) { return std::pair(row.validation->score.mean, row.arm.lessons); };
  ArmResult* best = nullptr;
  for (auto& row : rows)
    if (row.validation && (best == nullptr || rank(row) > rank(*best))) best = &row;
  if (best == nullptr)
    for (auto& row : rows)
      if (row.arm.role == ArmRole::learned) best = &row;
  return best;
}

Arms::Arms(Plan plan) : plan_(std::move(plan)), arms_(plan_.recipe->arms.empty() ? default_arms(*plan_.recipe) : plan_.recipe->arms) {
  const auto* folded = dynamic_cast<const Folded*>(plan_.learner);
  folded_ = folded != nullptr && folded->folds() > 1;
  // With folds the training tasks are evaluated, each with what was learned from the other folds.
  test_ = plan_.opened->tasks(folded_ ? Split::train : Split::test);
  validation_ = folded_ ? std::vector<Task>{} : plan_.opened->tasks(Split::validation);
}

Stage Arms::stage(const Arm& arm, Split split) const { return plan_.opened->stage(split, arm.agent, {}, plan_.stop); }

const Lessons* Arms::lessons() {
  const std::string scope = scope_of(plan_.run);
  const auto version = plan_.store->latest_version(scope);
  if (version == 0) return nullptr;
  const std::string key = scope + "@" + std::to_string(version);
  auto& slot = snapshots_[key];
  if (!slot) slot = plan_.store->snapshot(scope, version, plan_.opened->embedder());
  return slot.get();
}

const Lessons* Arms::fold_lessons(const Task& task) {
  const auto& folded = dynamic_cast<const Folded&>(*plan_.learner);
  const std::string scope = scope_of(plan_.run, folded.scope_for(task));
  if (plan_.store->latest_version(scope) == 0) return nullptr;
  auto& slot = snapshots_[scope];
  if (!slot) slot = plan_.store->snapshot(scope, std::nullopt, plan_.opened->embedder());
  return slot.get();
}

void Arms::use_weights(const Arm& arm) const {
  if (Trainable* trainable = plan_.opened->trainable()) trainable->play(arm.weights ? Plays::lesson : Plays::first);
}

EvalResult Arms::evaluate_arm(const Arm& arm, Split split, const std::string& label) {
  EvalPlan plan;
  plan.run = plan_.run;
  plan.label = label + "/" + arm.name;
  plan.tasks = split == Split::validation ? validation_ : test_;
  if (arm.lessons) {
    if (folded_) plan.lessons_for = [this](const Task& task) { return fold_lessons(task); };
    else plan.lessons = lessons();
  }
  plan.rng = rng();
  plan.in_flight = plan_.recipe->in_flight;
  use_weights(arm);
  return evaluate(stage(arm, folded_ ? Split::test : split), plan, *plan_.journal, plan_.listener);
}

std::vector<double> Arms::fold_scores(const EvalResult& result) const {
  const auto& folded = dynamic_cast<const Folded&>(*plan_.learner);
  std::map<std::string, std::vector<double>> by_fold;
  for (std::size_t i = 0; i < result.scores.size(); ++i) by_fold[folded.scope_for(test_[i])].push_back(result.scores[i]);
  std::vector<double> out;
  for (const auto& [fold, scores] : by_fold) out.push_back(mean_and_error(scores).mean);
  return out;
}

EvalResult Arms::test(const Arm& arm) { return evaluate_arm(arm, Split::test, "test"); }
EvalResult Arms::validate(const Arm& arm) { return evaluate_arm(arm, Split::validation, "validation"); }

std::vector<CurvePoint> Arms::curve(const LearnState& state) {
  const int points = plan_.recipe->evaluation.curve;
  std::vector<CurvePoint> out;
  if (points == 0 || folded_ || validation_.empty()) return out;
  const auto find = [&](ArmRole role) { return *std::find_if(arms_.begin(), arms_.end(), [&](const Arm& a) { return a.role == role; }); };
  const Arm baseline = find(ArmRole::baseline), learned = find(ArmRole::learned);
  auto tasks = validation_;
  const int most = plan_.recipe->evaluation.curve_tasks;
  if (most > 0 && static_cast<std::size_t>(most) < tasks.size()) tasks.resize(static_cast<std::size_t>(most));
  auto point = [&](const Arm& arm, const std::string& label, const Lessons* known) -> const EvalResult& {
    const auto had = curve_.find(label);
    if (had != curve_.end()) return had->second;
    use_weights(arm);
    EvalPlan plan{.run = plan_.run, .label = label, .tasks = tasks, .lessons = known, .lessons_for = {}, .rng = rng(), .in_flight = plan_.recipe->in_flight};
    return curve_.emplace(label, evaluate(stage(arm, Split::validation), plan, *plan_.journal, plan_.listener)).first->second;
  };
  out.push_back({0, 0, point(baseline, "curve/0", nullptr)});
  const auto train = static_cast<std::int64_t>(plan_.opened->tasks(Split::train).size());
  std::uint64_t version = 0;
  int next = 1;
  for (std::size_t round = 0; round < state.tasks_seen.size() && next <= points; ++round) {
    const auto commit = plan_.store->find_commit(plan_.run, "learn/" + std::to_string(round));
    if (commit)
      if (const auto it = commit->versions.find(scope_of(plan_.run)); it != commit->versions.end()) version = it->second;
    const int before = next;
    while (next <= points && state.tasks_seen[round] >= (train * next + points - 1) / points) ++next;
    if (next == before) continue;
    const int reached = next - 1;  // a round that passes several points is measured once
    // The last point waits for the end of learning: it is what the run leaves behind.
    if (reached == points && !state.done) return out;
    if (reached == points) version = plan_.store->latest_version(scope_of(plan_.run));
    std::unique_ptr<Lessons> known;
    if (version > 0) known = plan_.store->snapshot(scope_of(plan_.run), version, plan_.opened->embedder());
    out.push_back({state.tasks_seen[round], version, point(learned, "curve/" + std::to_string(reached), known.get())});
  }
  return out;
}

std::vector<ArmResult> Arms::table() {
  std::vector<ArmResult> rows;
  for (const Arm& arm : arms_) {
    ArmResult row{.arm = arm, .test = {}, .validation = {}, .against_baseline = {}, .best = false};
    if (!validation_.empty()) row.validation = validate(arm);
    row.test = test(arm);
    if (folded_) row.folds = fold_scores(row.test);
    rows.push_back(std::move(row));
  }
  const auto baseline = std::find_if(rows.begin(), rows.end(), [](const ArmResult& r) { return r.arm.role == ArmRole::baseline; });
  for (auto& row : rows)
    if (row.arm.role != ArmRole::baseline)
      row.against_baseline = compare_paired(baseline->test.scores, row.test.scores, rng().split(row.arm.name));
  if (auto* best = offered(rows)) best->best = true;
  return rows;
}

}  // namespace hone
