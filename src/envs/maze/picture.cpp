#include "envs/maze/picture.h"

#include <algorithm>
#include <cmath>

#include "envs/frames.h"

namespace hone::maze {

namespace {

constexpr double focal = screen_width / 2.0;  // 90 degrees
constexpr double tall = 1.2 * focal;          // of heights: Doom was drawn for pixels higher than wide
constexpr double eyes = 41.0, ceiling = 128.0, horizon = screen_height / 2.0;
constexpr double sprite_half = 16.0, sprite_height = 20.0;
constexpr Colour ceiling_colour{90, 90, 110}, floor_colour{120, 100, 70}, vest_colour{120, 255, 120}, hud_colour{70, 70, 70};

// Light falls off with distance; a whole number of 256ths, so that a shaded texel is a multiplication and a shift.
int light(double distance, bool upright) { return static_cast<int>((upright ? 205.0 : 256.0) * std::clamp(1.15 - distance / 900.0, 0.35, 1.0)); }

}  // namespace

Camera::Camera(const Map& map, TextureSet set, Grid grid, bool hud) : map_(map), textures_(textures(set)), grid_(std::move(grid)), hud_(hud) {
  for (int row = 0; row <= screen_height; ++row)
    first_row_.push_back(static_cast<int>(std::lower_bound(grid_.rows.begin(), grid_.rows.end(), row) - grid_.rows.begin()));
  for (const int row : grid_.rows) {
    const double below = row + 0.5 - horizon, distance = tall * (below > 0 ? eyes : ceiling - eyes) / std::max(0.5, std::abs(below));
    flat_.push_back(static_cast<float>(light(distance, false)) / 256.0F);
    const auto plain = [&](const Colour& colour) { return static_cast<std::uint8_t>(static_cast<float>(luma(colour.r, colour.g, colour.b)) * flat_.back()); };
    gray_ceiling_.push_back(plain(ceiling_colour)), gray_floor_.push_back(plain(floor_colour)), gray_hud_.push_back(plain(hud_colour));
  }
}

// Through openings from rectangle to rectangle until there is a wall.
Camera::Hit Camera::cast(double x, double y, double dx, double dy, int area) const {
  double travelled = 0.0;
  for (int i = 0; i < 64; ++i) {
    const Area& a = map_.areas[static_cast<std::size_t>(area)];
    const double to_x = dx > 0 ? (a.x1 - x) / dx : dx < 0 ? (a.x0 - x) / dx : 1e9, to_y = dy > 0 ? (a.y1 - y) / dy : dy < 0 ? (a.y0 - y) / dy : 1e9;
    const bool upright = to_x < to_y;
    const double t = std::max(0.0, upright ? to_x : to_y);
    x += t * dx, y += t * dy;
    travelled += t;
    const Side side = upright ? (dx > 0 ? east : west) : dy > 0 ? north : south;
    const double along = upright ? y : x;
    int next = -1;
    for (const Opening& o : a.openings[side])
      if (along >= o.from && along <= o.to) next = o.leads;
    if (next < 0) return {std::max(1.0, travelled), a.texture, static_cast<int>(std::floor(along)) & (texture_width - 1), upright};
    // Onto the border exactly, so that rounding leaves nobody between two areas.
    (upright ? x : y) = side == west ? a.x0 : side == east ? a.x1 : side == south ? a.y0 : a.y1;
    area = next;
  }
  return {travelled, 0, 0, false};
}

template <class Wall, class Flat, class Sprite>
void Camera::draw(const Walker& from, const Wall& wall, const Flat& flat, const Sprite& sprite) {
  const double fx = std::cos(from.heading), fy = std::sin(from.heading);
  const int area = std::max(0, map_.area_of(from.x, from.y)), last = screen_height - (hud_ ? hud_rows : 0);
  // The vest stands at `depth` before the eyes and `aside` to the right.
  const double vx = map_.vest.x - from.x, vy = map_.vest.y - from.y, depth = vx * fx + vy * fy, aside = vx * fy - vy * fx;
  const int rows = static_cast<int>(grid_.rows.size());
  const auto row_from = [&](double pixel) {  // first wanted row at or below it
    return first_row_[static_cast<std::size_t>(std::clamp(static_cast<int>(std::ceil(std::clamp(pixel, -1.0, screen_height + 1.0) - 0.5)), 0, screen_height))];
  };
  const int hud = row_from(last);
  for (std::size_t c = 0; c < grid_.columns.size(); ++c) {
    const double right = (grid_.columns[c] + 0.5 - screen_width / 2.0) / focal;
    const Hit hit = cast(from.x, from.y, fx + right * fy, fy - right * fx, area);
    const double scale = tall / hit.distance, top = horizon - (ceiling - eyes) * scale, bottom = horizon + eyes * scale;
    const int first = std::clamp(row_from(top), 0, hud), end = std::clamp(row_from(bottom), first, hud);
    flat(c, 0, first, ceiling_colour);
    // Down the texture in 16.16 fixed point.
    const double per_pixel = ceiling / (bottom - top);
    const auto slope = static_cast<std::int32_t>(per_pixel * 65536.0), offset = static_cast<std::int32_t>((0.5 - top) * per_pixel * 65536.0);
    const int* wanted = grid_.rows.data();
    wall(c, first, end, hit, light(hit.distance, hit.upright), [=](int row) { return ((wanted[row] * slope + offset) >> 16) & (texture_height - 1); });
    flat(c, end, hud, floor_colour);
    flat(c, hud, rows, hud_colour);
    if (depth < 1.0 || depth > hit.distance || std::abs(right * depth - aside) > sprite_half) continue;
    const double near = tall / depth;
    const int above = std::clamp(row_from(horizon + (eyes - sprite_height) * near), 0, hud), below = std::clamp(row_from(horizon + eyes * near), above, hud);
    sprite(c, above, below);
  }
}

void Camera::gray(const Walker& from, std::span<std::uint8_t> out) {
  const std::size_t width = grid_.columns.size();
  const auto flat = [&](std::size_t c, int first, int end, const Colour& colour) {
    const std::uint8_t* plain = (&colour == &ceiling_colour ? gray_ceiling_ : &colour == &floor_colour ? gray_floor_ : gray_hud_).data();
    for (int r = first; r < end; ++r) out[static_cast<std::size_t>(r) * width + c] = plain[r];
  };
  draw(
      from,
      [&](std::size_t c, int first, int end, const Hit& hit, int bright, const auto& texel) {
        const std::uint8_t* column = textures_[static_cast<std::size_t>(hit.texture)].gray.data() + hit.u * texture_height;
        for (int r = first; r < end; ++r) out[static_cast<std::size_t>(r) * width + c] = static_cast<std::uint8_t>((column[texel(r)] * bright) >> 8);
      },
      flat,
      [&](std::size_t c, int first, int end) {
        for (int r = first; r < end; ++r) out[static_cast<std::size_t>(r) * width + c] = luma(vest_colour.r, vest_colour.g, vest_colour.b);
      });
}

void Camera::colour(const Walker& from, std::span<std::uint8_t> out) {
  const std::size_t width = grid_.columns.size(), plane = static_cast<std::size_t>(grid_.count());
  const auto put_pixel = [&](std::size_t c, int r, int red, int green, int blue) {
    const std::size_t at = static_cast<std::size_t>(r) * width + c;
    out[at] = static_cast<std::uint8_t>(red), out[plane + at] = static_cast<std::uint8_t>(green), out[2 * plane + at] = static_cast<std::uint8_t>(blue);
  };
  draw(
      from,
      [&](std::size_t c, int first, int end, const Hit& hit, int bright, const auto& texel) {
        const Colour* column = textures_[static_cast<std::size_t>(hit.texture)].colour.data() + hit.u * texture_height;
        for (int r = first; r < end; ++r) {
          const Colour& t = column[texel(r)];
          put_pixel(c, r, (t.r * bright) >> 8, (t.g * bright) >> 8, (t.b * bright) >> 8);
        }
      },
      [&](std::size_t c, int first, int end, const Colour& colour) {
        for (int r = first; r < end; ++r) {
          const float s = flat_[static_cast<std::size_t>(r)];
          put_pixel(c, r, static_cast<int>(static_cast<float>(colour.r) * s), static_cast<int>(static_cast<float>(colour.g) * s), static_cast<int>(static_cast<float>(colour.b) * s));
        }
      },
      [&](std::size_t c, int first, int end) {
        for (int r = first; r < end; ++r) put_pixel(c, r, vest_colour.r, vest_colour.g, vest_colour.b);
      });
}

}  // namespace hone::maze
