// Older and newer files.
#include "embedded/store_schema.h"
#include "store/impl.h"
#include "store/test_world.h"
#include "store/transfer.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

// A file as the first schema's program left it.
void make_version_1(const std::filesystem::path& path) {
  using namespace store_detail;
  Db db(path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0);
  db.script(store_schema("001_first.sql"));
  Episode e = an_episode("r", "k");
  e.id = "e";
  e.score = 0.5;
  e.steps[0].did.lessons = {{"l", LessonUse::used, 0.5}};
  db.script("INSERT INTO run VALUES (1, 'r', 'old', '', '', 'desk', 'expel', '', 7, 5, 'finished', '{}')");
  insert_episode(db, e, episode_content(e));
  e.id = "f";
  e.key = "k2";
  e.steps[0].did.lessons[0].how = LessonUse::withheld;
  insert_episode(db, e, episode_content(e));
  db.script(
      "INSERT INTO scope VALUES (1, 'r', 'r', 1, 0);"
      "INSERT INTO lesson VALUES (1, 'l', 1, 1, 0, 0, '', '', "
      "'{\"learner\":\"expel\",\"what\":{\"form\":\"insight\",\"text\":\"look\",\"count\":2}}');"
      "INSERT INTO lesson_key(seq, lesson, place, kind, home, text, words) VALUES (1, 1, 0, 0, 's1k0', 'look "
      "twice', 2);"
      "INSERT INTO lesson_evidence VALUES (1, 0, 'e');"
      "INSERT INTO metric VALUES (1, 'r', 1, 'score', 0.5); INSERT INTO record VALUES ('r', 'k', '1');"
      "PRAGMA user_version = 1; PRAGMA application_id = " +
      std::to_string(application_id));
}

TEST(Schema, AFileOfTheFirstIsBroughtUpToDateWithAllItHolds) {
  Folder folder;
  const auto path = folder / "s.db";
  make_version_1(path);
  StoreOptions read_only;
  read_only.read_only = true;
  EXPECT_EQ(error_of([&] { Store store(path, read_only); }).fault(), Fault::unavailable);
  Store store(path);
  EXPECT_EQ(store.schema_version(), store_detail::newest_schema());
  EXPECT_GE(store.schema_version(), 3);
  EXPECT_EQ(store.run("r")->name, "old");
  EXPECT_EQ(store.count_episodes({}), 2);
  EXPECT_EQ(store.find_episode("r", "k")->steps.size(), 1U);
  EXPECT_EQ(store.metrics("r").size(), 1U);
  EXPECT_EQ(*store.record("r", "k"), "1");
  RecallQuery query;
  query.text = "looking";
  query.by = RecallBy::text;
  ASSERT_EQ(store.snapshot("r")->recall(query).size(), 1U);
  const auto credit = store.credit("r");  // what the second schema is for
  ASSERT_EQ(credit.size(), 1U);
  EXPECT_TRUE(credit[0].randomised);
  EXPECT_EQ(credit[0].with_n, 1);
  EXPECT_TRUE(verify(store).empty());
  // The same as if it had been written today.
  std::ostringstream out;
  export_jsonl(store, out);
  Store today(":memory:");
  std::istringstream in(out.str());
  import_jsonl(today, in, "x");
  EXPECT_EQ(content_hash(today), content_hash(store));
}

TEST(Schema, WhatWasRetiredIsFoundWithoutReadingTheScope) {
  Folder folder;
  const auto path = folder / "s.db";
  make_version_1(path);
  const Store store(path);
  const auto plan = [&](const std::string& sql) {
    std::string all;
    auto rows = store.impl().db.query("EXPLAIN QUERY PLAN " + sql);
    while (rows.step()) all += rows.text(3) + "\n";
    return all;
  };
  EXPECT_NE(plan(store_detail::retired_since).find("lesson_by_retirement (scope=? AND retired>?)"), std::string::npos)
      << plan(store_detail::retired_since);
}

TEST(Schema, ANewerOneIsRefusedAndUntouched) {
  Folder folder;
  const auto path = folder / "s.db";
  {
    Store store(path);
  }
  store_detail::Db(path.string(), SQLITE_OPEN_READWRITE, 0).script("PRAGMA user_version = 999");
  const Error e = error_of([&] { Store store(path); });
  EXPECT_EQ(e.fault(), Fault::unavailable);
  EXPECT_NE(std::string(e.what()).find("schema 999"), std::string::npos);
}

TEST(Schema, OpeningAgainChangesNothing) {
  Folder folder;
  const auto path = folder / "s.db";
  std::string hash;
  {
    Store store(path);
    fill(store);
    hash = content_hash(store);
  }
  Store store(path);
  EXPECT_EQ(content_hash(store), hash);
}

}  // namespace
}  // namespace hone
