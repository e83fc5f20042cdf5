#include "envs/maze/picture.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "envs/frames.h"

namespace hone::maze {

namespace {

constexpr double focal = screen_width / 2.0;  // 90 degrees
constexpr double tall = 1.2 * focal;          // of heights: Doom was drawn for pixels higher than wide
constexpr double eyes = 41.0, ceiling = 128.0, horizon = screen_height / 2.0;
constexpr double sprite_half = 16.0, sprite_height = 20.0;
constexpr Colour ceiling_colour{90, 90, 110}, floor_colour{120, 100, 70}, vest_colour{120, 255, 120}, hud_colour{70, 70, 70};

// Down a texture: a 32-bit number whose upper seven bits are the row of the texture, so that it starts over by itself.
class Slope {
 public:
  Slope(double per_pixel, double offset) : per_pixel_(fixed(per_pixel)), offset_(fixed(offset)) {}
  std::uint32_t at(int row) const { return static_cast<std::uint32_t>(row) * per_pixel_ + offset_; }
  std::uint32_t below(std::uint32_t place) const { return place + per_pixel_; }  // one pixel further
  static std::uint32_t texel(std::uint32_t place) { return place >> 25; }

 private:
  static std::uint32_t fixed(double x) { return static_cast<std::uint32_t>(static_cast<std::int32_t>(x * 65536.0)) << 9; }
  std::uint32_t per_pixel_, offset_;
};
static_assert(texture_height == 128);

// Light falls off with distance; a whole number of 256ths, so that a shaded texel is a multiplication and a shift.
int light(double distance, bool upright) { return static_cast<int>((upright ? 205.0 : 256.0) * std::clamp(1.15 - distance / 900.0, 0.35, 1.0)); }

}  // namespace

bool Grid::rows_in_pairs() const {
  for (std::size_t i = 0; i + 1 < rows.size(); i += 2)
    if (rows[i + 1] != rows[i] + 1) return false;
  return rows.size() % 2 == 0;
}

Camera::Camera(const Map& map, TextureSet set, Grid grid, bool hud) : map_(map), textures_(textures(set)), grid_(std::move(grid)), hud_(hud), pairs_(grid_.rows_in_pairs()) {
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
    const double per_pixel = ceiling / (bottom - top);
    wall(c, first, end, hit, light(hit.distance, hit.upright), Slope(per_pixel, (0.5 - top) * per_pixel));
    flat(c, end, hud, floor_colour);
    flat(c, hud, rows, hud_colour);
    if (depth < 1.0 || depth > hit.distance || std::abs(right * depth - aside) > sprite_half) continue;
    const double near = tall / depth;
    const int above = std::clamp(row_from(horizon + (eyes - sprite_height) * near), 0, hud), below = std::clamp(row_from(horizon + eyes * near), above, hud);
    sprite(c, above, below);
  }
}

void Camera::gray(const Walker& from, std::span<std::uint8_t> out) {
  if (!pairs_ || grid_.rows.size() > pitch) throw Error(Fault::internal, "maze: a gray picture needs its rows in pairs");
  const auto at = [&](std::size_t c) { return out.data() + c * pitch; };
  const auto flat = [&](std::size_t c, int first, int end, const Colour& colour) {
    const std::uint8_t* plain = (&colour == &ceiling_colour ? gray_ceiling_ : &colour == &floor_colour ? gray_floor_ : gray_hud_).data();
    std::copy(plain + first, plain + end, at(c) + first);
  };
  draw(
      from,
      [&](std::size_t c, int first, int end, const Hit& hit, int bright, const Slope& slope) {
        const std::uint8_t* column = textures_[static_cast<std::size_t>(hit.texture)].gray.data() + hit.u * texture_height;
        const int* wanted = grid_.rows.data();
        for (int r = first & ~1; r < end; r += 2) {  // neighbours
          const std::uint32_t place = slope.at(wanted[r]);
          texels_[static_cast<std::size_t>(r)] = column[Slope::texel(place)];
          texels_[static_cast<std::size_t>(r) + 1] = column[Slope::texel(slope.below(place))];
        }
        std::array<std::uint8_t, pitch> lit;
        for (std::size_t r = 0; r < pitch; ++r) lit[r] = static_cast<std::uint8_t>((texels_[r] * bright) >> 8);
        std::copy(lit.data() + first, lit.data() + end, at(c) + first);
      },
      flat, [&](std::size_t c, int first, int end) { std::fill(at(c) + first, at(c) + end, luma(vest_colour.r, vest_colour.g, vest_colour.b)); });
}

void Camera::colour(const Walker& from, std::span<std::uint8_t> out) {
  const std::size_t width = grid_.columns.size(), plane = static_cast<std::size_t>(grid_.count());
  const auto put_pixel = [&](std::size_t c, int r, int red, int green, int blue) {
    const std::size_t at = static_cast<std::size_t>(r) * width + c;
    out[at] = static_cast<std::uint8_t>(red), out[plane + at] = static_cast<std::uint8_t>(green), out[2 * plane + at] = static_cast<std::uint8_t>(blue);
  };
  draw(
      from,
      [&](std::size_t c, int first, int end, const Hit& hit, int bright, const Slope& slope) {
        const Colour* column = textures_[static_cast<std::size_t>(hit.texture)].colour.data() + hit.u * texture_height;
        for (int r = first; r < end; ++r) {
          const Colour& t = column[Slope::texel(slope.at(grid_.rows[static_cast<std::size_t>(r)]))];
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
