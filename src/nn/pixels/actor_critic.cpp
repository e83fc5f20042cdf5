#include "nn/pixels/actor_critic.h"

#include <cstring>
#include <numeric>

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr std::int64_t most_shares = 4;

at::Tensor affine(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) { return at::addmm(b, x, w); }

// [rows, width] of a step
at::Tensor step_of(const at::Tensor& all, std::int64_t t, std::int64_t slots) { return all.narrow(0, t * slots, slots); }

}  // namespace

std::vector<StretchShare> shares_of(const Stretch& stretch) {
  const std::size_t n = stretch.slots.size(), shares = std::min(static_cast<std::size_t>(most_shares), n);
  std::vector<StretchShare> out;
  for (std::size_t i = 0; i < shares; ++i) out.push_back({i * n / shares, (i + 1) * n / shares - i * n / shares});
  return out;
}

StretchRows::StretchRows(const Stretch& s) {
  const Rollout& r = *s.rollout;
  steps = r.steps, slots = static_cast<std::int64_t>(s.slots.size());
  const auto width = static_cast<std::int64_t>(r.slots);
  const std::int64_t of_obs = (steps + 1) * width;
  for (std::int64_t t = 0; t <= steps; ++t)
    for (const int slot : s.slots) all.push_back(t * width + slot);
  for (std::int64_t t = 0; t < steps; ++t)
    for (std::int64_t j = 0; j < slots; ++j) {
      const std::int64_t k = t * width + s.slots[static_cast<std::size_t>(j)];
      const auto at = static_cast<std::size_t>(k);
      std::int32_t action = 0;
      std::memcpy(&action, r.actions.data() + at * sizeof action, sizeof action);
      actions.push_back(action);
      now.push_back(k);
      fresh.push_back(r.fresh[at]);
      counts.push_back(static_cast<std::uint8_t>(r.data.fault[at] == 0 && (s.counts.empty() || s.counts[at] != 0)));
      if (r.data.terminated[at] != 0 || r.data.truncated[at] != 0) {
        next.push_back(static_cast<std::int64_t>(all.size()));
        all.push_back(of_obs + k);
      } else {
        next.push_back((t + 1) * slots + j);
      }
    }
}

ActorCritic::ActorCritic(const ExplorerOptions& o) : memory_(o.memory), actions_(o.actions), heads_(o.values), encoder_(weights_, "actor", o.channels, o.side) {
  const int f = encoder_.features();
  wx_ = weights_.add("actor/lstm/x", f, 4 * memory_);
  wh_ = weights_.add("actor/lstm/h", memory_, 4 * memory_);
  lstm_b_ = weights_.add("actor/lstm/b", 1, 4 * memory_, true);
  logits_w_ = weights_.add("actor/logits/w", memory_, actions_);
  logits_b_ = weights_.add("actor/logits/b", 1, actions_, true);
  value_w_ = weights_.add("actor/value/w", memory_, heads_);
  value_b_ = weights_.add("actor/value/b", 1, heads_, true);
  weights_.finish();
  const Rng rng = Rng(o.seed).split("actor");
  encoder_.initialise(rng);
  weights_.glorot(wx_, f + memory_, 4.0 * memory_, rng.split("lstm/x"));
  weights_.glorot(wh_, f + memory_, 4.0 * memory_, rng.split("lstm/h"));
  weights_.columns_of_length(logits_w_, 0.01, rng.split("logits"));
  weights_.columns_of_length(value_w_, 1.0, rng.split("value"));
}

void ActorCritic::cell(const at::Tensor& gates, const at::Tensor& c_before, const at::Tensor& c, const at::Tensor& tanh_c, const at::Tensor& h) const {
  kernels().recurrent.lstm(data<float>(gates), data<float>(c_before), data<float>(c), data<float>(tanh_c), data<float>(h), gates.size(0), memory_);
}

