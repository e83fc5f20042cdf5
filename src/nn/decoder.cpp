#include "nn/decoder.h"

#include "core/error.h"
#include "nn/attention.h"
#include "nn/product.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

// gradient += dy^T x
template <class T>
void product_back(const at::Tensor& gradient, const at::Tensor& dy, const at::Tensor& x) {
  if constexpr (std::is_same_v<T, float>) at::addmm_out(const_cast<at::Tensor&>(gradient), gradient, dy.t(), x);
  else add_to<T>(gradient, at::mm(dy.t(), x));
}

template <class T>
at::Tensor norm(const at::Tensor& h, const float* gain, float eps, at::Tensor& rstd) {
  const auto width = h.size(1);
  at::Tensor y = empty<T>(h.sizes());
  rstd = at::empty({h.size(0)});
  for_rows(h.size(0), width, [&](std::int64_t b, std::int64_t e) {
    kernels().rows<T>().norm(data<float>(h) + b * width, gain, eps, data<T>(y) + b * width, data<float>(rstd) + b, e - b, static_cast<int>(width));
  });
  return y;
}

template <class T>
void norm_back(const at::Tensor& h, const float* gain, const at::Tensor& rstd, const at::Tensor& dy, const at::Tensor& dh, float* d_gain) {
  const auto width = h.size(1);
  for_rows_summing(h.size(0), width, d_gain, width, [&](std::int64_t b, std::int64_t e, float* sums) {
    kernels().rows<T>().norm_back(data<float>(h) + b * width, gain, data<float>(rstd) + b, data<T>(dy) + b * width, data<float>(dh) + b * width, sums,
                                  e - b, static_cast<int>(width));
  });
}

template <class T>
at::Tensor swiglu(const at::Tensor& gate_up) {
  const auto ff = gate_up.size(1) / 2;
  at::Tensor y = empty<T>({gate_up.size(0), ff});
  for_rows(gate_up.size(0), ff, [&](std::int64_t b, std::int64_t e) {
    kernels().rows<T>().swiglu(data<T>(gate_up) + b * 2 * ff, data<T>(y) + b * ff, e - b, static_cast<int>(ff));
  });
  return y;
}

template <class T>
void rotate(const Arch& a, const at::Tensor& qkv, const std::vector<int>& positions, const Rotary& rotary, float sign) {
  const auto stride = qkv.size(1);
  for_rows(qkv.size(0), stride, [&](std::int64_t b, std::int64_t e) {
    kernels().rows<T>().rotate(data<T>(qkv) + b * stride, stride, positions.data() + b, data<float>(rotary.cosine), data<float>(rotary.sine), sign, e - b,
                               a.heads + a.kv_heads, a.head_dim);
  });
}

}  // namespace

// What a layer has to know of the tokens; attention over whole sequences unless somebody else attends.
struct Decoder::Pass {
  const std::vector<int>& ids;
  const std::vector<int>& positions;
  const std::vector<int>* starts = nullptr;
  const Attend* attend = nullptr;
  int slab = 0;
};

std::vector<int> Flat::positions() const {
  std::vector<int> out(ids.size());
  for (std::size_t s = 0; s + 1 < starts.size(); ++s)
    for (int i = starts[s]; i < starts[s + 1]; ++i) out[i] = i - starts[s];
  return out;
}

void Flat::append(const std::vector<int>& sequence) {
  if (starts.empty()) starts.push_back(0);
  ids.insert(ids.end(), sequence.begin(), sequence.end());
  starts.push_back(static_cast<int>(ids.size()));
}

Rotary::Rotary(const Arch& a, int n) : positions(n), cosine(at::empty({n, a.head_dim / 2})), sine(at::empty({n, a.head_dim / 2})) {
  for (int p = 0; p < n; ++p)
    for (int i = 0; i < a.head_dim / 2; ++i) {
      const double angle = p * std::pow(static_cast<double>(a.rope_theta), -2.0 * i / a.head_dim);
      data<float>(cosine)[p * (a.head_dim / 2) + i] = static_cast<float>(std::cos(angle));
      data<float>(sine)[p * (a.head_dim / 2) + i] = static_cast<float>(std::sin(angle));
    }
}

