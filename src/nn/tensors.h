// Small bridges between ATen tensors and the row kernels.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <type_traits>

#include "nn/kernels/kernels.h"

namespace hone::nn {

template <class T>
constexpr at::ScalarType scalar_of = std::is_same_v<T, float> ? at::kFloat : at::kBFloat16;

template <class T>
T* data(const at::Tensor& t) {
  return static_cast<T*>(t.data_ptr());
}

template <class T>
at::Tensor empty(at::IntArrayRef sizes) {
  return at::empty(sizes, at::TensorOptions().dtype(scalar_of<T>));
}

// f(begin, end) over rows, split among the threads so that each gets at least about 16,000 numbers of `width`.
template <class F>
void for_rows(std::int64_t rows, std::int64_t width, const F& f) {
  at::parallel_for(0, rows, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, width)), f);
}

// The same with an array of `width` zeros per thread, whose sum is added to `total` in the order of the threads.
template <class F>
void for_rows_summing(std::int64_t rows, std::int64_t row_width, float* total, std::int64_t width, const F& f) {
  const auto threads = at::get_num_threads();
  const at::Tensor partial = at::zeros({threads, width});
  for_rows(rows, row_width, [&](std::int64_t begin, std::int64_t end) { f(begin, end, data<float>(partial) + at::get_thread_num() * width); });
  for (int t = 0; t < threads; ++t)
    for (std::int64_t i = 0; i < width; ++i) total[i] += data<float>(partial)[t * width + i];
}

// x as T. No copy when it is one already.
template <class T>
at::Tensor as(const at::Tensor& x) {
  if constexpr (std::is_same_v<T, float>) return x;
  at::Tensor out = empty<T>(x.sizes());
  for_rows(x.numel(), 1, [&](std::int64_t b, std::int64_t e) { kernels().rows<T>().from_float(data<float>(x) + b, data<T>(out) + b, e - b); });
  return out;
}

// h += x
template <class T>
void add_to(const at::Tensor& h, const at::Tensor& x) {
  for_rows(h.numel(), 1, [&](std::int64_t b, std::int64_t e) { kernels().rows<T>().add(data<float>(h) + b, data<T>(x) + b, e - b); });
}

}  // namespace hone::nn
