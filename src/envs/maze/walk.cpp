#include "envs/maze/walk.h"

#include <cmath>
#include <numbers>

namespace hone::maze {

namespace {

// As far along one axis as the walls let it; a blocked body keeps no speed on that axis.
void slide(const Map& map, double& at, double& speed, double x, double y, bool along_x) {
  const auto fits = [&](double to) { return along_x ? map.fits(to, y, body) : map.fits(x, to, body); };
  if (speed == 0.0) return;
  if (fits(at + speed)) {
    at += speed;
    return;
  }
  double free = 0.0, blocked = 1.0;
  for (int i = 0; i < 12; ++i) {  // to 1/4096 of a step
    const double middle = 0.5 * (free + blocked);
    (fits(at + middle * speed) ? free : blocked) = middle;
  }
  at += free * speed;
  speed = 0.0;
}

}  // namespace

void Walker::tic(const Map& map, Push push) {
  if (push == Push::left || push == Push::right) {
    const double degrees = turning++ < slow_tics ? slow_turn : fast_turn;
    heading += (push == Push::left ? degrees : -degrees) * std::numbers::pi / 180.0;
    heading = std::remainder(heading, 2.0 * std::numbers::pi);
  } else {
    turning = 0;
  }
  if (push == Push::forward) vx += thrust * std::cos(heading), vy += thrust * std::sin(heading);
  slide(map, x, vx, x, y, true);
  slide(map, y, vy, x, y, false);
  vx *= friction, vy *= friction;
}

bool Walker::reaches(const Spot& vest) const { return std::abs(x - vest.x) < body + vest_body && std::abs(y - vest.y) < body + vest_body; }

}  // namespace hone::maze
