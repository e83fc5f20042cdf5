// The maze as its walker sees it: one ray per column, 160 by 120 pixels, 90 degrees wide, eyes at 41 of 128 (icm.md 4.3, 4.4).
#pragma once

#include <array>
#include <span>

#include "envs/maze/texture.h"
#include "envs/maze/walk.h"

namespace hone::maze {

inline constexpr int pitch = 96;  // of a gray picture's columns: whole vectors
inline constexpr int screen_width = 160, screen_height = 120, hud_rows = 20;

// Which columns and rows of the screen are wanted; all of them, or those that a smaller picture is made from.
struct Grid {
  std::vector<int> columns, rows;
  int count() const { return static_cast<int>(columns.size() * rows.size()); }
  bool rows_in_pairs() const;  // of neighbours, as a smaller picture mixes them
};

class Camera {
 public:
  Camera(const Map& map, TextureSet set, Grid grid, bool hud);
  // Pixels of the grid: gray as [columns, pitch], of a grid with its rows in pairs (else Error{internal}), or colours as [3, rows, columns].
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
  bool hud_, pairs_;
  std::vector<float> flat_;  // [rows] brightness of floor and ceiling
  std::vector<std::uint8_t> gray_ceiling_, gray_floor_, gray_hud_;  // [rows]
  std::array<std::uint8_t, pitch> texels_{};  // of the column being drawn
  std::vector<int> first_row_;  // [screen rows + 1] place of the first wanted row at or below
};

}  // namespace hone::maze
