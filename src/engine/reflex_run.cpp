#include "engine/reflex_run.h"

#include <numeric>

#include "core/error.h"

namespace hone {

namespace {

ArmResult scored(const std::string& name, ArmRole role, Evaluated played, const Rng& rng) {
  ArmResult row{.arm = {name, "", {"policy", {}, ""}, role, role == ArmRole::learned}, .test = {}, .validation = {}, .against_baseline = {}, .best = false};
  row.test.scores = std::move(played.scores);
  row.test.faults = played.faults;
  for (const auto& [info, values] : played.infos)
    if (!values.empty()) row.test.infos[info] = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  row.test.score = bootstrap_mean(row.test.scores, rng.split("interval"));
  return row;
}

void publish(const ReflexPlan& plan, const Learner& learner) {
  MemorySink sink;
  learner.save(sink);
  Lesson lesson;
  lesson.scope = scope_of(plan.run);
  lesson.learner = plan.recipe->method.name;
  lesson.env = plan.recipe->env.name;
  Weights weights;
  weights.artifact_sha = plan.store->put_artifact(sink.data);
  weights.arch = plan.recipe->method.name;
  weights.form = Weights::Form::net;
  lesson.what = weights;
  plan.store->commit({plan.run, "publish", {.add = {lesson}, .retire = {}}, std::nullopt});
}

}  // namespace

void reflex_run(const ReflexPlan& plan, ReportData& data) {
  const Rng rng(plan.recipe->seed);
  const BatchWorld& world = plan.opened->batch_world();
  const BatchOptions options{.slots = plan.recipe->slots, .threads = plan.recipe->threads};
  RolloutCollector rollouts(world, world.tasks(Split::train), options, rng.split("rollouts"));
  if (!rollouts.exact_resume()) data.warnings.push_back("this world can't be saved: a resumed run restarts its episodes");
  const auto learner = plan.opened->make_learner(rng.split("learner"), &rollouts.spec(), false);
  auto* acting = dynamic_cast<ActingLearner*>(learner.get());
  if (acting == nullptr) throw Error(Fault::internal, "method '" + plan.recipe->method.name + "' is of the reflex tempo but does not act");
  LearnPlan learning;
  learning.store = plan.store;
  learning.run = plan.run;
  learning.recipe = plan.recipe;
  learning.stage.stop = plan.stop;
  learning.rollouts = &rollouts;
  learning.learner = learner.get();
  learning.rng = rng;
  learning.listener = plan.listener;
  if (plan.listener) plan.listener({"phase", {{"phase", "learning"}, {"total", 0}}});
  data.learned = learn(learning);
  publish(plan, *learner);

  if (!plan.recipe->evaluation.enabled) return;
  RandomActor random(rollouts.spec().action);
  Recorder recorder(rollouts.spec().observation);
  auto evaluation = rng.split("evaluation");
  data.arms.push_back(scored("random", ArmRole::baseline, evaluate_actor(world, Split::test, random, options, evaluation), evaluation));
  for (const Rival& rival : acting->rivals()) data.arms.push_back(scored(rival.name, ArmRole::other, evaluate_actor(world, Split::test, *rival.actor, options, evaluation), evaluation));
  data.arms.push_back(scored("learned policy", ArmRole::learned, evaluate_actor(world, Split::test, *acting->player(), options, evaluation, &recorder), evaluation));
  data.recordings = recorder.take();
  data.arms.back().best = true;
  for (std::size_t i = 1; i < data.arms.size(); ++i) data.arms[i].against_baseline = compare_paired(data.arms.front().test.scores, data.arms[i].test.scores, evaluation);
}

}  // namespace hone
