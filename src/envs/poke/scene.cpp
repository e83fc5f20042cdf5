#include "envs/poke/scene.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace hone::poke {

namespace {

constexpr double pi = std::numbers::pi;

double between(Rng& rng, double low, double high) { return low + (high - low) * rng.uniform(); }
float between_f(Rng& rng, double low, double high) { return static_cast<float>(between(rng, low, high)); }

Colour from_hue(double hue, double saturation, double value) {  // hue in turns
  Colour out{};
  for (int i = 0; i < 3; ++i) {
    const double k = std::fmod(5.0 - 2.0 * i + 6.0 * hue, 6.0);
    out[static_cast<std::size_t>(i)] = static_cast<float>(value * (1.0 - saturation * std::max(0.0, std::min({k, 4.0 - k, 1.0}))));
  }
  return out;
}

double unlike(const Colour& a, const Colour& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < 3; ++i) sum += std::pow(static_cast<double>(a[i] - b[i]), 2);
  return std::sqrt(sum);
}

Look vary_look(PokeVariation variation, Rng rng) {
  Look out;
  if (variation == PokeVariation::none) return out;
  out.noise = between_f(rng, 0.004, 0.014);
  out.exposure_jitter = variation == PokeVariation::all ? 0.04F : 0.02F;
  out.pattern = static_cast<std::uint32_t>(rng.next());
  if (variation == PokeVariation::all) {
    out.cloth = static_cast<Cloth>(rng.below(3));
    out.ground = out.cloth == Cloth::wood ? from_hue(between(rng, 0.05, 0.12), between(rng, 0.3, 0.6), between(rng, 0.45, 0.8))
                                          : from_hue(rng.uniform(), between(rng, 0.05, 0.5), between(rng, 0.3, 0.8));
    out.stains = between_f(rng, 0.0, 0.4);
    out.light = between(rng, 0.0, 2 * pi);
    out.brightness = between_f(rng, 0.75, 1.2);
    out.slope = between_f(rng, 0.0, 0.25);
    out.vignette = between_f(rng, 0.0, 0.3);
    out.shadow = between(rng, 0.003, 0.013);
  }
  for (std::size_t i = 0; i < out.colours.size(); ++i) {
    for (int tries = 0; tries < 20; ++tries) {  // told from the table, whatever both are
      out.colours[i] = from_hue(rng.uniform(), between(rng, 0.3, 0.95), between(rng, 0.25, 0.95));
      if (unlike(out.colours[i], out.ground) > 0.4) break;
    }
    out.texture[i] = between_f(rng, 0.0, 0.6);
  }
  return out;
}

Camera vary_camera(const PokeConfig& config, Rng rng) {
  Camera out{.view = config.view};
  if (config.variation != PokeVariation::all) return out;
  out.scale = between(rng, 0.96, 1.02);
  out.roll = between(rng, -0.04, 0.04);
  out.lean = between(rng, 0.97, 1.0);
  out.shift = {between(rng, -0.008, 0.008), between(rng, -0.008, 0.008)};
  return out;
}

void place_at_distance(const PokeConfig& config, Scene& scene, Rng& rng) {
  const double far = config.distance * config.length_max, side = 2 * config.middle;
  Vec way;
  do {  // validate() saw to it that some direction fits
    const double angle = between(rng, 0.0, 2 * pi);
    way = {far * std::cos(angle), far * std::sin(angle)};
  } while (std::abs(way.x) > side || std::abs(way.y) > side);
  const auto start = [&](double w) { return between(rng, -config.middle + std::max(0.0, -w), config.middle - std::max(0.0, w)); };
  const double x = start(way.x), y = start(way.y), angle = between(rng, -pi, pi);
  scene.things[0].pose = {static_cast<float>(x), static_cast<float>(y), static_cast<float>(angle)};
  scene.goal = {static_cast<float>(x + way.x), static_cast<float>(y + way.y), static_cast<float>(angle + between(rng, -pi / 4, pi / 4))};
}

}  // namespace

Pose free_place(std::span<const Thing> things, std::size_t mine, double half, Rng& rng) {
  constexpr int draws = 200;
  Pose best;
  double most = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < draws && most < 0.005; ++i) {
    const Pose pose{between_f(rng, -half, half), between_f(rng, -half, half), between_f(rng, -pi, pi)};
    double room = 1.0;
    for (std::size_t other = 0; other < things.size(); ++other)
      if (other != mine) room = std::min(room, length_of(to_table(pose, {}) - to_table(things[other].pose, {})) - things[other].shape->reach - things[mine].shape->reach);
    if (room > most) most = room, best = pose;
  }
  return best;
}

Scene make_scene(const PokeConfig& config, std::span<const int> allowed, bool with_goal, Rng rng) {
  Scene out;
  out.count = static_cast<std::size_t>(config.objects);
  out.look = vary_look(config.variation, rng.split("look"));
  out.camera = vary_camera(config, rng.split("camera"));
  Rng physics = rng.split("physics"), places = rng.split("places");
  const bool varies = config.variation != PokeVariation::none;
  const auto vary = [&](double low, double high, double standard) { return varies ? between(physics, low, high) : standard; };
  out.physics = {.table_friction = vary(0.2, 0.7, config.table_friction), .finger_radius = vary(0.0075, 0.015, config.finger_radius),
                 .finger_speed = config.finger_speed, .finger_friction = vary(0.1, 0.8, config.contact_friction)};
  for (Thing& thing : out.all()) {
    thing.shape = &shapes()[static_cast<std::size_t>(allowed[places.below(allowed.size())])];
    thing.mass = varies ? 0.05 * std::pow(20.0, physics.uniform()) : config.mass;  // 0.05 to 1 kg, as many light ones as heavy ones
    thing.contact_friction = vary(0.1, 0.8, config.contact_friction);
  }
  std::array<Thing, most_objects + 1> kept{};  // free of these: the goal's place too
  std::size_t n = 1;
  if (with_goal) place_at_distance(config, out, places);
  else out.things[0].pose = free_place(out.all().first(1), 0, config.middle - 0.02, places);
  kept[0] = out.things[0];
  if (with_goal) kept[n] = out.things[0], kept[n++].pose = out.goal;
  for (std::size_t i = 1; i < out.count; ++i) {
    kept[n] = out.things[i];
    kept[n].pose = out.things[i].pose = free_place(std::span(kept).first(n + 1), n, config.middle, places);
    ++n;
  }
  return out;
}

Stroke straight_push(std::span<const Thing> things, Vec goal, double finger_radius, double length_min, double length_max) {
  const Thing& thing = things[0];
  const Vec centre = to_table(thing.pose, {}), way = goal - centre;
  const double far = length_of(way);
  const Vec ahead = far > 0.0 ? (1.0 / far) * way : Vec{1.0, 0.0};
  const auto alone = things.first(1);
  double back = thing.shape->reach + finger_radius + 0.005, step = 0.001;
  while (back > 0.0 && !overlaps(centre - (back - step) * ahead, alone, finger_radius)) back -= step;
  // Beyond this gap the finger pushes; where it never touches, as in the hole of a ring, it stops at the middle.
  const double length = std::clamp(far + 0.0005, length_min, length_max);
  const Vec from = centre - back * ahead;
  return {from, from + length * ahead};
}

}  // namespace hone::poke
