#include "envs/poke/picture.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hone::poke {

namespace {

float lattice(std::uint32_t seed, int x, int y) {  // 0 .. 1
  std::uint32_t h = seed * 0x9E3779B1U ^ static_cast<std::uint32_t>(x) * 0x85EBCA77U ^ static_cast<std::uint32_t>(y) * 0xC2B2AE3DU;
  h = (h ^ (h >> 15)) * 0x2C1B3C6DU;
  h = (h ^ (h >> 12)) * 0x297A2D39U;
  return static_cast<float>((h ^ (h >> 15)) >> 8) * (1.0F / 16777216.0F);
}

float value_noise(std::uint32_t seed, double x, double y) {  // 0 .. 1, smooth
  const double fx = std::floor(x), fy = std::floor(y);
  const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  const auto ease = [](double t) { return static_cast<float>(t * t * (3.0 - 2.0 * t)); };
  const float u = ease(x - fx), v = ease(y - fy);
  const float top = lattice(seed, ix, iy) * (1 - u) + lattice(seed, ix + 1, iy) * u;
  const float bottom = lattice(seed, ix, iy + 1) * (1 - u) + lattice(seed, ix + 1, iy + 1) * u;
  return top * (1 - v) + bottom * v;
}

float cloth_at(const Look& look, Vec p) {  // brightness of the ground at a place of the table
  float out = 1.0F;
  switch (look.cloth) {
    case Cloth::felt: out = 0.97F + 0.06F * value_noise(look.pattern, 300 * p.x, 300 * p.y); break;
    case Cloth::weave:
      out = 1.0F + 0.05F * static_cast<float>(std::sin(700 * p.x) * std::sin(700 * p.y)) + 0.06F * (value_noise(look.pattern, 120 * p.x, 25 * p.y) - 0.5F);
      break;
    case Cloth::wood: {
      const double bend = 0.02 * static_cast<double>(value_noise(look.pattern + 7, 6 * p.x, 3 * p.y));
      out = 0.92F + 0.10F * static_cast<float>(std::sin(260 * (p.y + bend))) + 0.10F * (value_noise(look.pattern, 12 * p.x, 160 * p.y) - 0.5F);
      break;
    }
  }
  if (look.stains > 0.0F) {
    const float stain = value_noise(look.pattern + 3, 14 * p.x, 14 * p.y);
    if (stain > 0.6F) out *= 1.0F - look.stains * (stain - 0.6F) * 2.5F;
  }
  return out;
}

struct Bounds {
  int left, top, right, bottom;  // right and bottom not included
};

// A part in one piece of work: its place among the samples, and whether a sample is in it.
Bounds bounds_of(const Part& part, const Pose& pose, Vec offset, const Camera& camera, int samples) {
  double left = 1e9, top = 1e9, right = -1e9, bottom = -1e9;
  const auto take = [&](Vec table) {
    const Vec at = camera.to_picture(table + offset);
    left = std::min(left, at.x), right = std::max(right, at.x), top = std::min(top, at.y), bottom = std::max(bottom, at.y);
  };
  for (const Vec corner : part.corners) take(to_table(pose, corner));
  if (part.corners.empty()) {
    const Vec centre = to_table(pose, part.centre);
    const double r = 1.1 * part.radius;  // a turned camera's square around it
    for (const Vec d : {Vec{-r, -r}, Vec{r, -r}, Vec{r, r}, Vec{-r, r}}) take(centre + d);
  }
  const auto cell = [&](double at, int more) { return std::clamp(static_cast<int>(std::floor(at * samples)) + more, 0, samples); };
  return {cell(left, 0), cell(top, 0), cell(right, 1), cell(bottom, 1)};
}

}  // namespace

Vec Camera::to_picture(Vec table) const {
  const Vec at = turned(table - shift, roll);
  return {0.5 + scale * at.x / view, 0.5 + scale * lean * at.y / view};
}
Vec Camera::to_table(Vec picture) const {
  return turned({(picture.x - 0.5) * view / scale, (picture.y - 0.5) * view / (scale * lean)}, -roll) + shift;
}

