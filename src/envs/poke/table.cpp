#include "envs/poke/table.h"

#include <box2d/box2d.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

namespace hone::poke {

namespace {

constexpr double units = 10.0;     // per metre
constexpr double gravity = 98.0;   // in units: what the table's friction works with; nothing falls
constexpr float step_time = 1.0F / 120.0F;
constexpr int velocity_iterations = 8, position_iterations = 3;
constexpr int most_settling = 240;  // steps: 2 s
constexpr float at_rest = 1e-3F;    // units/s and rad/s
constexpr float damping = 0.05F, restitution = 0.1F, wall_friction = 0.3F;
constexpr double skin = 0.0015;     // m: Box2D keeps polygons a millimetre apart

b2Vec2 to_units(Vec v) { return {static_cast<float>(units * v.x), static_cast<float>(units * v.y)}; }

void add_fixtures(b2Body& body, const Thing& thing) {
  b2FixtureDef fixture;
  fixture.friction = static_cast<float>(thing.contact_friction);
  fixture.restitution = restitution;
  b2PolygonShape polygon;
  b2CircleShape circle;
  for (const Part& part : thing.shape->parts) {
    if (part.density <= 0.0) continue;
    if (part.corners.empty()) {
      circle.m_p = to_units(part.centre);
      circle.m_radius = static_cast<float>(units * part.radius);
      fixture.shape = &circle;
    } else {
      std::array<b2Vec2, b2_maxPolygonVertices> corners;
      for (std::size_t i = 0; i < part.corners.size(); ++i) corners[i] = to_units(part.corners[i]);
      polygon.Set(corners.data(), static_cast<int32>(part.corners.size()));
      fixture.shape = &polygon;
    }
    body.CreateFixture(&fixture);
  }
}

b2Body* add_thing(b2World& world, b2Body* ground, const Physics& physics, const Thing& thing) {
  b2BodyDef def;
  def.type = b2_dynamicBody;
  def.position = {static_cast<float>(units) * thing.pose.x, static_cast<float>(units) * thing.pose.y};
  def.angle = thing.pose.angle;
  def.linearDamping = damping;
  def.angularDamping = damping;
  b2Body* body = world.CreateBody(&def);
  add_fixtures(*body, thing);
  b2MassData mass;  // the centre of mass is the shape's origin
  mass.mass = static_cast<float>(thing.mass);
  mass.center.SetZero();
  mass.I = static_cast<float>(thing.mass * thing.shape->inertia * units * units);
  body->SetMassData(&mass);

  // Friction at four points a lever away from the centre: in all it holds mu m g and mu m g * lever, as one joint with these two limits
  // would, but sliding uses up what holds against turning. One joint's two limits are apart from each other: a push less than a lever
  // off the centre would not turn the thing at all.
  for (int i = 0; i < 4; ++i) {
    b2FrictionJointDef joint;
    joint.Initialize(ground, body, body->GetWorldPoint(to_units(turned({thing.shape->lever, 0.0}, std::numbers::pi * (0.25 + 0.5 * i)))));
    joint.collideConnected = true;  // the walls are the ground's
    joint.maxForce = static_cast<float>(0.25 * physics.table_friction * thing.mass * gravity);
    joint.maxTorque = 0.0F;
    world.CreateJoint(&joint);
  }
  return body;
}

b2Body* add_walls(b2World& world) {
  const b2BodyDef def;
  b2Body* ground = world.CreateBody(&def);
  b2PolygonShape box;
  b2FixtureDef fixture;
  fixture.shape = &box;
  fixture.friction = wall_friction;
  fixture.restitution = restitution;
  const float to_wall = static_cast<float>(units * arena), thick = 1.0F;
  for (const b2Vec2 side : {b2Vec2(1, 0), b2Vec2(-1, 0), b2Vec2(0, 1), b2Vec2(0, -1)}) {
    const bool upright = side.x != 0.0F;
    const float wide = upright ? thick : to_wall + 2 * thick, high = upright ? to_wall + 2 * thick : thick;
    box.SetAsBox(wide, high, (to_wall + thick) * side, 0.0F);
    ground->CreateFixture(&fixture);
  }
  return ground;
}

float wrapped(float angle) {  // to -pi .. pi; untouched inside
  constexpr float pi = std::numbers::pi_v<float>;
  while (angle > pi) angle -= 2 * pi;
  while (angle < -pi) angle += 2 * pi;
  return angle;
}

}  // namespace

Stroke stroke_through(Vec p, double theta, double length) {
  const Vec half{0.5 * length * std::cos(theta), 0.5 * length * std::sin(theta)};
  return {p - half, p + half};
}

bool overlaps(Vec finger, std::span<const Thing> things, double finger_radius) {
  return std::any_of(things.begin(), things.end(), [&](const Thing& t) {
    const Vec away = finger - to_table(t.pose, {});
    return length_of(away) < t.shape->reach + finger_radius + skin && t.shape->distance(to_local(t.pose, finger)) < finger_radius + skin;
  });
}

Stroke retreat(Stroke stroke, std::span<const Thing> things, double finger_radius) {
  const Vec whole = stroke.to - stroke.from;
  const Vec back = (-0.001 / length_of(whole)) * whole;
  const Vec from = stroke.from;
  for (int i = 0; overlaps(stroke.from, things, finger_radius); ++i) stroke.from = from + static_cast<double>(i) * back;
  stroke.to = stroke.from + whole;
  return stroke;
}

struct Table::World {
  std::optional<b2World> world;
};

Table::Table() : world_(std::make_unique<World>()) {}
Table::~Table() = default;

Settled Table::push(const Physics& physics, std::span<Thing> things, Stroke stroke) {
  b2World& world = world_->world.emplace(b2Vec2(0.0F, 0.0F));
  world.SetAllowSleeping(false);
  b2Body* ground = add_walls(world);
  std::array<b2Body*, most_objects> bodies{};
  for (std::size_t i = 0; i < things.size(); ++i) bodies[i] = add_thing(world, ground, physics, things[i]);
  const auto each = [&](auto&& use) {
    for (std::size_t i = 0; i < things.size(); ++i) use(i, *bodies[i]);
  };
  std::array<b2Vec2, most_objects> first{}, stopped{};
  std::array<float, most_objects> first_angle{};
  each([&](std::size_t i, b2Body& b) { first[i] = b.GetPosition(), first_angle[i] = b.GetAngle(); });

  const double length = length_of(stroke.to - stroke.from);
  const int moving = std::max(1, static_cast<int>(std::ceil(length / physics.finger_speed / static_cast<double>(step_time) - 1e-6)));
  b2BodyDef def;
  def.type = b2_kinematicBody;
  def.position = to_units(stroke.from);
  def.linearVelocity = (1.0F / (static_cast<float>(moving) * step_time)) * to_units(stroke.to - stroke.from);  // a whole number of steps, at this speed or a little less
  b2Body* finger = world.CreateBody(&def);
  b2CircleShape tip;
  tip.m_radius = static_cast<float>(units * physics.finger_radius);
  b2FixtureDef fixture;
  fixture.shape = &tip;
  fixture.friction = static_cast<float>(physics.finger_friction);
  finger->CreateFixture(&fixture);

  Settled out;
  for (; out.steps < moving; ++out.steps) world.Step(step_time, velocity_iterations, position_iterations);
  world.DestroyBody(finger);
  each([&](std::size_t i, b2Body& b) { stopped[i] = b.GetPosition(); });
  bool resting = false;
  for (int i = 0; i < most_settling && !resting; ++i, ++out.steps) {
    world.Step(step_time, velocity_iterations, position_iterations);
    resting = true;
    each([&](std::size_t, b2Body& b) { resting = resting && b.GetLinearVelocity().Length() < at_rest && std::abs(b.GetAngularVelocity()) < at_rest; });
  }
  each([&](std::size_t i, b2Body& b) {
    const b2Vec2 at = b.GetPosition();
    out.coasting = std::max(out.coasting, static_cast<double>((at - stopped[i]).Length()) / units);
    Pose& pose = things[i].pose;
    if (at != first[i]) pose.x = at.x / static_cast<float>(units), pose.y = at.y / static_cast<float>(units);
    if (b.GetAngle() != first_angle[i]) pose.angle = wrapped(b.GetAngle());
  });
  world_->world.reset();
  return out;
}

}  // namespace hone::poke
