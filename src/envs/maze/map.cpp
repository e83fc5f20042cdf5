#include "envs/maze/map.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace hone::maze {

namespace {

// Wall textures by number, see texture.h.
enum { brick = 0 };

Area room(std::string name, double x0, double x1, double y0, double y1, int texture) {
  Area a;
  a.name = std::move(name), a.x0 = x0, a.x1 = x1, a.y0 = y0, a.y1 = y1, a.texture = texture, a.room = true;
  return a;
}
Area corridor(std::string name, double x0, double x1, double y0, double y1) {
  Area a = room(std::move(name), x0, x1, y0, y1, brick);
  a.room = false;
  return a;
}

void open_up(Map& map) {
  const auto overlap = [](double a0, double a1, double b0, double b1) { return std::pair{std::max(a0, b0), std::min(a1, b1)}; };
  for (std::size_t i = 0; i < map.areas.size(); ++i)
    for (std::size_t j = 0; j < map.areas.size(); ++j) {
      if (i == j) continue;
      Area& a = map.areas[i];
      const Area& b = map.areas[j];
      const auto add = [&](Side side, std::pair<double, double> part) {
        if (part.second > part.first) a.openings[side].push_back({part.first, part.second, static_cast<int>(j)});
      };
      if (a.x0 == b.x1) add(west, overlap(a.y0, a.y1, b.y0, b.y1));
      if (a.x1 == b.x0) add(east, overlap(a.y0, a.y1, b.y0, b.y1));
      if (a.y0 == b.y1) add(south, overlap(a.x0, a.x1, b.x0, b.x1));
      if (a.y1 == b.y0) add(north, overlap(a.x0, a.x1, b.x0, b.x1));
    }
}

void wall_in(Map& map) {
  map.corner = {map.areas[0].x0, map.areas[0].y0};
  std::vector<Wall> pieces;
  for (const Area& a : map.areas) {
    map.corner = {std::min(map.corner.x, a.x0), std::min(map.corner.y, a.y0)};
    for (const Side side : {west, east, south, north}) {
      const bool upright = side == west || side == east;
      Wall wall{side == west ? a.x0 : side == east ? a.x1 : side == south ? a.y0 : a.y1, upright ? a.y0 : a.x0, 0.0, upright, side == west || side == south};
      const double end = upright ? a.y1 : a.x1;
      std::vector<Opening> openings = a.openings[side];
      std::sort(openings.begin(), openings.end(), [](const Opening& l, const Opening& r) { return l.from < r.from; });
      openings.push_back({end, end});
      for (const Opening& o : openings) {
        wall.to = o.from;
        if (wall.to > wall.from) pieces.push_back(wall);
        wall.from = o.to;
      }
    }
  }
  // A line goes on from area to area, except at a seam.
  std::sort(pieces.begin(), pieces.end(), [](const Wall& l, const Wall& r) { return std::tie(l.upright, l.above, l.at, l.from) < std::tie(r.upright, r.above, r.at, r.from); });
  for (const Wall& piece : pieces) {
    Wall* last = map.walls.empty() ? nullptr : &map.walls.back();
    if (last != nullptr && last->upright == piece.upright && last->above == piece.above && last->at == piece.at && last->to == piece.from) last->to = piece.to;
    else map.walls.push_back(piece);
  }
  for (const Spot& seam : map.seams)
    for (std::size_t i = 0; i < map.walls.size(); ++i) {
      const Wall w = map.walls[i];
      const double across = w.upright ? seam.x : seam.y, along = w.upright ? seam.y : seam.x;
      if (across != w.at || along <= w.from || along >= w.to) continue;
      map.walls[i].to = along;
      map.walls.insert(map.walls.begin() + static_cast<std::ptrdiff_t>(i) + 1, w);
      map.walls[i + 1].from = along;
    }
  if (map.order.empty()) return;
  pieces = map.walls;
  for (std::size_t i = 0; i < pieces.size(); ++i) map.walls[static_cast<std::size_t>(map.order[i])] = pieces[i];
}

// The geometry of DoomMyWayHome, icm.md 4.1.
Map my_way_home() {
  Map m;
  m.name = "full";
  m.areas = {
      room("west", 160, 320, -256, -96, 1),
      room("hub", 384, 544, -256, -96, 2),
      room("north-west", 384, 544, -32, 128, 3),
      room("middle", 608, 768, -256, -96, 4),
      room("north-middle", 608, 768, -32, 128, 5),
      room("south", 384, 544, -544, -384, 6),
      room("north-east", 960, 1120, -32, 128, 7),
      room("east", 960, 1120, -256, -96, 8),
      room("alcove", 992, 1088, -416, -256, brick),
      corridor("west-hub", 320, 384, -208, -144),
      corridor("hub-north-west", 432, 496, -96, -32),
      corridor("hub-middle", 544, 608, -208, -144),
      corridor("hub-south", 432, 496, -384, -256),
      corridor("north-west-north-middle", 544, 608, 16, 80),
      corridor("middle-north-middle", 656, 720, -96, -32),
      corridor("north-middle-north-east", 768, 960, 16, 80),
      corridor("north-east-east", 1008, 1072, -96, -32),
      corridor("dead end", 432, 496, -704, -544),
      corridor("dead end's foot", 496, 576, -704, -640),
  };
  m.spots = {{240, -176}, {464, -176}, {470.331, -321.672}, {466.983, -466.749}, {460.326, -596.12}, {543.986, -672.089}, {575.372, -171.77}, {686.83, -173.247},
             {686.646, -62.382}, {464.098, -60.496}, {460.326, 56.436}, {571.6, 54.55}, {694.19, 58.322}, {871.474, 54.55}, {1043.1, 60.208}, {1039.737, -61.676},
             {1039.328, -169.884}};
  for (Spot& s : m.spots) s = {std::round(s.x * 65536.0) / 65536.0, std::round(s.y * 65536.0) / 65536.0};
  m.seams = {{848, 16}, {576, 16}};
  m.order = {68, 21, 65, 64, 73, 1, 7, 59, 16, 55, 32, 38, 48, 43, 11, 20, 28, 70, 71, 23, 34, 3, 61, 5, 14, 37, 30, 36, 72, 60, 9, 56, 18, 41, 26, 47, 49,
             42, 44, 4, 2, 67, 63, 57, 24, 75, 6, 50, 10, 69, 52, 15, 45, 19, 39, 35, 31, 27, 0, 22, 8, 54, 12, 66, 62, 58, 13, 74, 17, 51, 53, 29, 25, 46,
             33, 40};
  m.vest = {1040, -352};
  m.sparse = m.spots[0], m.sparse_heading = {0.0, 0.01};
  m.very_sparse = m.spots[5], m.very_sparse_heading = {0.49, 0.51};
  return m;
}

// Some areas of it; the vest goes to one of them.
Map cut(const char* name, const std::vector<std::string_view>& kept, Spot vest) {
  Map m = my_way_home();
  m.name = name, m.seams.clear(), m.order.clear();
  std::erase_if(m.areas, [&](const Area& a) { return std::find(kept.begin(), kept.end(), a.name) == kept.end(); });
  std::erase_if(m.spots, [&](const Spot& s) { return m.area_of(s.x, s.y) < 0; });
  m.vest = vest;
  return m;
}

// Another graph of nine rooms for what was learned to be tried on: a snake through three rows, with one door more.
Map snake() {
  Map m;
  m.name = "other";
  const auto left = [](int column) { return column * 224.0; };
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column) {
      const double x = left(column), y = left(row);
      m.areas.push_back(room("room " + std::to_string(row) + std::to_string(column), x, x + 160, y, y + 160, 1 + row * 3 + column));
      m.spots.push_back({x + 80, y + 80});
    }
  const auto across = [&](int row, int column, double shift) {  // to the room east of it
    m.areas.push_back(corridor("corridor", left(column) + 160, left(column + 1), left(row) + shift, left(row) + shift + 64));
  };
  const auto up = [&](int row, int column, double shift) {
    m.areas.push_back(corridor("corridor", left(column) + shift, left(column) + shift + 64, left(row) + 160, left(row + 1)));
  };
  across(0, 0, 16), across(0, 1, 80), up(0, 2, 32), across(1, 1, 64), across(1, 0, 16), up(1, 0, 80), across(2, 0, 48), across(2, 1, 32), up(1, 1, 16);
  m.vest = {left(2) + 120, left(2) + 120};
  m.sparse = {left(0) + 80, left(0) + 80}, m.sparse_heading = {0.0, 0.01};
  m.very_sparse = {left(0) + 32, left(0) + 32}, m.very_sparse_heading = {0.49, 0.51};
  return m;
}

}  // namespace

