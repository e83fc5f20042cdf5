// All weights of a model in one array: float masters, what matrix products read beside them, gradients. What is used together lies
// together: q, k and v are one matrix, gate and up another; the published names are views into them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch.h"

namespace hone::nn {

enum class Compute { f32, bf16 };

// Where something lies in the flat arrays.
struct Span {
  std::int64_t offset = -1, rows = 0, columns = 0;  // a vector has one row
  std::int64_t count() const { return rows * columns; }
  bool there() const { return offset >= 0; }
};

// One published tensor ("model.layers.0.mlp.up_proj.weight").
struct NamedSpan {
  std::string name;
  Span at;
  bool vector = false;  // of one dimension: gains and biases, which weight decay leaves alone
};

struct LayerSpans {
  Span attention_norm, qkv, qkv_bias, q_norm, k_norm, out, ff_norm, gate_up, down;
};

struct Layout {
  explicit Layout(const Arch& arch);
  std::int64_t total = 0;
  Span embedding, final_norm, head;  // head = embedding when tied
  std::vector<LayerSpans> layers;
  std::vector<NamedSpan> named;      // every weight once, in the order of the array
};

class Parameters {
 public:
  // apart: what products read is always an array of its own, so that something may be added to it (adapters).
  Parameters(const Arch& arch, Compute compute, bool apart = false);

  const Arch& arch() const { return arch_; }
  const Layout& layout() const { return layout_; }
  Compute compute() const { return compute_; }
  std::int64_t count() const;  // of weights, padding left out

  at::Tensor master() const { return master_; }  // [total] float
  at::Tensor gradient();                         // [total] float, zeros at first
  void refresh();                                // after the masters changed: what products read follows

  at::Tensor weight(const Span& span) const;     // [rows, columns] as products read it
  at::Tensor master(const Span& span) const;     // the same of the masters
  const float* gain(const Span& span) const;     // masters
  at::Tensor gradient(const Span& span);
  at::Tensor named(const NamedSpan& named) const;  // view of the masters in the published shape

  // Normal with this deviation (0.02 in all three families), gains 1, biases 0.
  void initialise(std::uint64_t seed, float deviation = 0.02F);
  std::string bytes_hash() const;  // SHA-256 of the masters

 private:
  Arch arch_;
  Layout layout_;
  Compute compute_;
  at::Tensor master_, reads_, gradient_;
};

// bf16 where the CPU multiplies it in hardware, else f32.
Compute best_compute();

}  // namespace hone::nn
