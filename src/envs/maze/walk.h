// How a body moves, tic by tic (icm.md 4.3; 35 tics a second).
#pragma once

#include "envs/maze/map.h"

namespace hone::maze {

enum class Push { nothing, forward, right, left };

struct Walker {
  double x = 0.0, y = 0.0, heading = 0.0;  // radians, anticlockwise from east
  double vx = 0.0, vy = 0.0;               // map units per tic
  int turning = 0;                         // tics that a turn was held

  void tic(const Map& map, Push push);
  bool reaches(const Spot& vest) const;  // the boxes overlap
};

inline constexpr double thrust = 51200.0 / 65536.0, friction = 0.90625;
inline constexpr double slow_turn = 1.758, fast_turn = 3.516;  // degrees a tic; the slow one for the first six held
inline constexpr int slow_tics = 6;

}  // namespace hone::maze
