#include "envs/poke/shapes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/config.h"
#include "core/error.h"
#include "core/rng.h"

namespace hone::poke {

namespace {

Part polygon(std::vector<Vec> corners, double density = 1.0, double shade = 1.0) {
  return {.corners = std::move(corners), .centre = {}, .radius = 0.0, .density = density, .shade = shade};
}
Part box(double left, double top, double right, double bottom, double density = 1.0, double shade = 1.0) {
  return polygon({{left, top}, {right, top}, {right, bottom}, {left, bottom}}, density, shade);
}
Part disc(double x, double y, double radius, double density = 1.0, double shade = 1.0) {
  return {.corners = {}, .centre = {x, y}, .radius = radius, .density = density, .shade = shade};
}

// Convex, with corners at sorted random angles on an ellipse: points of an ellipse in order are always convex.
Part random_polygon(std::uint64_t seed) {
  Rng rng = Rng(seed).split("polygon");
  const int corners = 4 + static_cast<int>(rng.below(4));
  const double wide = 0.048 + 0.022 * rng.uniform(), high = 0.03 + 0.02 * rng.uniform();
  std::vector<Vec> out;
  for (int i = 0; i < corners; ++i) {  // one corner per sector, so that none is a sliver
    const double angle = 2.0 * std::numbers::pi * (i + 0.15 + 0.7 * rng.uniform()) / corners;
    out.push_back({wide * std::cos(angle), high * std::sin(angle)});
  }
  return polygon(std::move(out));
}

struct Mass {
  double mass = 0.0;
  Vec first;             // integral of the position
  double second = 0.0;   // integral of the squared distance from the origin
};

Mass mass_of(const Part& part) {
  if (part.corners.empty()) {
    const double m = part.density * std::numbers::pi * part.radius * part.radius;
    return {m, m * part.centre, m * (0.5 * part.radius * part.radius + dot(part.centre, part.centre))};
  }
  Mass out;  // triangles from the origin, signed
  for (std::size_t i = 0; i < part.corners.size(); ++i) {
    const Vec a = part.corners[i], b = part.corners[(i + 1) % part.corners.size()];
    const double m = part.density * 0.5 * cross(a, b);
    out.mass += m;
    out.first = out.first + (m / 3.0) * (a + b);
    out.second += m / 6.0 * (dot(a, a) + dot(a, b) + dot(b, b));
  }
  return out;
}

// On a grid of one millimetre: no closed form for compound shapes.
double mean_distance(const std::vector<Part>& parts, double reach) {
  const double cell = 0.001;
  double sum = 0.0, mass = 0.0;
  const int half = static_cast<int>(std::ceil(reach / cell));
  for (int row = -half; row < half; ++row)
    for (int col = -half; col < half; ++col) {
      const Vec at{(col + 0.5) * cell, (row + 0.5) * cell};
      for (const Part& part : parts)
        if (part.density > 0.0 && part.inside(at)) sum += part.density * length_of(at), mass += part.density;
    }
  return sum / mass;
}

Shape shape(std::string name, bool held_out, std::vector<Part> parts) {
  Shape out{.name = std::move(name), .held_out = held_out, .parts = std::move(parts)};
  Mass all;
  for (const Part& part : out.parts) {
    const Mass m = mass_of(part);
    all.mass += m.mass, all.first = all.first + m.first, all.second += m.second;
  }
  const Vec centre = (1.0 / all.mass) * all.first;
  out.inertia = all.second / all.mass - dot(centre, centre);
  for (Part& part : out.parts) {
    part.centre = part.centre - centre;
    for (Vec& corner : part.corners) corner = corner - centre, out.reach = std::max(out.reach, length_of(corner));
    if (part.corners.empty()) out.reach = std::max(out.reach, length_of(part.centre) + part.radius);
  }
  out.lever = mean_distance(out.parts, out.reach);
  return out;
}

std::vector<Shape> make_shapes() {
  const double h = 0.038;  // half a square
  std::vector<Shape> out;
  const auto train = [&](std::string name, std::vector<Part> parts) { out.push_back(shape(std::move(name), false, std::move(parts))); };
  const auto held_out = [&](std::string name, std::vector<Part> parts) { out.push_back(shape(std::move(name), true, std::move(parts))); };
  train("square", {box(-h, -h, h, h)});
  train("brick", {box(-0.055, -0.03, 0.055, 0.03)});
  train("bar", {box(-0.072, -0.014, 0.072, 0.014)});
  train("disc", {disc(0, 0, 0.044)});
  train("puck", {disc(0, 0, 0.026)});
  train("triangle", {polygon({{-0.05, -0.034}, {0.05, -0.034}, {0, 0.056}})});
  train("cross", {box(-0.054, -0.015, 0.054, 0.015), box(-0.015, -0.054, 0.015, -0.015), box(-0.015, 0.015, 0.015, 0.054)});
  train("l", {box(-0.05, 0.018, 0.05, 0.05), box(-0.05, -0.05, -0.018, 0.018)});
  train("t", {box(-0.055, -0.05, 0.055, -0.02), box(-0.015, -0.02, 0.015, 0.055)});
  train("u", {box(-0.048, 0.018, 0.048, 0.044), box(-0.048, -0.044, -0.022, 0.018), box(0.022, -0.044, 0.048, 0.018)});
  train("hammer", {box(-0.07, -0.009, 0.045, 0.009, 1.0, 1.15), box(0.045, -0.035, 0.071, 0.035, 6.0, 0.55)});
  train("cup", {disc(0, 0, 0.039), box(0.033, -0.022, 0.063, -0.013), box(0.033, 0.013, 0.063, 0.022), box(0.063, -0.022, 0.071, 0.022),
                disc(0, 0, 0.029, 0.0, 0.5)});
  train("paddle", {disc(-0.03, 0, 0.037), box(0.004, -0.01, 0.073, 0.01, 0.8, 0.7)});
  train("polygon_1", {random_polygon(11)});
  train("polygon_2", {random_polygon(12)});
  train("polygon_3", {random_polygon(13)});
  held_out("z", {box(-0.05, -0.045, 0.014, -0.016), box(-0.014, -0.016, 0.014, 0.016), box(-0.014, 0.016, 0.05, 0.045)});
  held_out("dumbbell", {disc(-0.043, 0, 0.028), disc(0.043, 0, 0.028), box(-0.017, -0.01, 0.017, 0.01, 0.7, 0.7)});
  held_out("axe", {box(-0.07, -0.009, 0.034, 0.009, 1.0, 1.15), polygon({{0.034, -0.013}, {0.066, -0.013}, {0.08, 0.055}, {0.02, 0.055}}, 4.0, 0.6)});
  held_out("jar", {box(-0.05, -0.034, 0.03, 0.034), box(0.03, -0.02, 0.046, 0.02, 1.0, 0.8), box(0.046, -0.026, 0.06, 0.026, 2.0, 0.5)});
  held_out("wedge", {polygon({{-0.055, 0.035}, {-0.055, -0.035}, {0.02, -0.035}, {0.06, 0.035}})});
  held_out("polygon_4", {random_polygon(17)});
  return out;
}

}  // namespace

double dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y; }
double cross(Vec a, Vec b) { return a.x * b.y - a.y * b.x; }
double length_of(Vec a) { return std::sqrt(dot(a, a)); }
Vec turned(Vec a, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  return {c * a.x - s * a.y, s * a.x + c * a.y};
}
Vec to_table(const Pose& pose, Vec local) { return Vec{static_cast<double>(pose.x), static_cast<double>(pose.y)} + turned(local, static_cast<double>(pose.angle)); }
Vec to_local(const Pose& pose, Vec table) { return turned(table - Vec{static_cast<double>(pose.x), static_cast<double>(pose.y)}, -static_cast<double>(pose.angle)); }

