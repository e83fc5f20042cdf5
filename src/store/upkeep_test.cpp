#include "store/upkeep.h"

#include "store/impl.h"
#include "store/test_world.h"
#include "store/transfer.h"

namespace hone {
namespace {

using namespace store_test;

void damage(Store& store, const std::string& sql) { store.impl().db.script(sql); }

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

TEST(Erase, FindsWhatARunThatLearnedFromTheStoreQuotes) {
  Store store(":memory:");
  WordEmbedder embedder;
  const std::string source = a_run(store), learner = a_run(store), stranger = a_run(store);
  const std::string goal = "zebrafish quartz umbrella";
  const std::string id = store.append(an_episode(source, "learn/0", goal));
  const auto quote = [&](const std::string& run) {
    return store.append(run, Generation{"", "insights/0", "insights", {{"user", "tries: " + goal}}, "text", {}, {}, {}});
  };
  const std::string quoted = quote(learner), unrelated = quote(stranger);
  Lesson lesson = an_insight(learner, "a rule");
  lesson.evidence = {id};
  store.commit({learner, "learn/0", {.add = {lesson}, .retire = {}}, std::nullopt}, &embedder);
  const Erased erased = erase_episode(store, id);
  EXPECT_EQ(erased.generations, std::vector<std::string>{quoted}) << unrelated << " rests on nothing that goes";
  EXPECT_EQ(erased.lessons.size(), 1U);
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
  EXPECT_EQ(error_of([&] { prune(store, {}); }).fault(), Fault::usage);
  EXPECT_EQ(prune(store, {.keep_best = 1, .dry_run = true}).episodes, 0) << "a run that is not finished goes on with all it has";
  store.set_status(run, RunStatus::finished);
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

TEST(Verify, FindsEachKindOfDamage) {
  const auto problem = [](const std::string& sql) {
    Store store(":memory:");
    WordEmbedder embedder;
    fill(store, &embedder);
    EXPECT_TRUE(verify(store).empty());
    damage(store, "PRAGMA foreign_keys = OFF;" + sql);
    const auto problems = verify(store);
    std::string all;
    for (const auto& p : problems) all += p + "\n";
    return all;
  };
  EXPECT_NE(problem("UPDATE artifact SET bytes = x'00'").find("artifacts: the bytes of"), std::string::npos);
  EXPECT_NE(problem("DELETE FROM artifact").find("artifacts: lesson"), std::string::npos);
  EXPECT_NE(problem("UPDATE lesson_key SET vector = x'00000000' WHERE seq = 1").find("vectors: lesson"),
            std::string::npos);
  EXPECT_NE(problem("UPDATE lesson_key SET embedder = 'x' WHERE seq = 1").find("mixes those of 2 embedders"),
            std::string::npos);
  EXPECT_NE(problem("UPDATE lesson_key SET vector = NULL WHERE seq = 1").find("has a key without one"),
            std::string::npos);
  EXPECT_NE(problem("UPDATE lesson_key SET text = 'other words' WHERE seq = 1").find("text index:"),
            std::string::npos);
  EXPECT_NE(problem("DROP TRIGGER lesson_key_gone; DELETE FROM lesson_key WHERE seq = 1")
                .find("text index: has row 1"),
            std::string::npos);
  EXPECT_NE(problem("DELETE FROM episode WHERE key = 'learn/0/2'").find("evidence: lesson"),
            std::string::npos);
  EXPECT_NE(problem("UPDATE lesson SET added = 9 WHERE seq = 1").find("versions: lesson"), std::string::npos);
  EXPECT_NE(problem("UPDATE step SET body = replace(body, 'cards', 'loans') WHERE seq = 1")
                .find("another content than its hash"),
            std::string::npos);
  EXPECT_NE(problem("DELETE FROM step WHERE seq = 1").find("has 0 steps, expected 1"), std::string::npos);
  EXPECT_NE(problem("UPDATE episode SET body = '{' WHERE seq = 1").find("episodes: "), std::string::npos);
  EXPECT_NE(problem("UPDATE generation SET body = replace(body, 'loans', 'cards')").find("generations: "),
            std::string::npos);
}

// Checks that compare each lesson with each would not end here.
TEST(Verify, ReadsAStoreOfThousandsOfLessons) {
  Store store(":memory:");
  WordEmbedder embedder(8);
  for (Embedder* with : {static_cast<Embedder*>(&embedder), static_cast<Embedder*>(nullptr)}) {
    const std::string run = a_run(store);
    LessonDelta delta;
    for (int i = 0; i < 5000; ++i) delta.add.push_back(an_insight(run, "word" + std::to_string(i)));
    store.commit({run, "1", delta, {}}, with);
  }
  EXPECT_TRUE(verify(store).empty());
}

TEST(ContentHash, ChangesWithContentAndOnlyThen) {
  Store store(":memory:");
  const World w = fill(store);
  const std::string before = content_hash(store);
  store.snapshot(w.run + "/fold0")->all({});
  store.episodes({});
  store.credit(w.run + "/fold0");
  verify(store);
  store.set_status(w.run, RunStatus::stopped);
  EXPECT_EQ(content_hash(store), before);
  store.append_metric(w.run, {9, "m", 1.0});
  EXPECT_NE(content_hash(store), before);
}

TEST(Merge, UnitesWithoutDuplicatesAndAgainAddsNothing) {
  Folder folder;
  WordEmbedder embedder;
  Store a(folder / "a.db");
  fill(a, &embedder);
  {
    Store b(folder / "b.db");
    fill(b, &embedder, 5);
    std::ostringstream shared;
    export_jsonl(a, shared);
    std::istringstream in(shared.str());
    import_jsonl(b, in, "a");
  }
  const Merged merged = merge(a, folder / "b.db");
  EXPECT_GT(merged.added, 5);
  EXPECT_GT(merged.known, 5);
  EXPECT_EQ(merged.conflicts, 0);
  EXPECT_EQ(a.runs().size(), 2U);
  EXPECT_EQ(a.count_episodes({}), 8);
  EXPECT_TRUE(verify(a).empty());
  const std::string once = content_hash(a);
  const Merged again = merge(a, folder / "b.db");
  EXPECT_EQ(again.added, 0);
  EXPECT_EQ(content_hash(a), once);
  EXPECT_EQ(error_of([&] { merge(a, folder / "a.db"); }).fault(), Fault::usage);
  EXPECT_EQ(error_of([&] { merge(a, folder / "none.db"); }).fault(), Fault::not_found);
}

TEST(Merge, KeepsBothSidesOfAContradiction) {
  Folder folder;
  Store a(folder / "a.db");
  const World w = fill(a);
  {
    std::ostringstream out;
    export_jsonl(a, out);
    std::istringstream in(out.str());
    Store b(folder / "b.db");
    import_jsonl(b, in, "a");
    // Both sides go on by themselves.
    Episode theirs = an_episode(w.run, "learn/5/0");
    theirs.steps[0].did.action = "theirs";
    const std::string id = b.append(theirs);
    Lesson lesson = an_insight(w.run + "/fold0", "their insight");
    lesson.evidence = {id};
    b.commit({w.run, "learn/3", {{lesson}, {w.edited}}, {}});
    b.put_record(w.run, "report", "{\"theirs\":1}");
    Episode same_id = an_episode("", "");
    same_id.id = "clash";
    b.append(same_id);
  }
  Episode ours = an_episode(w.run, "learn/5/0");
  ours.steps[0].did.action = "ours";
  a.append(ours);
  Episode same_id = an_episode("", "");
  same_id.id = "clash";
  same_id.last.text = "ours";
  a.append(same_id);
  a.commit({w.run, "learn/3", {{an_insight(w.run + "/fold0", "our insight")}, {}}, {}});
  const Merged merged = merge(a, folder / "b.db");
  EXPECT_EQ(merged.conflicts, 4);  // two episodes, a record, a commit
  const auto tries = a.episodes({.run = w.run, .key_prefix = "learn/5/0"});
  ASSERT_EQ(tries.size(), 2U);
  EXPECT_EQ(tries[0].steps[0].did.action, "ours");
  EXPECT_EQ(tries[1].steps[0].did.action, "theirs");
  EXPECT_EQ(a.episodes({.run = ""}).size(), 2U);
  EXPECT_EQ(*a.record(w.run, "report"), "{\"seconds\":0}");
  EXPECT_EQ(a.records(w.run).size(), 2U);
  EXPECT_NE(a.lesson(w.edited)->retired, 0U);
  std::string live;
  for (const auto& l : a.snapshot(w.run + "/fold0")->all({})) live += text_of(l) + "|";
  EXPECT_NE(live.find("our insight"), std::string::npos);
  EXPECT_NE(live.find("their insight"), std::string::npos);
  EXPECT_TRUE(verify(a).empty());
  const std::string once = content_hash(a);
  EXPECT_EQ(merge(a, folder / "b.db").added, 0);
  EXPECT_EQ(content_hash(a), once);
}

}  // namespace
}  // namespace hone
