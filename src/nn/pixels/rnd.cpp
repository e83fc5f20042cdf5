// Random network distillation (Burda et al. 2018, arXiv 1810.12894): a network learns to say of a state what a random one says of it.
// It sees the newest frame only, each pixel with its running mean taken off, divided by its running deviation, and cut at 5.
#include <cmath>

#include "core/error.h"
#include "nn/pixels/curiosity.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

constexpr int width = 512;

class Rnd final : public CuriosityNet {
 public:
  explicit Rnd(const ExplorerOptions& o)
      : channels_(o.channels), side_(o.side), target_encoder_(target_weights_, "target", 1, o.side),
        target_(add_layer(target_weights_, "target/out", target_encoder_.features(), width, false)), encoder_(weights_, "curiosity", 1, o.side),
        layers_{add_layer(weights_, "curiosity/1", encoder_.features(), width, true), add_layer(weights_, "curiosity/2", width, width, true), add_layer(weights_, "curiosity/3", width, width, false)} {
    target_weights_.finish(), weights_.finish();
    const Rng rng = Rng(o.seed).split("rnd");
    target_encoder_.initialise(rng.split("target")), encoder_.initialise(rng.split("copy"));
    target_weights_.glorot(target_.w, target_encoder_.features(), width, rng.split("target/out"));
    for (std::size_t l = 0; l < 3; ++l) weights_.glorot(layers_[l].w, static_cast<double>(layers_[l].w.rows), width, rng.split("copy/out").split(l));
    const auto pixels = static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_);
    mean_.assign(pixels, 0.0), squares_.assign(pixels, 0.0);
  }

  std::span<const float> errors(const Stretch& stretch) override {
    const StretchRows rows(stretch);
    std::vector<std::int64_t> states;
    places_.clear();
    for (std::size_t i = 0; i < rows.now.size(); ++i)
      if (rows.counts[i] != 0) places_.push_back(i), states.push_back(rows.all[static_cast<std::size_t>(rows.next[i])]);
    const at::Tensor seen = normalised(stretch.rollout->data.obs, stretch.rollout->data.final_obs, states);
    const at::Tensor wanted = target_.forward(target_weights_, target_encoder_.forward(seen, target_kept_));
    steps_[0] = encoder_.forward(seen, kept_);
    for (std::size_t l = 0; l < 3; ++l) steps_[l + 1] = layers_[l].forward(weights_, steps_[l]);
    miss_ = steps_[3] - wanted;
    const at::Tensor squares = miss_.pow(2).mean(1);
    errors_.assign(rows.now.size(), 0.0F);
    for (std::size_t i = 0; i < places_.size(); ++i) errors_[places_[i]] = data<float>(squares)[i];
    loss_ = places_.empty() ? 0.0 : squares.mean().item<double>();
    return errors_;
  }

  CuriosityLoss learn(double, const NetStep& how) override {
    CuriosityLoss out;
    out.forward = loss_;
    if (places_.empty()) return out;
    gradient_.clear(weights_.count());
    at::Tensor d = miss_ * (2.0 / static_cast<double>(miss_.numel()));
    for (std::size_t l = 3; l-- > 0;) d = layers_[l].backward(weights_, gradient_, steps_[l], steps_[l + 1], d);
    encoder_.backward(kept_, d, gradient_);
    out.norm = weights_.step({&gradient_, 1}, how, "curiosity");
    return out;
  }

  void save(Sink& sink) const override {
    weights_.save(sink), target_weights_.save(sink), put(sink, count_);
    for (const auto* v : {&mean_, &squares_}) sink.write(std::as_bytes(std::span(*v)));
  }
  void load(Source& source) override {
    weights_.load(source), target_weights_.load(source), get(source, count_);
    for (auto* v : {&mean_, &squares_}) source.read(std::as_writable_bytes(std::span(*v)));
  }

 private:
  // Looks at the states for its means first.
  at::Tensor normalised(std::span<const std::byte> obs, std::span<const std::byte> more, const std::vector<std::int64_t>& states) {
    const std::size_t pixels = mean_.size(), size = pixels * static_cast<std::size_t>(channels_), first = obs.size() / size;
    const auto newest = [&](std::int64_t row) {
      const auto r = static_cast<std::size_t>(row);
      return (r < first ? obs.data() + r * size : more.data() + (r - first) * size) + size - pixels;
    };
    for (const auto row : states) {
      count_ += 1.0;
      const std::byte* frame = newest(row);
      for (std::size_t i = 0; i < pixels; ++i) {  // Welford
        const double x = std::to_integer<int>(frame[i]), before = x - mean_[i];
        mean_[i] += before / count_;
        squares_[i] += before * (x - mean_[i]);
      }
    }
    std::vector<float> scale(pixels), shift(pixels);
    for (std::size_t i = 0; i < pixels; ++i) scale[i] = static_cast<float>(1.0 / std::max(1.0, std::sqrt(squares_[i] / std::max(1.0, count_)))), shift[i] = static_cast<float>(mean_[i]);
    const at::Tensor out = at::empty({static_cast<std::int64_t>(states.size()), 1, side_, side_});
    for (std::size_t k = 0; k < states.size(); ++k) {
      const std::byte* frame = newest(states[k]);
      float* to = data<float>(out) + k * pixels;
      for (std::size_t i = 0; i < pixels; ++i) to[i] = std::clamp((static_cast<float>(std::to_integer<int>(frame[i])) - shift[i]) * scale[i], -5.0F, 5.0F);
    }
    return out;
  }

  int channels_, side_;
  NetWeights target_weights_;
  Encoder target_encoder_;
  Layer target_;
  Encoder encoder_;
  Layer layers_[3];
  Encoder::Kept target_kept_, kept_;
  Gradient gradient_;
  std::vector<double> mean_, squares_;  // of each pixel, over all states seen
  double count_ = 0.0;
  std::vector<std::size_t> places_;
  at::Tensor steps_[4], miss_;
  std::vector<float> errors_;
  double loss_ = 0.0;
};

}  // namespace

std::unique_ptr<CuriosityNet> make_rnd(const ExplorerOptions& options) { return std::make_unique<Rnd>(options); }

}  // namespace hone::nn