Decoder::Decoder(Parameters& parameters, Adapters* adapters) : parameters_(parameters), adapters_(adapters) {}
Decoder::~Decoder() = default;

void Decoder::need_positions(const std::vector<int>& positions) {
  const int n = positions.empty() ? 1 : *std::max_element(positions.begin(), positions.end()) + 1;
  if (!rotary_ || rotary_->positions < n) rotary_ = std::make_unique<Rotary>(parameters_.arch(), std::max(n, rotary_ ? 2 * rotary_->positions : 64));
}

void Decoder::check(const Flat& flat) const {
  const Arch& a = parameters_.arch();
  for (const int id : flat.ids)
    if (id < 0 || id >= a.vocab)
      throw Error(Fault::bad_input, "decoder: token " + std::to_string(id) + ": expected 0 to " + std::to_string(a.vocab - 1));
  for (std::size_t s = 0; s + 1 < flat.starts.size(); ++s)
    if (flat.starts[s + 1] - flat.starts[s] > a.context)
      throw Error(Fault::bad_input, "decoder: a sequence of " + std::to_string(flat.starts[s + 1] - flat.starts[s]) + " tokens: this model takes " +
                                        std::to_string(a.context));
}

// h becomes what comes out; what m keeps is all that layer_back reads.
template <class T>
void Decoder::layer(int l, const at::Tensor& h, const Pass& pass, LayerMemory& m) {
  const Arch& a = parameters_.arch();
  const LayerSpans& w = parameters_.layout().layers[l];
  m.qkv = product(norm<T>(h, parameters_.gain(w.attention_norm), a.norm_eps, m.rstd), parameters_.weight(w.qkv), pass.slab);
  const auto n = h.size(0), stride = m.qkv.size(1);
  if (w.qkv_bias.there())
    for_rows(n, stride, [&](std::int64_t b, std::int64_t e) {
      kernels().rows<T>().add_bias(data<T>(m.qkv) + b * stride, parameters_.gain(w.qkv_bias), e - b, static_cast<int>(stride));
    });
  if (w.q_norm.there()) {
    m.raw = m.qkv.clone();
    m.rstd_heads = at::empty({n * (a.heads + a.kv_heads)});
    for_rows(n, stride, [&](std::int64_t b, std::int64_t e) {
      const auto& k = kernels().rows<T>();
      float* rstd = data<float>(m.rstd_heads);
      k.head_norm(data<T>(m.raw) + b * stride, data<T>(m.qkv) + b * stride, stride, parameters_.gain(w.q_norm), a.norm_eps, rstd + b * a.heads, e - b, a.heads, a.head_dim);
      k.head_norm(data<T>(m.raw) + b * stride + a.q_width(), data<T>(m.qkv) + b * stride + a.q_width(), stride, parameters_.gain(w.k_norm), a.norm_eps,
                  rstd + n * a.heads + b * a.kv_heads, e - b, a.kv_heads, a.head_dim);
    });
  }
  rotate<T>(a, m.qkv, pass.positions, *rotary_, 1.0F);
  m.out = pass.attend != nullptr ? (*pass.attend)(l, m.qkv) : attention<T>(a, m.qkv, *pass.starts);
  add_to<T>(h, product(m.out, parameters_.weight(w.out), pass.slab));
  m.h_middle = h.clone();
  m.gate_up = product(norm<T>(h, parameters_.gain(w.ff_norm), a.norm_eps, m.rstd_middle), parameters_.weight(w.gate_up), pass.slab);
  add_to<T>(h, product(swiglu<T>(m.gate_up), parameters_.weight(w.down), pass.slab));
}

