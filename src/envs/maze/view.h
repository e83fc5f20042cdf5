// From what the walker sees to one small gray frame (icm.md 2.5): the larger of the last two pictures, gray, 42 by 42; with noise
// around it if asked for (4.6).
#pragma once

#include "envs/frames.h"
#include "envs/maze/picture.h"

namespace hone::maze {

inline constexpr int side = 42;

// full: colours of the whole screen, as published. direct: only the gray pixels that the small frame is made from; the larger of two
// grays is not always the gray of the larger colours, all else is equal.
enum class Render { direct, full };

class View {
 public:
  View(const Map& map, TextureSet set, Render render, bool noise, bool hud);
  // A picture from here; with noise, freshly drawn.
  void shoot(const Walker& from, Rng& rng);
  void forget() { fresh_ = true; }  // the next picture is an episode's first
  // Of the last two pictures [side, side].
  void frame(std::span<std::uint8_t> out);
  void save(Sink& sink) const;
  void load(Source& source);

 private:
  void place(Rng& rng);

  Render render_;
  bool noise_, fresh_ = true;
  int width_, height_;               // of a picture that is kept: all pixels, or pairs of columns and rows
  Camera camera_;
  Shrink shrink_;
  std::vector<std::uint32_t> share_;  // of the right column of each pair, in 256ths
  std::vector<std::uint8_t> shot_;   // what the camera gives
  std::vector<std::uint8_t> now_, before_, gray_;
};

}  // namespace hone::maze
