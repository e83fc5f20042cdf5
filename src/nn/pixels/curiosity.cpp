#include "nn/pixels/curiosity.h"

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

at::Tensor Layer::forward(const NetWeights& weights, const at::Tensor& x) const {
  at::Tensor y = at::addmm(weights.value(b), x, weights.value(w));
  if (relu) y.clamp_min_(0.0);
  return y;
}

at::Tensor Layer::backward(const NetWeights& weights, const Gradient& gradient, const at::Tensor& x, const at::Tensor& y, at::Tensor d) const {
  if (relu) d = d * y.gt(0.0).to(at::kFloat);
  gradient.of(w).addmm_(x.t(), d);
  gradient.of(b).add_(d.sum(0, true));
  return at::mm(d, weights.value(w).t());
}

Layer add_layer(NetWeights& weights, const std::string& name, int in, int out, bool relu) {
  return {weights.add(name + "/w", in, out), weights.add(name + "/b", 1, out, true), relu};
}

at::Tensor one_hot(std::span<const std::int64_t> actions, int count) {
  const at::Tensor out = at::zeros({static_cast<std::int64_t>(actions.size()), count});
  for (std::size_t i = 0; i < actions.size(); ++i) data<float>(out)[i * static_cast<std::size_t>(count) + static_cast<std::size_t>(actions[i])] = 1.0F;
  return out;
}

namespace {

constexpr int hidden = 256;
constexpr double small = 0.01;  // length of a column at the start, of all four linear layers

at::Tensor indices(const std::vector<std::int64_t>& of) { return at::tensor(of, at::kLong); }

// Which of [steps, slots] count, where they start and where they lead among the encoded pictures.
struct Transitions {
  std::vector<std::int64_t> places, from, to, actions;
  explicit Transitions(const StretchRows& rows) {
    for (std::size_t i = 0; i < rows.now.size(); ++i) {
      if (rows.counts[i] == 0) continue;
      places.push_back(static_cast<std::int64_t>(i));
      from.push_back(static_cast<std::int64_t>(i));  // `all` begins with `now`
      to.push_back(rows.next[i]);
      actions.push_back(rows.actions[i]);
    }
  }
  std::int64_t count() const { return static_cast<std::int64_t>(places.size()); }
};

std::vector<float> spread(const at::Tensor& errors, const Transitions& of, std::size_t total) {
  std::vector<float> out(total, 0.0F);
  for (std::int64_t i = 0; i < of.count(); ++i) out[static_cast<std::size_t>(of.places[static_cast<std::size_t>(i)])] = data<float>(errors)[i];
  return out;
}

class Icm final : public CuriosityNet {
 public:
  explicit Icm(const ExplorerOptions& o)
      : actions_(o.actions), fixed_(o.curiosity == Curiosity::random_features), detach_(o.detach_target), encoder_(fixed_ ? features_ : weights_, "curiosity", o.channels, o.side),
        inverse1_(add_layer(weights_, "curiosity/inverse1", 2 * encoder_.features(), hidden, true)), inverse2_(add_layer(weights_, "curiosity/inverse2", hidden, o.actions, false)),
        forward1_(add_layer(weights_, "curiosity/forward1", encoder_.features() + o.actions, hidden, true)),
        forward2_(add_layer(weights_, "curiosity/forward2", hidden, encoder_.features(), false)) {
    weights_.finish();
    features_.finish();
    const Rng rng = Rng(o.seed).split("curiosity");
    encoder_.initialise(rng);
    for (const auto& [name, layer] : {std::pair{"inverse1", &inverse1_}, {"inverse2", &inverse2_}, {"forward1", &forward1_}, {"forward2", &forward2_}})
      weights_.columns_of_length(layer->w, small, rng.split(name));
  }

  std::span<const float> errors(const Stretch& stretch) override {
    const auto shares = shares_of(stretch);
    parts_.resize(shares.size());
    errors_.assign(static_cast<std::size_t>(stretch.rollout->steps) * stretch.slots.size(), 0.0F);
    at::parallel_for(0, static_cast<std::int64_t>(shares.size()), 1, [&](std::int64_t b, std::int64_t e) {
      for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) predict(parts_[i], shares[i], stretch);
    });
    transitions_ = 0;
    double sum = 0.0;
    for (const Part& p : parts_) {
      transitions_ += p.moves->count();
      sum += p.squares;
    }
    forward_loss_ = transitions_ == 0 ? 0.0 : sum / static_cast<double>(transitions_);
    return errors_;
  }

