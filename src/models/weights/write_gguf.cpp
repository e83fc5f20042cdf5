#include <ggml.h>
#include <gguf.h>

#include <llama.h>

#include <cstring>

#include "core/error.h"
#include "models/weights/config.h"
#include "models/weights/gguf_header.h"
#include "models/weights/mapped.h"
#include "models/weights/new_file.h"
#include "models/weights/writing.h"

namespace hone {

namespace {

struct Free {
  void operator()(gguf_context* p) const { gguf_free(p); }
  void operator()(ggml_context* p) const { ggml_free(p); }
};
using GgufPtr = std::unique_ptr<gguf_context, Free>;

ggml_type ggml_type_of(Stored type) {
  return type == Stored::f32 ? GGML_TYPE_F32 : type == Stored::f16 ? GGML_TYPE_F16 : type == Stored::bf16 ? GGML_TYPE_BF16 : GGML_TYPE_Q8_0;
}

Stored stored_as(const PublishedTensor& t, Stored wanted) {
  if (t.shape.size() == 1) return Stored::f32;
  return wanted == Stored::q8_0 && t.columns() % 32 != 0 ? Stored::f16 : wanted;
}

// Everything under "tokenizer." of the file. Our own reader goes first: ggml's trusts counts.
GgufPtr tokenizer_of(const std::filesystem::path& path, int vocab) {
  {
    const MappedFile file(path);
    const GgufHeader header(file.bytes(), path.string());
    const GgufValue* tokens = header.find("tokenizer.ggml.tokens");
    const auto count = tokens == nullptr ? 0 : tokens->count;
    if (count != static_cast<std::uint64_t>(vocab))
      throw Error(Fault::bad_input, path.string() + ": tokenizer.ggml.tokens: expected " + std::to_string(vocab) + " tokens as the weights have, got " + std::to_string(count));
  }
  GgufPtr gguf(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}));
  if (!gguf) throw Error(Fault::bad_input, path.string() + ": ggml can't read it");
  for (std::int64_t i = gguf_get_n_kv(gguf.get()) - 1; i >= 0; --i) {
    const std::string key = gguf_get_key(gguf.get(), i);
    if (!key.starts_with("tokenizer.")) gguf_remove_key(gguf.get(), key.c_str());
  }
  return gguf;
}

void write_facts(gguf_context& gguf, const Arch& a, const GgufOptions& options) {
  const std::string kind(to_string(a.family));
  const auto whole = [&](const char* key, std::int64_t value) { gguf_set_val_u32(&gguf, (kind + "." + key).c_str(), static_cast<std::uint32_t>(value)); };
  const auto number = [&](const char* key, float value) { gguf_set_val_f32(&gguf, (kind + "." + key).c_str(), value); };
  gguf_set_val_str(&gguf, "general.architecture", kind.c_str());
  gguf_set_val_str(&gguf, "general.type", "model");
  gguf_set_val_str(&gguf, "general.name", options.name.c_str());
  const int file_type = options.type == Stored::f32   ? LLAMA_FTYPE_ALL_F32
                        : options.type == Stored::f16 ? LLAMA_FTYPE_MOSTLY_F16
                        : options.type == Stored::bf16 ? LLAMA_FTYPE_MOSTLY_BF16
                                                       : LLAMA_FTYPE_MOSTLY_Q8_0;
  gguf_set_val_u32(&gguf, "general.file_type", static_cast<std::uint32_t>(file_type));
  gguf_set_val_u32(&gguf, "general.quantization_version", GGML_QNT_VERSION);
  whole("block_count", a.layers);
  whole("context_length", a.context);
  whole("embedding_length", a.width);
  whole("feed_forward_length", a.ff);
  whole("attention.head_count", a.heads);
  whole("attention.head_count_kv", a.kv_heads);
  whole("attention.key_length", a.head_dim);
  whole("attention.value_length", a.head_dim);
  whole("rope.dimension_count", a.head_dim);
  whole("vocab_size", a.vocab);
  number("rope.freq_base", a.rope_theta);
  number("attention.layer_norm_rms_epsilon", a.norm_eps);
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const Arch& arch, const TensorSource& source, const std::filesystem::path& vocabulary, const GgufOptions& options) {
  validate(arch, path.string());
  const auto tensors = published_tensors(arch);
  const GgufPtr gguf(gguf_init_empty());
  write_facts(*gguf, arch, options);
  gguf_set_kv(gguf.get(), tokenizer_of(vocabulary, arch.vocab).get());
  const std::unique_ptr<ggml_context, Free> ggml(ggml_init({(tensors.size() + 1) * ggml_tensor_overhead(), nullptr, true}));
  for (const PublishedTensor& t : tensors) {
    const ggml_type type = ggml_type_of(stored_as(t, options.type));
    ggml_tensor* tensor = t.shape.size() == 1 ? ggml_new_tensor_1d(ggml.get(), type, t.columns()) : ggml_new_tensor_2d(ggml.get(), type, t.columns(), t.rows());
    ggml_set_name(tensor, t.gguf.c_str());
    gguf_add_tensor(gguf.get(), tensor);
  }
  NewFile file(path);
  std::string bytes(gguf_get_meta_size(gguf.get()), '\0');
  gguf_get_meta_data(gguf.get(), bytes.data());
  file.write(bytes);
  std::vector<float> values;
  for (const PublishedTensor& t : tensors) {
    const Stored stored = stored_as(t, options.type);
    const ggml_type type = ggml_type_of(stored);
    values.resize(static_cast<std::size_t>(t.count()));
    take_tensor(source, t, stored, values);
    const auto columns = static_cast<std::size_t>(t.columns());
    const std::size_t row_bytes = ggml_row_size(type, t.columns()), size = row_bytes * static_cast<std::size_t>(t.rows());
    bytes.assign(GGML_PAD(size, gguf_get_alignment(gguf.get())), '\0');
    for (std::int64_t row = 0; row < t.rows(); ++row)
      ggml_quantize_chunk(type, values.data() + static_cast<std::size_t>(row) * columns, bytes.data() + static_cast<std::size_t>(gguf_row(t, row)) * row_bytes, 0, 1,
                          t.columns(), nullptr);
    file.write(bytes);
  }
  file.put_in_place();
}

}  // namespace hone
