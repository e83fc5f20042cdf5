// A byte-level BPE vocabulary between its two homes: GGUF (what llama.cpp reads) and the files of the hubs (tokenizer.json and what
// lies beside it). A vocabulary of single bytes is one without merges. llama.cpp is what tokenises in either case.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/tokenizer.h"

namespace hone {

enum class TokenKind : int { normal = 1, control = 3, user = 4, unused = 5 };  // as in GGUF

struct Vocabulary {
  std::string pre;                  // how text is cut before merging: "gpt-2", "smollm", "qwen2", "llama-bpe" (GGUF's names)
  std::vector<std::string> tokens;  // normal ones in the byte alphabet of GPT-2, others as they are written
  std::vector<TokenKind> kinds;     // [tokens]
  std::vector<std::string> merges;  // "Ġ t", earlier ones first
  int begin = -1, end = -1, pad = -1, unknown = -1;  // -1 = none
  bool add_begin = false;           // texts start with the begin token
  std::string chat_template;        // Jinja; may be empty
};

// Every token, merge and id fits the others. Throws Error{bad_input} that starts with `at`.
void validate(const Vocabulary& vocabulary, const std::string& at);

// Of a GGUF file with or without weights; other kinds of vocabulary than byte-level BPE are refused by name.
Vocabulary vocabulary_from_gguf(const std::filesystem::path& file);
// Of a folder with tokenizer.json; tokenizer_config.json, generation_config.json and chat_template.jinja are read where they are.
// `size`: so many rows has the embedding; ids beyond the vocabulary are filled with unused tokens. 0 = as many as the vocabulary has.
Vocabulary vocabulary_from_folder(const std::filesystem::path& folder, int size);

// A GGUF of the vocabulary alone.
void write_vocabulary(const Vocabulary& vocabulary, const std::filesystem::path& file);

// The files beside the weights of a published model that have to do with its vocabulary, and the ids for its config.json.
struct TokenizerFiles {
  std::vector<std::pair<std::string, std::string>> files;  // name, bytes
  SpecialTokens special;
};
TokenizerFiles tokenizer_files(const Vocabulary& vocabulary, int context);
// Those of an existing folder, byte for byte.
TokenizerFiles tokenizer_files(const std::filesystem::path& folder);

// The 256 characters that stand for bytes, by byte, as UTF-8.
const std::vector<std::string>& byte_alphabet();

}  // namespace hone
