// A decoder's shape as the model hubs publish it (config.json) and as GGUF carries it.
#pragma once

#include <string>
#include <string_view>

#include "core/arch.h"
#include "models/weights/gguf_header.h"

namespace hone {

// What a name or flag asks for beyond Arch (other families, scaled positions, sliding windows, biases elsewhere) is refused by name.
// Throws Error{bad_input} that starts with `at`.
Arch arch_from_config(std::string_view json, const std::string& at);

// Token ids may be -1 (none); `dtype`: "float32" or "bfloat16".
std::string config_from_arch(const Arch& arch, int begin, int end, int pad, const std::string& dtype);

Arch arch_from_gguf(const GgufHeader& header, const std::string& at);

}  // namespace hone
