#include "models/bert_gguf.h"

#include <ggml.h>
#include <gguf.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "core/error.h"
#include "models/safetensors.h"
#include "wire/json.h"
#include "wire/read.h"

namespace hone {
namespace {

struct Free {
  void operator()(gguf_context* p) const { gguf_free(p); }
  void operator()(ggml_context* p) const { ggml_free(p); }
};

std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Fault::io, path.string() + ": can't be opened for reading");
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

void write_vocabulary(gguf_context& gguf, const std::filesystem::path& path, std::int64_t rows) {
  std::istringstream lines(read_all(path));
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  std::array<std::int32_t, 5> special{-1, -1, -1, -1, -1};
  constexpr std::array<const char*, 5> names{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const bool bracketed = line.size() > 2 && line.front() == '[' && line.back() == ']';
    for (std::size_t i = 0; i < names.size(); ++i)
      if (line == names[i]) special[i] = static_cast<std::int32_t>(tokens.size());
    types.push_back(bracketed ? 3 : 1);  // 3 control, 1 normal
    // llama.cpp marks the start of a word (U+2581) where BERT marks its continuation (##).
    tokens.push_back(bracketed ? line : line.starts_with("##") ? line.substr(2) : "\xE2\x96\x81" + line);
  }
  if (static_cast<std::int64_t>(tokens.size()) != rows)
    throw Error(Fault::bad_input, path.string() + ": expected " + std::to_string(rows) + " word pieces as the weights have, got " + std::to_string(tokens.size()));
  for (std::size_t i = 0; i < names.size(); ++i)
    if (special[i] < 0) throw Error(Fault::bad_input, path.string() + ": expected a line " + names[i] + ", found none");
  std::vector<const char*> texts;
  for (const std::string& t : tokens) texts.push_back(t.c_str());
  gguf_set_val_str(&gguf, "tokenizer.ggml.model", "bert");
  gguf_set_val_u32(&gguf, "tokenizer.ggml.token_type_count", 2);
  gguf_set_arr_str(&gguf, "tokenizer.ggml.tokens", texts.data(), texts.size());
  gguf_set_arr_data(&gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
  constexpr std::array<const char*, 5> keys{"padding", "unknown", "cls", "seperator", "mask"};  // "seperator" is the format's own spelling
  for (std::size_t i = 0; i < keys.size(); ++i)
    gguf_set_val_u32(&gguf, (std::string("tokenizer.ggml.") + keys[i] + "_token_id").c_str(), static_cast<std::uint32_t>(special[i]));
}

std::int64_t write_facts(gguf_context& gguf, const BertFiles& files) {
  const std::string at = files.config.string();
  const wire::Json json = wire::parse(read_all(files.config), at);
  const wire::Fields config(json, at);
  const auto number = [&](const char* name) { return wire::read_int(config.required(name), config.at(name), 1, 1 << 24); };
  std::string kind;
  config.need("model_type", kind);
  if (kind != "bert") throw Error(Fault::bad_input, at + ": model_type: expected bert, got " + kind);
  const auto set = [&](const char* key, std::int64_t value) { gguf_set_val_u32(&gguf, key, static_cast<std::uint32_t>(value)); };
  gguf_set_val_str(&gguf, "general.architecture", "bert");
  gguf_set_val_str(&gguf, "general.name", files.name.c_str());
  set("bert.block_count", number("num_hidden_layers"));
  set("bert.context_length", number("max_position_embeddings"));
  set("bert.embedding_length", number("hidden_size"));
  set("bert.feed_forward_length", number("intermediate_size"));
  set("bert.attention.head_count", number("num_attention_heads"));
  gguf_set_val_f32(&gguf, "bert.attention.layer_norm_epsilon", static_cast<float>(wire::read_double(config.required("layer_norm_eps"), config.at("layer_norm_eps"))));
  gguf_set_val_bool(&gguf, "bert.attention.causal", false);
  set("bert.pooling_type", 1);  // mean
  return number("vocab_size");
}

}  // namespace

std::string gguf_tensor_name(const std::string& name) {
  static const std::vector<std::pair<std::string, std::string>> whole{
      {"embeddings.word_embeddings.", "token_embd."},
      {"embeddings.position_embeddings.", "position_embd."},
      {"embeddings.token_type_embeddings.", "token_types."},
      {"embeddings.LayerNorm.", "token_embd_norm."},
  };
  static const std::vector<std::pair<std::string, std::string>> layered{
      {"attention.self.query.", "attn_q."},        {"attention.self.key.", "attn_k."},
      {"attention.self.value.", "attn_v."},        {"attention.output.dense.", "attn_output."},
      {"attention.output.LayerNorm.", "attn_output_norm."}, {"intermediate.dense.", "ffn_up."},
      {"output.dense.", "ffn_down."},              {"output.LayerNorm.", "layer_output_norm."},
  };
  for (const auto& [from, to] : whole)
    if (name.starts_with(from)) return to + name.substr(from.size());
  constexpr std::string_view layer = "encoder.layer.";
  if (!name.starts_with(layer)) return "";
  const std::size_t dot = name.find('.', layer.size());
  if (dot == std::string::npos) return "";
  const std::string rest = name.substr(dot + 1);
  for (const auto& [from, to] : layered)
    if (rest.starts_with(from)) return "blk." + name.substr(layer.size(), dot - layer.size()) + "." + to + rest.substr(from.size());
  return "";
}

void write_bert_gguf(const BertFiles& files, const std::filesystem::path& out) {
  const std::string bytes = read_all(files.weights);
  const auto tensors = read_safetensors(bytes, files.weights.string());
  const std::unique_ptr<gguf_context, Free> gguf(gguf_init_empty());
  const std::int64_t words = write_facts(*gguf, files);
  write_vocabulary(*gguf, files.vocabulary, words);
  const std::unique_ptr<ggml_context, Free> ggml(ggml_init({(tensors.size() + 1) * ggml_tensor_overhead(), nullptr, true}));
  for (const SafeTensor& t : tensors) {
    const std::string name = gguf_tensor_name(t.name);
    if (name.empty()) continue;
    const std::string where = files.weights.string() + ": " + t.name;
    if (name.size() >= GGML_MAX_NAME) throw Error(Fault::bad_input, files.weights.string() + ": the name of a tensor is too long: " + wire::shortened(t.name));
    if (t.dtype != "F32") throw Error(Fault::bad_input, where + ": expected F32, got " + wire::shortened(t.dtype));
    if (t.shape.empty() || t.shape.size() > 2) throw Error(Fault::bad_input, where + ": expected a vector or a matrix, got " + std::to_string(t.shape.size()) + " dimensions");
    ggml_tensor* tensor = t.shape.size() == 1 ? ggml_new_tensor_1d(ggml.get(), GGML_TYPE_F32, t.shape[0])
                                              : ggml_new_tensor_2d(ggml.get(), GGML_TYPE_F32, t.shape[1], t.shape[0]);
    ggml_set_name(tensor, name.c_str());
    tensor->data = const_cast<char*>(bytes.data()) + t.begin;  // only read
    gguf_add_tensor(gguf.get(), tensor);
  }
  if (!gguf_write_to_file(gguf.get(), out.c_str(), false)) throw Error(Fault::io, out.string() + ": can't be written: " + std::strerror(errno));
}

}  // namespace hone
