#include "models/llama/tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/rng.h"

namespace hone::llama {
namespace {

using Choices = std::vector<std::vector<int>>;

// What any tree must satisfy, whatever its shape.
void check_trees(const Choices& choices, const std::vector<ChoiceTree>& trees, int max_leaves) {
  std::multiset<int> seen;
  for (const ChoiceTree& tree : trees) {
    EXPECT_LE(tree.leaves, max_leaves);
    ASSERT_EQ(tree.members.size(), tree.paths.size());
    std::vector<int> users(static_cast<std::size_t>(tree.leaves), 0);
    for (std::size_t n = 0; n < tree.nodes.size(); ++n) {
      const ChoiceTree::Node& node = tree.nodes[n];
      EXPECT_LT(node.parent, static_cast<int>(n)) << "parents first";
      EXPECT_EQ(node.depth, node.parent < 0 ? 0 : tree.nodes[node.parent].depth + 1);
      EXPECT_LT(node.first, node.last);
      EXPECT_GE(node.first, 0);
      EXPECT_LE(node.last, tree.leaves);
      if (node.parent >= 0) {
        EXPECT_GE(node.first, tree.nodes[node.parent].first);
        EXPECT_LE(node.last, tree.nodes[node.parent].last);
      }
      for (std::size_t other = 0; other < n; ++other)
        EXPECT_FALSE(tree.nodes[other].parent == node.parent && tree.nodes[other].token == node.token) << "a shared start is one node";
    }
    for (std::size_t m = 0; m < tree.members.size(); ++m) {
      seen.insert(tree.members[m]);
      std::vector<int> tokens;
      int parent = -1;
      for (const int n : tree.paths[m]) {
        EXPECT_EQ(tree.nodes[n].parent, parent);
        tokens.push_back(tree.nodes[n].token);
        parent = n;
      }
      EXPECT_EQ(tokens, choices[tree.members[m]]);
    }
    // Every leaf is one path: at each depth exactly one of its nodes, without gaps.
    for (int leaf = 0; leaf < tree.leaves; ++leaf) {
      int depth = 0;
      for (const ChoiceTree::Node& node : tree.nodes)
        if (node.first <= leaf && leaf < node.last) {
          EXPECT_EQ(node.depth, depth++);
        }
      EXPECT_GT(depth, 0);
    }
  }
  EXPECT_EQ(seen.size(), choices.size());
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), choices.size());
}

TEST(ChoiceTree, SharedStartsAreStoredOnce) {
  const Choices choices{{1, 2}, {1, 3}, {1}, {4, 5, 6}};
  const std::vector<ChoiceTree> trees = choice_trees(choices, 64, 1024);
  ASSERT_EQ(trees.size(), 1U);
  EXPECT_EQ(trees[0].nodes.size(), 6U);  // 1 2 3 4 5 6
  EXPECT_EQ(trees[0].leaves, 3) << "the choice that is another's start needs no sequence of its own";
  check_trees(choices, trees, 64);
}

TEST(ChoiceTree, ManyChoicesAreSplit) {
  Rng rng(1);
  for (const int size : {1, 2, 63, 64, 65, 300}) {
    std::set<std::vector<int>> distinct;
    while (static_cast<int>(distinct.size()) < size) {
      std::vector<int> tokens(1 + rng.below(4));
      for (int& t : tokens) t = static_cast<int>(rng.below(8));
      distinct.insert(tokens);
    }
    Choices choices(distinct.begin(), distinct.end());
    rng.shuffle(choices);
    check_trees(choices, choice_trees(choices, 64, 1024), 64);
    check_trees(choices, choice_trees(choices, 3, 9), 3);
  }
}

TEST(ChoiceTree, ChoicesWithEqualTokensShareTheirPath) {
  const Choices choices{{7, 8}, {7, 8}};
  const std::vector<ChoiceTree> trees = choice_trees(choices, 64, 1024);
  ASSERT_EQ(trees.size(), 1U);
  EXPECT_EQ(trees[0].paths[0], trees[0].paths[1]);
  EXPECT_EQ(trees[0].leaves, 1);
}

TEST(TreeScores, HandWorkedScores) {
  // Vocabulary of four; token 3 ends. Choices: "0" and "0 1" and "2".
  const Choices choices{{0}, {0, 1}, {2}};
  const std::vector<ChoiceTree> trees = choice_trees(choices, 64, 1024);
  const std::vector<int> ends{3};
  TreeScores scores(trees[0], ends);
  const auto row = [](std::vector<double> p) {
    std::vector<float> logits;
    for (const double x : p) logits.push_back(static_cast<float>(std::log(x) + 1.0));  // any shift will do
    return logits;
  };
  scores.take(-1, row({0.5, 0.1, 0.3, 0.1}));
  for (std::size_t n = 0; n < trees[0].nodes.size(); ++n) {
    const ChoiceTree::Node& node = trees[0].nodes[n];
    if (node.token == 0) scores.take(static_cast<int>(n), row({0.1, 0.4, 0.1, 0.4}));
    if (node.token == 1) scores.take(static_cast<int>(n), row({0.1, 0.1, 0.1, 0.7}));
    if (node.token == 2) scores.take(static_cast<int>(n), row({0.25, 0.25, 0.25, 0.25}));
  }
  const std::vector<double> totals = scores.totals();
  const std::vector<double> expected{std::log(0.5 * 0.4), std::log(0.5 * 0.4 * 0.7), std::log(0.3 * 0.25)};
  for (std::size_t m = 0; m < totals.size(); ++m) EXPECT_NEAR(totals[m], expected[trees[0].members[m]], 1e-6);
}

TEST(TreeScores, SeveralEndsAreAddedUp) {
  const Choices choices{{0}};
  const std::vector<ChoiceTree> trees = choice_trees(choices, 64, 1024);
  const std::vector<int> ends{1, 2};
  TreeScores scores(trees[0], ends);
  const std::vector<float> flat(4, 0.0F);
  scores.take(-1, flat);
  scores.take(0, flat);
  EXPECT_NEAR(scores.totals()[0], std::log(0.25 * 0.5), 1e-6);
}

}  // namespace
}  // namespace hone::llama
