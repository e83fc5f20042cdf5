// Matrix products, and how many rows of one may be computed together when a row's result must not depend on the others.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

class Parameters;

// x [n, in] times a weight [out, in] the other way round: [n, out]. `slab` > 0: in pieces of so many rows, which n must be a multiple of.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight, int slab = 0);

// How many rows at a time (a power of two, at most 64 and `most`, at least 1) this machine's products compute alike wherever a row lies among them, tried on random
// rows with every shape of these weights: a library sums a row at the edge of its tiles in another order than one inside
// (OpenBLAS in float: 8 rows are alike, 16 are not). Remembered by shape and type.
int steady_rows(const Parameters& parameters, int most);

}  // namespace hone::nn
