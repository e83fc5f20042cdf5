#include <algorithm>
#include <thread>

#include "store/memory_lessons.h"
#include "store/test_support.h"

namespace hone {
namespace {

using namespace store_test;

std::string random_text(Rng& rng, int words = 6, std::uint64_t vocabulary = 300) {
  std::string text;
  for (int i = 0; i < words; ++i) text += (i == 0 ? "w" : " w") + std::to_string(rng.below(vocabulary));
  return text;
}

std::vector<std::string> recalled(const Lessons& lessons, const RecallQuery& query) {
  std::vector<std::string> out;
  for (const auto& r : lessons.recall(query)) out.push_back(text_of(r.lesson));
  return out;
}

RecallQuery ask(std::string text, int k, RecallBy by = RecallBy::dense) {
  RecallQuery query;
  query.text = std::move(text);
  query.k = k;
  query.by = by;
  return query;
}

TEST(Recall, ByVectorsEqualsBruteForce) {
  Rng rng(5);
  WordEmbedder embedder(48);
  std::vector<Lesson> lessons;
  for (int i = 0; i < 400; ++i) lessons.push_back(an_insight("s", random_text(rng)));
  Store store(":memory:");
  store.commit({"", "", {lessons, {}}, {}}, &embedder);
  const auto snapshot = store.snapshot("s", {}, &embedder);
  for (int q = 0; q < 20; ++q) {
    const std::string text = random_text(rng);
    const auto vector = [&](const std::string& t) {
      std::vector<float> v(48);
      const std::string_view views[] = {t};
      embedder.embed(views, v);
      return v;
    };
    const auto wanted = vector(text);
    std::vector<std::pair<double, std::size_t>> brute;
    for (std::size_t i = 0; i < lessons.size(); ++i) {
      const auto v = vector(text_of(lessons[i]));
      double sum = 0.0;
      for (std::size_t d = 0; d < v.size(); ++d)
        sum += static_cast<double>(v[d]) * static_cast<double>(wanted[d]);
      brute.emplace_back(-sum, i);
    }
    std::sort(brute.begin(), brute.end());
    const auto got = snapshot->recall(ask(text, 10));
    ASSERT_EQ(got.size(), 10U);
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(got[i].similarity, -brute[i].first, 1e-5);
      EXPECT_EQ(got[i].score, got[i].similarity);
      if (i + 1 < brute.size() && brute[i + 1].first - brute[i].first > 1e-6) {
        EXPECT_EQ(text_of(got[i].lesson), text_of(lessons[brute[i].second]));
      }
    }
  }
}

TEST(Recall, HnswFindsNinetyFivePercentOfTheTrueTenAndKeepsTheFilters) {
  Rng rng(6);
  WordEmbedder embedder(32);
  std::vector<Lesson> lessons;
  for (int i = 0; i < 5000; ++i) {
    lessons.push_back(an_insight("s", random_text(rng)));
    lessons.back().kind = i % 2 == 0 ? "even" : i % 999 == 0 ? "rare" : "odd";
  }
  Folder folder;
  StoreOptions approximate;
  approximate.hnsw_from = 1000;
  Store store(folder / "s.db", approximate);
  store.commit({"", "", {lessons, {}}, {}}, &embedder);
  Store exact(folder / "s.db");
  const auto a = store.snapshot("s", {}, &embedder);
  const auto b = exact.snapshot("s", {}, &embedder);
  for (const char* kind : {"", "even", "rare"}) {
    int found = 0, all = 0;
    for (int q = 0; q < 40; ++q) {
      RecallQuery query = ask(random_text(rng), 10);
      query.filter.kind = kind;
      const auto truth = recalled(*b, query);
      const auto got = recalled(*a, query);
      EXPECT_EQ(got.size(), truth.size());
      for (const auto& text : truth) found += std::count(got.begin(), got.end(), text) > 0 ? 1 : 0;
      all += static_cast<int>(truth.size());
      for (const auto& r : a->recall(query)) {
        if (kind[0] != '\0') {
          EXPECT_EQ(r.lesson.kind, kind);
        }
      }
    }
    ASSERT_GT(all, 0);
    EXPECT_GE(static_cast<double>(found) / all, 0.95) << kind;
  }
}

TEST(Recall, EarlierVersionsGiveTheSameAnswerAfterLaterCommits) {
  Store store(":memory:");
  WordEmbedder embedder;
  const auto ids = store
                       .commit({"",
                                "",
                                {{an_insight("s", "lost card abroad"), an_insight("s", "card lost"),
                                  an_insight("s", "loan rate")},
                                 {}},
                                {}},
                               &embedder)
                       .ids;
  std::vector<std::vector<double>> before, after;
  const auto scores = [&](std::vector<std::vector<double>>& into) {
    const auto old = store.snapshot("s", 1, &embedder);
    for (const auto by : {RecallBy::dense, RecallBy::text, RecallBy::fused}) {
      into.emplace_back();
      for (const auto& r : old->recall(ask("lost my card", 3, by))) into.back().push_back(r.score);
    }
  };
  scores(before);
  store.commit({"", "", {{an_insight("s", "card card card lost"), an_insight("s", "my card")}, {ids[1]}}, {}},
               &embedder);
  // Another scope's words must not count either.
  store.commit({"", "", {{an_insight("other", "lost card"), an_insight("other", "lost")}, {}}, {}},
               &embedder);
  scores(after);
  EXPECT_EQ(before, after);
  EXPECT_EQ(before[1].size(), 2U);
}

TEST(Recall, ByTextRanksAsBm25WorkedByHand) {
  Store store(":memory:");
  // Three texts of 2, 2 and 4 words: average 8/3. "card" is in two of them, "lost" in one.
  store.commit(
      {"",
       "",
       {{an_insight("s", "lost card"), an_insight("s", "loan rate"), an_insight("s", "my card is red")}, {}},
       {}});
  const auto got = store.snapshot("s")->recall(ask("lost card", 3, RecallBy::text));
  ASSERT_EQ(got.size(), 2U);
  // idf(lost) = ln(1 + 2.5/1.5) = 0.980829, idf(card) = ln(1 + 1.5/2.5) = 0.470004.
  // Two words: norm = 1.2 * (0.25 + 0.75 * 2 / (8/3)) = 0.975; (0.980829 + 0.470004) * 2.2 / 1.975
  // = 1.616118. Four: norm = 1.2 * (0.25 + 0.75 * 1.5) = 1.65; 0.470004 * 2.2 / 2.65 = 0.390192.
  EXPECT_EQ(text_of(got[0].lesson), "lost card");
  EXPECT_NEAR(got[0].score, 1.616118, 1e-5);
  EXPECT_NEAR(got[1].score, 0.390192, 1e-5);
  EXPECT_EQ(got[0].similarity, 0.0);
}

TEST(Recall, FusedIsTheSumOfReciprocalRanks) {
  Store store(":memory:");
  WordEmbedder embedder(64);
  store.commit(
      {"",
       "",
       {{an_insight("s", "lost card"), an_insight("s", "loan rate"), an_insight("s", "red card")}, {}},
       {}},
      &embedder);
  const auto got = store.snapshot("s", {}, &embedder)->recall(ask("lost card", 3, RecallBy::fused));
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(text_of(got[0].lesson), "lost card");
  EXPECT_NEAR(got[0].score, 2.0 / 61.0, 1e-9);
  EXPECT_NEAR(got[0].similarity, 1.0, 1e-5);
  EXPECT_EQ(text_of(got[1].lesson), "red card");
  EXPECT_NEAR(got[1].score, 2.0 / 62.0, 1e-9);
  EXPECT_NEAR(got[2].score, 1.0 / 63.0, 1e-9);  // in the dense list only
}

TEST(Recall, TextOfAnyKindIsOnlyWords) {
  Store store(":memory:");
  store.commit(
      {"", "", {{an_insight("s", "the lost card"), an_insight("s", "hone counts near quote")}, {}}, {}});
  const auto lessons = store.snapshot("s");
  for (const std::string text : {"\"", "\" OR 1", "card\" OR home : \"s1k0", "card*", "NEAR(card lost)",
                                 "card AND", "(card", "home:s1k0 card", "-card", "^card", "card + lost",
                                 "'; DROP TABLE lesson; --", "{home}: card", "\xFF card \xC3"}) {
    const auto got = lessons->recall(ask(text, 5, RecallBy::text));
    if (text.find("card") != std::string::npos) {
      ASSERT_GE(got.size(), 1U) << text;
      EXPECT_EQ(text_of(got[0].lesson), "the lost card") << text;
    }
  }
  EXPECT_TRUE(lessons->recall(ask("", 5, RecallBy::text)).empty());
  EXPECT_TRUE(lessons->recall(ask("!?. ---", 5, RecallBy::text)).empty());
  EXPECT_TRUE(lessons->recall(ask(std::string("s1k0"), 5, RecallBy::text)).empty());
  EXPECT_EQ(lessons->recall(ask(std::string("x\0card", 6), 5, RecallBy::text)).size(), 1U);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "word" + std::to_string(i) + " ";
  EXPECT_TRUE(lessons->recall(ask(many, 5, RecallBy::text)).empty());
  EXPECT_EQ(store.lessons({}).size(), 2U);
}

TEST(Recall, FiltersHoldForEveryWayOfSearching) {
  Store store(":memory:");
  WordEmbedder embedder;
  Lesson solved = a_case("s", "t1", "lost card one", "x");
  Lesson failed = a_case("s", "t2", "lost card two", "x", false);
  Lesson insight = an_insight("s", "lost card three");
  Lesson elsewhere = a_case("s", "t4", "lost card four", "x");
  elsewhere.env = "maze";
  solved.created_ms = 100;
  failed.created_ms = 200;
  insight.created_ms = 300;
  elsewhere.created_ms = 400;
  elsewhere.learner = "other";
  store.commit({"", "", {{solved, failed, insight, elsewhere}, {}}, {}}, &embedder);
  const auto lessons = store.snapshot("s", {}, &embedder);
  for (const auto by : {RecallBy::dense, RecallBy::text, RecallBy::fused}) {
    const auto n = [&](const std::function<void(LessonFilter&)>& set) {
      RecallQuery query = ask("lost card", 10, by);
      set(query.filter);
      EXPECT_EQ(lessons->all(query.filter).size(), lessons->recall(query).size());
      return lessons->recall(query).size();
    };
    EXPECT_EQ(n([](auto&) {}), 4U);
    EXPECT_EQ(n([](auto& f) { f.form = LessonForm::example; }), 3U);
    EXPECT_EQ(n([](auto& f) { f.env = "maze"; }), 1U);
    EXPECT_EQ(n([](auto& f) { f.env = "never seen"; }), 0U);
    EXPECT_EQ(n([](auto& f) { f.kind = "billing"; }), 3U);
    EXPECT_EQ(n([](auto& f) { f.learner = "other"; }), 1U);
    EXPECT_EQ(n([](auto& f) {
                f.solved = false;
                f.form = LessonForm::example;
              }),
              1U);
    EXPECT_EQ(n([](auto& f) {
                f.since_ms = 200;
                f.until_ms = 400;
              }),
              2U);
    EXPECT_EQ(n([](auto& f) { f.not_tasks = {"t1", "t4"}; }), 2U);
  }
}

TEST(Recall, OneCasePerTaskIsTheOneWithTheShortestTranscript) {
  Store store(":memory:");
  WordEmbedder embedder;
  std::vector<Lesson> lessons;
  for (int i = 0; i < 30; ++i)
    lessons.push_back(
        a_case("s", "crowded", "lost card", std::string(static_cast<std::size_t>(50 - i), 'x')));
  lessons.push_back(a_case("s", "crowded", "lost card", "y", false));
  lessons.push_back(a_case("s", "other", "lost purse", "zz"));
  store.commit({"", "", {lessons, {}}, {}}, &embedder);
  const auto snapshot = store.snapshot("s", {}, &embedder);
  for (const auto by : {RecallBy::dense, RecallBy::text, RecallBy::fused}) {
    RecallQuery query = ask("lost card", 3, by);
    query.overfetch = 1;
    query.filter.solved = true;
    const auto got = snapshot->recall(query);
    ASSERT_EQ(got.size(), 2U) << static_cast<int>(by);
    EXPECT_EQ(std::get<Case>(got[0].lesson.what).transcript.size(), 21U);
    EXPECT_EQ(std::get<Case>(got[1].lesson.what).task_id, "other");
    query.one_per_task = false;
    EXPECT_EQ(snapshot->recall(query).size(), 3U);
  }
}

TEST(Recall, DiversityPrefersWhatIsNotSaidYet) {
  WordEmbedder embedder(64);
  std::vector<Lesson> lessons{an_insight("s", "lost card abroad"), an_insight("s", "lost card abroad today"),
                              an_insight("s", "lost password")};
  for (std::size_t i = 0; i < lessons.size(); ++i) lessons[i].id = std::to_string(i);
  const auto memory = memory_lessons("s", 1, lessons, &embedder);
  RecallQuery query = ask("lost card abroad", 2);
  EXPECT_EQ(recalled(*memory, query),
            (std::vector<std::string>{"lost card abroad", "lost card abroad today"}));
  query.diversity = 0.7;
  EXPECT_EQ(recalled(*memory, query), (std::vector<std::string>{"lost card abroad", "lost password"}));
}

TEST(Recall, TiesStandInOrderOfInsertion) {
  Store store(":memory:");
  WordEmbedder embedder;
  std::vector<Lesson> lessons;
  for (int i = 0; i < 20; ++i)
    lessons.push_back(a_case("s", "t" + std::to_string(i), "same text", std::to_string(i)));
  store.commit({"", "", {lessons, {}}, {}}, &embedder);
  for (const auto by : {RecallBy::dense, RecallBy::text, RecallBy::fused}) {
    const auto got = store.snapshot("s", {}, &embedder)->recall(ask("same text", 5, by));
    ASSERT_EQ(got.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i)
      EXPECT_EQ(std::get<Case>(got[i].lesson.what).task_id, "t" + std::to_string(i));
  }
}

TEST(Recall, KeysOfOneKindDoNotAnswerForAnother) {
  Store store(":memory:");
  WordEmbedder embedder;
  Lesson l = a_case("s", "t", "about cards", "x");
  l.keys.push_back({RecallKey::thought, "first check the loan"});
  l.keys.push_back({RecallKey::thought, "then ask"});
  store.commit({"", "", {{l}, {}}, {}}, &embedder);
  const auto lessons = store.snapshot("s", {}, &embedder);
  for (const auto by : {RecallBy::dense, RecallBy::text, RecallBy::fused}) {
    RecallQuery query = ask("check the loan first", 3, by);
    query.key = RecallKey::thought;
    ASSERT_EQ(lessons->recall(query).size(), 1U);
    query.key = RecallKey::action;
    EXPECT_TRUE(lessons->recall(query).empty());
  }
  EXPECT_TRUE(lessons->recall(ask("loan", 3, RecallBy::text)).empty());
}

TEST(Recall, MemoryAndStoreAnswerAlike) {
  Rng rng(8);
  WordEmbedder embedder;
  std::vector<Lesson> lessons;
  for (int i = 0; i < 60; ++i) {
    lessons.push_back(
        i % 3 == 0 ? an_insight("s", random_text(rng, 5, 40))
                   : a_case("s", "t" + std::to_string(i % 7), random_text(rng, 5, 40), random_text(rng)));
    lessons.back().id = "id" + std::to_string(100 + i);
    lessons.back().created_ms = 1;
  }
  Store store(":memory:");
  store.commit({"", "", {lessons, {}}, {}}, &embedder);
  const auto a = store.snapshot("s", {}, &embedder);
  const auto b = memory_lessons("s", 1, lessons, &embedder);
  EXPECT_EQ(b->scope(), "s");
  for (int q = 0; q < 30; ++q) {
    RecallQuery query = ask(random_text(rng, 4, 40), 5,
                            q % 3 == 0   ? RecallBy::dense
                            : q % 3 == 1 ? RecallBy::text
                                         : RecallBy::fused);
    query.diversity = q % 2 == 0 ? 0.0 : 0.3;
    const auto x = a->recall(query);
    const auto y = b->recall(query);
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(x[i].lesson.id, y[i].lesson.id);
      EXPECT_EQ(x[i].score, y[i].score);
    }
  }
}

TEST(Recall, IsSafeFromManyThreadsWhileLessonsAreAdded) {
  Store store(":memory:");
  WordEmbedder embedder;
  store.commit({"", "", {{an_insight("s", "lost card")}, {}}, {}}, &embedder);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      WordEmbedder mine;
      const auto lessons = store.snapshot("s", 1, &mine);
      for (int i = 0; i < 50; ++i)
        ASSERT_EQ(lessons->recall(ask("lost card", 3, i % 2 == 0 ? RecallBy::dense : RecallBy::fused)).size(),
                  1U);
    });
  for (int i = 0; i < 20; ++i) {
    store.commit({"", "", {{an_insight("s", "lost card " + std::to_string(i))}, {}}, {}}, &embedder);
    store.snapshot("s");
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(store.snapshot("s")->all({}).size(), 21U);
}

}  // namespace
}  // namespace hone
