// The maze as its walker sees it: one ray per column, 160 by 120 pixels, 90 degrees wide, eyes at 41 of 128 (icm.md 4.3, 4.4).
#pragma once

#include <span>
#include "envs/maze/texture.h"
#include "envs/maze/walk.h"

namespace hone::maze {

inline constexpr int screen_width = 160, screen_height = 120, hud_rows = 20;

// Which columns and rows of the screen are wanted; all of them, or those that a smaller picture is made from.
struct Grid {
  std::vector<int> columns, rows;
  int count() const { return static_cast<int>(columns.size() * rows.size()); }
};

class Camera {
 public:
  Camera(const Map& map, TextureSet set, Grid grid, bool hud);
  // Pixels of the grid, row by row: gray [rows, columns], or colours as [3, rows, columns].
  void gray(const Walker& from, std::span<std::uint8_t> out);
  void colour(const Walker& from, std::span<std::uint8_t> out);
  const Grid& grid() const { return grid_; }

 private:
  struct Hit {
    double distance = 0.0;  // across the screen's plane
    int texture = 0, u = 0;
    bool upright = false;   // a wall along y is a little darker, so that corners show
  };
  Hit cast(double x, double y, double dx, double dy, int area) const;
  template <class Wall, class Flat, class Sprite>
  void draw(const Walker& from, const Wall& wall, const Flat& flat, const Sprite& sprite);

  const Map& map_;
  const std::array<Texture, texture_count>& textures_;
  Grid grid_;
  bool hud_;
  std::vector<float> flat_;  // [rows] brightness of floor and ceiling
  std::vector<std::uint8_t> gray_ceiling_, gray_floor_, gray_hud_;  // [rows]
  std::vector<int> first_row_;  // [screen rows + 1] place of the first wanted row at or below
};

}  // namespace hone::maze
