#include "store/impl.h"
#include "store/test_world.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

void damage(Store& store, const std::string& sql) { store.impl().db.script(sql); }

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
  EXPECT_NE(problem("UPDATE lesson_key SET embedder = 'x' WHERE seq = 1").find("mixes those of several embedders"),
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

// One commit each, with vectors and without: checks that compare each lesson with each would not end.
TEST(Verify, ReadsAStoreOfThousandsOfLessons) {
  Store store(":memory:");
  WordEmbedder embedder(8);
  for (Embedder* with : {static_cast<Embedder*>(&embedder), static_cast<Embedder*>(nullptr)}) {
    const std::string run = a_run(store);
    LessonDelta delta;
    for (int i = 0; i < 5000; ++i) {
      delta.add.push_back(an_insight(run, "word" + std::to_string(i)));
      for (const char* more : {" a", " b", " c"}) delta.add.back().keys.push_back({RecallKey::task, more});
    }
    store.commit({run, "1", delta, {}}, with);
  }
  EXPECT_TRUE(verify(store).empty());
}

// The command line opens the file read-only.
TEST(Verify, FindsDamageReadOnly) {
  const auto problem = [](const std::string& sql) {
    Folder folder;
    const auto path = folder / "s.db";
    {
      Store store(path);
      WordEmbedder embedder(2);
      const World w = fill(store, &embedder);
      erase_episode(store, w.other_try);
      damage(store, sql);
    }
    const Store store(path, {.create = false, .read_only = true});
    std::string all;
    for (const auto& p : verify(store)) all += p + "\n";
    return all;
  };
  const auto expect = [&](const std::string& sql, const std::string& words) {
    const std::string found = problem(sql);
    EXPECT_NE(found.find(words), std::string::npos) << sql << "\n" << found;
  };
  EXPECT_EQ(problem(""), "");
  expect(
      "INSERT INTO lesson_text(lesson_text, rowid, home, text) SELECT 'delete', seq, home, text FROM lesson_key WHERE "
      "seq = 1; INSERT INTO lesson_text(rowid, home, text) VALUES (1, 's1k0', 'other words')",
      "text index: has other words than key 1");
  expect("UPDATE lesson_key SET text = text || ' more' WHERE seq = 1", "text index: has other words");
  expect("UPDATE lesson_key SET vector = x'0000000000000000' WHERE seq = 1", "not of length 1");
  expect("UPDATE lesson_key SET vector = x'0000C07F0000803F' WHERE seq = 1", "not of length 1");
  expect("UPDATE episode SET solved = 1 - solved WHERE key = 'learn/0/0'", "has solved '1', its content says '0'");
  expect("UPDATE episode SET score = 0.25 WHERE key = 'learn/0/0'", "another score");
  for (const char* column : {"key", "grp", "parent", "env", "kind", "task", "scope", "weights"})
    expect(std::string("UPDATE episode SET ") + column + " = 'x' WHERE key = 'learn/0/0'",
           std::string("has ") + column + " 'x'");
  expect("UPDATE episode SET started_ms = 5 WHERE key = 'learn/0/0'", "has started_ms '5'");
  expect("UPDATE episode SET lessons = 5 WHERE key = 'learn/0/0'", "has lessons '5'");
  expect("UPDATE lesson_use SET used = 1 - used", "other uses of lessons");
  expect("DELETE FROM lesson_use", "other uses of lessons");
  expect("UPDATE lesson SET parent = 'x' WHERE parent = ''", "has parent 'x'");
  expect("UPDATE lesson SET artifact = (SELECT sha FROM artifact) WHERE artifact = ''", "has artifact");
  expect("UPDATE lesson_key SET words = words + 1 WHERE seq = 1", "has words");
  expect("UPDATE generation SET key = 'x'", "has key 'x'");
}

}  // namespace
}  // namespace hone
