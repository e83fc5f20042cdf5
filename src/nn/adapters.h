// Low-rank adapters (core/policy.h, LoraOptions). Products read W + alpha / rank * B A, merged beforehand, so that the way forward and
// sampling cost what they cost without adapters; on the way back only A and B get gradients, without that of W ever being made.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "core/policy.h"
#include "nn/parameters.h"

namespace hone::nn {

class Adapters {
 public:
  // Of layers from `first_layer` on. `base` must keep what products read apart. Throws Error{bad_input} for unknown targets.
  Adapters(Parameters& base, const LoraOptions& options, int first_layer);

  // A as peft has it (Kaiming-uniform, that is uniform within 1 / sqrt(in)), B zero: what plays is the base.
  void initialise(std::uint64_t seed);
  void merge();  // after the base or the adapters changed
  at::Tensor merged(const Span& weight) const;  // a named weight of the base with its adapter added, float

  const std::vector<NamedSpan>& named() const { return named_; }  // A and B in turn, by peft's names
  at::Tensor values() const { return values_; }                   // [total] float
  at::Tensor gradient() const { return gradient_; }               // the same
  at::Tensor view(const Span& span) const { return values_.narrow(0, span.offset, span.count()).view({span.rows, span.columns}); }

  // Adds to the gradients of all adapters within the matrix `whole`, given d loss / d (x W^T) and x; x is asked for only when there
  // are any.
  template <class T>
  void back(const Span& whole, const at::Tensor& dy, const std::function<at::Tensor()>& x);

 private:
  struct One {
    Span target, a, b;
  };
  std::vector<One> within(const Span& whole) const;
  Parameters& base_;
  double scale_;
  std::vector<One> all_;  // in the order of the base's array
  std::vector<NamedSpan> named_;
  at::Tensor values_, gradient_;
};

}  // namespace hone::nn
