#include "store/test_support.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

std::string texts(const Lessons& lessons, const LessonFilter& filter = {}) {
  std::string all;
  for (const auto& l : lessons.all(filter)) all += (all.empty() ? "" : "|") + text_of(l);
  return all;
}

TEST(Commit, GivesIdsAndRaisesTheVersionOfEachScopeItTouches) {
  Store store(":memory:");
  const std::string run = a_run(store);
  const Committed first = store.commit(
      {run, "learn/1", {{an_insight("a", "one"), an_insight("b", "two"), an_insight("a", "three")}, {}}, {}});
  EXPECT_EQ(first.ids.size(), 3U);
  EXPECT_FALSE(first.repeated);
  EXPECT_EQ(first.versions, (std::map<std::string, std::uint64_t>{{"a", 1}, {"b", 1}}));
  const Committed second = store.commit({run, "learn/2", {{an_insight("a", "four")}, {first.ids[0]}}, {}});
  EXPECT_EQ(second.versions, (std::map<std::string, std::uint64_t>{{"a", 2}}));
  EXPECT_EQ(store.latest_version("a"), 2U);
  EXPECT_EQ(store.latest_version("b"), 1U);
  EXPECT_EQ(store.latest_version("never"), 0U);
  const auto scopes = store.scopes(run);
  ASSERT_EQ(scopes.size(), 2U);
  EXPECT_EQ(scopes[0].scope, "a");
  EXPECT_EQ(scopes[0].live, 2);
  EXPECT_EQ(scopes[0].run, run);
  EXPECT_TRUE(store.scopes("other").empty());
}

TEST(Commit, EveryEarlierVersionStaysReadable) {
  Store store(":memory:");
  const auto a = store.commit({"", "", {{an_insight("s", "one"), an_insight("s", "two")}, {}}, {}});
  const auto early = store.snapshot("s");
  const auto b = store.commit({"", "", {{an_insight("s", "three")}, {a.ids[0]}}, {}});
  store.commit({"", "", {{}, {b.ids[0]}}, {}});
  EXPECT_EQ(texts(*store.snapshot("s", 0)), "");
  EXPECT_EQ(texts(*store.snapshot("s", 1)), "one|two");
  EXPECT_EQ(texts(*store.snapshot("s", 2)), "two|three");
  EXPECT_EQ(texts(*store.snapshot("s")), "two");
  EXPECT_EQ(texts(*early), "one|two");
  EXPECT_EQ(early->version(), 1U);
  EXPECT_EQ(store.snapshot("s")->version(), 3U);
  EXPECT_EQ(error_of([&] { store.snapshot("s", 4); }).fault(), Fault::not_found);
  EXPECT_EQ(store.snapshot("never")->version(), 0U);
  EXPECT_TRUE(store.snapshot("never")->all({}).empty());
  EXPECT_EQ(store.lesson(a.ids[0])->retired, 2U);
}

TEST(Commit, TheSameKeyAgainWritesNothingAndAnswersAsBefore) {
  Store store(":memory:");
  const std::string run = a_run(store);
  WordEmbedder embedder;
  const Commit commit{run, "learn/3", {{an_insight(run, "one")}, {}}, Checkpoint{3, {std::byte{9}}, ""}};
  const Committed first = store.commit(commit, &embedder);
  const std::string before = content_hash(store);
  const int embedded = embedder.texts_embedded;
  const Committed again = store.commit(commit, &embedder);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.ids, first.ids);
  EXPECT_EQ(again.versions, first.versions);
  EXPECT_EQ(content_hash(store), before);
  EXPECT_EQ(embedder.texts_embedded, embedded);
  EXPECT_EQ(store.find_commit(run, "learn/3")->ids, first.ids);
  EXPECT_FALSE(store.find_commit(run, "learn/4").has_value());
}

TEST(Commit, WithAnUnknownNameWritesNothingAtAll) {
  Store store(":memory:");
  const std::string run = a_run(store);
  const std::string before = content_hash(store);
  Lesson bad = an_insight("s", "rests on nothing");
  bad.evidence = {"no such episode"};
  const Error e = error_of(
      [&] { store.commit({run, "k", {{an_insight("s", "good"), bad}, {}}, Checkpoint{1, {}, ""}}); });
  EXPECT_EQ(e.fault(), Fault::bad_input);
  EXPECT_NE(std::string(e.what()).find("evidence[0]"), std::string::npos);
  EXPECT_EQ(error_of([&] { store.commit({run, "k", {{}, {"no such lesson"}}, {}}); }).fault(),
            Fault::bad_input);
  EXPECT_EQ(error_of([&] { store.commit({"no run", "k", {{an_insight("s", "x")}, {}}, {}}); }).fault(),
            Fault::not_found);
  EXPECT_EQ(error_of([&] { store.commit({run, "k", {{an_insight("", "no scope")}, {}}, {}}); }).fault(),
            Fault::bad_input);
  EXPECT_EQ(content_hash(store), before);
  EXPECT_EQ(store.latest_version("s"), 0U);
}

TEST(Commit, TwiceRetiredIsRefused) {
  Store store(":memory:");
  const auto a = store.commit({"", "", {{an_insight("s", "one")}, {}}, {}});
  store.commit({"", "", {{}, a.ids}, {}});
  EXPECT_EQ(error_of([&] { store.commit({"", "", {{}, a.ids}, {}}); }).fault(), Fault::bad_input);
  EXPECT_EQ(store.latest_version("s"), 2U);
}

