// The maze's floor plan: rectangles that touch, and an opening wherever two of them do. Map units, x east, y north; floors at 0,
// ceilings at 128 (icm.md 4.1).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"

namespace hone::maze {

enum class Plan { three_rooms, five_rooms, full, other };
enum class Start { dense, sparse, very_sparse };

inline constexpr double body = 16.0, vest_body = 20.0;  // half-widths

enum Side { west, east, south, north };

struct Opening {
  double from = 0.0, to = 0.0;  // along the side
  int leads = -1;               // area
};

struct Area {
  std::string name;
  double x0 = 0.0, x1 = 0.0, y0 = 0.0, y1 = 0.0;
  int texture = 0;
  bool room = false;  // counts as one of the rooms visited
  std::array<std::vector<Opening>, 4> openings{};
  bool holds(double x, double y) const { return x >= x0 && x <= x1 && y >= y0 && y <= y1; }
};

// What of a side is closed.
struct Wall {
  double at = 0.0, from = 0.0, to = 0.0;  // across it, and along it
  bool upright = false;                   // along y
  bool above = false;                     // its area lies towards greater coordinates
};

struct Spot {
  double x = 0.0, y = 0.0;
};

struct Heading {  // in turns, anticlockwise from east
  double from = 0.0, to = 1.0;
};

struct Map {
  std::string name;
  std::vector<Area> areas;
  std::vector<Wall> walls;
  std::vector<Spot> seams;  // where a straight wall is of two lines
  std::vector<int> order;   // place of each wall among them; empty: as they are made. Where a corner meets two at once, the first stops it
  Spot corner;              // the least x and y
  std::vector<Spot> spots;  // dense starts
  Spot vest, sparse, very_sparse;
  Heading sparse_heading, very_sparse_heading;

  int rooms() const;
  int area_of(double x, double y) const;            // -1 = outside
  bool fits(double x, double y, double half) const;  // a square body of this half-width touches no wall (it may lean on one)
};

Map make_map(Plan plan);

}  // namespace hone::maze
