// A GGUF language model written again with other weights' precision.
#pragma once

#include <filesystem>

namespace hone {

enum class Precision {
  q8_0,    // 8 bits a weight, blocks of 32: the fast kernel of every CPU
  single,  // 32-bit floats: for checking what rounding does
};

// Any input precision. Error{io} when `to` can't be written, Error{bad_input} when `from` can't be read; the reason in the text.
void quantise(const std::filesystem::path& from, const std::filesystem::path& to, Precision precision);

}  // namespace hone
