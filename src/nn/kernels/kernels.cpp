#include "nn/kernels/kernels.h"

#include <string_view>

namespace hone::nn {

namespace baseline { extern const Kernels table; }
#if defined(__x86_64__)
namespace avx2 { extern const Kernels table; }
namespace avx512 { extern const Kernels table; }
#endif

const Kernels* kernels_for(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "baseline") return &baseline::table;
#if defined(__x86_64__)
  if (wanted == "avx2" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2::table;
  if (wanted == "avx512" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
    return &avx512::table;
#endif
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels* const best = [] {
    for (const char* name : {"avx512", "avx2"})
      if (const Kernels* k = kernels_for(name)) return k;
    return &baseline::table;
  }();
  return *best;
}

}  // namespace hone::nn
