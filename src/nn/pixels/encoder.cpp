#include "nn/pixels/encoder.h"

#include <cstring>

#include "nn/tensors.h"

namespace hone::nn {

namespace {

// A share of the pictures whose sums are taken together: fixed, so that results don't depend on the number of threads.
constexpr std::int64_t shares = 8;

const ConvolutionKernels& convolution() { return kernels().convolution; }

}  // namespace

Encoder::Encoder(NetWeights& weights, const std::string& name, int channels, int side) : weights_(weights), name_(name) {
  planes_[0] = {side, side, channels};
  for (int l = 0; l < layers; ++l) {
    planes_[l + 1] = planes_[l].half();
    const std::string layer = name + "/conv" + std::to_string(l + 1);
    w_[l] = weights.add(layer + "/w", 9 * planes_[l].channels, filters);
    b_[l] = weights.add(layer + "/b", 1, filters, true);
  }
}

void Encoder::initialise(const Rng& rng) {
  for (int l = 0; l < layers; ++l) weights_.glorot(w_[l], 9.0 * planes_[l].channels, 9.0 * filters, rng.split(name_).split(static_cast<std::uint64_t>(l)));
}

void Encoder::prepare(std::int64_t n, Kept& kept) const {
  if (!kept.maps.empty() && kept.maps[0].size(0) >= n) return;
  kept.maps.clear();
  for (const Plane& p : planes_) kept.maps.push_back(at::zeros({n, p.count()}));  // borders stay zero: nothing writes there
}

at::Tensor Encoder::forward(const Frames& frames, Kept& kept) const {
  const auto n = static_cast<std::int64_t>(frames.rows.size());
  prepare(n, kept);
  const Plane& in = planes_[0];
  const std::int64_t size = static_cast<std::int64_t>(in.channels) * in.height * in.width, first = static_cast<std::int64_t>(frames.obs.size()) / size;
  at::parallel_for(0, n, 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i) {
      const std::int64_t row = frames.rows[static_cast<std::size_t>(i)];
      const std::byte* picture = row < first ? frames.obs.data() + row * size : frames.more.data() + (row - first) * size;
      float* out = data<float>(kept.maps[0]) + i * in.count();
      for (int c = 0; c < in.channels; ++c)
        for (int y = 0; y < in.height; ++y) {
          float* to = out + in.at(y, 0) + c;
          for (int x = 0; x < in.width; ++x) to[static_cast<std::int64_t>(x) * in.channels] = static_cast<float>(std::to_integer<int>(*picture++)) * (1.0F / 255.0F);
        }
    }
  });
  return layers_of(n, kept);
}

at::Tensor Encoder::forward(const at::Tensor& pixels, Kept& kept) const {
  const std::int64_t n = pixels.size(0);
  prepare(n, kept);
  const Plane& in = planes_[0];
  const std::int64_t size = static_cast<std::int64_t>(in.channels) * in.height * in.width;
  at::parallel_for(0, n, 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i) {
      const float* picture = data<float>(pixels) + i * size;
      float* out = data<float>(kept.maps[0]) + i * in.count();
      for (int c = 0; c < in.channels; ++c)
        for (int y = 0; y < in.height; ++y)
          for (int x = 0; x < in.width; ++x) out[in.at(y, x) + c] = *picture++;
    }
  });
  return layers_of(n, kept);
}

at::Tensor Encoder::layers_of(std::int64_t n, Kept& kept) const {
  const Plane& last = planes_[layers];
  at::Tensor out = at::empty({n, features()});
  at::parallel_for(0, n, 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i) {
      for (int l = 0; l < layers; ++l)
        convolution().forward(planes_[l], data<float>(kept.maps[static_cast<std::size_t>(l)]) + i * planes_[l].count(), weights_.values(w_[l]), weights_.values(b_[l]),
                              data<float>(kept.maps[static_cast<std::size_t>(l) + 1]) + i * planes_[l + 1].count(), true);
      const float* map = data<float>(kept.maps[layers]) + i * last.count();
      for (int y = 0; y < last.height; ++y)
        std::memcpy(data<float>(out) + i * features() + static_cast<std::int64_t>(y) * last.width * filters, map + last.at(y, 0), sizeof(float) * static_cast<std::size_t>(last.width) * filters);
    }
  });
  return out;
}

void Encoder::backward(Kept& kept, const at::Tensor& d_features, const Gradient& gradient) const {
  const std::int64_t n = d_features.size(0), share = (n + shares - 1) / shares;
  if (kept.slopes.empty())
    for (const Plane& p : planes_) kept.slopes.push_back(at::zeros({shares, p.count()}));  // one picture of each share at a time
  std::vector<at::Tensor> turned(layers);
  for (int l = 1; l < layers; ++l) turned[static_cast<std::size_t>(l)] = weights_.value(w_[l]).view({9, planes_[l].channels, filters}).transpose(1, 2).contiguous();
  std::int64_t width = 0;
  for (int l = 0; l < layers; ++l) width += w_[l].count() + b_[l].count();
  const at::Tensor sums = at::zeros({shares, width});
  const Plane& last = planes_[layers];
  at::parallel_for(0, shares, 1, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t s = first; s < end; ++s)
      for (std::int64_t i = s * share; i < std::min(n, (s + 1) * share); ++i) {
        const auto map = [&](int l) { return data<float>(kept.maps[static_cast<std::size_t>(l)]) + i * planes_[l].count(); };
        const auto slope = [&](int l) { return data<float>(kept.slopes[static_cast<std::size_t>(l)]) + s * planes_[l].count(); };
        for (int y = 0; y < last.height; ++y)
          std::memcpy(slope(layers) + last.at(y, 0), data<float>(d_features) + i * features() + static_cast<std::int64_t>(y) * last.width * filters,
                      sizeof(float) * static_cast<std::size_t>(last.width) * filters);
        float* sum = data<float>(sums) + s * width + width;
        for (int l = layers; l-- > 0;) {
          sum -= w_[l].count() + b_[l].count();
          convolution().elu_back(map(l + 1), slope(l + 1), planes_[l + 1].count());
          convolution().weights(planes_[l], map(l), slope(l + 1), sum, sum + w_[l].count());
          if (l == 0) continue;
          std::memset(slope(l), 0, sizeof(float) * static_cast<std::size_t>(planes_[l].count()));
          convolution().inputs(planes_[l], data<float>(turned[static_cast<std::size_t>(l)]), slope(l + 1), slope(l));
        }
      }
  });
  // The encoder's matrices lie one after the other.
  float* total = data<float>(gradient.flat) + w_[0].offset;
  for (std::int64_t s = 0; s < shares; ++s) kernels().f32.add(total, data<float>(sums) + s * width, width);
}

}  // namespace hone::nn
