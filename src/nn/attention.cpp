#include "nn/attention.h"

#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr std::int64_t block = 128;  // queries at a time: keys after a block are not multiplied

// One sequence's q [kv_heads, tokens * group, dim] (a token's queries of a group side by side), k and v [kv_heads, tokens, dim].
struct Heads {
  at::Tensor q, k, v;
  std::int64_t tokens, group;
};

Heads split(const Arch& a, const at::Tensor& qkv) {
  const std::int64_t n = qkv.size(0), kv = a.kv_heads, dim = a.head_dim, group = a.heads / a.kv_heads;
  const auto keys = [&](std::int64_t first) { return qkv.narrow(1, first, kv * dim).view({n, kv, dim}).permute({1, 0, 2}).contiguous(); };
  return {qkv.narrow(1, 0, a.q_width()).view({n, kv, group, dim}).permute({1, 0, 2, 3}).reshape({kv, n * group, dim}), keys(a.q_width()),
          keys(a.q_width() + kv * dim), n, group};
}

// Softmax of a block's scores [kv_heads, queries * group, keys] in place; its first query is token `first`.
template <class T>
void softmax(const at::Tensor& scores, std::int64_t first, std::int64_t group, float scale) {
  const auto rows = scores.size(1), keys = scores.size(2);
  for_rows(scores.size(0) * rows, keys, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = begin; r < end; ++r)
      kernels().rows<T>().softmax(data<T>(scores) + r * keys, static_cast<int>(first + r % rows / group), static_cast<int>(keys), scale);
  });
}

// f(sequence's first token, number of tokens); side by side when there are enough sequences to keep every thread busy.
template <class F>
void each_sequence(const std::vector<int>& starts, const F& f) {
  const auto n = static_cast<std::int64_t>(starts.size()) - 1;
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (auto s = begin; s < end; ++s) f(starts[s], starts[s + 1] - starts[s]);
  };
  if (n >= 2 * at::get_num_threads()) at::parallel_for(0, n, 1, run);
  else run(0, n);
}

float scale_of(const Arch& a) { return 1.0F / std::sqrt(static_cast<float>(a.head_dim)); }

}  // namespace

template <class T>
at::Tensor attention(const Arch& a, const at::Tensor& qkv, const std::vector<int>& starts) {
  at::Tensor out = empty<T>({qkv.size(0), a.q_width()});
  each_sequence(starts, [&](std::int64_t first, std::int64_t n) {
    const Heads s = split(a, qkv.narrow(0, first, n));
    for (std::int64_t at = 0; at < n; at += block) {
      const auto count = std::min(block, n - at), keys = at + count;
      const at::Tensor p = at::bmm(s.q.narrow(1, at * s.group, count * s.group), s.k.narrow(1, 0, keys).transpose(1, 2));
      softmax<T>(p, at, s.group, scale_of(a));
      const at::Tensor o = at::bmm(p, s.v.narrow(1, 0, keys));  // [kv, count * group, dim]
      out.narrow(0, first + at, count).view({count, a.kv_heads, s.group, a.head_dim}).copy_(o.view({a.kv_heads, count, s.group, a.head_dim}).permute({1, 0, 2, 3}));
    }
  });
  return out;
}

template <class T>
at::Tensor attention_back(const Arch& a, const at::Tensor& qkv, const at::Tensor& d_out, const std::vector<int>& starts) {
  at::Tensor d_qkv = empty<T>(qkv.sizes());
  const std::int64_t kv = a.kv_heads, dim = a.head_dim;
  each_sequence(starts, [&](std::int64_t first, std::int64_t n) {
    const Heads s = split(a, qkv.narrow(0, first, n));
    at::Tensor dq = empty<T>(s.q.sizes()), dk = at::zeros(s.k.sizes()), dv = at::zeros(s.v.sizes());  // sums of blocks in float
    for (std::int64_t at = 0; at < n; at += block) {
      const auto count = std::min(block, n - at), keys = at + count;
      const at::Tensor q = s.q.narrow(1, at * s.group, count * s.group), k = s.k.narrow(1, 0, keys), v = s.v.narrow(1, 0, keys);
      const at::Tensor p = at::bmm(q, k.transpose(1, 2));
      softmax<T>(p, at, s.group, scale_of(a));
      const at::Tensor d_o = d_out.narrow(0, first + at, count).view({count, kv, s.group, dim}).permute({1, 0, 2, 3}).reshape({kv, count * s.group, dim});
      dv.narrow(1, 0, keys).add_(at::bmm(p.transpose(1, 2), d_o));
      const at::Tensor ds = at::bmm(d_o, v.transpose(1, 2));
      for_rows(kv * count * s.group, keys, [&](std::int64_t begin, std::int64_t end) {
        for (auto r = begin; r < end; ++r)
          kernels().rows<T>().softmax_back(data<T>(ds) + r * keys, data<T>(p) + r * keys, static_cast<int>(at + r % (count * s.group) / s.group),
                                           static_cast<int>(keys), scale_of(a));
      });
      dq.narrow(1, at * s.group, count * s.group).copy_(at::bmm(ds, k));
      dk.narrow(1, 0, keys).add_(at::bmm(ds.transpose(1, 2), q));
    }
    const at::Tensor d = d_qkv.narrow(0, first, n);
    d.narrow(1, 0, a.q_width()).view({n, kv, s.group, dim}).copy_(dq.view({kv, n, s.group, dim}).permute({1, 0, 2, 3}));
    d.narrow(1, a.q_width(), kv * dim).view({n, kv, dim}).copy_(dk.permute({1, 0, 2}));
    d.narrow(1, a.q_width() + kv * dim, kv * dim).view({n, kv, dim}).copy_(dv.permute({1, 0, 2}));
  });
  return d_qkv;
}

template at::Tensor attention<float>(const Arch&, const at::Tensor&, const std::vector<int>&);
template at::Tensor attention<bf16_t>(const Arch&, const at::Tensor&, const std::vector<int>&);
template at::Tensor attention_back<float>(const Arch&, const at::Tensor&, const at::Tensor&, const std::vector<int>&);
template at::Tensor attention_back<bf16_t>(const Arch&, const at::Tensor&, const at::Tensor&, const std::vector<int>&);

}  // namespace hone::nn
