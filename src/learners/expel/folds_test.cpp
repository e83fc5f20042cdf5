#include "learners/expel/folds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace hone::expel {
namespace {

std::vector<FoldItem> items() {
  std::vector<FoldItem> out;
  const Outcome outcomes[] = {Outcome::never, Outcome::compare, Outcome::first_try};
  for (int i = 0; i < 47; ++i) out.push_back({outcomes[i % 3], i % 5 == 0 ? "rare" : "common"});
  return out;
}

TEST(Folds, AreBalancedWithinEveryGroupAndOverall) {
  for (const int k : {2, 3, 5}) {
    const auto fold = deal_folds(items(), k, Rng(42));
    std::map<std::pair<int, std::string>, std::vector<int>> per_group;
    std::vector<int> all(static_cast<std::size_t>(k), 0);
    for (std::size_t i = 0; i < fold.size(); ++i) {
      ASSERT_GE(fold[i], 0);
      ASSERT_LT(fold[i], k);
      auto& counts = per_group[{static_cast<int>(items()[i].outcome), items()[i].kind}];
      counts.resize(static_cast<std::size_t>(k), 0);
      ++counts[static_cast<std::size_t>(fold[i])];
      ++all[static_cast<std::size_t>(fold[i])];
    }
    per_group[{99, "all"}] = all;  // one running counter: even over all groups together
    for (const auto& [group, counts] : per_group)
      EXPECT_LE(*std::max_element(counts.begin(), counts.end()) - *std::min_element(counts.begin(), counts.end()), 1) << k << " " << group.second;
  }
}

TEST(Folds, OneCounterRunsOnFromGroupToGroup) {
  // Three groups of one: a counter that began anew in each would put all of them into fold 0.
  const std::vector<FoldItem> three{{Outcome::never, "x"}, {Outcome::first_try, "x"}, {Outcome::compare, "x"}};
  EXPECT_EQ(deal_folds(three, 3, Rng(1)), (std::vector<int>{2, 1, 0}));  // groups: compare, first try, never
}

TEST(Folds, SameGeneratorSameFoldsAndAnotherOneOthers) {
  EXPECT_EQ(deal_folds(items(), 2, Rng(42)), deal_folds(items(), 2, Rng(42)));
  EXPECT_NE(deal_folds(items(), 2, Rng(42)), deal_folds(items(), 2, Rng(43)));
  EXPECT_TRUE(deal_folds({}, 2, Rng(42)).empty());
  EXPECT_EQ(deal_folds(items(), 1, Rng(42)), std::vector<int>(47, 0));
}

}  // namespace
}  // namespace hone::expel
