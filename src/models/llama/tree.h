// Choices as one trie of tokens. Pure: no model here.
#pragma once

#include <span>
#include <vector>

namespace hone::llama {

// Nodes stand in depth-first order, parents before children. A node belongs to the leaves [first, last): the sequences that
// run through it. A choice that is the start of another ends at an inner node.
struct ChoiceTree {
  struct Node {
    int token = 0;
    int parent = -1;  // -1: the prompt's last token
    int depth = 0;    // tokens before it within the choice
    int first = 0, last = 0;
  };
  std::vector<Node> nodes;
  std::vector<int> members;         // indices of the choices in this tree
  std::vector<std::vector<int>> paths;  // [members] node indices from the first token to the last
  int leaves = 0;
};

// `choices` hold at least one token each. Choices are ordered by their tokens and cut into trees of at most max_leaves
// sequences and about max_nodes nodes (one choice alone may be longer). What comes out depends on the choices alone.
std::vector<ChoiceTree> choice_trees(std::span<const std::vector<int>> choices, int max_leaves, int max_nodes);

// Log-probabilities of one tree, filled row by row as the logits come.
class TreeScores {
 public:
  // `ends`: the tokens that end a choice (see local.h). Both must outlive this.
  TreeScores(const ChoiceTree& tree, std::span<const int> ends);
  // The logits [vocabulary] after `node`; -1 = after the prompt. Each node once, in any order.
  void take(int node, std::span<const float> logits);
  // Per member of the tree: log P(its tokens, then an end). All rows must have been taken.
  std::vector<double> totals() const;

 private:
  const ChoiceTree& tree_;
  std::span<const int> ends_;
  std::vector<std::vector<int>> children_;  // of node i at i + 1
  std::vector<double> step_, end_;
};

}  // namespace hone::llama
