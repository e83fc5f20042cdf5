#include "store/upkeep.h"

#include "store/test_world.h"
#include "store/transfer.h"

namespace hone {
namespace {

using namespace store_test;

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
