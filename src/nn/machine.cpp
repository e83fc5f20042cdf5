#include "nn/machine.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include "core/cores.h"

namespace hone::nn {

void prepare_machine(int threads) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
  at::set_num_threads(threads > 0 ? threads : usable_cores());
}

}  // namespace hone::nn
