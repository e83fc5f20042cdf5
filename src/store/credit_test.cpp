#include "store/test_support.h"

namespace hone {
namespace {

using namespace store_test;

Episode try_with(const std::string& key, const std::string& lesson, LessonUse::How how, double score) {
  Episode e = an_episode("", key);
  e.by.scope = "s";
  e.by.lessons = 1;
  e.score = score;
  e.steps[0].did.lessons = {{lesson, how, 0.0}};
  return e;
}

// By hand: with 1, 1, 0 (mean 2/3, variance 1/3), without 0, 0, 1, 0 (mean 1/4, variance 1/4).
// Difference 5/12 = 0.416667, error sqrt(1/9 + 1/16) = 0.416667, interval 0.416667 +- 0.816652.
TEST(Credit, OfAWithheldLessonIsTheDifferenceWorkedByHand) {
  Store store(":memory:");
  const std::string id = store.commit({"", "", {{an_insight("s", "look twice")}, {}}, {}}).ids[0];
  int n = 0;
  for (const double score : {1.0, 1.0, 0.0})
    store.append(try_with("u" + std::to_string(n++), id, LessonUse::used, score));
  for (const double score : {0.0, 0.0, 1.0, 0.0})
    store.append(try_with("w" + std::to_string(n++), id, LessonUse::withheld, score));
  Episode mixed = try_with("m", id, LessonUse::used, 1.0);
  mixed.steps.push_back(mixed.steps[0]);
  mixed.steps[1].did.lessons[0].how = LessonUse::withheld;
  store.append(mixed);
  const auto credit = store.credit("s");
  ASSERT_EQ(credit.size(), 1U);
  EXPECT_TRUE(credit[0].randomised);
  EXPECT_EQ(credit[0].with_n, 3);
  EXPECT_EQ(credit[0].without_n, 4);
  EXPECT_NEAR(credit[0].with_mean, 2.0 / 3.0, 1e-9);
  EXPECT_NEAR(credit[0].without_mean, 0.25, 1e-9);
  EXPECT_NEAR(credit[0].difference, 0.416667, 1e-6);
  EXPECT_NEAR(credit[0].low, 0.416667 - 0.816652, 1e-5);
  EXPECT_NEAR(credit[0].high, 0.416667 + 0.816652, 1e-5);
}

TEST(Credit, WithoutACoinIsObservational) {
  Store store(":memory:");
  const auto ids =
      store.commit({"", "", {{an_insight("s", "look twice"), an_insight("s", "never offered")}, {}}, {}}).ids;
  store.append(try_with("a", ids[0], LessonUse::used, 1.0));
  store.append(try_with("b", "", LessonUse::offered, 0.0));
  Episode elsewhere = try_with("c", "", LessonUse::offered, 1.0);
  elsewhere.task.env = "maze";
  store.append(elsewhere);
  Episode before = try_with("d", "", LessonUse::offered, 1.0);
  before.by.lessons = 0;
  store.append(before);
  const auto credit = store.credit("s");
  ASSERT_EQ(credit.size(), 1U);
  EXPECT_FALSE(credit[0].randomised);
  EXPECT_EQ(credit[0].with_n, 1);
  EXPECT_EQ(credit[0].without_n, 1);
  EXPECT_EQ(credit[0].difference, 1.0);
  EXPECT_EQ(credit[0].low, -1.0);
}

TEST(Rates, CountNearCopiesAndJunk) {
  Store store(":memory:");
  WordEmbedder embedder(64);
  store.commit(
      {"",
       "",
       {{an_insight("s", "check the card number first"), an_insight("s", "first check the card number"),
         an_insight("s", "ask which loan it is about"), an_insight("s", " ok \n")},
        {}},
       {}},
      &embedder);
  LessonRates rates = store.rates("s");
  EXPECT_EQ(rates.live, 4);
  EXPECT_EQ(rates.duplicates, 2);
  EXPECT_EQ(rates.duplicate_rate, 0.5);
  EXPECT_EQ(rates.junk, 1);
  const std::string used = store.lessons({})[0].lesson.id;
  for (int i = 0; i < 3; ++i) store.append(try_with(std::to_string(i), used, LessonUse::offered, 0.0));
  RateOptions options;
  options.unrecalled_after = 3;
  EXPECT_EQ(store.rates("s", options).junk, 3);
  options.unrecalled_after = 4;
  EXPECT_EQ(store.rates("s", options).junk, 1);
  EXPECT_EQ(store.rates("never").live, 0);
  EXPECT_EQ(store.rates("never").junk_rate, 0.0);
}

// 3,000 lessons that say the same in another order of words, two by two, and 3,000 that stand alone.
TEST(Rates, OfManyLessonsAreEstimatedFromSome) {
  Store store(":memory:");
  WordEmbedder embedder(32);
  LessonDelta delta;
  for (int i = 0; i < 3000; ++i) {
    const std::string one = "first" + std::to_string(i / 2), two = "second" + std::to_string(i / 2);
    delta.add.push_back(an_insight("s", i % 2 == 0 ? one + " " + two : two + " " + one));
    delta.add.push_back(an_insight("s", "alone" + std::to_string(i)));
  }
  store.commit({"", "", delta, {}}, &embedder);
  const LessonRates rates = store.rates("s", {.cosine = 0.999});
  EXPECT_EQ(rates.live, 6000);
  EXPECT_NEAR(static_cast<double>(rates.duplicates), 3000.0, 300.0);
}

}  // namespace
}  // namespace hone