  CuriosityLoss learn(double beta, const NetStep& how) override {
    CuriosityLoss out;
    out.forward = forward_loss_;
    if (transitions_ == 0) return out;
    std::vector<Gradient> gradients(parts_.size());
    at::parallel_for(0, static_cast<std::int64_t>(parts_.size()), 1, [&](std::int64_t b, std::int64_t e) {
      for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
        learn_part(parts_[i], beta);
        gradients[i] = parts_[i].gradient;
      }
    });
    for (const Part& p : parts_) out.inverse += p.inverse / static_cast<double>(transitions_), out.accuracy += p.right / static_cast<double>(transitions_);
    out.norm = weights_.step(gradients, how, "curiosity");
    return out;
  }

  void save(Sink& sink) const override { weights_.save(sink), features_.save(sink); }
  void load(Source& source) override { weights_.load(source), features_.load(source); }

 private:
  struct Part {
    Encoder::Kept kept;
    Gradient gradient;
    std::optional<Transitions> moves;
    at::Tensor phi, from, to, forward_in, forward_hidden, miss;
    double squares = 0.0, inverse = 0.0, right = 0.0;  // sums over transitions
  };

  void predict(Part& p, const StretchShare& share, const Stretch& whole) {
    const StretchRows rows(share.stretch(whole));
    p.moves.emplace(rows);
    const auto& m = *p.moves;
    p.squares = 0.0;
    if (m.count() == 0) return;
    p.phi = encoder_.forward({whole.rollout->data.obs, whole.rollout->data.final_obs, rows.all}, p.kept);
    p.from = p.phi.index_select(0, indices(m.from)), p.to = p.phi.index_select(0, indices(m.to));
    p.forward_in = at::cat({p.from, one_hot(m.actions, actions_)}, 1);
    p.forward_hidden = forward1_.forward(weights_, p.forward_in);
    p.miss = forward2_.forward(weights_, p.forward_hidden) - p.to;
    const at::Tensor squares = p.miss.pow(2).sum(1).mul_(0.5);
    for (std::int64_t i = 0; i < m.count(); ++i) errors_[share.place(whole, static_cast<std::size_t>(m.places[static_cast<std::size_t>(i)]))] = data<float>(squares)[i];
    p.squares = squares.sum().item<double>();
  }

  void learn_part(Part& p, double beta) {
    const auto& m = *p.moves;
    p.gradient.clear(weights_.count());
    p.inverse = p.right = 0.0;
    if (m.count() == 0) return;
    const auto n = static_cast<double>(transitions_);
    // Inverse: cross-entropy of the action taken, mean over transitions.
    const at::Tensor both = at::cat({p.from, p.to}, 1), h = inverse1_.forward(weights_, both), logits = inverse2_.forward(weights_, h);
    const at::Tensor taken = indices(m.actions), log_p = at::log_softmax(logits, 1);
    p.inverse = -log_p.gather(1, taken.view({-1, 1})).sum().item<double>();
    p.right = logits.argmax(1).eq(taken).sum().item<double>();
    const int d = encoder_.features();
    at::Tensor d_from = at::zeros({m.count(), d}), d_to = at::zeros({m.count(), d});
    if (!fixed_) {
      const at::Tensor d_logits = (log_p.exp() - one_hot(m.actions, actions_)).mul_((1.0 - beta) / n);
      const at::Tensor d_both = inverse1_.backward(weights_, p.gradient, both, h, inverse2_.backward(weights_, p.gradient, h, logits, d_logits));
      d_from.add_(d_both.narrow(1, 0, d));
      d_to.add_(d_both.narrow(1, d, d));
    }
    // Forward: half the sum of squares, mean over transitions; through both states' features.
    const at::Tensor d_miss = p.miss * ((fixed_ ? 1.0 : beta) / n);
    const at::Tensor d_in = forward1_.backward(weights_, p.gradient, p.forward_in, p.forward_hidden, forward2_.backward(weights_, p.gradient, p.forward_hidden, p.miss, d_miss));
    if (fixed_) return;
    d_from.add_(d_in.narrow(1, 0, d));
    if (!detach_) d_to.sub_(d_miss);
    const at::Tensor d_phi = at::zeros_like(p.phi);
    d_phi.index_add_(0, indices(m.from), d_from).index_add_(0, indices(m.to), d_to);
    encoder_.backward(p.kept, d_phi, p.gradient);
  }

  int actions_;
  bool fixed_, detach_;
  NetWeights features_;  // the encoder's own where it stays as it was drawn
  Encoder encoder_;
  Layer inverse1_, inverse2_, forward1_, forward2_;
  std::vector<Part> parts_;
  std::vector<float> errors_;
  double forward_loss_ = 0.0;
  std::int64_t transitions_ = 0;
};

