// Causal self-attention with grouped queries over sequences that lie one after another; none sees another, padding does not exist.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/arch.h"

namespace hone::nn {

// qkv: [tokens, q | k | v] with rotary positions applied; starts: [sequences + 1] first token of each, then the number of tokens.
// Returns [tokens, heads * head_dim].
template <class T>
at::Tensor attention(const Arch& arch, const at::Tensor& qkv, const std::vector<int>& starts);

// d_out: [tokens, heads * head_dim]. Returns the gradient of qkv; scores are computed again instead of kept.
template <class T>
at::Tensor attention_back(const Arch& arch, const at::Tensor& qkv, const at::Tensor& d_out, const std::vector<int>& starts);

}  // namespace hone::nn
