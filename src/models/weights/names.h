// Which tensors a decoder has: their published (Hugging Face) names, their names in GGUF, their shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/arch.h"

namespace hone {

struct PublishedTensor {
  std::string name;                 // "model.layers.0.self_attn.q_proj.weight"
  std::string gguf;                 // "blk.0.attn_q.weight"
  std::vector<std::int64_t> shape;  // slowest first
  // llama.cpp turns neighbouring pairs of a Llama's q and k, the published weights halves of each head: rows lie in another order
  // in GGUF. Heads whose rows do; 0 = same order.
  int turned_heads = 0;

  std::int64_t rows() const { return shape.size() == 1 ? 1 : shape[0]; }
  std::int64_t columns() const { return shape.back(); }
  std::int64_t count() const { return rows() * columns(); }
};

// In the order of the published files; the head only when it is not tied. Pure.
std::vector<PublishedTensor> published_tensors(const Arch& arch);

// The row of the GGUF tensor that holds the published row.
std::int64_t gguf_row(const PublishedTensor& tensor, std::int64_t row);

std::string shape_text(const std::vector<std::int64_t>& shape);  // "[576, 1536]"

}  // namespace hone
