#include "models/llama/tree.h"

#include <algorithm>
#include <numeric>

#include "models/llama/logits.h"

namespace hone::llama {
namespace {

std::size_t shared(const std::vector<int>& a, const std::vector<int>& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// `order` is sorted by tokens, so a node's choices stand together and the path of the previous choice is all there is to share.
ChoiceTree build(std::span<const std::vector<int>> choices, std::span<const int> order) {
  ChoiceTree tree;
  std::vector<int> path;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::vector<int>& tokens = choices[order[i]];
    path.resize(i == 0 ? 0 : shared(choices[order[i - 1]], tokens));
    // A sequence goes on along its first new node when the choice before is its start; else it begins a new leaf.
    const bool extends = i > 0 && path.size() == choices[order[i - 1]].size();
    if (!extends) ++tree.leaves;
    while (path.size() < tokens.size()) {
      ChoiceTree::Node node;
      node.token = tokens[path.size()];
      node.parent = path.empty() ? -1 : path.back();
      node.depth = static_cast<int>(path.size());
      node.first = tree.leaves - 1;
      path.push_back(static_cast<int>(tree.nodes.size()));
      tree.nodes.push_back(node);
    }
    for (const int n : path) tree.nodes[n].last = tree.leaves;
    tree.members.push_back(order[i]);
    tree.paths.push_back(path);
  }
  return tree;
}

}  // namespace

std::vector<ChoiceTree> choice_trees(std::span<const std::vector<int>> choices, int max_leaves, int max_nodes) {
  std::vector<int> order(choices.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return choices[a] < choices[b]; });
  std::vector<ChoiceTree> trees;
  std::size_t begin = 0;
  while (begin < order.size()) {
    std::size_t end = begin, leaves = 0, nodes = 0;
    while (end < order.size()) {
      const std::size_t known = end == begin ? 0 : shared(choices[order[end - 1]], choices[order[end]]);
      const bool extends = end > begin && known == choices[order[end - 1]].size();
      const std::size_t more = choices[order[end]].size() - known;
      if (end > begin && (leaves + (extends ? 0 : 1) > static_cast<std::size_t>(max_leaves) || nodes + more > static_cast<std::size_t>(max_nodes))) break;
      leaves += extends ? 0 : 1;
      nodes += more;
      ++end;
    }
    trees.push_back(build(choices, std::span(order).subspan(begin, end - begin)));
    begin = end;
  }
  return trees;
}

TreeScores::TreeScores(const ChoiceTree& tree, std::span<const int> ends)
    : tree_(tree), ends_(ends), children_(tree.nodes.size() + 1), step_(tree.nodes.size()), end_(tree.nodes.size()) {
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) children_[tree.nodes[i].parent + 1].push_back(static_cast<int>(i));
}

void TreeScores::take(int node, std::span<const float> logits) {
  const double log_sum = log_sum_exp(logits);
  for (const int child : children_[node + 1]) step_[child] = logits[tree_.nodes[child].token] - log_sum;
  if (node >= 0) end_[node] = log_probability(logits, ends_, log_sum);
}

std::vector<double> TreeScores::totals() const {
  std::vector<double> out;
  for (const std::vector<int>& path : tree_.paths) {
    double total = end_[path.back()];
    for (const int node : path) total += step_[node];
    out.push_back(total);
  }
  return out;
}

}  // namespace hone::llama
