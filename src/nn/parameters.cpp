#include "nn/parameters.h"

#include "core/rng.h"
#include "nn/tensors.h"
#include "wire/sha256.h"

namespace hone::nn {

Layout::Layout(const Arch& a) {
  const auto place = [&](std::int64_t rows, std::int64_t columns) {
    const Span span{total, rows, columns};
    total += (rows * columns + 15) / 16 * 16;  // 64 bytes
    return span;
  };
  const auto name = [&](std::string n, Span span, bool vector = false) { named.push_back({std::move(n), span, vector}); };
  const auto part = [](const Span& whole, std::int64_t first, std::int64_t rows) { return Span{whole.offset + first * whole.columns, rows, whole.columns}; };

  embedding = place(a.vocab, a.width);
  name("model.embed_tokens.weight", embedding);
  for (int l = 0; l < a.layers; ++l) {
    const std::string at = "model.layers." + std::to_string(l) + ".";
    LayerSpans s;
    s.attention_norm = place(1, a.width);
    name(at + "input_layernorm.weight", s.attention_norm, true);
    s.qkv = place(a.qkv_width(), a.width);
    name(at + "self_attn.q_proj.weight", part(s.qkv, 0, a.q_width()));
    name(at + "self_attn.k_proj.weight", part(s.qkv, a.q_width(), a.kv_width()));
    name(at + "self_attn.v_proj.weight", part(s.qkv, a.q_width() + a.kv_width(), a.kv_width()));
    if (a.qkv_bias()) {
      s.qkv_bias = place(1, a.qkv_width());
      name(at + "self_attn.q_proj.bias", {s.qkv_bias.offset, 1, a.q_width()}, true);
      name(at + "self_attn.k_proj.bias", {s.qkv_bias.offset + a.q_width(), 1, a.kv_width()}, true);
      name(at + "self_attn.v_proj.bias", {s.qkv_bias.offset + a.q_width() + a.kv_width(), 1, a.kv_width()}, true);
    }
    if (a.head_norm()) {
      s.q_norm = place(1, a.head_dim);
      name(at + "self_attn.q_norm.weight", s.q_norm, true);
      s.k_norm = place(1, a.head_dim);
      name(at + "self_attn.k_norm.weight", s.k_norm, true);
    }
    s.out = place(a.width, a.q_width());
    name(at + "self_attn.o_proj.weight", s.out);
    s.ff_norm = place(1, a.width);
    name(at + "post_attention_layernorm.weight", s.ff_norm, true);
    s.gate_up = place(2 * static_cast<std::int64_t>(a.ff), a.width);
    name(at + "mlp.gate_proj.weight", part(s.gate_up, 0, a.ff));
    name(at + "mlp.up_proj.weight", part(s.gate_up, a.ff, a.ff));
    s.down = place(a.width, a.ff);
    name(at + "mlp.down_proj.weight", s.down);
    layers.push_back(s);
  }
  final_norm = place(1, a.width);
  name("model.norm.weight", final_norm, true);
  head = embedding;
  if (!a.tied) {
    head = place(a.vocab, a.width);
    name("lm_head.weight", head);
  }
}

Parameters::Parameters(const Arch& arch, Compute compute, bool apart)
    : arch_(arch), layout_(arch), compute_(compute), master_(at::zeros({layout_.total})) {
  reads_ = compute == Compute::bf16 ? at::zeros({layout_.total}, at::kBFloat16) : apart ? at::zeros({layout_.total}) : master_;
}

std::int64_t Parameters::count() const {
  std::int64_t n = 0;
  for (const auto& named : layout_.named) n += named.at.count();
  return n;
}

at::Tensor Parameters::gradient() {
  if (!gradient_.defined()) gradient_ = at::zeros({layout_.total});
  return gradient_;
}

void Parameters::refresh() {
  if (compute_ == Compute::f32 && !reads_.is_same(master_)) reads_.copy_(master_);
  if (compute_ == Compute::bf16)
    for_rows(layout_.total, 1, [&](std::int64_t b, std::int64_t e) { kernels().bf16.from_float(data<float>(master_) + b, data<bf16_t>(reads_) + b, e - b); });
}

at::Tensor Parameters::weight(const Span& s) const { return reads_.narrow(0, s.offset, s.count()).view({s.rows, s.columns}); }
at::Tensor Parameters::master(const Span& s) const { return master_.narrow(0, s.offset, s.count()).view({s.rows, s.columns}); }
const float* Parameters::gain(const Span& s) const { return data<float>(master_) + s.offset; }
at::Tensor Parameters::gradient(const Span& s) { return gradient().narrow(0, s.offset, s.count()).view({s.rows, s.columns}); }

at::Tensor Parameters::named(const NamedSpan& n) const {
  const at::Tensor flat = master_.narrow(0, n.at.offset, n.at.count());
  return n.vector ? flat : flat.view({n.at.rows, n.at.columns});
}

void Parameters::initialise(std::uint64_t seed, float deviation) {
  for (const auto& n : layout_.named) {
    float* w = data<float>(master_) + n.at.offset;
    if (n.vector) {
      std::fill(w, w + n.at.count(), n.name.ends_with(".bias") ? 0.0F : 1.0F);
      continue;
    }
    Rng rng = Rng(seed).split(n.name);
    for (std::int64_t i = 0; i < n.at.count(); ++i) w[i] = deviation * static_cast<float>(rng.normal());
  }
  refresh();
}

std::string Parameters::bytes_hash() const {
  return sha256_hex({reinterpret_cast<const char*>(data<float>(master_)), static_cast<std::size_t>(layout_.total) * sizeof(float)});
}

Compute best_compute() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return Compute::bf16;
#endif
  return Compute::f32;
}

}  // namespace hone::nn
