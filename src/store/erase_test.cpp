#include "store/test_world.h"
#include "store/transfer.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

TEST(Erase, TakesAllThatRestsOnTheEpisodeAndReportsIt) {
  Store store(":memory:");
  WordEmbedder embedder;
  const World w = fill(store, &embedder);
  const Erased preview = erase_preview(store, w.first_try);
  EXPECT_TRUE(store.episode(w.first_try).has_value());
  const Erased erased = erase_episode(store, w.first_try);
  EXPECT_EQ(erased.episodes, std::vector<std::string>{w.first_try});
  EXPECT_EQ(erased.lessons, (std::vector<std::string>{w.insight, w.edited}));
  EXPECT_EQ(erased.generations, std::vector<std::string>{w.reflection});
  EXPECT_EQ(erased.orphans, std::vector<std::string>{w.second_try});
  EXPECT_EQ(preview.lessons, erased.lessons);
  EXPECT_EQ(preview.generations, erased.generations);
  EXPECT_FALSE(store.episode(w.first_try).has_value());
  EXPECT_FALSE(store.lesson(w.insight).has_value());
  EXPECT_FALSE(store.lesson(w.edited).has_value());
  EXPECT_TRUE(store.lesson(w.example).has_value());
  const Episode child = *store.episode(w.second_try);
  EXPECT_EQ(child.parent, "");
  EXPECT_TRUE(child.notes.empty());
  EXPECT_EQ(child.steps.size(), 1U);
  RecallQuery query;
  query.text = "vanished card";
  query.by = RecallBy::fused;
  for (const auto& r : store.snapshot(w.run + "/fold0", {}, &embedder)->recall(query))
    EXPECT_EQ(r.lesson.id, w.example);
  EXPECT_EQ(store.snapshot(w.run + "/fold0", 1)->all({}).size(), 2U);
  EXPECT_TRUE(verify(store).empty());
  EXPECT_EQ(error_of([&] { erase_episode(store, w.first_try); }).fault(), Fault::not_found);
}

TEST(Erase, LeavesNoByteOfTheTextInTheFiles) {
  Folder folder;
  const auto path = folder / "s.db";
  Store store(path);
  WordEmbedder embedder;
  const std::string run = a_run(store);
  const std::string secret = "zebrafish quartz umbrella";
  Episode e = an_episode(run, "learn/0", secret);
  const std::string id = store.append(e);
  store.append(run,
               Generation{"", "insights/0", "insights", {{"user", "tries: " + secret}}, "text", {}, {}, {}});
  store.put_record(run, "last", "{\"task\":\"" + secret + "\"}");
  Lesson lesson = an_insight(run, secret);
  lesson.evidence = {id};
  const auto raw = std::as_bytes(std::span(secret));
  store.commit({run,
                "learn/1",
                {{lesson, an_insight(run, "harmless words")}, {}},
                Checkpoint{1, {raw.begin(), raw.end()}, ""}},
               &embedder);
  const auto everything = [&] { return bytes_of(path) + bytes_of(path.string() + "-wal"); };
  for (const char* word : {"zebrafish", "quartz", "umbrella"})
    EXPECT_NE(everything().find(word), std::string::npos);
  const Erased erased = erase_episode(store, id);
  EXPECT_EQ(erased.generations.size(), 1U);
  EXPECT_EQ(erased.records, std::vector<std::string>{run + ": last"});
  EXPECT_EQ(erased.checkpoints, 1);
  for (const char* word : {"zebrafish", "quartz", "umbrella", "zebrafi", "umbrel"})
    EXPECT_EQ(everything().find(word), std::string::npos) << word;
  EXPECT_NE(everything().find("harmless"), std::string::npos);
  EXPECT_TRUE(verify(store).empty());
}

TEST(Erase, ATextThatOtherTasksShareIsNoTrace) {
  Store store(":memory:");
  const std::string run = a_run(store);
  const std::string id = store.append(an_episode(run, "a", "find the key in the house"));
  store.append(an_episode(run, "b", "find the key in the house"));
  store.append(run,
               Generation{"", "g", "insights", {{"user", "find the key in the house"}}, "t", {}, {}, {}});
  EXPECT_TRUE(erase_episode(store, id).generations.empty());
}

TEST(Prune, KeepsTheBestOfEachTaskTheYoungAndAllEvidence) {
  Store store(":memory:");
  const std::string run = a_run(store);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    Episode e = an_episode(run, "k" + std::to_string(i));
    e.task.id = "same";
    e.solved = i == 3;
    e.score = i * 0.1;
    e.started_ms = 1000 * i;
    ids.push_back(store.append(e));
  }
  Lesson lesson = an_insight(run, "rests on the worst");
  lesson.evidence = {ids[0]};
  store.commit({run, "1", {{lesson}, {}}, {}});
  store.set_status(run, RunStatus::finished);
  EXPECT_EQ(error_of([&] { prune(store, {}); }).fault(), Fault::usage);
  const Pruned plan = prune(store, {.keep_best = 1, .dry_run = true});
  EXPECT_EQ(plan.episodes, 3);
  EXPECT_EQ(store.count_episodes({}), 5);
  EXPECT_EQ(prune(store, {.before_ms = 2000, .keep_best = 1}).episodes, 1);
  EXPECT_TRUE(store.episode(ids[0]).has_value());
  EXPECT_FALSE(store.episode(ids[1]).has_value());
  const Pruned done = prune(store, {.runs = {run}, .keep_best = 1});
  EXPECT_EQ(done.episodes, 2);
  EXPECT_EQ(done.kept_as_evidence, 1);
  EXPECT_TRUE(store.episode(ids[3]).has_value());
  EXPECT_EQ(store.count_episodes({}), 2);
  EXPECT_TRUE(verify(store).empty());
}

