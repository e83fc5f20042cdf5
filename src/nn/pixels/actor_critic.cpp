#include "nn/pixels/actor_critic.h"

#include <cstring>
#include <numeric>

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

at::Tensor affine(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) { return at::addmm(b, x, w); }

// [rows, width] of a step
at::Tensor step_of(const at::Tensor& all, std::int64_t t, std::int64_t slots) { return all.narrow(0, t * slots, slots); }

}  // namespace

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

ActorCritic::ActorCritic(const ExplorerOptions& o) : memory_(o.memory), actions_(o.actions), encoder_(weights_, "actor", o.channels, o.side) {
  const int f = encoder_.features();
  wx_ = weights_.add("actor/lstm/x", f, 4 * memory_);
  wh_ = weights_.add("actor/lstm/h", memory_, 4 * memory_);
  lstm_b_ = weights_.add("actor/lstm/b", 1, 4 * memory_, true);
  logits_w_ = weights_.add("actor/logits/w", memory_, actions_);
  logits_b_ = weights_.add("actor/logits/b", 1, actions_, true);
  value_w_ = weights_.add("actor/value/w", memory_, 1);
  value_b_ = weights_.add("actor/value/b", 1, 1, true);
  weights_.finish();
  const Rng rng = Rng(o.seed).split("actor");
  encoder_.initialise(rng);
  weights_.glorot(wx_, f + memory_, 4.0 * memory_, rng.split("lstm/x"));
  weights_.glorot(wh_, f + memory_, 4.0 * memory_, rng.split("lstm/h"));
  weights_.columns_of_length(logits_w_, 0.01, rng.split("logits"));
  weights_.columns_of_length(value_w_, 1.0, rng.split("value"));
}

void ActorCritic::cell(const at::Tensor& gates, const at::Tensor& c_before, const at::Tensor& c, const at::Tensor& tanh_c, const at::Tensor& h) const {
  const auto m = static_cast<std::int64_t>(memory_);
  for_rows(gates.size(0), 16 * m, [&](std::int64_t b, std::int64_t e) {
    kernels().recurrent.lstm(data<float>(gates) + b * 4 * m, data<float>(c_before) + b * m, data<float>(c) + b * m, data<float>(tanh_c) + b * m, data<float>(h) + b * m, e - b, memory_);
  });
}

void ActorCritic::act(const Sight& sight, std::span<float> memory, std::span<float> logits, std::span<float> values) {
  const auto n = static_cast<std::int64_t>(sight.slots);
  const std::int64_t m = memory_;
  if (memory.size() != static_cast<std::size_t>(n * 2 * m)) throw Error(Fault::internal, "explorer: memory of " + std::to_string(memory.size()) + " numbers for " + std::to_string(n) + " slots");
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  const at::Tensor both = at::from_blob(memory.data(), {n, 2, m});
  for (std::int64_t i = 0; i < n; ++i)
    if (sight.fresh[static_cast<std::size_t>(i)] != 0) std::fill_n(memory.begin() + i * 2 * m, 2 * m, 0.0F);
  const at::Tensor features = encoder_.forward({sight.obs, {}, rows}, acting_);
  const at::Tensor c_before = both.select(1, 0).contiguous(), h_before = both.select(1, 1).contiguous();
  at::Tensor gates = affine(features, weights_.value(wx_), weights_.value(lstm_b_));
  gates.addmm_(h_before, weights_.value(wh_));
  const at::Tensor c = at::empty({n, m}), squashed = at::empty({n, m}), h = at::empty({n, m});
  cell(gates, c_before, c, squashed, h);
  both.select(1, 0).copy_(c);
  both.select(1, 1).copy_(h);
  at::Tensor out = at::from_blob(logits.data(), {n, actions_}), value = at::from_blob(values.data(), {n, 1});
  at::addmm_out(out, weights_.value(logits_b_), h, weights_.value(logits_w_));
  at::addmm_out(value, weights_.value(value_b_), h, weights_.value(value_w_));
}

