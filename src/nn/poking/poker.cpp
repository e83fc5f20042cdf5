#include "nn/poking/poker.h"

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr std::int64_t most_shares = 4;

at::Tensor view_of(std::span<const float> values, std::int64_t width) {
  return at::from_blob(const_cast<float*>(values.data()), {static_cast<std::int64_t>(values.size()) / width, width});
}

const PokerOptions& checked(const PokerOptions& o) {
  const auto within = [](const char* what, int value, int low, int high) {
    if (value < low || value > high)
      throw Error(Fault::bad_input, std::string("poker: expected ") + what + " from " + std::to_string(low) + " to " + std::to_string(high) + ", got " + std::to_string(value));
  };
  within("features", o.features, 1, 4096), within("hidden units", o.hidden, 1, 4096);
  for (const std::int32_t classes : o.classes) within("classes of a head", classes, 2, 65536);
  return o;
}

}  // namespace

PokerNets::PokerNets(const PokerOptions& o)
    : side_(checked(o).side), norm_(o.norm), detach_(o.detach_target), encoder_(make_picture_encoder(weights_, o)), inverse_(weights_, encoder_->features(), o) {
  const int f = encoder_->features(), numbers = static_cast<int>(poke_numbers);
  forward_[0] = add_layer(forward_weights_, "forward/1", f + numbers, o.hidden, true);
  forward_[1] = add_layer(forward_weights_, "forward/2", o.hidden, o.hidden, true);
  forward_[2] = add_layer(forward_weights_, "forward/3", o.hidden, f, false);
  weights_.finish(), forward_weights_.finish();
  const Rng rng = Rng(o.seed).split("poker");
  encoder_->initialise(rng);
  inverse_.initialise(rng);
  for (std::size_t i = 0; i < 3; ++i)
    forward_weights_.glorot(forward_[i].w, static_cast<double>(forward_[i].w.rows), static_cast<double>(forward_[i].w.columns), rng.split("forward").split(i));
}

template <class F>
void PokerNets::share(std::int64_t n, const F& f) {
  const std::int64_t shares = std::min(most_shares, n);
  parts_.resize(static_cast<std::size_t>(most_shares));
  at::parallel_for(0, shares, 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i) {
      Part& part = parts_[static_cast<std::size_t>(i)];
      part.first = i * n / shares, part.n = (i + 1) * n / shares - part.first;
      f(part);
    }
  });
  for (auto i = static_cast<std::size_t>(shares); i < parts_.size(); ++i) parts_[i].n = 0;
}

PokeBatch PokerNets::piece(const PokeBatch& b, const Part& part) const {
  const auto first = static_cast<std::size_t>(part.first), n = static_cast<std::size_t>(part.n), size = picture_size();
  return {b.before.subspan(first * size, n * size), b.after.subspan(first * size, n * size), b.classes.subspan(first, n), b.numbers.subspan(first * poke_numbers, n * poke_numbers)};
}

at::Tensor PokerNets::predicted(const at::Tensor& x, std::span<const float> numbers, Part& p) const {
  p.forward_in = at::cat({x, view_of(numbers, poke_numbers)}, 1);
  p.forward_1 = forward_[0].forward(forward_weights_, p.forward_in);
  p.forward_2 = forward_[1].forward(forward_weights_, p.forward_1);
  return forward_[2].forward(forward_weights_, p.forward_2);
}

void PokerNets::forward_part(const PokeBatch& batch, Part& p) const {
  const PokeBatch b = piece(batch, p);
  p.x = encoder_->forward(at::cat({pixels_of(b.before, side_), pixels_of(b.after, side_)}, 0), p.pictures);
  const at::Tensor before = p.x.narrow(0, 0, p.n), after = p.x.narrow(0, p.n, p.n);
  inverse_.share(before, after, p.inverse);
  p.losses = inverse_.losses(b.classes, p.inverse);
  p.miss = predicted(before, b.numbers, p) - after;
  p.forward = (norm_ == FeatureNorm::l1 ? p.miss.abs() : p.miss.square()).mean(1).sum().item<double>();
}

PokeLoss PokerNets::forward(const PokeBatch& batch) {
  const auto n = static_cast<std::int64_t>(batch.classes.size());
  const std::size_t bytes = batch.classes.size() * picture_size();
  if (n < 1 || batch.before.size() != bytes || batch.after.size() != bytes || batch.numbers.size() != batch.classes.size() * poke_numbers)
    throw Error(Fault::internal, "poker: a batch of " + std::to_string(n) + " pairs whose parts are of other sizes");
  share(n, [&](Part& part) { forward_part(batch, part); });
  PokeLoss out;
  std::vector<at::Tensor> after;
  for (const Part& p : parts_) {
    if (p.n == 0) continue;
    for (std::size_t h = 0; h < poke_heads; ++h) out.inverse[h] += p.losses[h] / static_cast<double>(n);
    out.forward += p.forward / static_cast<double>(n);
    after.push_back(p.x.narrow(0, p.n, p.n));
  }
  const at::Tensor all = at::cat(after, 0);
  out.spread = (all - all.mean(0, true)).abs().mean().item<double>();
  return out;
}

