#include "envs/maze/map.h"

#include <algorithm>

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
  m.spots = {{240, -176}, {464, -176}, {460, 56}, {687, -173}, {694, 58}, {467, -467}, {1043, 60}, {1039, -170}, {464, -60},
             {575, -172}, {470, -322}, {572, 55}, {687, -62}, {871, 55}, {1040, -62}, {460, -596}, {544, -672}};
  m.vest = {1040, -352};
  m.sparse = {240, -176}, m.sparse_heading = {0.0, 0.01};
  m.very_sparse = {544, -672}, m.very_sparse_heading = {0.49, 0.51};
  return m;
}

// Some areas of it; the vest goes to one of them.
Map cut(const char* name, const std::vector<std::string_view>& kept, Spot vest) {
  Map m = my_way_home();
  m.name = name;
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
  // A wall is a side less its openings; the body's inside must not cross one.
  for (const Area& a : areas)
    for (int side = 0; side < 4; ++side) {
      const bool upright = side == west || side == east;
      const double at = side == west ? a.x0 : side == east ? a.x1 : side == south ? a.y0 : a.y1;
      const double across = upright ? x : y, along = upright ? y : x;
      if (at <= across - half || at >= across + half) continue;
      double low = std::max(along - half, upright ? a.y0 : a.x0);
      const double high = std::min(along + half, upright ? a.y1 : a.x1);
      if (low >= high) continue;
      while (low < high) {  // what of it is open
        const auto& openings = a.openings[static_cast<std::size_t>(side)];
        const auto open = std::find_if(openings.begin(), openings.end(), [&](const Opening& o) { return o.from <= low && o.to > low; });
        if (open == openings.end()) return false;
        low = open->to;
      }
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
  return m;
}

}  // namespace hone::maze
