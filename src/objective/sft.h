// Supervised fine-tuning: the mean over all trained tokens of the step (sft_dpo_reference, section 3.2).
#pragma once

#include "core/lesson.h"
#include "objective/sample.h"

namespace hone::objective {

enum class SftLoss { nll, dft };  // dft: -sg(p) log p (arXiv 2508.05629)

struct SftConfig {
  SftLoss loss = SftLoss::nll;
};
template <class V>
void visit(V& v, SftConfig& c) {
  v.choice("loss", c.loss, {{"nll", SftLoss::nll}, {"dft", SftLoss::dft}}, "negative log-likelihood, or dynamic fine-tuning: each token weighed by its own probability");
}

class SftObjective {
 public:
  // Trained tokens of each sequence of the step; weights: one per sequence, empty = 1 each. A weight scales a sequence's loss, not the
  // number of tokens that the sum is divided by.
  SftObjective(std::vector<int> tokens, SftConfig config, std::vector<double> weights = {});

  double evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes);
  Loss loss();  // refers to this object; starts counting anew
  Metrics metrics() const;  // loss, nll (mean over the tokens seen), entropy, tokens

 private:
  std::vector<int> tokens_;
  SftConfig config_;
  std::vector<double> weights_;
  double total_ = 0.0;
  double seen_ = 0.0, loss_ = 0.0, nll_ = 0.0, entropy_ = 0.0, with_entropy_ = 0.0;
};

}  // namespace hone::objective
