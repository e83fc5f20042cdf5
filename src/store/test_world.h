// A small store with something of everything, for tests that move or damage it.
#pragma once

#include "store/test_support.h"

namespace hone::store_test {

struct World {
  std::string run, first_try, second_try, other_try, reflection, insight, edited, example, artifact;
};

// Everything hangs together: a first try fails, a reflection on it is told to the second, an insight rests on
// both, an edited insight replaces it; a case rests on another try. `salt` makes another run of the same
// recipe: same keys, other ids, times and usage.
inline World fill(Store& store, Embedder* embedder = nullptr, std::int64_t salt = 0) {
  World w;
  RunInfo info;
  info.name = "first";
  info.recipe_yaml = "env: desk\n";
  info.config_hash = "hash";
  info.seed = 7;
  info.created_ms = 1700000000000 + salt;
  info.meta = "{\"salt\":" + std::to_string(salt) + "}";
  w.run = store.create_run(info);
  const std::string scope = w.run + "/fold0";
  const std::byte raw[] = {std::byte{1}, std::byte{0}, std::byte{2}};
  w.artifact = store.put_artifact(raw);

  Episode e = an_episode(w.run, "learn/0/0", "my platinum card vanished in Lisbon");
  e.started_ms += salt;
  e.usage.seconds = 0.5 + static_cast<double>(salt);
  e.solved = false;
  e.score = 0.0;
  e.steps[0].did.trace = Trace{{1, 2}, {3, 4}, {-0.25F, -1.5F}, {0.5F, 0.1F}, {}};
  e.aside = {Generation{"", "c", "critique", {{"user", "why"}}, "wrong queue", {}, {}, {}}};
  w.first_try = store.append(e);
  w.reflection = store.append(
      w.run, Generation{"", "reflect/0", "reflection", {{"user", e.task.goal}}, "try loans next", {}, {}, {}},
      w.first_try);
  Episode again = e;
  again.id.clear();
  again.key = "learn/0/1";
  again.parent = w.first_try;
  again.attempt = 1;
  again.notes = {"try loans next"};
  again.solved = true;
  again.score = 1.0;
  w.second_try = store.append(again);
  Episode other = an_episode(w.run, "learn/0/2", "raise the limit of my loan");
  other.started_ms += 1000 + salt;
  w.other_try = store.append(other);

  Lesson insight = an_insight(scope, "a vanished card goes to cards, wherever it happened");
  insight.evidence = {w.first_try, w.second_try};
  Lesson example = a_case(scope, other.task.id, other.task.goal, "cards\nsolved");
  example.keys.push_back({RecallKey::action, "cards"});
  example.evidence = {w.other_try};
  Lesson weights;
  weights.scope = scope;
  weights.what = Weights{"base", w.artifact, "llama", "tok", Weights::Form::lora};
  const auto added = store.commit({w.run,
                                   "learn/1",
                                   {{insight, example, weights}, {}},
                                   Checkpoint{1, {std::byte{5}, std::byte(salt)}, ""}},
                                  embedder);
  w.insight = added.ids[0];
  w.example = added.ids[1];
  Lesson edited = an_insight(scope, "a vanished card goes to cards", 2);
  edited.parent = w.insight;
  w.edited =
      store.commit({w.run, "learn/2", {{edited}, {w.insight}}, Checkpoint{2, {std::byte{6}}, ""}}, embedder)
          .ids[0];

  Episode played = an_episode(w.run, "eval/0", "where is my statement");
  played.started_ms += 2000 + salt;
  played.by.scope = scope;
  played.by.lessons = 2;
  played.steps[0].did.lessons = {{w.edited, LessonUse::used, 0.75}, {w.example, LessonUse::withheld, 0.5}};
  store.append(played);
  store.append_metrics(w.run, 1, {{"score", 0.5}, {"seconds", 3.5 + static_cast<double>(salt)}});
  store.append_metrics(w.run, 2, {{"score", 0.75}});
  store.put_record(w.run, "report", "{\"seconds\":" + std::to_string(salt) + "}");
  store.set_status(w.run, RunStatus::finished);
  return w;
}

}  // namespace hone::store_test
