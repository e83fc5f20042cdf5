// AdamW (Loshchilov and Hutter 2019, as torch.optim.AdamW) over flat arrays.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/policy.h"
#include "nn/parameters.h"

namespace hone::nn {

// What steps change: all weights of a model, or its adapters.
struct Learning {
  at::Tensor values, gradient;           // [total] float
  const std::vector<NamedSpan>* named;   // what lies where
  std::int64_t first = 0;                // what lies before it stays as it is
};

class Optimizer {
 public:
  // Decay leaves gains and biases alone.
  void update(const Learning& what, const StepOptions& options, double gradient_factor);
  std::int64_t steps() const { return steps_; }

  void save(Sink& sink) const;
  void load(Source& source, std::int64_t total);

 private:
  void need_moments(std::int64_t total);
  at::Tensor m_, v_;  // [total] float, absent before the first step
  std::int64_t steps_ = 0;
};

// The length of a whole gradient; infinity or NaN when it is not finite. The same for any number of threads.
double norm_of(const at::Tensor& flat);

}  // namespace hone::nn
