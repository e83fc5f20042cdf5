#include "envs/maze/walk.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hone::maze {

namespace {

constexpr double unit = 65536.0, full_turn = 2.0 * std::numbers::pi, clearance = 1.0 / 32.0;
constexpr double block_side = 128.0;
constexpr int quarter = 2048, directions = 4 * quarter, passes = 2;

double rounded_down(double value) { return std::floor(value * unit) / unit; }
double cut(double value) { return std::trunc(value * unit) / unit; }

// Doom's table of sines: a quarter at whole steps, and its mirror images, which are a step off.
double sine(long step) {
  const auto at = static_cast<int>(step & (directions - 1)), in_quarter = at & (quarter - 1);
  const int from = (at & quarter) == 0 ? in_quarter : in_quarter == 0 ? quarter : quarter - 1 - in_quarter;
  const double value = cut(std::sin(from * full_turn / directions));
  return at < 2 * quarter ? value : -value;
}

// One tic's move of a body that walls stop and turn aside.
class Move {
 public:
  Move(const Map& map, Walker& who) : map_(map), who_(who) {}

  bool to(double x, double y) {
    Walker there = who_;
    there.x = x, there.y = y;
    touched = touched || there.reaches(map_.vest);  // a place that is tried counts, even if a wall forbids it
    if (!map_.fits(x, y, body)) return false;
    who_.x = x, who_.y = y;
    return true;
  }

  // Up to the first wall that a leading corner meets (less a little), then along it with what is left of the move: a tic that meets a
  // wall keeps only that share of the speed. Where a wall's end meets the middle of a side, as far as one axis alone allows.
  void slide(double dx, double dy) {
    for (int pass = 0; pass < passes; ++pass) {
      const Meeting first = meet(dx, dy);
      if (first.wall == nullptr) break;
      const double free = first.share - clearance;
      if (free > 0 && !to(who_.x + rounded_down(dx * free), who_.y + rounded_down(dy * free))) break;
      const double left = 1.0 - first.share;
      if (left <= 0) return;
      dx = rounded_down(dx * left), dy = rounded_down(dy * left);
      who_.vx = first.wall->upright ? 0.0 : dx, who_.vy = first.wall->upright ? dy : 0.0;
      if (to(who_.x + who_.vx, who_.y + who_.vy)) return;
    }
    if (!to(who_.x, who_.y + dy)) to(who_.x + dx, who_.y);
  }

  bool touched = false;

 private:
  struct Meeting {
    double share = 2.0;  // of the move
    const Wall* wall = nullptr;
  };

  // What is crossed is a wall's line, as far as the map's blocks that the wall lies in: a door's frame may so catch who scrapes it. And
  // it is crossed only by what is behind it by an area of 1, so that a shallow touch of a short wall is none. Of two walls met at once
  // the first counts, those of the block that the corner is in before others.
  Meeting meet(double dx, double dy) const {
    const double ahead_x = dx > 0 ? body : -body, ahead_y = dy > 0 ? body : -body;
    Meeting best;
    const auto trace = [&](double x, double y) {
      Meeting first;
      bool near = false;
      for (const Wall& w : map_.walls) {
        const double across = w.upright ? dx : dy, from = w.upright ? x : y, self = w.upright ? who_.x : who_.y;
        if (across == 0.0 || (self > w.at) != w.above) continue;  // nobody meets a wall from behind
        const double behind = w.above ? w.from - w.to : w.to - w.from;
        if (((from - w.at) * behind >= 1.0) == ((from + across - w.at) * behind >= 1.0)) continue;
        const double share = std::round((w.at - from) / across * unit) / unit;
        if (share < 0 || share > 1 || share > first.share || (share == first.share && near) || !shares_block(w, x, y, dx, dy)) continue;
        const bool here = shares_block(w, x, y, 0.0, 0.0);
        if (share == first.share && !here) continue;
        first = {share, &w}, near = here;
      }
      if (first.share < best.share) best = first;
    };
    trace(who_.x + ahead_x, who_.y + ahead_y);
    trace(who_.x - ahead_x, who_.y + ahead_y);
    trace(who_.x + ahead_x, who_.y - ahead_y);
    return best;
  }

  // A wall and the path from (x, y).
  bool shares_block(const Wall& w, double x, double y, double dx, double dy) const {
    const auto block = [](double at) { return std::floor(at / block_side); };
    const auto overlap = [&](double from, double to, double a, double b) { return block(std::min(a, b)) <= block(to) && block(from) <= block(std::max(a, b)); };
    x -= map_.corner.x, y -= map_.corner.y;
    const Spot start{(w.upright ? w.at : w.from) - map_.corner.x, (w.upright ? w.from : w.at) - map_.corner.y}, end{start.x + (w.upright ? 0.0 : w.to - w.from), start.y + (w.upright ? w.to - w.from : 0.0)};
    return overlap(start.x, end.x, x, x + dx) && overlap(start.y, end.y, y, y + dy);
  }

  const Map& map_;
  Walker& who_;
};

}  // namespace

void Walker::face(double turns) { heading = std::remainder(rounded_down(turns) * full_turn, full_turn); }

bool Walker::tic(const Map& map, Push push) {
  long turns = std::lround(heading / full_turn * unit);
  if (push == Push::left || push == Push::right) {
    const auto by = static_cast<long>((turning++ < slow_tics ? slow_turn : fast_turn) * unit);
    turns += push == Push::left ? by : -by;
    face(static_cast<double>(turns) / unit);
  } else {
    turning = 0;
  }
  if (push == Push::forward) {  // in the nearest direction of the table at or below
    const long step = turns >> 3;
    vx += rounded_down(thrust * sine(step + quarter)), vy += rounded_down(thrust * sine(step));
  }
  Move move(map, *this);
  if ((vx != 0.0 || vy != 0.0) && !move.to(x + vx, y + vy)) move.slide(vx, vy);
  if (push != Push::forward && std::abs(vx) < standing && std::abs(vy) < standing) vx = vy = 0.0;
  else vx = rounded_down(vx * friction), vy = rounded_down(vy * friction);
  return move.touched;
}

bool Walker::reaches(const Spot& vest) const { return std::abs(x - vest.x) < body + vest_body && std::abs(y - vest.y) < body + vest_body; }

}  // namespace hone::maze
