// How a body moves, tic by tic (icm.md 4.3; 35 tics a second): Doom's rules, down to what they round away, so that a walk here is a walk
// in ViZDoom (tests/reference/vizdoom_parity.py).
#pragma once

#include "envs/maze/map.h"

namespace hone::maze {

enum class Push { nothing, forward, right, left };

// Places and speeds are whole 65536ths of a map unit, headings of a turn.
struct Walker {
  double x = 0.0, y = 0.0, heading = 0.0;  // radians, anticlockwise from east
  double vx = 0.0, vy = 0.0;               // map units per tic
  int turning = 0;                         // tics that a turn was held

  void face(double turns);               // anticlockwise from east
  bool tic(const Map& map, Push push);   // whether the vest was touched
  bool reaches(const Spot& vest) const;  // the boxes overlap
};

inline constexpr double thrust = 51200.0 / 65536.0, friction = 0.90625, standing = 1.0 / 16.0;  // slower than that without a push is at rest
inline constexpr double slow_turn = 320.0 / 65536.0, fast_turn = 640.0 / 65536.0;               // turns a tic (1.758 and 3.516 degrees); the slow one for the first five held
inline constexpr int slow_tics = 5;

}  // namespace hone::maze
