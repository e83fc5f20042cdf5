// The weights of a net over pixels: one flat array with its gradient and Adam's moments, and where each matrix lies in it.
#pragma once

#include <ATen/ATen.h>

#include "core/explorer.h"
#include "core/rng.h"
#include "nn/optimizer.h"

namespace hone::nn {

// A part's share of the gradient of all weights: whoever computes on a thread of its own adds to one of its own.
struct Gradient {
  at::Tensor flat;
  at::Tensor of(const Span& s) const { return flat.narrow(0, s.offset, s.count()).view({s.rows, s.columns}); }
  void clear(std::int64_t count) { flat.defined() ? flat.zero_() : flat = at::zeros({count}); }
};

class NetWeights {
 public:
  // A matrix [rows, columns] (a product is x * W, x [n, rows]) or, with one row, a bias. Before finish().
  Span add(std::string name, std::int64_t rows, std::int64_t columns, bool vector = false);
  void finish();  // the arrays are there from now on, all zero

  at::Tensor value(const Span& span) const;  // a view, [rows, columns]
  float* values(const Span& span) const;
  at::Tensor gradient(const Span& span) const;  // of the last step()

  // Uniform in +- sqrt(6 / (fan_in + fan_out)).
  void glorot(const Span& span, double fan_in, double fan_out, Rng rng);
  // Normal, each column then of this length.
  void columns_of_length(const Span& span, double length, Rng rng);

  const std::vector<NamedSpan>& named() const { return named_; }
  std::int64_t count() const { return total_; }
  // Sums the parts, multiplies by `scale`, shortens it to `clip` when it is longer (0 = never), one step of Adam. Returns the length before
  // shortening; throws Error{bad_input} and changes nothing when it is not finite.
  double step(std::span<const Gradient> parts, const NetStep& how, std::string_view what);

  void save(Sink& sink) const;
  void load(Source& source);  // throws Error{corrupt} when of another size

 private:
  std::vector<NamedSpan> named_;
  std::int64_t total_ = 0;
  at::Tensor values_, gradient_;
  Optimizer adam_;
};

}  // namespace hone::nn