Painter::Painter(int pixels) : pixels_(pixels), samples_(2 * pixels) {
  const auto n = static_cast<std::size_t>(samples_) * static_cast<std::size_t>(samples_);
  empty_.resize(n), drawn_.resize(n), light_.resize(n), shadow_.resize(n), scratch_.resize(n), owner_.resize(n);
}

void Painter::prepare(const Look& look, const Camera& camera) {
  look_ = look, camera_ = camera;
  const double cx = std::cos(look.light), cy = std::sin(look.light);
  for (int row = 0; row < samples_; ++row)
    for (int col = 0; col < samples_; ++col) {
      const auto at = static_cast<std::size_t>(row) * static_cast<std::size_t>(samples_) + static_cast<std::size_t>(col);
      const Vec picture{(col + 0.5) / samples_, (row + 0.5) / samples_};
      const float cloth = cloth_at(look, camera.to_table(picture));
      for (std::size_t c = 0; c < 3; ++c) empty_[at][c] = look.ground[c] * cloth;
      const double x = 2.0 * picture.x - 1.0, y = 2.0 * picture.y - 1.0;
      light_[at] = look.brightness * (1.0F + look.slope * static_cast<float>(x * cx + y * cy)) * (1.0F - look.vignette * static_cast<float>(0.5 * (x * x + y * y)));
    }
}

template <class Draw>
void Painter::fill(const Part& part, const Pose& pose, Vec offset, Draw&& draw) {
  const Bounds b = bounds_of(part, pose, offset, camera_, samples_);
  const double step = 1.0 / samples_;
  // The map from samples to the thing's own frame is affine: its origin and two steps are enough.
  const auto local = [&](double x, double y) { return to_local(pose, camera_.to_table({x, y}) - offset); };
  const Vec origin = local((b.left + 0.5) * step, (b.top + 0.5) * step);
  const Vec right = local((b.left + 1.5) * step, (b.top + 0.5) * step) - origin, down = local((b.left + 0.5) * step, (b.top + 1.5) * step) - origin;
  for (int row = b.top; row < b.bottom; ++row)
    for (int col = b.left; col < b.right; ++col) {
      const Vec at = origin + static_cast<double>(col - b.left) * right + static_cast<double>(row - b.top) * down;
      if (part.inside(at)) draw(static_cast<std::size_t>(row) * static_cast<std::size_t>(samples_) + static_cast<std::size_t>(col), at);
    }
}

void Painter::blur(std::vector<float>& plane) {  // a box of 5 samples, along rows and then columns
  const auto n = static_cast<std::size_t>(samples_);
  const auto pass = [&](const std::vector<float>& from, std::vector<float>& to, std::size_t step, std::size_t across) {
    for (std::size_t line = 0; line < n; ++line)
      for (std::size_t i = 0; i < n; ++i) {
        float sum = 0.0F;
        for (std::size_t k = i < 2 ? 0 : i - 2; k < std::min(n, i + 3); ++k) sum += from[line * across + k * step];
        to[line * across + i * step] = 0.2F * sum;
      }
  };
  pass(plane, scratch_, 1, n);
  pass(scratch_, plane, n, 1);
}

void Painter::cast_shadows(std::span<const Thing> things) {
  std::fill(shadow_.begin(), shadow_.end(), 0.0F);
  const Vec offset{-look_.shadow * std::cos(look_.light), -look_.shadow * std::sin(look_.light)};
  for (const Thing& thing : things)
    for (const Part& part : thing.shape->parts)
      if (part.density > 0.0) fill(part, thing.pose, offset, [&](std::size_t at, Vec) { shadow_[at] = 1.0F; });
  blur(shadow_);
}