// `hone run --from-store`: the tries are one run's, what was made of them another's.
TEST(Erase, FindsQuotationsInTheRunThatLearnedFromIt) {
  Store store(":memory:");
  const std::string played = a_run(store), learning = a_run(store);
  Episode e = an_episode(played, "a", "help");  // a goal too short to look for
  e.steps[0].seen.text = "my zebrafish swallowed the quartz umbrella";
  e.steps[0].did.action = "tell them to call a veterinarian";
  const std::string id = store.append(e);
  Episode other = an_episode(played, "b", "help me too");
  other.steps[0].seen.text = "which of the three queues is it for";
  e.steps.push_back(other.steps[0]);
  e.id.clear();
  e.key = "c";
  const std::string two_steps = store.append(e);
  store.append(other);
  Lesson lesson = an_insight(learning, "animals with umbrellas go to the veterinarian");
  lesson.evidence = {id, two_steps};
  const std::string bytes = "state: animals with umbrellas go to the veterinarian";
  const auto raw = std::as_bytes(std::span(bytes));
  store.commit({learning, "learn/1", {{lesson}, {}}, Checkpoint{1, {raw.begin(), raw.end()}, ""}});
  const auto note = [&](const char* key, const std::string& text) {
    return store.append(learning, Generation{"", key, "insights", {{"user", text}}, "t", {}, {}, {}});
  };
  std::vector<std::string> quoting{note("1", "Saw: my zebrafish swallowed the quartz umbrella\n"),
                                   note("2", "Did: tell them to call a veterinarian"),
                                   note("3", "Known: animals with umbrellas go to the veterinarian")};
  note("4", "Saw: which of the three queues is it for");
  note("5", "help");
  store.put_record(learning, "report", "[\"tell them to call a veterinarian\"]");
  store.put_record(learning, "seconds", "5");
  const Erased plan = erase_preview(store, two_steps);
  const Erased erased = erase_episode(store, two_steps);
  EXPECT_EQ(erased.generations, quoting);
  EXPECT_EQ(erased.records, std::vector<std::string>{learning + ": report"});
  EXPECT_EQ(erased.checkpoints, 1);
  EXPECT_EQ(plan.records, erased.records);
  EXPECT_EQ(plan.checkpoints, 1);
  EXPECT_EQ(store.generations(learning).size(), 2U);
  EXPECT_EQ(store.records(learning).size(), 1U);
  EXPECT_FALSE(store.checkpoint(learning).has_value());
}

TEST(Erase, RefusesWhileARunThatLosesSomethingIsDriven) {
  Folder folder;
  Store store(folder / "s.db");
  const std::string played = a_run(store), learning = a_run(store);
  const std::string id = store.append(an_episode(played, "a"));
  Lesson lesson = an_insight(learning, "rests on it");
  lesson.evidence = {id};
  store.commit({learning, "1", {{lesson}, {}}, {}});
  const std::string before = content_hash(store);
  for (const auto& run : {played, learning}) {
    const RunLock driving = store.lock_run(run);
    EXPECT_EQ(error_of([&] { erase_episode(store, id); }).fault(), Fault::conflict);
    EXPECT_EQ(erase_preview(store, id).lessons.size(), 1U);
    EXPECT_EQ(content_hash(store), before);
  }
  EXPECT_EQ(erase_episode(store, id).lessons.size(), 1U);
}

TEST(Prune, LeavesRunsThatMayGoOnAlone) {
  Folder folder;
  Store store(folder / "s.db");
  const std::string run = a_run(store), stopped = a_run(store);
  for (const auto& which : {run, stopped}) store.append(an_episode(which, "a"));
  store.set_status(run, RunStatus::finished);
  store.set_status(stopped, RunStatus::stopped);
  {
    const RunLock driving = store.lock_run(run);
    EXPECT_EQ(error_of([&] { prune(store, {.before_ms = 1800000000000}); }).fault(), Fault::conflict);
    EXPECT_EQ(store.count_episodes({}), 2);
  }
  const Pruned plan = prune(store, {.before_ms = 1800000000000, .dry_run = true});
  const Pruned done = prune(store, {.before_ms = 1800000000000});
  EXPECT_EQ(done.episodes, 1);
  EXPECT_EQ(plan.episodes, 1);
  EXPECT_EQ(done.unfinished_runs, std::vector<std::string>{stopped});
  EXPECT_EQ(store.count_episodes({.run = stopped}), 1);
  EXPECT_TRUE(prune(store, {.runs = {run}, .keep_best = 1}).unfinished_runs.empty());
}

}  // namespace
}  // namespace hone
