#include "envs/poke/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/rng.h"
#include "envs/poke/scene.h"

namespace hone {
namespace {

using namespace poke;

constexpr double pi = std::numbers::pi;

Thing thing(const char* name, Pose pose = {}, double mass = 0.3) { return {.shape = &shapes()[static_cast<std::size_t>(shapes_named({name})[0])], .pose = pose, .mass = mass}; }

Pose pushed(Thing t, Stroke stroke, Physics physics = {}) {
  Table table;
  table.push(physics, std::span(&t, 1), stroke);
  return t.pose;
}

// From behind, eastward, at this height; `length` counts from the contact.
Stroke eastward(const Thing& t, double y, double length) {
  const Physics physics;
  double x = -0.25;
  while (!overlaps({x + 0.0002, y}, std::span(&t, 1), physics.finger_radius)) x += 0.0002;
  return {{x, y}, {x + length, y}};
}

TEST(PokeTable, TheStrokeGoesThroughItsPointAndKeepsItsLength) {
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    const Vec p{rng.uniform() - 0.5, rng.uniform() - 0.5};
    const double theta = 2 * pi * rng.uniform(), length = 0.01 + 0.09 * rng.uniform();
    const Stroke s = stroke_through(p, theta, length);
    const Vec middle = 0.5 * (s.from + s.to), way = s.to - s.from;
    EXPECT_NEAR(middle.x, p.x, 1e-12);
    EXPECT_NEAR(middle.y, p.y, 1e-12);
    EXPECT_NEAR(length_of(way), length, 1e-12);
    EXPECT_NEAR(std::remainder(std::atan2(way.y, way.x) - theta, 2 * pi), 0.0, 1e-9);
  }
}

TEST(PokeTable, AStrokeThatStartsOnAThingIsShiftedBackUntilItsStartIsFree) {
  Rng rng(2);
  int shifted = 0;
  for (const Shape& shape : shapes())
    for (int i = 0; i < 20; ++i) {
      const Thing t{.shape = &shape, .pose = {0.02F, -0.03F, static_cast<float>(i)}};
      const std::span<const Thing> all(&t, 1);
      const Stroke said = stroke_through({0.02 + 0.04 * (rng.uniform() - 0.5), -0.03 + 0.04 * (rng.uniform() - 0.5)}, 2 * pi * rng.uniform(), 0.03);
      const Stroke done = retreat(said, all, 0.01);
      EXPECT_FALSE(overlaps(done.from, all, 0.01)) << shape.name;
      EXPECT_NEAR(length_of(done.to - done.from), 0.03, 1e-12);
      const Vec back = said.from - done.from;
      EXPECT_NEAR(cross(back, said.to - said.from), 0.0, 1e-12) << "along its own direction";
      EXPECT_GE(dot(back, said.to - said.from), -1e-15);
      if (!overlaps(said.from, all, 0.01)) {
        EXPECT_EQ(done.from, said.from);
        continue;
      }
      ++shifted;
      EXPECT_TRUE(overlaps(done.from + (0.0011 / 0.03) * (said.to - said.from), all, 0.01)) << "no farther than needed";
    }
  EXPECT_GT(shifted, 100);
}

TEST(PokeTable, ThroughTheCentreOfMassItMovesWithoutTurning) {
  for (const char* name : {"square", "brick"}) {
    const Thing t = thing(name);
    const Pose after = pushed(t, eastward(t, 0.0, 0.06));
    EXPECT_NEAR(after.x, 0.06, 0.003) << name;
    EXPECT_NEAR(after.y, 0.0, 0.001) << name;
    EXPECT_NEAR(after.angle, 0.0, 0.01) << name;
  }
}

TEST(PokeTable, OffTheCentreItTurnsTheRightWay) {
  for (const char* name : {"square", "brick", "bar"}) {
    const Thing t = thing(name, {0, 0, static_cast<float>(pi / 2)});
    for (const double y : {-0.02, 0.02}) {  // torque of an eastward force at height y is -y times it
      const Pose after = pushed(t, eastward(t, y, 0.03));
      const double turn = static_cast<double>(after.angle) - pi / 2;
      EXPECT_GT(-y * turn, 0.0) << name << " at " << y;
      EXPECT_GT(std::abs(turn), 0.05) << name << " at " << y;
    }
  }
}

// A hammer pushed in the middle of its length turns, since its mass is in its head.
TEST(PokeTable, AnOffsetCentreOfMassTurnsWhatIsPushedInTheMiddle) {
  const Thing t = thing("hammer", {0, 0, static_cast<float>(pi / 2)});
  double low = 1.0, high = -1.0;
  for (const Part& part : t.shape->parts)
    for (const Vec corner : part.corners) low = std::min(low, to_table(t.pose, corner).y), high = std::max(high, to_table(t.pose, corner).y);
  const double middle = 0.5 * (low + high);
  EXPECT_LT(middle, -0.02) << "the centre of mass is far from the middle";
  const double turn = static_cast<double>(pushed(t, eastward(t, middle, 0.03)).angle) - pi / 2;
  EXPECT_GT(turn, 0.2);
}

TEST(PokeTable, DisplacementGrowsWithTheLength) {
  const Thing t = thing("disc");
  float last = 0.0F;
  for (const double length : {0.02, 0.04, 0.06, 0.08, 0.10}) {
    const Pose after = pushed(t, eastward(t, 0.0, length));
    EXPECT_GT(after.x, last);
    EXPECT_NEAR(after.x, length, 0.003);
    last = after.x;
  }
}

TEST(PokeTable, TwiceTheMassMovesAsFar) {
  for (const char* name : {"square", "l", "hammer"})
    for (const double y : {0.0, 0.01}) {
      const Thing light = thing(name, {}, 0.3), heavy = thing(name, {}, 0.6);
      const Pose a = pushed(light, eastward(light, y, 0.05)), b = pushed(heavy, eastward(heavy, y, 0.05));
      EXPECT_NEAR(a.x, b.x, 0.001) << name;
      EXPECT_NEAR(a.y, b.y, 0.001) << name;
      EXPECT_NEAR(a.angle, b.angle, 0.01) << name;
    }
}

TEST(PokeTable, WhatNothingTouchesKeepsItsPoseBitByBit) {
  Rng rng(3);
  Table table;
  for (const Shape& shape : shapes()) {
    std::array<Thing, 3> things;
    for (std::size_t i = 0; i < 3; ++i)
      things[i] = {.shape = &shape, .pose = {static_cast<float>(0.18 * (static_cast<double>(i) - 1) + 0.01 * rng.uniform()), static_cast<float>(-0.05 + 0.01 * rng.uniform()), static_cast<float>(6 * rng.uniform() - 3)}};
    const auto before = things;
    table.push({}, things, {{-0.2, 0.2}, {-0.12, 0.2}});
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(things[i].pose, before[i].pose) << shape.name;
  }
}

// At the greatest finger speed and the least friction.
TEST(PokeTable, CoastsLessThanFiveMillimetres) {
  const Physics fast{.table_friction = 0.2, .finger_speed = 0.12};
  Table table;
  for (const Shape& shape : shapes())
    for (const double mass : {0.05, 1.0}) {
      Thing t{.shape = &shape, .pose = {}, .mass = mass};
      const Settled out = table.push(fast, std::span(&t, 1), eastward(t, 0.005, 0.05));
      EXPECT_LT(out.coasting, 0.005) << shape.name;
      EXPECT_GT(t.pose.x, 0.02F) << shape.name;
    }
}

TEST(PokeTable, OneThingPushesAnotherAndWallsHold) {
  std::array<Thing, 2> things{thing("square"), thing("disc", {0.10F, 0, 0})};
  Table table;
  table.push({}, things, eastward(things[0], 0.0, 0.08));
  EXPECT_NEAR(things[0].pose.x, 0.08, 0.004);
  EXPECT_NEAR(things[1].pose.x - things[0].pose.x, 0.038 + 0.044, 0.004);
  Thing t = thing("square", {0.24F, 0, 0});
  table.push({}, std::span(&t, 1), {{0.18, 0}, {0.215, 0}});
  EXPECT_LT(t.pose.x, 0.265F);
}

TEST(PokeTable, TheSamePushTwiceIsTheSameBitByBit) {
  std::array<Thing, 3> a{thing("hammer"), thing("l", {0.1F, 0.02F, 1}), thing("cup", {-0.01F, 0.12F, 2})}, b = a;
  Table one, other;
  one.push({}, b, {{0.2, 0.2}, {0.1, 0.1}});  // a table that has been used
  b = a;
  one.push({}, a, eastward(a[0], 0.01, 0.1)), other.push({}, b, eastward(b[0], 0.01, 0.1));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(a[i].pose, b[i].pose);
}

// The lever is 2/3 of a disc's radius, inertia is m r^2 / 2 of a disc and m (w^2 + h^2) / 12 of a box.
TEST(PokeShapes, MassPropertiesAreThoseOfTheFormulas) {
  const Shape& disc = *thing("disc").shape;
  EXPECT_NEAR(disc.lever, 2.0 / 3.0 * 0.044, 2e-4);
  EXPECT_NEAR(disc.inertia, 0.5 * 0.044 * 0.044, 1e-9);
  EXPECT_NEAR(thing("brick").shape->inertia, (0.11 * 0.11 + 0.06 * 0.06) / 12, 1e-9);
  for (const Shape& shape : shapes()) {  // the centre of mass by a grid, as the slow and obvious way
    Vec sum;
    double mass = 0.0;
    for (double y = -0.13; y < 0.13; y += 0.0005)
      for (double x = -0.13; x < 0.13; x += 0.0005)
        for (const Part& part : shape.parts)
          if (part.density > 0.0 && part.inside({x, y})) sum = sum + part.density * Vec{x, y}, mass += part.density;
    EXPECT_NEAR(sum.x / mass, 0.0, 4e-4) << shape.name;
    EXPECT_NEAR(sum.y / mass, 0.0, 4e-4) << shape.name;
    EXPECT_GE(2 * shape.reach, 0.04) << shape.name;
    EXPECT_LE(shape.reach, 0.13) << shape.name;  // of a hammer the end of its handle
  }
}

TEST(PokeShapes, HeldOutShapesAreNoneOfTheTrainingShapes) {
  std::vector<std::uint64_t> train, held_out;
  for (const Shape& s : shapes()) (s.held_out ? held_out : train).push_back(geometry_hash(s));
  EXPECT_EQ(train.size(), 16U);
  EXPECT_GE(held_out.size(), 4U);
  std::vector<std::uint64_t> all = train;
  all.insert(all.end(), held_out.begin(), held_out.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  // What scenes of the train split are made of, and of an evaluation that asks for held-out shapes.
  const auto allowed = shapes_named({"train"}), others = shapes_named({"held_out"});
  const PokeConfig config{.objects = 3, .variation = PokeVariation::all};
  std::vector<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Scene scene = make_scene(config, allowed, false, Rng(seed)), other = make_scene(config, others, true, Rng(seed));
    for (const Thing& t : scene.all()) seen.push_back(geometry_hash(*t.shape));
    for (const Thing& t : other.all()) EXPECT_NE(std::find(held_out.begin(), held_out.end(), geometry_hash(*t.shape)), held_out.end());
  }
  for (const std::uint64_t hash : seen) EXPECT_EQ(std::find(held_out.begin(), held_out.end(), hash), held_out.end());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()) - seen.begin(), 16);
}

}  // namespace
}  // namespace hone
