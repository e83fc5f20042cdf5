#include "models/weights/names.h"

namespace hone {

std::vector<PublishedTensor> published_tensors(const Arch& a) {
  std::vector<PublishedTensor> out;
  out.push_back({"model.embed_tokens.weight", "token_embd.weight", {a.vocab, a.width}});
  for (int i = 0; i < a.layers; ++i) {
    const std::string hf = "model.layers." + std::to_string(i) + ".", gguf = "blk." + std::to_string(i) + ".";
    const auto add = [&](const char* name, const char* short_name, std::vector<std::int64_t> shape, int turned = 0) {
      out.push_back({hf + name, gguf + short_name, std::move(shape), turned});
    };
    const bool turned = a.family == Family::llama;
    add("input_layernorm.weight", "attn_norm.weight", {a.width});
    add("self_attn.q_proj.weight", "attn_q.weight", {a.q_width(), a.width}, turned ? a.heads : 0);
    add("self_attn.k_proj.weight", "attn_k.weight", {a.kv_width(), a.width}, turned ? a.kv_heads : 0);
    add("self_attn.v_proj.weight", "attn_v.weight", {a.kv_width(), a.width});
    if (a.qkv_bias()) {
      add("self_attn.q_proj.bias", "attn_q.bias", {a.q_width()});
      add("self_attn.k_proj.bias", "attn_k.bias", {a.kv_width()});
      add("self_attn.v_proj.bias", "attn_v.bias", {a.kv_width()});
    }
    if (a.head_norm()) {
      add("self_attn.q_norm.weight", "attn_q_norm.weight", {a.head_dim});
      add("self_attn.k_norm.weight", "attn_k_norm.weight", {a.head_dim});
    }
    add("self_attn.o_proj.weight", "attn_output.weight", {a.width, a.q_width()});
    add("post_attention_layernorm.weight", "ffn_norm.weight", {a.width});
    add("mlp.gate_proj.weight", "ffn_gate.weight", {a.ff, a.width});
    add("mlp.up_proj.weight", "ffn_up.weight", {a.ff, a.width});
    add("mlp.down_proj.weight", "ffn_down.weight", {a.width, a.ff});
  }
  out.push_back({"model.norm.weight", "output_norm.weight", {a.width}});
  if (!a.tied) out.push_back({"lm_head.weight", "output.weight", {a.vocab, a.width}});
  return out;
}

std::int64_t gguf_row(const PublishedTensor& t, std::int64_t row) {
  if (t.turned_heads == 0) return row;
  const std::int64_t dim = t.rows() / t.turned_heads, half = dim / 2, in_head = row % dim;
  return row - in_head + (in_head < half ? 2 * in_head : 2 * (in_head - half) + 1);
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (const std::int64_t n : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(n);
  return out + "]";
}

}  // namespace hone