Judged ActorCritic::judge(const Stretch& stretch) {
  const StretchRows rows(stretch);
  const std::int64_t m = memory_, n = rows.slots, total = rows.steps * n;
  steps_ = rows.steps, slots_ = n;
  fresh_ = rows.fresh;
  features_ = encoder_.forward({stretch.rollout->data.obs, {}, rows.now}, kept_);
  gates_ = affine(features_, weights_.value(wx_), weights_.value(lstm_b_));
  for (at::Tensor* t : {&c_, &c_before_, &tanh_c_, &h_, &h_before_}) *t = at::empty({total, m});
  for (std::int64_t t = 0; t < steps_; ++t) {
    for (std::int64_t j = 0; j < n; ++j) {
      float *c = data<float>(c_before_) + (t * n + j) * m, *h = data<float>(h_before_) + (t * n + j) * m;
      const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(m);
      if (fresh_[static_cast<std::size_t>(t * n + j)] != 0) {
        std::memset(c, 0, bytes), std::memset(h, 0, bytes);
      } else if (t > 0) {
        std::memcpy(c, data<float>(c_) + ((t - 1) * n + j) * m, bytes), std::memcpy(h, data<float>(h_) + ((t - 1) * n + j) * m, bytes);
      } else {
        const float* began = stretch.memory.data() + static_cast<std::int64_t>(stretch.slots[static_cast<std::size_t>(j)]) * 2 * m;
        std::memcpy(c, began, bytes), std::memcpy(h, began + m, bytes);
      }
    }
    step_of(gates_, t, n).addmm_(step_of(h_before_, t, n), weights_.value(wh_));
    cell(step_of(gates_, t, n), step_of(c_before_, t, n), step_of(c_, t, n), step_of(tanh_c_, t, n), step_of(h_, t, n));
  }
  logits_ = affine(h_, weights_.value(logits_w_), weights_.value(logits_b_));
  values_ = affine(h_, weights_.value(value_w_), weights_.value(value_b_));
  return {{data<float>(logits_), static_cast<std::size_t>(logits_.numel())}, {data<float>(values_), static_cast<std::size_t>(values_.numel())}};
}

double ActorCritic::learn(const Slopes& slopes, const NetStep& how) {
  const std::int64_t m = memory_, n = slots_, total = steps_ * n;
  if (total == 0 || slopes.d_logits.size() != static_cast<std::size_t>(total * actions_) || slopes.d_values.size() != static_cast<std::size_t>(total))
    throw Error(Fault::internal, "explorer: slopes of another stretch than was judged");
  weights_.clear_gradient();
  const at::Tensor d_logits = at::from_blob(const_cast<float*>(slopes.d_logits.data()), {total, actions_}), d_values = at::from_blob(const_cast<float*>(slopes.d_values.data()), {total, 1});
  const auto back = [&](const Span& w, const Span& b, const at::Tensor& x, const at::Tensor& d) {
    weights_.gradient(w).addmm_(x.t(), d);
    weights_.gradient(b).add_(d.sum(0, true));
  };
  back(logits_w_, logits_b_, h_, d_logits);
  back(value_w_, value_b_, h_, d_values);
  at::Tensor dh = at::mm(d_logits, weights_.value(logits_w_).t());
  dh.addmm_(d_values, weights_.value(value_w_).t());
  const at::Tensor dc = at::zeros({n, m});
  at::Tensor from_later;  // slope of h_t from step t + 1
  for (std::int64_t t = steps_; t-- > 0;) {
    const at::Tensor here = step_of(dh, t, n);
    if (from_later.defined()) here.add_(from_later);
    const at::Tensor gates = step_of(gates_, t, n);
    const at::Tensor c_before = step_of(c_before_, t, n), squashed = step_of(tanh_c_, t, n);
    for_rows(n, 8 * m, [&](std::int64_t b, std::int64_t e) {
      kernels().recurrent.lstm_back(data<float>(gates) + b * 4 * m, data<float>(c_before) + b * m, data<float>(squashed) + b * m, data<float>(here) + b * m, data<float>(dc) + b * m, e - b, memory_);
    });
    if (t == 0) break;
    from_later = at::mm(gates, weights_.value(wh_).t());
    for (std::int64_t j = 0; j < n; ++j)
      if (fresh_[static_cast<std::size_t>(t * n + j)] != 0) from_later.select(0, j).zero_(), dc.select(0, j).zero_();  // another episode
  }
  back(wx_, lstm_b_, features_, gates_);
  weights_.gradient(wh_).addmm_(h_before_.t(), gates_);
  encoder_.backward(kept_, at::mm(gates_, weights_.value(wx_).t()));
  steps_ = 0;  // what was kept is used up
  return weights_.step(how.scale, how.clip, how.lr, "actor and critic");
}

}  // namespace hone::nn
