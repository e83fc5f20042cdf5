// What lies on the table of poke: footprints made of convex parts, in metres, with the centre of mass at the origin. Parts may differ in
// density, so a hammer's centre of mass is near its head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hone::poke {

struct Vec {
  double x = 0.0, y = 0.0;
  friend Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y}; }
  friend Vec operator-(Vec a, Vec b) { return {a.x - b.x, a.y - b.y}; }
  friend Vec operator*(double s, Vec a) { return {s * a.x, s * a.y}; }
  friend bool operator==(Vec a, Vec b) = default;
};
double dot(Vec a, Vec b);
double cross(Vec a, Vec b);
double length_of(Vec a);
Vec turned(Vec a, double angle);

struct Pose {
  float x = 0.0F, y = 0.0F, angle = 0.0F;  // of the centre of mass; floats, as the engine keeps them
  friend bool operator==(const Pose&, const Pose&) = default;
};
Vec to_table(const Pose& pose, Vec local);
Vec to_local(const Pose& pose, Vec table);

// A disc (corners empty) or a convex polygon of 3 to 8 corners, counter-clockwise where y grows upward (cross products of edges are positive).
struct Part {
  std::vector<Vec> corners;
  Vec centre;           // of a disc
  double radius = 0.0;  // of a disc
  double density = 1.0; // against the other parts; 0 = paint on the parts below, without mass or edges
  double shade = 1.0;   // brightness against the other parts
  bool inside(Vec point) const;
  double distance(Vec point) const;  // to its edge; negative inside
};

struct Shape {
  std::string name;
  bool held_out = false;  // never in the train split
  std::vector<Part> parts;
  double reach = 0.0;      // greatest distance of a point from the centre of mass
  double inertia = 0.0;    // about the centre of mass, per kilogram
  double lever = 0.0;      // mean distance of the mass from its centre: friction's torque = its force * this (2/3 of a disc's radius)
  double distance(Vec point) const;  // in the shape's own frame; negative inside
};

// All shapes, 16 for training and 6 held out; made once.
const std::vector<Shape>& shapes();

// Of the corners, radii and densities to a hundredth of a millimetre, wherever the shape's name comes from.
std::uint64_t geometry_hash(const Shape& shape);

// The numbers in shapes() that a list of names stands for: shape names, "train" or "held_out". Error{bad_input} for an unknown one.
std::vector<int> shapes_named(const std::vector<std::string>& names);

}  // namespace hone::poke
