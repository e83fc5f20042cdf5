// For tests: the decoder as a textbook writes it, one sequence at a time, differentiated by autograd.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <map>
#include <string>
#include <vector>

#include "core/rng.h"
#include "nn/decoder.h"
#include "nn/named_weights_kit.h"
#include "nn/tensors.h"

namespace hone::nn_test {

using namespace hone::nn;

inline Arch tiny(Family family) {
  return {.family = family, .vocab = 61, .width = 32, .layers = 2, .heads = 4, .kv_heads = 2, .head_dim = family == Family::qwen3 ? 12 : 8, .ff = 48,
          .context = 256, .rope_theta = 1000.0F, .norm_eps = 1e-5F, .tied = family != Family::qwen2};
}

// Gains and biases too, so that nothing is hidden by ones and zeros.
inline void randomise(Parameters& p, std::uint64_t seed) {
  p.initialise(seed, 0.15F);
  for (const auto& n : p.layout().named)
    if (n.vector) {
      Rng rng = Rng(seed).split(n.name);
      float* w = data<float>(p.master()) + n.at.offset;
      for (std::int64_t i = 0; i < n.at.count(); ++i) w[i] = (n.name.ends_with(".bias") ? 0.0F : 1.0F) + 0.3F * static_cast<float>(rng.normal());
    }
  p.refresh();
}

// All weights by their names (named_weights_kit.h).
inline void from_names(Parameters& p) {
  for (const auto& n : p.layout().named) fill_by_name(n.name, n.vector, {data<float>(p.master()) + n.at.offset, static_cast<std::size_t>(n.at.count())});
  p.refresh();
}

struct Textbook {
  std::vector<float> logp, entropy;
  at::Tensor gradient;  // flat, as in Parameters
};

inline Textbook textbook(Parameters& p, const Flat& flat, const std::vector<int>& rows, const std::vector<int>& targets, double temperature,
                         const std::vector<float>& a, const std::vector<float>& b) {
  const Arch& arch = p.arch();
  std::map<std::string, at::Tensor> w;
  for (const auto& n : p.layout().named) w[n.name] = p.named(n).detach().clone().to(at::kDouble).requires_grad_(true);
  const auto norm = [&](const at::Tensor& x, const at::Tensor& gain) { return x * at::rsqrt(x.pow(2).mean(-1, true) + arch.norm_eps) * gain; };
  std::vector<at::Tensor> hidden;
  for (std::size_t s = 0; s + 1 < flat.starts.size(); ++s) {
    const std::int64_t n = flat.starts[s + 1] - flat.starts[s];
    std::vector<std::int64_t> ids(flat.ids.begin() + flat.starts[s], flat.ids.begin() + flat.starts[s + 1]);
    at::Tensor x = w["model.embed_tokens.weight"].index_select(0, at::tensor(ids));
    const at::Tensor half = at::arange(0, arch.head_dim / 2, at::kDouble);
    const at::Tensor angle = at::outer(at::arange(n, at::kDouble), at::pow(static_cast<double>(arch.rope_theta), -2.0 * half / arch.head_dim));
    const at::Tensor cosine = at::cat({angle.cos(), angle.cos()}, -1), sine = at::cat({angle.sin(), angle.sin()}, -1);
    const auto turn = [&](const at::Tensor& v) {  // [heads, n, dim]
      const auto parts = v.chunk(2, -1);
      return v * cosine + at::cat({-parts[1], parts[0]}, -1) * sine;
    };
    const at::Tensor mask = at::triu(at::full({n, n}, -INFINITY, at::kDouble), 1);
    for (int l = 0; l < arch.layers; ++l) {
      const std::string at = "model.layers." + std::to_string(l) + ".";
      const at::Tensor y = norm(x, w[at + "input_layernorm.weight"]);
      const auto project = [&](const std::string& which, int heads) {
        at::Tensor v = y.matmul(w[at + "self_attn." + which + "_proj.weight"].t());
        if (arch.qkv_bias()) v = v + w[at + "self_attn." + which + "_proj.bias"];
        v = v.view({n, heads, arch.head_dim});
        if (arch.head_norm() && which != "v") v = norm(v, w[at + "self_attn." + which + "_norm.weight"]);
        return v.permute({1, 0, 2});
      };
      const at::Tensor q = turn(project("q", arch.heads));
      const at::Tensor k = turn(project("k", arch.kv_heads)).repeat_interleave(arch.heads / arch.kv_heads, 0);
      const at::Tensor v = project("v", arch.kv_heads).repeat_interleave(arch.heads / arch.kv_heads, 0);
      const at::Tensor probabilities = at::softmax(q.matmul(k.transpose(1, 2)) / std::sqrt(static_cast<double>(arch.head_dim)) + mask, -1);
      x = x + probabilities.matmul(v).permute({1, 0, 2}).reshape({n, arch.q_width()}).matmul(w[at + "self_attn.o_proj.weight"].t());
      const at::Tensor z = norm(x, w[at + "post_attention_layernorm.weight"]);
      x = x + (at::silu(z.matmul(w[at + "mlp.gate_proj.weight"].t())) * z.matmul(w[at + "mlp.up_proj.weight"].t())).matmul(w[at + "mlp.down_proj.weight"].t());
    }
    hidden.push_back(norm(x, w["model.norm.weight"]));
  }
  std::vector<std::int64_t> where(rows.begin(), rows.end()), what(targets.begin(), targets.end());
  const at::Tensor logits = at::cat(hidden).index_select(0, at::tensor(where)).matmul(w[arch.tied ? "model.embed_tokens.weight" : "lm_head.weight"].t()) / temperature;
  const at::Tensor log_p = at::log_softmax(logits, -1);
  const at::Tensor logp = log_p.gather(1, at::tensor(what).view({-1, 1})).view({-1}), entropy = -(log_p.exp() * log_p).sum(-1);
  const at::Tensor loss = (logp * at::tensor(a).to(at::kDouble)).sum() + (entropy * at::tensor(b).to(at::kDouble)).sum();
  loss.backward();
  Textbook out;
  out.gradient = at::zeros({p.layout().total});
  for (const auto& n : p.layout().named) {
    const at::Tensor g = w[n.name].grad();
    out.gradient.narrow(0, n.at.offset, n.at.count()).copy_(g.reshape({-1}));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.logp.push_back(static_cast<float>(logp[static_cast<std::int64_t>(i)].item<double>()));
    out.entropy.push_back(static_cast<float>(entropy[static_cast<std::int64_t>(i)].item<double>()));
  }
  return out;
}

// The largest distance of any weight's gradient, relative to the length of that weight's.
inline double worst(const Parameters& p, const at::Tensor& got, const at::Tensor& expected) {
  double most = 0.0;
  for (const auto& n : p.layout().named) {
    const at::Tensor a = got.narrow(0, n.at.offset, n.at.count()), b = expected.narrow(0, n.at.offset, n.at.count());
    most = std::max(most, (a - b).norm().item<double>() / std::max(1e-6, b.norm().item<double>()));
  }
  return most;
}

}  // namespace hone::nn_test
