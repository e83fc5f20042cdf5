#include "nn/poking/inverse.h"

#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr const char* names[poke_heads]{"location", "angle", "length"};
constexpr int embedding_widths[poke_heads]{50, 36, 10};

std::array<PokeHead, poke_heads> order_of(HeadOrder order) {
  if (order == HeadOrder::length_first) return {head_length, head_angle, head_location};
  return {head_location, head_angle, head_length};
}

// d elu(.) read off its result.
at::Tensor through_elu(const at::Tensor& y, const at::Tensor& d) { return d * (y.clamp_max(0.0) + 1.0); }

// Rows of the embedding, zeros for -1.
at::Tensor rows_of(const at::Tensor& embedding, const std::vector<std::int64_t>& told) {
  const at::Tensor out = at::zeros({static_cast<std::int64_t>(told.size()), embedding.size(1)});
  for (std::size_t i = 0; i < told.size(); ++i)
    if (told[i] >= 0) out.select(0, static_cast<std::int64_t>(i)).copy_(embedding.select(0, told[i]));
  return out;
}

}  // namespace

InverseModel::InverseModel(NetWeights& weights, int features, const PokerOptions& o)
    : weights_(weights), hidden_(o.hidden), chained_(o.order != HeadOrder::independent), order_(order_of(o.order)), shared_(add_layer(weights, "inverse/shared", 2 * features, o.hidden, true)) {
  int told = 0;
  for (std::size_t k = 0; k < poke_heads; ++k) {
    const PokeHead which = order_[k];
    const std::string name = std::string("inverse/") + names[which];
    Head& h = heads_[which];
    h.classes = o.classes[which];
    h.first = add_layer(weights, name + "/1", o.hidden + told, o.hidden, false);
    h.second = add_layer(weights, name + "/2", o.hidden, o.hidden, false);
    h.last = add_layer(weights, name + "/3", o.hidden, h.classes, false);
    if (!chained_ || k + 1 == poke_heads) continue;
    h.told_on = true;
    h.embedding = weights.add(name + "/embedding", h.classes, embedding_widths[which]);
    told += embedding_widths[which];
  }
}

void InverseModel::initialise(const Rng& rng) {
  const auto layer = [&](const Layer& l, const Rng& from) { weights_.glorot(l.w, static_cast<double>(l.w.rows), static_cast<double>(l.w.columns), from); };
  layer(shared_, rng.split("inverse"));
  for (std::size_t k = 0; k < poke_heads; ++k) {
    const Rng own = rng.split(names[k]);
    const Head& h = heads_[k];
    layer(h.first, own.split(1)), layer(h.second, own.split(2)), layer(h.last, own.split(3));
    if (h.told_on) weights_.glorot(h.embedding, static_cast<double>(h.embedding.rows), static_cast<double>(h.embedding.columns), own.split("embedding"));
  }
}

std::vector<PokeHead> InverseModel::before(PokeHead which) const {
  std::vector<PokeHead> out;
  if (chained_)
    for (const PokeHead h : order_) {
      if (h == which) break;
      out.push_back(h);
    }
  return out;
}

void InverseModel::share(const at::Tensor& x, const at::Tensor& after, Kept& kept) const {
  kept.both = at::cat({x, after}, 1).clamp_min_(0.0);
  kept.shared = shared_.forward(weights_, kept.both);
}

const at::Tensor& InverseModel::head(PokeHead which, Kept& kept) const {
  const Head& h = heads_[which];
  auto& k = kept.heads[which];
  std::vector<at::Tensor> in{kept.shared};
  for (const PokeHead earlier : before(which)) in.push_back(rows_of(weights_.value(heads_[earlier].embedding), kept.told[earlier]));
  k.in = at::cat(in, 1);
  k.first = at::elu(h.first.forward(weights_, k.in));
  k.second = at::elu(h.second.forward(weights_, k.first));
  k.log_p = at::log_softmax(h.last.forward(weights_, k.second), 1);
  return k.log_p;
}

std::array<double, poke_heads> InverseModel::losses(std::span<const PokeClasses> classes, Kept& kept) const {
  std::array<double, poke_heads> out{};
  for (const PokeHead which : order_) {
    kept.told[which].clear();
    for (const PokeClasses& c : classes) kept.told[which].push_back(c[which]);
    const at::Tensor& log_p = head(which, kept);
    for (std::size_t i = 0; i < classes.size(); ++i)
      if (classes[i][which] >= 0) out[which] -= static_cast<double>(data<float>(log_p)[i * static_cast<std::size_t>(heads_[which].classes) + static_cast<std::size_t>(classes[i][which])]);
  }
  return out;
}

at::Tensor InverseModel::backward(std::span<const PokeClasses> classes, double scale, const Kept& kept, const Gradient& gradient) const {
  const auto n = static_cast<std::int64_t>(classes.size());
  at::Tensor d_shared = at::zeros({n, hidden_});
  for (const PokeHead which : order_) {
    const Head& h = heads_[which];
    const auto& k = kept.heads[which];
    at::Tensor d = k.log_p.exp();
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int32_t truth = classes[static_cast<std::size_t>(i)][which];
      if (truth >= 0) data<float>(d)[i * h.classes + truth] -= 1.0F;
      else d.select(0, i).zero_();
    }
    d.mul_(scale);
    d = through_elu(k.second, h.last.backward(weights_, gradient, k.second, {}, d));
    d = through_elu(k.first, h.second.backward(weights_, gradient, k.first, {}, d));
    d = h.first.backward(weights_, gradient, k.in, {}, d);
    d_shared.add_(d.narrow(1, 0, hidden_));
    std::int64_t from = hidden_;
    for (const PokeHead earlier : before(which)) {
      const at::Tensor rows = gradient.of(heads_[earlier].embedding);
      for (std::int64_t i = 0; i < n; ++i)
        if (kept.told[earlier][static_cast<std::size_t>(i)] >= 0) rows.select(0, kept.told[earlier][static_cast<std::size_t>(i)]).add_(d.select(0, i).narrow(0, from, rows.size(1)));
      from += rows.size(1);
    }
  }
  const at::Tensor d_both = shared_.backward(weights_, gradient, kept.both, kept.shared, d_shared);
  return d_both * kept.both.gt(0.0).to(at::kFloat);
}

}  // namespace hone::nn