int Map::rooms() const { return static_cast<int>(std::count_if(areas.begin(), areas.end(), [](const Area& a) { return a.room; })); }

int Map::area_of(double x, double y) const {
  for (std::size_t i = 0; i < areas.size(); ++i)
    if (areas[i].holds(x, y)) return static_cast<int>(i);
  return -1;
}

bool Map::fits(double x, double y, double half) const {
  for (const Wall& w : walls) {
    const double across = w.upright ? x : y, along = w.upright ? y : x;
    if (w.at > across - half && w.at < across + half && w.from < along + half && w.to > along - half) return false;
  }
  return area_of(x, y) >= 0;
}

Map make_map(Plan plan) {
  Map m = my_way_home();
  // Cut and started so that random walks seldom find the vest (docs/worlds/maze.md has how seldom).
  if (plan == Plan::three_rooms) {
    m = cut("three_rooms", {"south", "hub", "middle", "hub-south", "hub-middle", "dead end", "dead end's foot"}, {720, -144});
    m.sparse = {467, -467};
  } else if (plan == Plan::five_rooms) {
    m = cut("five_rooms", {"west", "hub", "middle", "north-middle", "north-east", "west-hub", "hub-middle", "middle-north-middle", "north-middle-north-east"}, {1088, 0});
    m.very_sparse = {200, -216};
  } else if (plan == Plan::other) {
    m = snake();
  }
  open_up(m);
  wall_in(m);
  return m;
}

}  // namespace hone::maze