// No inverse model: features and action predict the next frames through four transposed convolutions.
class Pixels final : public CuriosityNet {
 public:
  explicit Pixels(const ExplorerOptions& o)
      : actions_(o.actions), encoder_(weights_, "curiosity", o.channels, o.side), start_(add_layer(weights_, "curiosity/decode0", encoder_.features() + o.actions, encoder_.features(), true)) {
    for (int l = 0; l < Encoder::layers; ++l) {
      const Plane &from = encoder_.plane(Encoder::layers - l), &to = encoder_.plane(Encoder::layers - l - 1);
      decode_[l] = {{weights_.add("curiosity/decode" + std::to_string(l + 1) + "/w", filters, 9 * to.channels), {}, false}, to, to.height - (2 * from.height - 1)};
    }
    weights_.finish();
    const Rng rng = Rng(o.seed).split("curiosity");
    encoder_.initialise(rng);
    weights_.columns_of_length(start_.w, small, rng.split("decode0"));
    for (int l = 0; l < Encoder::layers; ++l)
      weights_.glorot(decode_[l].layer.w, 9.0 * filters, 9.0 * decode_[l].to.channels, rng.split("decode").split(static_cast<std::uint64_t>(l)));
  }

  std::span<const float> errors(const Stretch& stretch) override {
    const StretchRows rows(stretch);
    moves_.emplace(rows);
    const auto& m = *moves_;
    const at::Tensor phi = encoder_.forward({stretch.rollout->data.obs, stretch.rollout->data.final_obs, rows.all}, kept_);
    all_ = phi.size(0);
    in_ = at::cat({phi.index_select(0, indices(m.from)), one_hot(m.actions, actions_)}, 1);
    hidden_ = start_.forward(weights_, in_);
    const Plane& last = encoder_.plane(Encoder::layers);
    maps_[0] = hidden_.view({-1, last.height, last.width, filters}).permute({0, 3, 1, 2}).contiguous();
    for (int l = 0; l < Encoder::layers; ++l) {
      maps_[l + 1] = at::conv_transpose2d(maps_[l], kernel(l), {}, 2, 1, decode_[l].grows);  // biases exist in the published code and are never added
      if (l + 1 < Encoder::layers) at::elu_(maps_[l + 1]);
    }
    const Plane& in = encoder_.plane(0);
    const at::Tensor pictures = kept_.maps[0].narrow(0, 0, all_).view({-1, in.height + 2, in.width + 2, in.channels}).narrow(1, 1, in.height).narrow(2, 1, in.width).permute({0, 3, 1, 2});
    miss_ = maps_[Encoder::layers] - pictures.index_select(0, indices(m.to));
    const at::Tensor squares = miss_.pow(2).flatten(1).mean(1).mul_(0.5);
    errors_ = spread(squares, m, rows.now.size());
    forward_loss_ = m.count() == 0 ? 0.0 : squares.mean().item<double>();
    return errors_;
  }

  CuriosityLoss learn(double, const NetStep& how) override {
    const auto& m = *moves_;
    CuriosityLoss out;
    out.forward = forward_loss_;
    if (m.count() == 0) return out;
    gradient_.clear(weights_.count());
    at::Tensor d = miss_ * (1.0 / static_cast<double>(miss_.numel()));
    for (int l = Encoder::layers; l-- > 0;) {
      if (l + 1 < Encoder::layers) d = d * at::where(maps_[l + 1] > 0.0, at::ones_like(d), maps_[l + 1] + 1.0);
      const auto back = at::convolution_backward(d, maps_[l], kernel(l), c10::nullopt, {2, 2}, {1, 1}, {1, 1}, true, {decode_[l].grows, decode_[l].grows}, 1, {true, true, false});
      gradient_.of(decode_[l].layer.w).add_(std::get<1>(back).reshape({filters, -1}));
      d = std::get<0>(back);
    }
    const at::Tensor d_hidden = d.permute({0, 2, 3, 1}).reshape({m.count(), -1});
    const at::Tensor d_in = start_.backward(weights_, gradient_, in_, hidden_, d_hidden);
    const at::Tensor d_phi = at::zeros({all_, encoder_.features()});
    d_phi.index_add_(0, indices(m.from), d_in.narrow(1, 0, encoder_.features()));
    encoder_.backward(kept_, d_phi, gradient_);
    out.norm = weights_.step({&gradient_, 1}, how, "curiosity");
    return out;
  }

 private:
  struct Decode {
    Layer layer;
    Plane to;
    std::int64_t grows = 0;  // output padding
  };
  at::Tensor kernel(int l) const { return weights_.value(decode_[l].layer.w).view({filters, decode_[l].to.channels, 3, 3}); }

  int actions_;
  Encoder encoder_;
  Layer start_;
  Decode decode_[Encoder::layers];
  Encoder::Kept kept_;
  Gradient gradient_;
  std::optional<Transitions> moves_;
  std::int64_t all_ = 0;
  at::Tensor in_, hidden_, miss_, maps_[Encoder::layers + 1];
  std::vector<float> errors_;
  double forward_loss_ = 0.0;
};

}  // namespace

std::unique_ptr<CuriosityNet> make_icm(const ExplorerOptions& options) { return std::make_unique<Icm>(options); }
std::unique_ptr<CuriosityNet> make_pixels(const ExplorerOptions& options) { return std::make_unique<Pixels>(options); }

}  // namespace hone::nn
