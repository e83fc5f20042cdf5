// The shape of a decoder language model, in the terms of its published config.json.
#pragma once

#include <cstdint>
#include <string_view>

namespace hone {

// Llama (RMSNorm, rotary positions, SwiGLU, grouped queries); Qwen2 and 2.5 add biases to q, k and v; Qwen3 normalises each head's
// q and k instead.
enum class Family { llama, qwen2, qwen3 };

struct Arch {
  Family family = Family::llama;
  int vocab = 0, width = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, ff = 0;
  int context = 2048;  // positions
  float rope_theta = 10000.0F, norm_eps = 1e-5F;
  bool tied = true;    // output head = token embeddings

  bool qkv_bias() const { return family == Family::qwen2; }
  bool head_norm() const { return family == Family::qwen3; }
  int q_width() const { return heads * head_dim; }
  int kv_width() const { return kv_heads * head_dim; }
  int qkv_width() const { return q_width() + 2 * kv_width(); }
  bool operator==(const Arch&) const = default;
};

std::string_view to_string(Family family);  // "llama"

// Most that this program takes of each; beyond them a file is taken for broken.
inline constexpr std::int64_t most_vocab = 1 << 20, most_width = 1 << 16, most_layers = 1024, most_heads = 1024, most_context = 1 << 24;

// Throws Error{bad_input} that starts with `at` and names the field when sizes don't fit each other or this program.
void validate(const Arch& arch, std::string_view at);

}  // namespace hone
