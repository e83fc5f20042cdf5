// AdamW (Loshchilov and Hutter 2019, as torch.optim.AdamW) over the flat arrays.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/policy.h"
#include "nn/parameters.h"

namespace hone::nn {

class Optimizer {
 public:
  explicit Optimizer(Parameters& parameters) : parameters_(parameters) {}

  // Decay leaves gains and biases alone. Spans of layers below `frozen` (embeddings included) stay as they are.
  void update(const StepOptions& options, double gradient_factor, int frozen);
  std::int64_t steps() const { return steps_; }

  void save(Sink& sink) const;
  void load(Source& source);

 private:
  void need_moments();
  Parameters& parameters_;
  at::Tensor m_, v_;  // [total] float, absent before the first step
  std::int64_t steps_ = 0;
};

// The length of the whole gradient; infinity or NaN when it is not finite. The same for any number of threads.
double gradient_norm(Parameters& parameters);

}  // namespace hone::nn
