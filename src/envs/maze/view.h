// From what the walker sees to one small gray frame (icm.md 2.5): the larger of the last two pictures, gray, 42 by 42; with noise
// around it if asked for (4.6).
#pragma once

#include <array>

#include "envs/frames.h"
#include "envs/maze/picture.h"

namespace hone::maze {

inline constexpr int side = 42;

// full: colours of the whole screen, as published. direct: only the gray pixels that the small frame is made from; the larger of two
// grays is not always the gray of the larger colours, all else is equal.
enum class Render { direct, full };

// The last two pictures of a screen of 160 by 120, and the small frame made of them.
class Screens {
 public:
  Screens(Render render, bool noise);
  const Grid& grid() const { return grid_; }  // the pixels that are kept
  // Where the next picture goes, gray [columns, pitch] or colours [3, rows, columns] of the grid; keep() when it is there.
  std::span<std::uint8_t> next();
  void keep(Rng& rng);              // noise is drawn from it
  void forget() { fresh_ = true; }  // the next picture is an episode's first
  void frame(std::span<std::uint8_t> out);  // [side, side]
  void save(Sink& sink) const;
  void load(Source& source);

 private:
  void surround(Rng& rng);

  Render render_;
  bool noise_, fresh_ = true;
  int width_, height_;  // of a picture that is kept: all pixels, or pairs of columns and rows (direct: column by column)
  Grid grid_;
  Shrink shrink_;
  std::array<std::uint16_t, side> right_{}, below_{};  // shares of a pair's second column and row, in 256ths
  std::vector<std::uint8_t> shot_;    // without the noise
  std::vector<std::uint8_t> now_, before_, gray_;
};

class View {
 public:
  View(const Map& map, TextureSet set, Render render, bool noise, bool hud) : render_(render), screens_(render, noise), camera_(map, set, screens_.grid(), hud && !noise) {}
  // A picture from here; with noise, freshly drawn.
  void shoot(const Walker& from, Rng& rng);
  void forget() { screens_.forget(); }
  void frame(std::span<std::uint8_t> out) { screens_.frame(out); }
  void save(Sink& sink) const { screens_.save(sink); }
  void load(Source& source) { screens_.load(source); }

 private:
  Render render_;
  Screens screens_;
  Camera camera_;
};

// The newest of a stack of frames as lines of signs, the brighter the denser (from its darkest to its brightest), two rows of pixels to a line.
std::string in_signs(std::span<const std::byte> frames);

}  // namespace hone::maze
