// core/tokenizer.h over llama.cpp: one tokenizer for every model, the same that the local back end reads its prompts with.
#pragma once

#include <filesystem>
#include <memory>

#include "core/tokenizer.h"

namespace hone {

// `path`: a GGUF file with or without weights, or a folder with tokenizer.json. Texts that are not valid UTF-8 are repaired first.
// chat(): content that spells a control token is read as ordinary characters. special().begin is there when texts start with it,
// special().end is the token that ends a reply.
// Throws Error: not_found, bad_input (damaged, or not a byte-level BPE).
std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& path);

}  // namespace hone
