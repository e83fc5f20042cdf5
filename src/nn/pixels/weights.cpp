#include "nn/pixels/weights.h"

#include <cmath>

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

Span NetWeights::add(std::string name, std::int64_t rows, std::int64_t columns, bool vector) {
  const Span at{total_, rows, columns};
  named_.push_back({std::move(name), at, vector});
  total_ += at.count();
  return at;
}

void NetWeights::finish() {
  values_ = at::zeros({total_});
  gradient_ = at::zeros({total_});
}

at::Tensor NetWeights::value(const Span& s) const { return values_.narrow(0, s.offset, s.count()).view({s.rows, s.columns}); }
at::Tensor NetWeights::gradient(const Span& s) const { return gradient_.narrow(0, s.offset, s.count()).view({s.rows, s.columns}); }
float* NetWeights::values(const Span& s) const { return data<float>(values_) + s.offset; }

void NetWeights::glorot(const Span& span, double fan_in, double fan_out, Rng rng) {
  const double most = std::sqrt(6.0 / (fan_in + fan_out));
  float* w = values(span);
  for (std::int64_t i = 0; i < span.count(); ++i) w[i] = static_cast<float>((2.0 * rng.uniform() - 1.0) * most);
}

void NetWeights::columns_of_length(const Span& span, double length, Rng rng) {
  float* w = values(span);
  for (std::int64_t i = 0; i < span.count(); ++i) w[i] = static_cast<float>(rng.normal());
  for (std::int64_t c = 0; c < span.columns; ++c) {
    double squares = 0.0;
    for (std::int64_t r = 0; r < span.rows; ++r) squares += std::pow(static_cast<double>(w[r * span.columns + c]), 2);
    const auto factor = static_cast<float>(length / std::sqrt(squares));
    for (std::int64_t r = 0; r < span.rows; ++r) w[r * span.columns + c] *= factor;
  }
}

double NetWeights::step(std::span<const Gradient> parts, const NetStep& step, std::string_view what) {
  gradient_.copy_(parts[0].flat);
  for (const Gradient& part : parts.subspan(1)) gradient_.add_(part.flat);
  const double norm = norm_of(gradient_) * std::abs(step.scale);
  if (!std::isfinite(norm)) throw Error(Fault::bad_input, "the gradient of " + std::string(what) + " is not finite; the weights are as before this step");
  StepOptions how;
  how.lr = step.lr, how.eps = step.eps;
  adam_.update({values_, gradient_, &named_, 0}, how, step.scale * (step.clip > 0.0 && norm > step.clip ? step.clip / norm : 1.0));
  return norm;
}

void NetWeights::save(Sink& sink) const {
  put(sink, total_);
  sink.write(std::as_bytes(std::span(data<float>(values_), static_cast<std::size_t>(total_))));
  adam_.save(sink);
}

void NetWeights::load(Source& source) {
  std::int64_t total = 0;
  get(source, total);
  if (total != total_) throw Error(Fault::corrupt, "saved weights: expected " + std::to_string(total_) + " numbers, got " + std::to_string(total));
  source.read(std::as_writable_bytes(std::span(data<float>(values_), static_cast<std::size_t>(total_))));
  adam_.load(source, total_);
}

}  // namespace hone::nn
