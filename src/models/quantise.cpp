#include "models/quantise.h"

#include <llama.h>

#include "core/error.h"
#include "models/llama/handle.h"

namespace hone {

void quantise(const std::filesystem::path& from, const std::filesystem::path& to, Precision precision) {
  llama::load_model(from.string());
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = precision == Precision::q8_0 ? LLAMA_FTYPE_MOSTLY_Q8_0 : LLAMA_FTYPE_ALL_F32;
  params.allow_requantize = true;
  llama::take_errors();
  if (llama_model_quantize(from.c_str(), to.c_str(), &params) != 0)
    throw Error(Fault::io, to.string() + ": can't be written as " + (precision == Precision::q8_0 ? "Q8_0" : "F32") + ": " + llama::take_errors());
}

}  // namespace hone
