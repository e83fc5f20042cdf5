#include "nn/optimizer.h"

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr std::int64_t piece = 1 << 16;

void put_tensor(Sink& sink, const at::Tensor& t) { sink.write(std::as_bytes(std::span(data<float>(t), static_cast<std::size_t>(t.numel())))); }
void get_tensor(Source& source, const at::Tensor& t) { source.read(std::as_writable_bytes(std::span(data<float>(t), static_cast<std::size_t>(t.numel())))); }

}  // namespace

void Optimizer::need_moments(std::int64_t total) {
  if (m_.defined()) return;
  m_ = at::zeros({total});
  v_ = at::zeros({total});
}

void Optimizer::update(const Learning& what, const StepOptions& o, double gradient_factor) {
  need_moments(what.values.numel());
  ++steps_;
  AdamW how{static_cast<float>(o.lr), static_cast<float>(o.beta1), static_cast<float>(o.beta2), static_cast<float>(o.eps), 0.0F,
            static_cast<float>(1.0 - std::pow(o.beta1, static_cast<double>(steps_))), static_cast<float>(1.0 - std::pow(o.beta2, static_cast<double>(steps_))),
            static_cast<float>(gradient_factor)};
  float *w = data<float>(what.values), *g = data<float>(what.gradient), *m = data<float>(m_), *v = data<float>(v_);
  for (const auto& n : *what.named) {
    if (n.at.offset < what.first) continue;
    how.decay = n.vector ? 0.0F : static_cast<float>(o.weight_decay);
    for_rows(n.at.count(), 4, [&](std::int64_t b, std::int64_t e) {
      const auto i = n.at.offset + b;
      kernels().adamw(how, w + i, g + i, m + i, v + i, e - b);
    });
  }
}

void Optimizer::save(Sink& sink) const {
  put(sink, steps_);
  if (steps_ == 0) return;
  put_tensor(sink, m_);
  put_tensor(sink, v_);
}

void Optimizer::load(Source& source, std::int64_t total) {
  get(source, steps_);
  if (steps_ < 0) throw Error(Fault::corrupt, "checkpoint: a negative number of steps");
  m_ = v_ = at::Tensor();
  if (steps_ == 0) return;
  need_moments(total);
  get_tensor(source, m_);
  get_tensor(source, v_);
}

double norm_of(const at::Tensor& g) {
  const std::int64_t n = g.numel(), pieces = (n + piece - 1) / piece;
  std::vector<double> sums(static_cast<std::size_t>(pieces));
  at::parallel_for(0, pieces, 1, [&](std::int64_t b, std::int64_t e) {
    for (auto i = b; i < e; ++i) sums[i] = kernels().sum_squares(data<float>(g) + i * piece, std::min(piece, n - i * piece));
  });
  double total = 0.0;
  for (const double s : sums) total += s;
  return std::sqrt(total);
}

}  // namespace hone::nn