void ActorCritic::act(const Sight& sight, std::span<float> memory, std::span<float> logits, std::span<float> values) {
  const std::int64_t n = sight.slots, m = memory_;
  if (memory.size() != static_cast<std::size_t>(n * 2 * m)) throw Error(Fault::internal, "explorer: memory of " + std::to_string(memory.size()) + " numbers for " + std::to_string(n) + " slots");
  const std::int64_t shares = std::min<std::int64_t>(most_shares, n);
  acting_.resize(static_cast<std::size_t>(most_shares));
  at::parallel_for(0, shares, 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i) decide(sight, i * n / shares, (i + 1) * n / shares - i * n / shares, acting_[static_cast<std::size_t>(i)], memory, logits, values);
  });
}

void ActorCritic::decide(const Sight& sight, std::int64_t first, std::int64_t n, Encoder::Kept& kept, std::span<float> memory, std::span<float> logits, std::span<float> values) const {
  const std::int64_t m = memory_;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), first);
  const at::Tensor both = at::from_blob(memory.data() + first * 2 * m, {n, 2, m});
  for (std::int64_t i = 0; i < n; ++i)
    if (sight.fresh[static_cast<std::size_t>(first + i)] != 0) both.select(0, i).zero_();
  const at::Tensor features = encoder_.forward({sight.obs, {}, rows}, kept);
  const at::Tensor c_before = both.select(1, 0).contiguous(), h_before = both.select(1, 1).contiguous();
  at::Tensor gates = affine(features, weights_.value(wx_), weights_.value(lstm_b_));
  gates.addmm_(h_before, weights_.value(wh_));
  const at::Tensor c = at::empty({n, m}), squashed = at::empty({n, m}), h = at::empty({n, m});
  cell(gates, c_before, c, squashed, h);
  both.select(1, 0).copy_(c);
  both.select(1, 1).copy_(h);
  at::Tensor out = at::from_blob(logits.data() + first * actions_, {n, actions_}), value = at::from_blob(values.data() + first * heads_, {n, heads_});
  at::addmm_out(out, weights_.value(logits_b_), h, weights_.value(logits_w_));
  at::addmm_out(value, weights_.value(value_b_), h, weights_.value(value_w_));
}

Judged ActorCritic::judge(const Stretch& stretch) {
  const auto shares = shares_of(stretch);
  parts_.resize(shares.size());
  width_ = stretch.slots.size();
  const std::size_t total = static_cast<std::size_t>(stretch.rollout->steps) * width_;
  logits_.resize(total * static_cast<std::size_t>(actions_)), values_.resize(total * static_cast<std::size_t>(heads_));
  at::parallel_for(0, static_cast<std::int64_t>(shares.size()), 1, [&](std::int64_t b, std::int64_t e) {
    for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
      parts_[i].share = shares[i];
      judge_part(parts_[i], stretch);
    }
  });
  return {logits_, values_};
}

void ActorCritic::judge_part(Part& p, const Stretch& whole) {
  const Stretch stretch = p.share.stretch(whole);
  const StretchRows rows(stretch);
  const std::int64_t m = memory_, n = rows.slots, total = rows.steps * n;
  p.steps = rows.steps, p.slots = n;
  p.fresh = rows.fresh;
  p.features = encoder_.forward({stretch.rollout->data.obs, {}, rows.now}, p.kept);
  p.gates = affine(p.features, weights_.value(wx_), weights_.value(lstm_b_));
  for (at::Tensor* t : {&p.c, &p.c_before, &p.tanh_c, &p.h, &p.h_before}) *t = at::empty({total, m});
  for (std::int64_t t = 0; t < p.steps; ++t) {
    for (std::int64_t j = 0; j < n; ++j) {
      float *c = data<float>(p.c_before) + (t * n + j) * m, *h = data<float>(p.h_before) + (t * n + j) * m;
      const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(m);
      if (p.fresh[static_cast<std::size_t>(t * n + j)] != 0) {
        std::memset(c, 0, bytes), std::memset(h, 0, bytes);
      } else if (t > 0) {
        std::memcpy(c, data<float>(p.c) + ((t - 1) * n + j) * m, bytes), std::memcpy(h, data<float>(p.h) + ((t - 1) * n + j) * m, bytes);
      } else {
        const float* began = stretch.memory.data() + static_cast<std::int64_t>(stretch.slots[static_cast<std::size_t>(j)]) * 2 * m;
        std::memcpy(c, began, bytes), std::memcpy(h, began + m, bytes);
      }
    }
    step_of(p.gates, t, n).addmm_(step_of(p.h_before, t, n), weights_.value(wh_));
    cell(step_of(p.gates, t, n), step_of(p.c_before, t, n), step_of(p.c, t, n), step_of(p.tanh_c, t, n), step_of(p.h, t, n));
  }
  const at::Tensor logits = affine(p.h, weights_.value(logits_w_), weights_.value(logits_b_)), values = affine(p.h, weights_.value(value_w_), weights_.value(value_b_));
  for (std::size_t row = 0; row < static_cast<std::size_t>(total); ++row) {
    const std::size_t place = p.share.place(whole, row), a = static_cast<std::size_t>(actions_), h = static_cast<std::size_t>(heads_);
    std::copy_n(data<float>(logits) + row * a, a, logits_.begin() + static_cast<std::ptrdiff_t>(place * a));
    std::copy_n(data<float>(values) + row * h, h, values_.begin() + static_cast<std::ptrdiff_t>(place * h));
  }
}

