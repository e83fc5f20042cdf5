#include "nn/head.h"

#include "nn/product.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr std::int64_t chunk = 256;  // rows of logits at a time: 256 x 49,152 in bf16 is 25 MB

template <class T>
at::Tensor gather(const at::Tensor& hidden, const std::vector<int>& rows, std::int64_t first, std::int64_t count) {
  const auto width = hidden.size(1);
  at::Tensor out = empty<T>({count, width});
  for (std::int64_t i = 0; i < count; ++i) std::copy_n(data<T>(hidden) + rows[first + i] * width, width, data<T>(out) + i * width);
  return out;
}

// Calls f with a null pointer of the type that products read.
template <class F>
auto with_type(Compute compute, const F& f) {
  return compute == Compute::f32 ? f(static_cast<float*>(nullptr)) : f(static_cast<bf16_t*>(nullptr));
}

}  // namespace

// f(first row, x [count, width], logits [count, vocab])
template <class T, class F>
void Head::chunks(const at::Tensor& hidden, const std::vector<int>& rows, const F& f, int slab) {
  const at::Tensor weight = parameters_.weight(parameters_.layout().head);
  const auto n = static_cast<std::int64_t>(rows.size());
  for (std::int64_t first = 0; first < n; first += chunk) {
    const at::Tensor x = gather<T>(hidden, rows, first, std::min(chunk, n - first));
    f(first, x, product(x, weight, slab));
  }
}

TokenScores Head::scores(const at::Tensor& hidden, const std::vector<int>& rows, const std::vector<int>& targets, float temperature) {
  const int vocab = parameters_.arch().vocab;
  TokenScores out{std::vector<float>(rows.size()), std::vector<float>(rows.size())};
  with_type(parameters_.compute(), [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    chunks<T>(hidden, rows, [&](std::int64_t first, const at::Tensor& x, const at::Tensor& logits) {
      for_rows(x.size(0), vocab, [&](std::int64_t b, std::int64_t e) {
        for (auto i = b; i < e; ++i) {
          const T* row = data<T>(logits) + i * vocab;
          float lse = 0.0F, mean = 0.0F, target = 0.0F;
          kernels().rows<T>().log_sum_exp(row, vocab, 1.0F / temperature, &lse, &mean);
          kernels().rows<T>().to_float(row + targets[first + i], &target, 1);
          out.logp[first + i] = target / temperature - lse;
          out.entropy[first + i] = lse - mean;
        }
      });
    });
  });
  return out;
}

at::Tensor Head::backward(const at::Tensor& hidden, const std::vector<int>& rows, const std::vector<int>& targets, float temperature,
                          const std::vector<float>& d_logp, const std::vector<float>& d_entropy) {
  const int vocab = parameters_.arch().vocab;
  const auto width = hidden.size(1);
  at::Tensor d_hidden = at::zeros(hidden.sizes());
  with_type(parameters_.compute(), [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const at::Tensor weight = parameters_.weight(parameters_.layout().head);
    at::Tensor gradient;
    if (learns_) gradient = parameters_.gradient(parameters_.layout().head);
    chunks<T>(hidden, rows, [&](std::int64_t first, const at::Tensor& x, const at::Tensor& logits) {
      for_rows(x.size(0), vocab, [&](std::int64_t b, std::int64_t e) {
        for (auto i = b; i < e; ++i) {
          T* row = data<T>(logits) + i * vocab;
          float lse = 0.0F, mean = 0.0F;
          kernels().rows<T>().log_sum_exp(row, vocab, 1.0F / temperature, &lse, &mean);
          kernels().rows<T>().head_back(row, vocab, 1.0F / temperature, lse, mean, targets[first + i], d_logp[first + i],
                                        d_entropy.empty() ? 0.0F : d_entropy[first + i]);
        }
      });
      if (learns_) {
        if constexpr (std::is_same_v<T, float>) at::addmm_out(gradient, gradient, logits.t(), x);
        else add_to<T>(gradient, at::mm(logits.t(), x));
      }
      const at::Tensor dx = at::mm(logits, weight);
      for (std::int64_t i = 0; i < x.size(0); ++i)
        kernels().rows<T>().add(data<float>(d_hidden) + rows[first + i] * width, data<T>(dx) + i * width, width);
    });
  });
  return d_hidden;
}

at::Tensor Head::logits(const at::Tensor& hidden, const std::vector<int>& rows, int slab) {
  at::Tensor out = at::empty({static_cast<std::int64_t>(rows.size()), parameters_.arch().vocab});
  with_type(parameters_.compute(), [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    chunks<T>(hidden, rows, [&](std::int64_t first, const at::Tensor& x, const at::Tensor& logits) { out.narrow(0, first, x.size(0)).copy_(logits); }, slab);
  });
  return out;
}

}  // namespace hone::nn
