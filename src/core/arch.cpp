#include "core/arch.h"

#include <string>

#include "core/error.h"

namespace hone {

namespace {

Error bad(std::string_view at, const std::string& what) { return {Fault::bad_input, std::string(at) + ": " + what}; }

void in_range(std::string_view at, const char* field, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high)
    throw bad(at, std::string(field) + ": expected " + std::to_string(low) + " to " + std::to_string(high) + ", got " + std::to_string(value));
}

}  // namespace

std::string_view to_string(Family family) {
  switch (family) {
    case Family::llama: return "llama";
    case Family::qwen2: return "qwen2";
    case Family::qwen3: return "qwen3";
  }
  return "?";
}

void validate(const Arch& a, std::string_view at) {
  in_range(at, "vocab_size", a.vocab, 1, most_vocab);
  in_range(at, "hidden_size", a.width, 1, most_width);
  in_range(at, "num_hidden_layers", a.layers, 1, most_layers);
  in_range(at, "num_attention_heads", a.heads, 1, most_heads);
  in_range(at, "num_key_value_heads", a.kv_heads, 1, a.heads);
  in_range(at, "head_dim", a.head_dim, 2, 1024);
  in_range(at, "intermediate_size", a.ff, 1, 4 * most_width);
  in_range(at, "max_position_embeddings", a.context, 1, most_context);
  if (a.heads % a.kv_heads != 0)
    throw bad(at, "num_attention_heads: expected a multiple of num_key_value_heads (" + std::to_string(a.kv_heads) + "), got " + std::to_string(a.heads));
  if (a.head_dim % 2 != 0) throw bad(at, "head_dim: expected an even number, got " + std::to_string(a.head_dim));
  if (!(a.rope_theta > 1.0F)) throw bad(at, "rope_theta: expected more than 1, got " + std::to_string(a.rope_theta));
  if (!(a.norm_eps > 0.0F && a.norm_eps < 1.0F)) throw bad(at, "rms_norm_eps: expected between 0 and 1, got " + std::to_string(a.norm_eps));
}

}  // namespace hone
