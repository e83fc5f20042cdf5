// Two stores that share runs: what went on, what differs, what comes from someone else.
#include "store/impl.h"
#include "store/test_world.h"
#include "store/transfer.h"
#include "store/upkeep.h"
#include "wire/base64.h"

namespace hone {
namespace {

using namespace store_test;

std::string exported(const Store& store) {
  std::ostringstream out;
  export_jsonl(store, out);
  return out.str();
}

Imported imported(Store& store, const std::string& text) {
  std::istringstream in(text);
  return import_jsonl(store, in, "x.jsonl");
}

void chats_into(Store& store) {
  std::istringstream in(R"({"messages":[{"role":"assistant","content":"hi"}],"outcome":true})");
  import_chats(store, in, {});
}

TEST(Merge, OfTheSameChatsImportedTwiceAddsNothing) {
  Folder folder;
  Store a(folder / "a.db");
  chats_into(a);
  Store b(folder / "b.db");
  b.create_run({.id = "import/chats", .name = "import/chats", .created_ms = 5, .status = RunStatus::imported});
  chats_into(b);
  const Merged merged = merge(a, folder / "b.db");
  EXPECT_EQ(merged.conflicts, 0);
  EXPECT_EQ(merged.added, 0);
  EXPECT_EQ(a.runs().size(), 1U);
  EXPECT_EQ(a.count_episodes({}), 1);
  EXPECT_EQ(imported(a, exported(b)).added, 0);
}

// Both have a run "r": another recipe, the same ids of lessons.
TEST(Merge, OfAnotherRunOfTheSameIdLeavesItsNamesPointingAtItself) {
  Folder folder;
  const auto make = [&](const char* file, const std::string& recipe) {
    Store store(folder / file);
    RunInfo info;
    info.id = "r";
    info.recipe_yaml = recipe;
    info.created_ms = 1;
    store.create_run(info);
    Lesson lesson = an_insight("r/fold0", "insight of " + recipe);
    lesson.id = "lesson";
    store.commit({"r", "learn/1", {{lesson}, {}}, {}});
    Episode e = an_episode("r", "eval/0", "play " + recipe);
    e.id = "episode";
    e.by.scope = "r/fold0";
    e.by.lessons = 1;
    e.steps[0].did.lessons = {{"lesson", LessonUse::used, 0.5}};
    store.append(e);
    store.set_status("r", RunStatus::finished);
  };
  make("a.db", "ours");
  make("b.db", "theirs");
  Store a(folder / "a.db");
  const Merged merged = merge(a, folder / "b.db");
  EXPECT_EQ(merged.conflicts, 3);  // the run, its try, its lesson
  ASSERT_EQ(a.runs().size(), 2U);
  const std::string other = a.runs()[1].id;
  const auto tries = a.episodes({.run = other});
  ASSERT_EQ(tries.size(), 1U);
  EXPECT_EQ(tries[0].by.scope, other + "/fold0");
  const auto used = a.lesson(tries[0].steps[0].did.lessons.at(0).lesson);
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(text_of(used->lesson), "insight of theirs");
  EXPECT_EQ(a.credit("r/fold0").at(0).with_n, 1);
  EXPECT_EQ(a.credit(other + "/fold0").at(0).with_n, 1);
  EXPECT_EQ(a.find_commit(other, "learn/1")->ids.at(0), used->lesson.id);
  EXPECT_TRUE(verify(a).empty());
  const std::string once = content_hash(a);
  const Merged again = merge(a, folder / "b.db");
  EXPECT_EQ(again.conflicts, 0);
  EXPECT_EQ(again.added, 0);
  EXPECT_EQ(content_hash(a), once);
}

TEST(Merge, AndImportTakeARunThatWentOn) {
  Folder folder;
  Store a(folder / "a.db");
  const World w = fill(a);
  a.put_record(w.run, "seconds", "10.5");
  a.set_status(w.run, RunStatus::stopped);
  const std::string early = exported(a);
  const auto resumed = folder / "later.db";
  {
    Store later(resumed);
    imported(later, early);
    later.append(an_episode(w.run, "learn/7/0"));
    later.commit({w.run, "learn/3", {{an_insight(w.run + "/fold0", "a later insight")}, {w.edited}}, Checkpoint{3, {}, ""}});
    later.put_record(w.run, "seconds", "20.5");
    later.set_meta(w.run, "{\"done\":1}");
    later.set_status(w.run, RunStatus::finished);
  }
  const std::string late = exported(Store(resumed));
  const auto is_late = [&](Store& store) {
    EXPECT_EQ(store.run(w.run)->status, RunStatus::finished);
    EXPECT_EQ(store.run(w.run)->meta, "{\"done\":1}");
    EXPECT_EQ(*store.record(w.run, "seconds"), "20.5");
    EXPECT_NE(store.lesson(w.edited)->retired, 0U);
    EXPECT_EQ(store.checkpoint(w.run)->round, 3);
    EXPECT_EQ(content_hash(store), content_hash(Store(resumed)));
    EXPECT_TRUE(verify(store).empty());
  };
  Store importing(":memory:");
  imported(importing, early);
  EXPECT_GT(imported(importing, late).added, 0);
  is_late(importing);
  EXPECT_EQ(imported(importing, late).added, 0);
  EXPECT_EQ(imported(importing, early).added, 0);  // and what is older changes nothing
  is_late(importing);
  EXPECT_EQ(merge(a, resumed).conflicts, 0);
  is_late(a);
}

TEST(Import, RefusesVectorsAndVersionsThatWouldBreakTheScope) {
  Store store(":memory:");
  WordEmbedder embedder(2);
  const std::string run = a_run(store, "r");
  store.commit({run, "1", {{an_insight("r", "one two"), an_insight("r", "three")}, {}}, {}}, &embedder);
  const std::string text = exported(store);
  const auto fault = [&](const std::string& from, const std::string& to) {
    std::string bad = text;
    const auto place = bad.rfind(from);
    EXPECT_NE(place, std::string::npos);
    bad.replace(place, from.size(), to);
    Store copy(":memory:");
    const Error e = error_of([&] { imported(copy, bad); });
    EXPECT_EQ(e.fault(), Fault::bad_input);
    return std::string(e.what());
  };
  const auto vector = [](std::vector<float> values) {
    return "\"data\":\"" + wire::to_base64(store_detail::as_bytes(values)) + "\"";
  };
  const auto start = text.rfind("\"data\":\"");
  const std::string last = text.substr(start, text.find('"', start + 8) + 1 - start);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(fault(last, vector({1.0F, 0.0F, 0.0F})).find("expected 2 dimensions"), std::string::npos);
  EXPECT_NE(fault(last, vector({nan, 0.0F})).find("expected finite values of length 1"), std::string::npos);
  EXPECT_NE(fault(last, vector({0.0F, 0.0F})).find("expected finite values of length 1"), std::string::npos);
  EXPECT_NE(fault("\"embedder\":\"words\"", "\"embedder\":\"other\"").find("by embedder words"), std::string::npos);
  for (const char* huge : {"9007199254740993", "18446744073709551615"})
    EXPECT_NE(fault("\"run\":\"r\",\"version\":1", std::string("\"run\":\"r\",\"version\":") + huge).find("at most 2^53"),
              std::string::npos);
}

}  // namespace
}  // namespace hone
