// A snapshot that reads only news must show what one that reads everything shows, whoever wrote.
#include "store/impl.h"
#include "store/test_support.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

// Everything recall can show of a scope at each of its versions.
std::string seen(const Store& store, const std::string& scope, Embedder& embedder) {
  std::string out;
  for (std::uint64_t version = 0; version <= store.latest_version(scope); ++version) {
    const auto lessons = store.snapshot(scope, version, &embedder);
    out += "\n" + std::to_string(version) + ":";
    for (const auto& l : lessons->all({})) out += " " + l.id;
    for (const auto by : {RecallBy::dense, RecallBy::text}) {
      RecallQuery query;
      query.text = "lost w3 card w7";
      query.k = 8;
      query.by = by;
      for (const auto& r : lessons->recall(query)) out += " " + r.lesson.id + "=" + std::to_string(r.score);
    }
  }
  return out;
}

TEST(CatchUp, ShowsWhatAFreshReadingShowsWhateverAnotherProcessDid) {
  Folder folder;
  const auto path = folder / "s.db";
  StoreOptions early;  // so that the graph has to keep up as well
  early.hnsw_from = 20;
  Store reader(path, early), writer(path, early);
  WordEmbedder embedder;
  Rng rng(11);
  const std::string run = a_run(writer), scope = "s";
  std::vector<std::string> live, tries;
  const auto text = [&] { return "w" + std::to_string(rng.below(9)) + " w" + std::to_string(rng.below(9)) + " card"; };
  for (int i = 0; i < 60; ++i) {
    // Both sides write: what one wrote itself it has to catch up with as well.
    Store& who = rng.below(3) == 0 ? reader : writer;
    LessonDelta delta;
    const auto what = i < 5 ? 0 : rng.below(10);
    if (what < 5 || live.empty()) {
      for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) {
        tries.push_back(who.append(an_episode(run, std::to_string(tries.size()), "the goal of " + std::to_string(tries.size()))));
        Lesson l = an_insight(scope, text());
        l.evidence = {tries.back()};
        delta.add.push_back(l);
      }
    } else if (what < 8) {  // retired, or replaced by an edited one
      const auto place = live.begin() + static_cast<std::ptrdiff_t>(rng.below(live.size()));
      if (what == 6) {
        delta.add.push_back(an_insight(scope, text()));
        delta.add.back().parent = *place;
      }
      delta.retire = {*place};
    } else if (what == 8) {
      const auto place = tries.begin() + static_cast<std::ptrdiff_t>(rng.below(tries.size()));
      erase_episode(who, *place);
      tries.erase(place);
    } else {
      Store other(folder / "other.db");
      other.commit({"", "", {{an_insight(scope, text())}, {}}, {}}, &embedder);
      merge(who, folder / "other.db");
    }
    if (!delta.add.empty() || !delta.retire.empty()) who.commit({"", "", delta, {}}, &embedder);
    live.clear();
    LessonQuery all;
    all.scope = scope;
    for (const auto& l : writer.lessons(all)) live.push_back(l.lesson.id);
    Store fresh(path, early);
    const std::string truth = seen(fresh, scope, embedder);
    ASSERT_EQ(seen(reader, scope, embedder), truth) << "step " << i << ", action " << what;
    if (i % 4 == 0) {
      ASSERT_EQ(seen(writer, scope, embedder), truth) << "step " << i << ", action " << what;
    }
  }
  EXPECT_TRUE(verify(reader).empty());
}

TEST(CatchUp, AScopeRemovedAndMadeAnewIsReadAnew) {
  Folder folder;
  const auto path = folder / "s.db";
  Store reader(path), writer(path);
  WordEmbedder embedder;
  for (const char* text : {"first life", "second life"}) {
    a_run(writer, "r");
    writer.commit({"r", "k", {{an_insight("r", text)}, {}}, {}}, &embedder);
    const auto lessons = reader.snapshot("r", {}, &embedder)->all({});
    ASSERT_EQ(lessons.size(), 1U);
    EXPECT_EQ(text_of(lessons[0]), text);
    writer.remove_run("r");
    EXPECT_TRUE(reader.snapshot("r")->all({}).empty());
  }
}

}  // namespace
}  // namespace hone
