#define HONE_KERNELS avx2
#define HONE_KERNEL_NAME "avx2"
#include "nn/kernels/rows.inc"
