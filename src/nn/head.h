// From hidden states to log-probabilities of given tokens, never more than a few hundred rows of logits at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/parameters.h"

namespace hone::nn {

struct TokenScores {
  std::vector<float> logp, entropy;  // natural logs, under logits / temperature; entropy of the whole vocabulary
};

class Head {
 public:
  explicit Head(Parameters& parameters, bool learns = true) : parameters_(parameters), learns_(learns) {}

  // rows: which of hidden [tokens, width] predict; targets[i] is the token that rows[i] predicts.
  TokenScores scores(const at::Tensor& hidden, const std::vector<int>& rows, const std::vector<int>& targets, float temperature);
  // Given d loss / d logp and (if not empty) d loss / d entropy of each row: adds to the head's gradient if it learns, returns that of hidden,
  // [tokens, width] float, zero in rows not named.
  at::Tensor backward(const at::Tensor& hidden, const std::vector<int>& rows, const std::vector<int>& targets, float temperature,
                      const std::vector<float>& d_logp, const std::vector<float>& d_entropy);
  // All logits of these rows, [rows, vocab] float. slab: see product().
  at::Tensor logits(const at::Tensor& hidden, const std::vector<int>& rows, int slab = 0);

 private:
  template <class T, class F>
  void chunks(const at::Tensor& hidden, const std::vector<int>& rows, const F& f, int slab = 0);
  Parameters& parameters_;
  bool learns_;
};

}  // namespace hone::nn
