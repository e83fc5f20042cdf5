// The table of poke from above: rigid bodies under dry friction, and a finger that moves in a straight line whatever it meets. Box2D
// does the contacts; one of its units is 10 cm, since it works best on bodies of 0.1 to 10 units.
#pragma once

#include <memory>
#include <span>

#include "envs/poke/shapes.h"

namespace hone::poke {

constexpr int most_objects = 3;
constexpr double arena = 0.30;  // metres from the middle to each wall

struct Thing {
  const Shape* shape = nullptr;
  Pose pose;
  double mass = 0.3;              // kg
  double contact_friction = 0.4;  // with the finger and other things
};

struct Physics {
  double table_friction = 0.4;
  double finger_radius = 0.01;  // m
  double finger_speed = 0.10;   // m/s
  double finger_friction = 0.4;
};

struct Stroke {  // of the finger's centre, in metres
  Vec from, to;
};

// The segment of this length and direction with its middle at p.
Stroke stroke_through(Vec p, double theta, double length);

// The finger can't come down on a thing: the whole stroke is shifted back along its direction, a millimetre at a time, until its start is
// free. Direction and length stay.
Stroke retreat(Stroke stroke, std::span<const Thing> things, double finger_radius);

bool overlaps(Vec finger, std::span<const Thing> things, double finger_radius);

struct Settled {
  double coasting = 0.0;  // greatest distance a thing moved after the finger stopped, m
  int steps = 0;          // of the engine
};

// Not thread-safe; makes no allocation of its own after construction. Box2D's world is built anew for every push, so that what happens
// depends on the poses alone and not on what contacts were there before; what Box2D allocates it takes from malloc.
class Table {
 public:
  Table();
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  // Moves the finger and waits until all is at rest (2 s at most). A thing that nothing touched keeps its pose bit by bit.
  Settled push(const Physics& physics, std::span<Thing> things, Stroke stroke);

 private:
  struct World;
  std::unique_ptr<World> world_;
};

}  // namespace hone::poke
