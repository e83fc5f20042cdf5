#include "models/quantise.h"

#include <ggml-cpu.h>
#include <llama.h>

#include "core/error.h"
#include "models/llama/handle.h"

namespace hone {

const char* to_string(FileType precision) {
  switch (precision) {
    case FileType::q8_0: return "Q8_0";
    case FileType::bf16: return "BF16";
    case FileType::single: break;
  }
  return "F32";
}

FileType fast_precision() { return ggml_cpu_has_avx512_bf16() != 0 ? FileType::bf16 : FileType::q8_0; }

void quantise(const std::filesystem::path& from, const std::filesystem::path& to, FileType precision) {
  llama::load_model(from.string());
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = precision == FileType::q8_0 ? LLAMA_FTYPE_MOSTLY_Q8_0 : precision == FileType::bf16 ? LLAMA_FTYPE_MOSTLY_BF16 : LLAMA_FTYPE_ALL_F32;
  params.allow_requantize = true;
  llama::take_errors();
  if (llama_model_quantize(from.c_str(), to.c_str(), &params) != 0)
    throw Error(Fault::io, to.string() + ": can't be written as " + to_string(precision) + ": " + llama::take_errors());
}

}  // namespace hone