template <class T>
at::Tensor Decoder::forward_as(const Pass& pass, Memory* memory, const Shown* shown) {
  const Arch& a = parameters_.arch();
  const auto n = static_cast<std::int64_t>(pass.ids.size());
  need_positions(pass.positions);
  at::Tensor h = at::empty({n, a.width});
  const at::Tensor table = parameters_.weight(parameters_.layout().embedding);
  for_rows(n, a.width, [&](std::int64_t b, std::int64_t e) {
    for (auto i = b; i < e; ++i)
      kernels().rows<T>().to_float(data<T>(table) + static_cast<std::int64_t>(pass.ids[i]) * a.width, data<float>(h) + i * a.width, a.width);
  });
  if (memory != nullptr) memory->layers.assign(a.layers, {}), memory->positions = pass.positions;
  for (int l = 0; l < a.layers; ++l) {
    LayerMemory m;
    if (memory != nullptr) m.h = h.clone();
    layer<T>(l, h, pass, m);
    if (shown != nullptr) (*shown)(l, m.qkv);
    if (memory == nullptr) continue;
    if (checkpointing_) memory->layers[l].h = m.h;
    else memory->layers[l] = std::move(m);
  }
  at::Tensor rstd;
  at::Tensor y = norm<T>(h, parameters_.gain(parameters_.layout().final_norm), a.norm_eps, rstd);
  if (memory != nullptr) memory->h = h, memory->rstd = rstd;
  return y;
}

// What a matrix learns from y = x W^T; x is asked for when somebody reads it.
template <class T>
void Decoder::matrix_back(const Span& matrix, const at::Tensor& dy, const std::function<at::Tensor()>& x) {
  if (adapters_ != nullptr) adapters_->back<T>(matrix, dy, x);
  else product_back<T>(parameters_.gradient(matrix), dy, x());
}

float* Decoder::vector_back(const Span& vector) {
  if (adapters_ == nullptr) return data<float>(parameters_.gradient()) + vector.offset;
  if (!nowhere_.defined() || nowhere_.numel() < vector.count()) nowhere_ = at::zeros({vector.count()});
  return data<float>(nowhere_);
}

// dh: gradient of what comes out of the layer, becomes that of what went in.
template <class T>
void Decoder::layer_back(int l, const at::Tensor& dh, const Pass& pass, LayerMemory& m) {
  const Arch& a = parameters_.arch();
  const LayerSpans& w = parameters_.layout().layers[l];
  if (!m.qkv.defined()) {
    at::Tensor h = m.h.clone();
    layer<T>(l, h, pass, m);
  }
  const auto n = dh.size(0), ff = static_cast<std::int64_t>(a.ff);
  {
    const at::Tensor d = as<T>(dh);
    matrix_back<T>(w.down, d, [&] { return swiglu<T>(m.gate_up); });
    const at::Tensor d_act = at::mm(d, parameters_.weight(w.down));
    at::Tensor d_gate_up = empty<T>(m.gate_up.sizes());
    for_rows(n, ff, [&](std::int64_t b, std::int64_t e) {
      kernels().rows<T>().swiglu_back(data<T>(m.gate_up) + b * 2 * ff, data<T>(d_act) + b * ff, data<T>(d_gate_up) + b * 2 * ff, e - b, a.ff);
    });
    matrix_back<T>(w.gate_up, d_gate_up, [&] {
      at::Tensor rstd;
      return norm<T>(m.h_middle, parameters_.gain(w.ff_norm), a.norm_eps, rstd);
    });
    norm_back<T>(m.h_middle, parameters_.gain(w.ff_norm), m.rstd_middle, at::mm(d_gate_up, parameters_.weight(w.gate_up)), dh, vector_back(w.ff_norm));
  }
  const at::Tensor d = as<T>(dh);
  matrix_back<T>(w.out, d, [&] { return m.out; });
  const at::Tensor d_qkv = attention_back<T>(a, m.qkv, at::mm(d, parameters_.weight(w.out)), *pass.starts);
  rotate<T>(a, d_qkv, pass.positions, *rotary_, -1.0F);
  const auto stride = d_qkv.size(1);
  if (w.q_norm.there()) {
    const auto& k = kernels().rows<T>();
    const float* rstd = data<float>(m.rstd_heads);
    const auto back = [&](std::int64_t column, const Span& gain, int heads, const float* r) {
      for_rows_summing(n, heads * a.head_dim, vector_back(gain), a.head_dim, [&](std::int64_t b, std::int64_t e, float* sums) {
        k.head_norm_back(data<T>(m.raw) + b * stride + column, data<T>(d_qkv) + b * stride + column, stride, parameters_.gain(gain), r + b * heads, sums, e - b, heads, a.head_dim);
      });
    };
    back(0, w.q_norm, a.heads, rstd);
    back(a.q_width(), w.k_norm, a.kv_heads, rstd + n * a.heads);
  }
  if (w.qkv_bias.there())
    for_rows_summing(n, stride, vector_back(w.qkv_bias), stride, [&](std::int64_t b, std::int64_t e, float* sums) {
      kernels().rows<T>().bias_back(data<T>(d_qkv) + b * stride, stride, sums, e - b, static_cast<int>(stride));
    });
  matrix_back<T>(w.qkv, d_qkv, [&] {
    at::Tensor rstd;
    return norm<T>(m.h, parameters_.gain(w.attention_norm), a.norm_eps, rstd);
  });
  norm_back<T>(m.h, parameters_.gain(w.attention_norm), m.rstd, at::mm(d_qkv, parameters_.weight(w.qkv)), dh, vector_back(w.attention_norm));
}