TEST(Checkpoints, TheLatestIsGivenAndTwoAreKept) {
  Store store(":memory:");
  const std::string run = a_run(store);
  EXPECT_FALSE(store.checkpoint(run).has_value());
  for (int round = 1; round <= 4; ++round)
    store.commit(
        {run, "learn/" + std::to_string(round), {}, Checkpoint{round, {std::byte(round), std::byte{0}}, ""}});
  const auto latest = store.checkpoint(run);
  EXPECT_EQ(latest->round, 4);
  EXPECT_EQ(latest->bytes, (std::vector<std::byte>{std::byte{4}, std::byte{0}}));
  EXPECT_EQ(latest->key, "learn/4");
}

TEST(Lessons, ComeBackAsTheyWentWithEvidenceAndLineage) {
  Store store(":memory:");
  const std::string episode = store.append(an_episode("", ""));
  Lesson l = a_case("s", "t", "text", "transcript");
  l.keys.push_back({RecallKey::thought, std::string("nul\0byte", 8)});
  l.evidence = {episode};
  l.prompt_hash = "hash";
  l.created_ms = 5;
  l.id = store.commit({"", "", {{l}, {}}, {}}).ids[0];
  EXPECT_EQ(wire::dump(wire::to_json(store.lesson(l.id)->lesson)), wire::dump(wire::to_json(l)));
  EXPECT_EQ(wire::dump(wire::to_json(store.snapshot("s")->all({})[0])), wire::dump(wire::to_json(l)));
  EXPECT_EQ(store.evidence_of(l.id), l.evidence);
  Lesson child = an_insight("s", "edited");
  child.parent = l.id;
  const std::string child_id = store.commit({"", "", {{child}, {l.id}}, {}}).ids[0];
  const auto line = store.lineage(child_id);
  ASSERT_EQ(line.size(), 2U);
  EXPECT_EQ(line[1].lesson.id, l.id);
  EXPECT_EQ(store.resting_on(episode), (std::vector<std::string>{l.id, child_id}));
  EXPECT_TRUE(verify(store).empty());
}

TEST(Lessons, AreQueriedWithTheRetiredOnesOrWithout) {
  Store store(":memory:");
  const std::string run = a_run(store);
  const auto ids = store.commit({run, "1", {{an_insight("a", "one"), an_insight("b", "two")}, {}}, {}}).ids;
  store.commit({run, "2", {{}, {ids[0]}}, {}});
  EXPECT_EQ(store.lessons({}).size(), 1U);
  EXPECT_EQ(store.lessons({.retired = true}).size(), 2U);
  EXPECT_EQ(store.lessons({.scope = "a", .retired = true}).size(), 1U);
  EXPECT_EQ(store.lessons({.run = run, .retired = true}).size(), 2U);
  EXPECT_EQ(store.lessons({.learner = "expel"}).size(), 1U);
  EXPECT_EQ(store.lessons({.learner = "other"}).size(), 0U);
  EXPECT_EQ(store.lessons({.retired = true, .limit = 1, .offset = 1}).size(), 1U);
}

TEST(Lessons, InsightsStandByCountThenInsertion) {
  Store store(":memory:");
  store.commit({"",
                "",
                {{an_insight("s", "two a", 2), an_insight("s", "five", 5), a_case("s", "t", "case", "x"),
                  an_insight("s", "two b", 2)},
                 {}},
                {}});
  LessonFilter insights;
  insights.form = LessonForm::insight;
  EXPECT_EQ(texts(*store.snapshot("s"), insights), "five|two a|two b");
  EXPECT_EQ(texts(*store.snapshot("s")), "five|two a|case|two b");
}

TEST(Lessons, ASecondStoreObjectSeesWhatTheFirstCommitted) {
  Folder folder;
  Store a(folder / "s.db");
  Store b(folder / "s.db");
  const auto ids = a.commit({"", "", {{an_insight("s", "one")}, {}}, {}}).ids;
  EXPECT_EQ(texts(*b.snapshot("s")), "one");
  a.commit({"", "", {{an_insight("s", "two")}, ids}, {}});
  EXPECT_EQ(texts(*b.snapshot("s")), "two");
}

TEST(Vectors, OfAnotherEmbedderAreRefusedAndCanBeReplaced) {
  Store store(":memory:");
  WordEmbedder first(16, "first"), second(24, "second");
  store.commit({"", "", {{an_insight("s", "one fish")}, {}}, {}}, &first);
  EXPECT_EQ(error_of([&] { store.commit({"", "", {{an_insight("s", "two")}, {}}, {}}, &second); }).fault(),
            Fault::usage);
  EXPECT_EQ(store.latest_version("s"), 1U);
  EXPECT_EQ(error_of([&] { store.snapshot("s", {}, &second); }).fault(), Fault::usage);
  EXPECT_EQ(store.embed_missing("s", second), 1);
  EXPECT_EQ(store.embed_missing("s", second), 0);
  RecallQuery query;
  query.text = "fish";
  EXPECT_EQ(store.snapshot("s", {}, &second)->recall(query).size(), 1U);
  EXPECT_EQ(error_of([&] { store.snapshot("s")->recall(query); }).fault(), Fault::usage);
  EXPECT_TRUE(verify(store).empty());
}

}  // namespace
}  // namespace hone
