#include "store/ranking.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace hone::store_detail {
namespace {

TEST(Dot, EqualsTheObviousSumAtEveryLength) {
  Rng rng(3);
  for (std::size_t n = 0; n < 100; ++n) {
    std::vector<float> a(n), b(n);
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      a[i] = static_cast<float>(rng.normal());
      b[i] = static_cast<float>(rng.normal());
      sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    EXPECT_NEAR(static_cast<double>(dot(a.data(), b.data(), n)), sum, 1e-4) << n;
  }
}

// By hand: N = 3, df = 1, average length 2. idf = ln(1 + 2.5 / 1.5) = 0.980829.
// A text of 2 words with the word once: 0.980829 * 1 * 2.2 / (1 + 1.2) = 0.980829.
// Of 4 words with it twice: 0.980829 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 2)) = 4.315648 / 4.1 = 1.052597.
TEST(Bm25, MatchesValuesWorkedByHand) {
  Bm25 bm25{3, 2.0, {1}};
  const std::int32_t once[] = {1}, twice[] = {2}, never[] = {0};
  EXPECT_NEAR(bm25.score(once, 2), 0.980829, 1e-6);
  EXPECT_NEAR(bm25.score(twice, 4), 1.052597, 1e-6);
  EXPECT_EQ(bm25.score(never, 2), 0.0);
}

// By hand, constant 60: item 7 is 1st and 3rd: 1/61 + 1/63 = 0.0322665; item 8 is 2nd and 1st: 1/62 + 1/61 =
// 0.0325225; item 9 is 2nd in the second list only: 1/62 = 0.0161290; item 5 is 3rd in the first: 1/63 =
// 0.0158730.
TEST(Fusion, MatchesValuesWorkedByHand) {
  const std::vector<Ranked> lists[] = {{{7, 9.0}, {8, 8.0}, {5, 7.0}}, {{8, 0.9}, {9, 0.8}, {7, 0.7}}};
  const auto fused = fuse(lists);
  ASSERT_EQ(fused.size(), 4U);
  const std::uint32_t order[] = {8, 7, 9, 5};
  const double scores[] = {0.0325225, 0.0322665, 0.0161290, 0.0158730};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(fused[i].item, order[i]);
    EXPECT_NEAR(fused[i].score, scores[i], 1e-7);
  }
}

// By hand, diversity 0.5: first A (0.45). Then B: 0.5 * 0.8 - 0.5 * 0.95 = -0.075, C: 0.5 * 0.5 - 0.5 * 0.1 =
// 0.2. So A, C, B.
TEST(Diversity, MatchesValuesWorkedByHand) {
  const double relevance[] = {0.9, 0.8, 0.5};
  const double near[3][3] = {{1.0, 0.95, 0.1}, {0.95, 1.0, 0.2}, {0.1, 0.2, 1.0}};
  const auto similarity = [&](std::size_t a, std::size_t b) { return near[a][b]; };
  EXPECT_EQ(pick_diverse(relevance, similarity, 3, 0.5), (std::vector<std::size_t>{0, 2, 1}));
  EXPECT_EQ(pick_diverse(relevance, similarity, 3, 0.0), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(pick_diverse(relevance, similarity, 2, 0.5), (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(pick_diverse(relevance, similarity, 9, 0.5).size(), 3U);
  EXPECT_TRUE(pick_diverse({}, similarity, 3, 0.5).empty());
}

TEST(KeepBest, SortsAndBreaksTiesByItem) {
  std::vector<Ranked> items{{4, 1.0}, {3, 2.0}, {2, 1.0}, {1, 1.0}, {0, 0.5}};
  keep_best(items, 3);
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].item, 3U);
  EXPECT_EQ(items[1].item, 1U);
  EXPECT_EQ(items[2].item, 2U);
}

}  // namespace
}  // namespace hone::store_detail
