// What an LSTM does between its matrix products (Hochreiter and Schmidhuber 1997, with a forget gate whose bias has 1 added, as
// TensorFlow's BasicLSTMCell): gates in the order input, forget, cell, output.
#pragma once

#include <cstdint>

namespace hone::nn {

struct RecurrentKernels {
  // gates [rows, 4 width]: sums in, activations out. c, tanh_c, h [rows, width].
  void (*lstm)(float* gates, const float* c_before, float* c, float* tanh_c, float* h, std::int64_t rows, int width);
  // gates: activations in, slopes of the sums out. dc: slope of c in, of c_before out.
  void (*lstm_back)(float* gates, const float* c_before, const float* tanh_c, const float* dh, float* dc, std::int64_t rows, int width);
};

}  // namespace hone::nn