void Painter::draw_thing(const Thing& thing, std::size_t index) {
  const std::uint32_t pattern = look_.pattern + 31 * static_cast<std::uint32_t>(index + 1);
  const float texture = look_.texture[index];
  for (const Part& part : thing.shape->parts) {
    Colour colour = look_.colours[index];
    for (float& c : colour) c = std::min(1.0F, c * static_cast<float>(part.shade));
    fill(part, thing.pose, {}, [&](std::size_t at, Vec local) {
      owner_[at] = static_cast<std::uint8_t>(index + 1);
      const float shine = texture == 0.0F ? 1.0F : 1.0F + texture * (value_noise(pattern, 90 * local.x, 90 * local.y) - 0.5F);
      for (std::size_t c = 0; c < 3; ++c) drawn_[at][c] = colour[c] * shine;
    });
  }
}

void Painter::paint(std::span<const Thing> things, Rng rng, std::span<std::byte> rgb) {
  std::copy(empty_.begin(), empty_.end(), drawn_.begin());
  std::fill(owner_.begin(), owner_.end(), std::uint8_t{0});
  cast_shadows(things);
  for (std::size_t i = 0; i < things.size(); ++i) draw_thing(things[i], i);

  // A thing's rim is bright towards the light and dark away from it: it has a height.
  const double rim = std::max(1.0, samples_ / 90.0);
  const int dx = static_cast<int>(std::lround(rim * std::cos(look_.light))), dy = static_cast<int>(std::lround(rim * std::sin(look_.light)));
  const auto owner = [&](int row, int col) {
    return row < 0 || col < 0 || row >= samples_ || col >= samples_ ? -1 : static_cast<int>(owner_[static_cast<std::size_t>(row * samples_ + col)]);
  };
  const float exposure = 255.0F * (1.0F + look_.exposure_jitter * static_cast<float>(rng.normal()));
  const auto plane = static_cast<std::size_t>(pixels_) * static_cast<std::size_t>(pixels_);
  for (int row = 0; row < pixels_; ++row)
    for (int col = 0; col < pixels_; ++col) {
      Colour sum{};
      for (int k = 0; k < 4; ++k) {
        const int r = 2 * row + k / 2, c = 2 * col + k % 2;
        const auto at = static_cast<std::size_t>(r * samples_ + c);
        float light = light_[at];
        if (const int mine = owner_[at]; mine == 0) light *= 1.0F - 0.5F * shadow_[at];
        else if (owner(r + dy, c + dx) != mine) light *= 1.22F;
        else if (owner(r - dy, c - dx) != mine) light *= 0.72F;
        for (std::size_t i = 0; i < 3; ++i) sum[i] += light * drawn_[at][i];
      }
      // The number of ones among 21 random bits is nearly normal: mean 10.5, standard deviation 2.29.
      const std::uint64_t bits = look_.noise > 0.0F ? rng.next() : 0;
      for (std::size_t i = 0; i < 3; ++i) {
        float value = 0.25F * exposure * sum[i];
        if (look_.noise > 0.0F) value += 255.0F * look_.noise * (static_cast<float>(std::popcount((bits >> (21 * i)) & 0x1FFFFFU)) - 10.5F) / 2.29F;
        rgb[i * plane + static_cast<std::size_t>(row * pixels_ + col)] = static_cast<std::byte>(std::clamp(value + 0.5F, 0.0F, 255.0F));
      }
    }
}

void paint_mask(std::span<const Thing> things, const Camera& camera, int pixels, std::span<std::uint8_t> mask) {
  std::fill(mask.begin(), mask.end(), std::uint8_t{0});
  for (std::size_t i = 0; i < things.size(); ++i)
    for (const Part& part : things[i].shape->parts) {
      const Bounds b = bounds_of(part, things[i].pose, {}, camera, pixels);
      for (int row = b.top; row < b.bottom; ++row)
        for (int col = b.left; col < b.right; ++col)
          if (part.inside(to_local(things[i].pose, camera.to_table({(col + 0.5) / pixels, (row + 0.5) / pixels}))))
            mask[static_cast<std::size_t>(row * pixels + col)] = static_cast<std::uint8_t>(i + 1);
    }
}

}  // namespace hone::poke
