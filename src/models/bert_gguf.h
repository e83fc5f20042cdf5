// A BERT sentence encoder as the model hubs publish it (safetensors, word-piece vocabulary, config) written as one GGUF.
#pragma once

#include <filesystem>
#include <string>

namespace hone {

struct BertFiles {
  std::filesystem::path weights;     // safetensors, F32
  std::filesystem::path vocabulary;  // one word piece a line
  std::filesystem::path config;      // JSON
  std::string name;                  // general.name
};

// Pooling is mean. The pooler and the position ids are left out: sentence vectors don't use them.
// Error{bad_input} naming the file and what is wrong with it, Error{io}.
void write_bert_gguf(const BertFiles& files, const std::filesystem::path& out);

// "encoder.layer.3.attention.self.query.weight" -> "blk.3.attn_q.weight"; empty for what is left out. Pure.
std::string gguf_tensor_name(const std::string& name);

}  // namespace hone