bool Part::inside(Vec point) const {
  if (corners.empty()) {
    const Vec d = point - centre;
    return dot(d, d) <= radius * radius;
  }
  for (std::size_t i = 0; i < corners.size(); ++i)
    if (cross(corners[(i + 1) % corners.size()] - corners[i], point - corners[i]) < 0.0) return false;
  return true;
}

double Part::distance(Vec point) const {
  if (corners.empty()) return length_of(point - centre) - radius;
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Vec a = corners[i], edge = corners[(i + 1) % corners.size()] - a;
    const double along = std::clamp(dot(point - a, edge) / dot(edge, edge), 0.0, 1.0);
    nearest = std::min(nearest, length_of(point - a - along * edge));
  }
  return inside(point) ? -nearest : nearest;
}

double Shape::distance(Vec point) const {
  double nearest = std::numeric_limits<double>::infinity();
  for (const Part& part : parts)
    if (part.density > 0.0) nearest = std::min(nearest, part.distance(point));
  return nearest;
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = make_shapes();
  return all;
}

std::uint64_t geometry_hash(const Shape& shape) {
  std::string text;
  const auto add = [&](double metres) { text += std::to_string(std::llround(metres * 1e5)) + " "; };
  for (const Part& part : shape.parts) {
    for (const Vec& corner : part.corners) add(corner.x), add(corner.y);
    add(part.centre.x), add(part.centre.y), add(part.radius), add(part.density);
    text += ";";
  }
  return hash64(text);
}

std::vector<int> shapes_named(const std::vector<std::string>& names) {
  std::vector<int> out;
  std::vector<std::string> known{"train", "held_out"};
  for (const Shape& s : shapes()) known.push_back(s.name);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(Fault::bad_input, "poke: field 'shapes': " + std::string(unknown_name("shape", name, known).what()));
    for (std::size_t i = 0; i < shapes().size(); ++i) {
      const Shape& s = shapes()[i];
      if (name == s.name || name == (s.held_out ? "held_out" : "train")) out.push_back(static_cast<int>(i));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) throw Error(Fault::bad_input, "poke: field 'shapes': expected train, held_out or names of shapes, got none");
  return out;
}

}  // namespace hone::poke
