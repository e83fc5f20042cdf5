#define HONE_KERNELS baseline
#define HONE_KERNEL_NAME "baseline"
#include "nn/kernels/rows.inc"
