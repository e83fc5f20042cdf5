// Numbers from a row of logits. Vectorised by the compiler; the order of additions is fixed, so equal rows give equal bits.
#pragma once

#include <span>
#include <vector>

namespace hone::llama {

// log of the sum of exp of all entries. Relative error of the sum below 1e-6.
double log_sum_exp(std::span<const float> row);

struct RowFacts {
  double log_sum = 0.0;  // log_sum_exp
  double entropy = 0.0;  // of the softmax, nats
};
RowFacts row_facts(std::span<const float> row);

// log of the summed probability of these entries: log_sum_exp over them minus `log_sum`.
double log_probability(std::span<const float> row, std::span<const int> entries, double log_sum);

int argmax(std::span<const float> row);  // lowest index among equals

}  // namespace hone::llama
