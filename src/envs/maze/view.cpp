#include "envs/maze/view.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hone::maze {

namespace {

constexpr int canvas = 168;  // the noise's; the screen without its lowest rows lies in its upper left corner
constexpr int shown_rows = screen_height - hud_rows;

Shrink shrink_of(bool noise) { return noise ? Shrink(canvas, canvas, side, side) : Shrink(screen_width, screen_height, side, side); }

// The columns and rows of the screen that the small frame reads, two per pixel.
Grid grid_of(Render render, bool noise) {
  Grid out;
  const int width = screen_width, height = noise ? shown_rows : screen_height;
  if (render == Render::full) {
    for (int i = 0; i < width; ++i) out.columns.push_back(i);
    for (int i = 0; i < height; ++i) out.rows.push_back(i);
    return out;
  }
  const Shrink shrink = shrink_of(noise);
  const auto take = [](const std::vector<Shrink::Place>& places, int most, std::vector<int>& into) {
    for (const auto& p : places)
      for (const int i : {p.first, p.first + 1})
        if (i < most) into.push_back(i);
  };
  take(shrink.columns(), width, out.columns);
  take(shrink.rows(), height, out.rows);
  return out;
}

}  // namespace

Screens::Screens(Render render, bool noise)
    : render_(render), noise_(noise), width_(render == Render::direct ? 2 * side : noise ? canvas : screen_width), height_(render == Render::direct ? 2 * side : noise ? canvas : screen_height),
      grid_(grid_of(render, noise)), shrink_(shrink_of(noise)) {
  const std::size_t planes = render == Render::direct ? 1 : 3, size = planes * static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
  shot_.resize(planes * static_cast<std::size_t>(grid_.count()));
  for (const auto& place : shrink_.columns()) share_.push_back(static_cast<std::uint32_t>(place.share * 256.0F + 0.5F));
  now_.resize(size), before_.resize(size), gray_.resize(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_));
}

// Noise everywhere, the shot in the upper left corner.
void Screens::surround(Rng& rng) {
  const std::size_t pixels = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_), planes = now_.size() / pixels;
  const auto columns = grid_.columns.size(), rows = grid_.rows.size();
  std::uint64_t bits = 0;
  int left = 0;
  const auto byte = [&] {
    if (left == 0) bits = rng.next(), left = 8;
    const auto b = static_cast<std::uint8_t>(bits);
    bits >>= 8U, --left;
    return b;
  };
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t y = 0; y < static_cast<std::size_t>(height_); ++y) {
      std::uint8_t* row = now_.data() + p * pixels + y * static_cast<std::size_t>(width_);
      std::size_t x = 0;
      if (y < rows) std::memcpy(row, shot_.data() + (p * rows + y) * columns, columns), x = columns;
      for (; x < static_cast<std::size_t>(width_); ++x) {
        if (planes == 3) {
          row[x] = byte();
        } else {
          const std::uint8_t r = byte(), g = byte(), b = byte();
          row[x] = luma(r, g, b);
        }
      }
    }
}

std::span<std::uint8_t> Screens::next() {
  std::swap(now_, before_);
  return noise_ ? std::span(shot_) : std::span(now_);
}

void Screens::keep(Rng& rng) {
  if (noise_) surround(rng);
  if (fresh_) before_ = now_;
  fresh_ = false;
}

void Screens::frame(std::span<std::uint8_t> out) {
  const std::size_t pixels = gray_.size();
  if (render_ == Render::full) {
    const auto most = [&](std::size_t i) { return std::max(now_[i], before_[i]); };
    for (std::size_t i = 0; i < pixels; ++i) gray_[i] = luma(most(i), most(pixels + i), most(2 * pixels + i));
    shrink_(gray_, out);
    return;
  }
  // The pairs lie side by side: between rows first, a whole line at once, then between columns. Shares are 256ths.
  constexpr int wide = 2 * side;
  std::array<std::uint16_t, wide> line{};
  for (int y = 0; y < side; ++y) {
    const auto below = static_cast<std::uint16_t>(shrink_.rows()[static_cast<std::size_t>(y)].share * 256.0F + 0.5F), above = static_cast<std::uint16_t>(256 - below);
    const std::uint8_t *now = now_.data() + 2 * y * wide, *before = before_.data() + 2 * y * wide;
    for (std::size_t x = 0; x < wide; ++x) {
      const int upper = std::max(now[x], before[x]), lower = std::max(now[x + wide], before[x + wide]);
      line[x] = static_cast<std::uint16_t>(upper * above + lower * below);
    }
    for (std::size_t x = 0; x < side; ++x) {
      const std::uint32_t right = share_[x];
      out[static_cast<std::size_t>(y) * side + x] = static_cast<std::uint8_t>((line[2 * x] * (256 - right) + line[2 * x + 1] * right + 32768U) >> 16);
    }
  }
}

void Screens::save(Sink& sink) const {
  put(sink, static_cast<std::uint8_t>(fresh_));
  sink.write(std::as_bytes(std::span(now_))), sink.write(std::as_bytes(std::span(before_)));
}

void Screens::load(Source& source) {
  std::uint8_t fresh = 0;
  get(source, fresh);
  fresh_ = fresh != 0;
  source.read(std::as_writable_bytes(std::span(now_))), source.read(std::as_writable_bytes(std::span(before_)));
}

void View::shoot(const Walker& from, Rng& rng) {
  if (render_ == Render::direct) camera_.gray(from, screens_.next());
  else camera_.colour(from, screens_.next());
  screens_.keep(rng);
}

std::string in_signs(std::span<const std::byte> frames) {
  static constexpr std::string_view ramp = " .:-=+*#%@";
  constexpr int columns = side * 4 / 3;  // as wide as the screen was; a character is twice as high as wide
  const std::byte* newest = frames.data() + frames.size() - side * side;
  const auto bright = [&](int x, int y) { return std::to_integer<int>(newest[y * side + x]) + std::to_integer<int>(newest[(y + 1) * side + x]); };
  int least = 510, most = 0;
  for (int y = 0; y < side; y += 2)
    for (int x = 0; x < side; ++x) least = std::min(least, bright(x, y)), most = std::max(most, bright(x, y));
  std::string out;
  for (int y = 0; y < side; y += 2) {
    for (int c = 0; c < columns; ++c) out += ramp[static_cast<std::size_t>((bright(c * side / columns, y) - least) * static_cast<int>(ramp.size() - 1) / std::max(1, most - least))];
    if (y + 2 < side) out += "\n";
  }
  return out;
}

}  // namespace hone::maze
