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
  const bool direct = render == Render::direct;
  const std::size_t pixels = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_), size = direct ? static_cast<std::size_t>(width_) * pitch : 3 * pixels;
  shot_.resize(direct ? grid_.columns.size() * pitch : 3 * static_cast<std::size_t>(grid_.count()));
  const auto in_256ths = [](const Shrink::Place& place) { return static_cast<std::uint16_t>(place.share * 256.0F + 0.5F); };
  std::transform(shrink_.columns().begin(), shrink_.columns().end(), right_.begin(), in_256ths);
  std::transform(shrink_.rows().begin(), shrink_.rows().end(), below_.begin(), in_256ths);
  now_.resize(size), before_.resize(size), gray_.resize(pixels);
}

// Noise everywhere, the shot in the upper left corner.
void Screens::surround(Rng& rng) {
  const auto width = static_cast<std::size_t>(width_), height = static_cast<std::size_t>(height_), columns = grid_.columns.size(), rows = grid_.rows.size();
  std::uint64_t bits = 0;
  int left = 0;
  const auto byte = [&] {
    if (left == 0) bits = rng.next(), left = 8;
    const auto b = static_cast<std::uint8_t>(bits);
    bits >>= 8U, --left;
    return b;
  };
  if (render_ == Render::direct) {
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = y < rows ? columns : 0; x < width; ++x) {
        const std::uint8_t r = byte(), g = byte(), b = byte();
        now_[x * pitch + y] = luma(r, g, b);
      }
    for (std::size_t x = 0; x < columns; ++x) std::memcpy(now_.data() + x * pitch, shot_.data() + x * pitch, rows);
    return;
  }
  for (std::size_t p = 0; p < 3; ++p)
    for (std::size_t y = 0; y < height; ++y) {
      std::uint8_t* row = now_.data() + (p * height + y) * width;
      std::size_t x = 0;
      if (y < rows) std::memcpy(row, shot_.data() + (p * rows + y) * columns, columns), x = columns;
      for (; x < width; ++x) row[x] = byte();
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
  // The pairs lie side by side: between columns first, a whole column at once, then between rows. Shares are 256ths.
  std::array<std::uint16_t, pitch> line{};
  for (std::size_t x = 0; x < side; ++x) {
    const std::uint16_t right = right_[x], left = static_cast<std::uint16_t>(256 - right);
    const std::uint8_t *now = now_.data() + 2 * x * pitch, *before = before_.data() + 2 * x * pitch;
    for (std::size_t y = 0; y < pitch; ++y) {
      const std::uint16_t first = std::max(now[y], before[y]), second = std::max(now[y + pitch], before[y + pitch]);
      line[y] = static_cast<std::uint16_t>(first * left + second * right);
    }
    for (std::size_t y = 0; y < side; ++y) {
      const std::uint32_t below = below_[y];
      out[y * side + x] = static_cast<std::uint8_t>((line[2 * y] * (256 - below) + line[2 * y + 1] * below + 32768U) >> 16);
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
