// The row-wise work between matrix products, compiled once per instruction set and chosen when the program starts: the same binary
// runs everywhere. Rows are contiguous; nothing here allocates or starts threads (callers split rows with at::parallel_for).
#pragma once

#include <cstdint>

#include "nn/kernels/convolution.h"
#include "nn/kernels/recurrent.h"

namespace hone::nn {

using bf16_t = std::uint16_t;  // bfloat16: the upper half of a float

// T is what matrix products read: float or bf16_t. h, gains, gradients of h and statistics are always float.
template <class T>
struct RowKernels {
  // RMSNorm: y = h / rms(h) * gain; rstd[row] = 1 / rms is kept for the way back.
  void (*norm)(const float* h, const float* gain, float eps, T* y, float* rstd, std::int64_t rows, int width);
  // dh += the gradient; d_gain[width] += (one array per caller).
  void (*norm_back)(const float* h, const float* gain, const float* rstd, const T* dy, float* dh, float* d_gain, std::int64_t rows, int width);
  // RMSNorm of each head (Qwen3): y from x, rows of both `stride` apart; rstd one per row and head.
  void (*head_norm)(const T* x, T* y, std::int64_t stride, const float* gain, float eps, float* rstd, std::int64_t rows, int heads, int dim);
  // In place from dy to dx; d_gain[dim] +=.
  void (*head_norm_back)(const T* x, T* dy, std::int64_t stride, const float* gain, const float* rstd, float* d_gain, std::int64_t rows, int heads, int dim);
  // Rotary positions in place, halves rotated against each other; sign -1 turns back. cosine, sine: [position, dim/2].
  void (*rotate)(T* x, std::int64_t stride, const int* position, const float* cosine, const float* sine, float sign, std::int64_t rows, int heads, int dim);
  // gate_up: [rows, 2 ff], gate first. y = silu(gate) * up.
  void (*swiglu)(const T* gate_up, T* y, std::int64_t rows, int ff);
  void (*swiglu_back)(const T* gate_up, const T* dy, T* d_gate_up, std::int64_t rows, int ff);
  // One row of scores of query `at` in place: softmax(scale * s) over keys 0..at, zero beyond.
  void (*softmax)(T* s, int at, int keys, float scale);
  // ds in place from dp: p * (dp - sum(p dp)) * scale, zero beyond `at`.
  void (*softmax_back)(T* dp, const T* p, int at, int keys, float scale);
  void (*add)(float* h, const T* x, std::int64_t count);       // h += x
  void (*to_float)(const T* x, float* y, std::int64_t count);
  void (*from_float)(const float* x, T* y, std::int64_t count);
  void (*add_bias)(T* y, const float* bias, std::int64_t rows, int width);
  void (*bias_back)(const T* dy, std::int64_t stride, float* d_bias, std::int64_t rows, int width);  // d_bias +=
  // One query against cached keys and values [length, stride]: out[dim] = softmax(scale q k) v, merged over two stretches.
  void (*attend)(const float* q, const T* k, const T* v, std::int64_t stride, int length, float scale, float* scores, float* out, float* top, float* sum, int dim);
  // Logits of a row: log-sum-exp and sum of p*logit (logits times inverse temperature).
  void (*log_sum_exp)(const T* logits, int vocab, float inverse_temperature, float* lse, float* mean_logit);
  // In place to d(logits): g_logp * (onehot - p) + g_entropy * dH; times inverse temperature.
  void (*head_back)(T* logits, int vocab, float inverse_temperature, float lse, float mean_logit, int target, float g_logp, float g_entropy);
};

struct AdamW {
  float lr, beta1, beta2, eps, decay, correction1, correction2, clip;  // corrections: 1 - beta^t; clip: factor on gradients
};

struct Kernels {
  const char* name;  // "avx512", "avx2", "baseline"
  RowKernels<float> f32;
  RowKernels<bf16_t> bf16;
  void (*adamw)(const AdamW& how, float* w, const float* g, float* m, float* v, std::int64_t count);
  double (*sum_squares)(const float* x, std::int64_t count);
  ConvolutionKernels convolution;
  RecurrentKernels recurrent;
  template <class T>
  const RowKernels<T>& rows() const;
};
template <>
inline const RowKernels<float>& Kernels::rows<float>() const { return f32; }
template <>
inline const RowKernels<bf16_t>& Kernels::rows<bf16_t>() const { return bf16; }

const Kernels& kernels();          // the best that this CPU runs
const Kernels* kernels_for(const char* name);  // null when this CPU or build lacks it; for tests

}  // namespace hone::nn