template <class T>
void Decoder::backward_as(const Flat& flat, Memory& memory, const at::Tensor& d_hidden) {
  const Arch& a = parameters_.arch();
  const Layout& layout = parameters_.layout();
  at::Tensor dh = at::zeros({d_hidden.size(0), a.width});
  norm_back<float>(memory.h, parameters_.gain(layout.final_norm), memory.rstd, d_hidden, dh, vector_back(layout.final_norm));
  const Pass pass{flat.ids, memory.positions, &flat.starts};
  need_positions(pass.positions);
  for (int l = a.layers - 1; l >= frozen_; --l) {
    layer_back<T>(l, dh, pass, memory.layers[l]);
    memory.layers[l] = {};
  }
  if (frozen_ > 0 || adapters_ != nullptr) return;
  float* table = data<float>(parameters_.gradient()) + layout.embedding.offset;
  for (std::size_t i = 0; i < flat.ids.size(); ++i)  // in order: one row may be met many times
    kernels().f32.add(table + static_cast<std::int64_t>(flat.ids[i]) * a.width, data<float>(dh) + static_cast<std::int64_t>(i) * a.width, a.width);
}

at::Tensor Decoder::run(const Pass& pass, Memory* memory, const Shown* shown) {
  return parameters_.compute() == Compute::f32 ? forward_as<float>(pass, memory, shown) : forward_as<bf16_t>(pass, memory, shown);
}

at::Tensor Decoder::forward(const Flat& flat, Memory* memory) {
  check(flat);
  return run({flat.ids, flat.positions(), &flat.starts}, memory, nullptr);
}

at::Tensor Decoder::forward(const Flat& flat, const Shown& shown) {
  check(flat);
  return run({flat.ids, flat.positions(), &flat.starts}, nullptr, &shown);
}

at::Tensor Decoder::forward_rows(const std::vector<int>& ids, const std::vector<int>& positions, const Attend& attend, int slab) {
  return run({ids, positions, nullptr, &attend, slab}, nullptr, nullptr);
}

void Decoder::backward(const Flat& flat, Memory& memory, const at::Tensor& d_hidden) {
  if (parameters_.compute() == Compute::f32) backward_as<float>(flat, memory, d_hidden);
  else backward_as<bf16_t>(flat, memory, d_hidden);
}

}  // namespace hone::nn
