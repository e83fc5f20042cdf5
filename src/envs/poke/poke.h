// poke: a table with one to three things, seen from above; an action is one poke of a finger. Reflex tempo. In the train split there is
// no goal and no reward, only experience (Agrawal et al. 2016, arXiv 1606.07419); validation and test tasks show a picture of where the
// first thing should be.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "core/reflex.h"

namespace hone {

enum class PokeVariation { none, some, all };
enum class PokeAim { split, said, object, oracle };
enum class PokeScore { way, reached };

struct PokeConfig {
  int objects = 1;
  std::vector<std::string> shapes{"train"};
  int pixels = 64;
  PokeVariation variation = PokeVariation::none;
  PokeAim aim = PokeAim::split;
  PokeScore score = PokeScore::way;
  double length_min = 0.01, length_max = 0.10;
  int episode = 50, pokes = 10;
  double threshold = 0.02, distance = 1.0;
  double view = 0.40, middle = 0.14;
  double mass = 0.3, table_friction = 0.4, contact_friction = 0.4, finger_radius = 0.01, finger_speed = 0.10;
  int train = 200, validation = 50, test = 200;
};

template <class V>
void visit(V& v, PokeConfig& c) {
  v.field("objects", c.objects, "things on the table", {.min = 1, .max = 3});
  v.field("shapes", c.shapes, "train, held_out, or names of shapes; episodes of the train split never use held-out ones");
  v.field("pixels", c.pixels, "height and width of a picture", {.min = 16, .max = 256});
  v.choice("variation", c.variation, {{"none", PokeVariation::none}, {"some", PokeVariation::some}, {"all", PokeVariation::all}},
           "what differs between episodes besides shapes and poses; some = masses, frictions, finger, colours and texture of things, exposure and noise; "
           "all = cloth, light, shadow and camera too");
  v.choice("aim", c.aim, {{"split", PokeAim::split}, {"said", PokeAim::said}, {"object", PokeAim::object}, {"oracle", PokeAim::oracle}},
           "what is made of an action; said = that poke; object = its px and py choose a point of a thing; oracle = the world pushes the first thing "
           "straight at its goal; split = object in train, said elsewhere");
  v.choice("score", c.score, {{"way", PokeScore::way}, {"reached", PokeScore::reached}},
           "of an episode with a goal; way = how much of the way to the goal is behind it, reached = 1 at the goal (within threshold), else 0");
  v.field("length_min", c.length_min, "shortest poke, m", {.min = 0.005, .max = 0.2});
  v.field("length_max", c.length_max, "longest poke, m", {.min = 0.005, .max = 0.2});
  v.field("episode", c.episode, "pokes of an episode of the train split", {.min = 1, .max = 1e6});
  v.field("pokes", c.pokes, "most pokes of an episode with a goal", {.min = 1, .max = 1000});
  v.field("threshold", c.threshold, "a thing this near its goal is there, m", {.min = 0.001, .max = 0.1});
  v.field("distance", c.distance, "from start to goal, in longest pokes, which are the farthest that one poke moves a thing", {.min = 0.1, .max = 60});
  v.field("view", c.view, "what the picture shows of the table of 0.6 by 0.6 m, m", {.min = 0.3, .max = 0.6});
  v.field("middle", c.middle, "starts and goals are within this of the table's middle along both axes, and in train a thing that leaves is put back, m", {.min = 0.05, .max = 0.2});
  v.field("mass", c.mass, "of a thing without variation, kg", {.min = 0.05, .max = 1});
  v.field("table_friction", c.table_friction, "coefficient without variation", {.min = 0.2, .max = 0.7});
  v.field("contact_friction", c.contact_friction, "between things and with the finger, without variation", {.min = 0.1, .max = 0.8});
  v.field("finger_radius", c.finger_radius, "without variation, m", {.min = 0.0075, .max = 0.015});
  v.field("finger_speed", c.finger_speed, "m/s", {.min = 0.05, .max = 0.12});
  v.field("train", c.train, "training tasks", {.min = 1, .max = 1e6});
  v.field("validation", c.validation, "validation tasks", {.min = 0, .max = 1e6});
  v.field("test", c.test, "test tasks", {.min = 0, .max = 1e6});
}
void validate(const PokeConfig& config);  // of what spans fields; throws Error{bad_input}

std::unique_ptr<BatchWorld> open_poke(const Settings& settings);

extern constinit const EnvEntry env_poke;

}  // namespace hone
