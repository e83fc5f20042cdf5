#define HONE_KERNELS avx512
#define HONE_KERNEL_NAME "avx512"
#include "nn/kernels/rows.inc"