void PokerNets::backward_part(const PokeBatch& batch, std::int64_t total, const PokeObjective& o, Part& p) const {
  const PokeBatch b = piece(batch, p);
  p.gradient.clear(weights_.count());
  p.forward_gradient.clear(forward_weights_.count());
  const std::int64_t f = encoder_->features();
  const at::Tensor d_x = at::zeros({2 * p.n, f});
  const at::Tensor before = d_x.narrow(0, 0, p.n), after = d_x.narrow(0, p.n, p.n);
  if (o.forward > 0.0) {
    const at::Tensor d = (norm_ == FeatureNorm::l1 ? p.miss.sign() : p.miss * 2.0) * (o.forward / static_cast<double>(total * f));
    if (!detach_) after.sub_(d);
    at::Tensor back = forward_[2].backward(forward_weights_, p.forward_gradient, p.forward_2, {}, d);
    back = forward_[1].backward(forward_weights_, p.forward_gradient, p.forward_1, p.forward_2, back);
    back = forward_[0].backward(forward_weights_, p.forward_gradient, p.forward_in, p.forward_1, back);
    before.add_(back.narrow(1, 0, f));
  }
  if (o.forward_alone) return;
  if (o.inverse > 0.0) {
    const at::Tensor d = inverse_.backward(b.classes, o.inverse / static_cast<double>(total), p.inverse, p.gradient);
    before.add_(d.narrow(1, 0, f)), after.add_(d.narrow(1, f, f));
  }
  encoder_->backward(p.pictures, d_x, p.gradient);
}

PokeLoss PokerNets::learn(const PokeBatch& batch, const PokeObjective& objective, const NetStep& how) {
  PokeLoss out = forward(batch);
  const auto n = static_cast<std::int64_t>(batch.classes.size());
  share(n, [&](Part& part) { backward_part(batch, n, objective, part); });
  for (std::size_t i = 1; i < parts_.size(); ++i)
    if (parts_[i].n > 0) parts_[0].gradient.flat.add_(parts_[i].gradient.flat), parts_[0].forward_gradient.flat.add_(parts_[i].forward_gradient.flat);
  out.norm = std::hypot(norm_of(parts_[0].gradient.flat), norm_of(parts_[0].forward_gradient.flat)) * std::abs(how.scale);
  if (!std::isfinite(out.norm)) throw Error(Fault::bad_input, "the gradient of the poking networks is not finite; the weights are as before this step");
  // Clipped by the length of the whole, though the weights lie in two arrays.
  const NetStep both{.lr = how.lr, .scale = how.scale * (how.clip > 0.0 && out.norm > how.clip ? how.clip / out.norm : 1.0), .clip = 0.0};
  if (!objective.forward_alone) weights_.step({&parts_[0].gradient, 1}, both, "the poking networks");
  if (objective.forward > 0.0) forward_weights_.step({&parts_[0].forward_gradient, 1}, both, "the forward model");
  return out;
}

PokeLoss PokerNets::judge(const PokeBatch& batch) { return forward(batch); }

void PokerNets::look(std::span<const std::byte> now, std::span<const std::byte> goal, InverseModel::Kept& kept) {
  PictureEncoder::Kept pictures;
  const at::Tensor x = encoder_->forward(pixels_of(now, side_), pictures), after = encoder_->forward(pixels_of(goal, side_), pictures);
  inverse_.share(x, after, kept);
}

void PokerNets::answer(std::span<const std::byte> now, std::span<const std::byte> goal, int lengths, std::span<PokeClasses> out) {
  const std::size_t size = picture_size();
  if (now.size() != out.size() * size || goal.size() != now.size()) throw Error(Fault::internal, "poker: asked for " + std::to_string(out.size()) + " answers about other pictures");
  share(static_cast<std::int64_t>(out.size()), [&](Part& p) {
    const auto first = static_cast<std::size_t>(p.first), n = static_cast<std::size_t>(p.n);
    const at::Tensor x = encoder_->forward(at::cat({pixels_of(now.subspan(first * size, n * size), side_), pixels_of(goal.subspan(first * size, n * size), side_)}, 0), p.pictures);
    inverse_.share(x.narrow(0, 0, p.n), x.narrow(0, p.n, p.n), p.inverse);
    for (const PokeHead which : inverse_.order()) {
      at::Tensor log_p = inverse_.head(which, p.inverse);
      if (which == head_length) log_p = log_p.narrow(1, 0, lengths);
      const at::Tensor best = log_p.argmax(1);
      p.inverse.told[which].resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        const std::int64_t chosen = data<std::int64_t>(best)[i];
        p.inverse.told[which][i] = chosen, out[first + i][which] = static_cast<std::int32_t>(chosen);
      }
    }
  });
}

void PokerNets::features(std::span<const std::byte> pictures, std::span<float> out) {
  const std::size_t size = picture_size(), width = static_cast<std::size_t>(feature_count());
  share(static_cast<std::int64_t>(pictures.size() / size), [&](Part& p) {
    const at::Tensor x = encoder_->forward(pixels_of(pictures.subspan(static_cast<std::size_t>(p.first) * size, static_cast<std::size_t>(p.n) * size), side_), p.pictures);
    std::memcpy(out.data() + static_cast<std::size_t>(p.first) * width, data<float>(x), sizeof(float) * static_cast<std::size_t>(p.n) * width);
  });
}

void PokerNets::predict(std::span<const std::byte> before, std::span<const float> numbers, std::span<float> out) {
  const std::size_t size = picture_size(), width = static_cast<std::size_t>(feature_count());
  share(static_cast<std::int64_t>(before.size() / size), [&](Part& p) {
    const auto first = static_cast<std::size_t>(p.first), n = static_cast<std::size_t>(p.n);
    const at::Tensor x = encoder_->forward(pixels_of(before.subspan(first * size, n * size), side_), p.pictures);
    const at::Tensor y = predicted(x, numbers.subspan(first * poke_numbers, n * poke_numbers), p);
    std::memcpy(out.data() + first * width, data<float>(y), sizeof(float) * n * width);
  });
}

std::unique_ptr<Poker> make_poker(const PokerOptions& options) { return std::make_unique<PokerNets>(options); }

}  // namespace hone::nn
