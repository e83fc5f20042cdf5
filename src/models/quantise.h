// A GGUF language model written again with other weights' precision.
#pragma once

#include <filesystem>

namespace hone {

enum class FileType {
  q8_0,    // 8 bits a weight, blocks of 32: a fast kernel on every CPU
  bf16,    // 16 bits a weight: faster at reading prompts where the CPU multiplies them itself
  single,  // 32-bit floats: for checking what rounding does
};
const char* to_string(FileType precision);  // "Q8_0", "BF16", "F32"

// What reads prompts fastest on this machine: bf16 where llama.cpp was built with AVX-512 BF16, else q8_0 (docs/models.md has the figures).
FileType fast_precision();

// Any input precision. Error{io} when `to` can't be written, Error{bad_input} when `from` can't be read; the reason in the text.
void quantise(const std::filesystem::path& from, const std::filesystem::path& to, FileType precision);

}  // namespace hone
