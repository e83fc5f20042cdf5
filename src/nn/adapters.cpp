#include "nn/adapters.h"

#include "core/error.h"
#include "core/rng.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr const char* before = "base_model.model.";  // peft's, around the published name

std::string module_of(const std::string& name) { return name.substr(0, name.rfind('.')); }                   // without ".weight"
std::string last_of(const std::string& module) { return module.substr(module.rfind('.') + 1); }  // "q_proj"

bool of_layer(const std::string& name, int first_layer) {
  constexpr std::string_view start = "model.layers.";
  return name.starts_with(start) && std::stoi(name.substr(start.size())) >= first_layer;
}

}  // namespace

Adapters::Adapters(Parameters& base, const LoraOptions& o, int first_layer) : base_(base), scale_(o.alpha / o.rank) {
  if (o.targets.empty()) throw Error(Fault::bad_input, "policy: lora targets: expected at least one, got none");
  std::vector<std::string> known;
  for (const auto& n : base.layout().named)
    if (!n.vector && n.name.starts_with("model.layers.0.")) known.push_back(last_of(module_of(n.name)));
  for (const auto& target : o.targets)
    if (std::find(known.begin(), known.end(), target) == known.end()) {
      std::string all;
      for (const auto& name : known) all += (all.empty() ? "" : ", ") + name;
      throw Error(Fault::bad_input, "policy: lora targets: expected some of " + all + ", got '" + excerpt(target) + "'");
    }
  std::int64_t total = 0;
  const auto place = [&](std::int64_t rows, std::int64_t columns) {
    const Span span{total, rows, columns};
    total += (rows * columns + 15) / 16 * 16;
    return span;
  };
  for (const auto& n : base.layout().named) {
    if (n.vector || !of_layer(n.name, first_layer)) continue;
    const std::string module = module_of(n.name);
    if (std::find(o.targets.begin(), o.targets.end(), last_of(module)) == o.targets.end()) continue;
    const One one{n.at, place(o.rank, n.at.columns), place(n.at.rows, o.rank)};
    named_.push_back({before + module + ".lora_A.weight", one.a});
    named_.push_back({before + module + ".lora_B.weight", one.b});
    all_.push_back(one);
  }
  values_ = at::zeros({total});
  gradient_ = at::zeros({total});
}

void Adapters::initialise(std::uint64_t seed) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    Rng rng = Rng(seed).split(named_[2 * i].name);
    const Span& a = all_[i].a;
    const double bound = 1.0 / std::sqrt(static_cast<double>(a.columns));
    float* w = data<float>(values_) + a.offset;
    for (std::int64_t k = 0; k < a.count(); ++k) w[k] = static_cast<float>(bound * (2.0 * rng.uniform() - 1.0));
    view(all_[i].b).zero_();
  }
}

void Adapters::merge() {
  for (const One& one : all_) {
    at::Tensor reads = base_.weight(one.target);
    if (base_.compute() == Compute::f32) {
      at::addmm_out(reads, base_.master(one.target), view(one.b), view(one.a), 1.0, scale_);
      continue;
    }
    const at::Tensor sum = merged(one.target);
    for_rows(sum.numel(), 1, [&](std::int64_t b, std::int64_t e) { kernels().bf16.from_float(data<float>(sum) + b, data<bf16_t>(reads) + b, e - b); });
  }
}

at::Tensor Adapters::merged(const Span& weight) const {
  for (const One& one : all_)
    if (one.target.offset == weight.offset) return at::addmm(base_.master(one.target), view(one.b), view(one.a), 1.0, scale_);
  return base_.master(weight);
}

std::vector<Adapters::One> Adapters::within(const Span& whole) const {
  std::vector<One> out;
  for (const One& one : all_)
    if (one.target.offset >= whole.offset && one.target.offset < whole.offset + whole.count()) out.push_back(one);
  return out;
}

// With y = x W^T + s (x A^T) B^T: dB = s dy^T (x A^T), dA = s (dy B)^T x.
template <class T>
void Adapters::back(const Span& whole, const at::Tensor& dy, const std::function<at::Tensor()>& x_of) {
  const auto here = within(whole);
  if (here.empty()) return;
  const at::Tensor x = x_of();
  const auto gradient = [&](const Span& s) { return gradient_.narrow(0, s.offset, s.count()).view({s.rows, s.columns}); };
  for (const One& one : here) {
    const std::int64_t first = (one.target.offset - whole.offset) / whole.columns;
    const at::Tensor d = dy.narrow(1, first, one.target.rows);
    const at::Tensor a = as<T>(view(one.a) * scale_), b = as<T>(view(one.b) * scale_);
    add_to<T>(gradient(one.b), at::mm(d.t(), at::mm(x, a.t())));
    add_to<T>(gradient(one.a), at::mm(at::mm(d, b).t(), x));
  }
}

template void Adapters::back<float>(const Span&, const at::Tensor&, const std::function<at::Tensor()>&);
template void Adapters::back<bf16_t>(const Span&, const at::Tensor&, const std::function<at::Tensor()>&);

}  // namespace hone::nn