double ActorCritic::learn(const Slopes& slopes, const NetStep& how) {
  if (parts_.empty() || slopes.d_logits.size() != logits_.size() || slopes.d_values.size() != values_.size())
    throw Error(Fault::internal, "explorer: slopes of another stretch than was judged");
  std::vector<Gradient> gradients(parts_.size());
  at::parallel_for(0, static_cast<std::int64_t>(parts_.size()), 1, [&](std::int64_t b, std::int64_t e) {
    for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
      learn_part(parts_[i], slopes);
      gradients[i] = parts_[i].gradient;
    }
  });
  logits_.clear(), values_.clear();  // what was kept is used up
  return weights_.step(gradients, how, "actor and critic");
}

void ActorCritic::learn_part(Part& p, const Slopes& slopes) {
  const std::int64_t m = memory_, n = p.slots, total = p.steps * n;
  p.gradient.clear(weights_.count());
  const at::Tensor d_logits = at::empty({total, actions_}), d_values = at::empty({total, heads_});
  for (std::size_t row = 0; row < static_cast<std::size_t>(total); ++row) {
    const std::size_t place = row / p.share.count * width_ + p.share.first + row % p.share.count, a = static_cast<std::size_t>(actions_), h = static_cast<std::size_t>(heads_);
    std::copy_n(slopes.d_logits.begin() + static_cast<std::ptrdiff_t>(place * a), a, data<float>(d_logits) + row * a);
    std::copy_n(slopes.d_values.begin() + static_cast<std::ptrdiff_t>(place * h), h, data<float>(d_values) + row * h);
  }
  const auto back = [&](const Span& w, const Span& b, const at::Tensor& x, const at::Tensor& d) {
    p.gradient.of(w).addmm_(x.t(), d);
    p.gradient.of(b).add_(d.sum(0, true));
  };
  back(logits_w_, logits_b_, p.h, d_logits);
  back(value_w_, value_b_, p.h, d_values);
  at::Tensor dh = at::mm(d_logits, weights_.value(logits_w_).t());
  dh.addmm_(d_values, weights_.value(value_w_).t());
  const at::Tensor dc = at::zeros({n, m});
  at::Tensor from_later;  // slope of h_t from step t + 1
  for (std::int64_t t = p.steps; t-- > 0;) {
    const at::Tensor here = step_of(dh, t, n);
    if (from_later.defined()) here.add_(from_later);
    const at::Tensor gates = step_of(p.gates, t, n);
    kernels().recurrent.lstm_back(data<float>(gates), data<float>(step_of(p.c_before, t, n)), data<float>(step_of(p.tanh_c, t, n)), data<float>(here), data<float>(dc), n, memory_);
    if (t == 0) break;
    from_later = at::mm(gates, weights_.value(wh_).t());
    for (std::int64_t j = 0; j < n; ++j)
      if (p.fresh[static_cast<std::size_t>(t * n + j)] != 0) from_later.select(0, j).zero_(), dc.select(0, j).zero_();  // another episode
  }
  back(wx_, lstm_b_, p.features, p.gates);
  p.gradient.of(wh_).addmm_(p.h_before.t(), p.gates);
  encoder_.backward(p.kept, at::mm(p.gates, weights_.value(wx_).t()), p.gradient);
}

}  // namespace hone::nn
