// Where household tasks come from: rooms drawn from counts of real floor plans (data/household/README.md), things put into them, a
// goal of one of ALFWorld's six families; written as a PDDL problem for data/household/household.pddl.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"

namespace hone::household {

// ALFWorld's six task families, in the order of its task types.
enum class Family { put, look, clean, heat, cool, puttwo };
inline constexpr std::array<Family, 6> families{Family::put, Family::look, Family::clean, Family::heat, Family::cool, Family::puttwo};
std::string_view name_of(Family family);

// How many of the 134 unseen games of ALFWorld are of each family (ExpeL's data file), in the order of `families`.
inline constexpr std::array<int, 6> unseen_counts{24, 18, 31, 23, 21, 17};

struct Count {
  int number = 0, weight = 0;
};
struct PlaceKind {
  std::string name;
  bool opens = false;
  std::vector<std::string> holds;  // things that may be put there
};
struct ThingKind {
  std::string name;
  bool heat = false, cool = false, clean = false, slice = false, light = false;
  std::map<std::string, int> rooms;  // in how many of 30 rooms of a kind it was seen
};
struct RoomKind {
  std::string name;
  std::vector<std::pair<std::string, std::vector<Count>>> places;
};

// What the three tables of data/household say.
struct Tables {
  std::vector<RoomKind> rooms;
  std::map<std::string, PlaceKind> places;
  std::map<std::string, ThingKind> things;
};
const Tables& tables();

struct Place {
  std::string kind;
  int number = 1;
};
struct Thing {
  std::string kind;
  int number = 1;
  std::size_t place = 0;  // index into the places
};

struct Room {
  std::string kind;
  std::vector<Place> places;  // by kind, then falling number, as ALFWorld lists them
};

// The room that a seed gives; at most `most_places` places (0 = as many as the counts say). At least what the room can't be without stays.
Room draw_room(const RoomKind& kind, int most_places, Rng rng);

struct House {
  Room room;
  std::vector<Thing> things;
  Family family = Family::put;
  std::string thing, target;  // kinds that the goal names; target is a lamp for `look`
  std::string goal;           // "put a clean mug in coffeemachine"
};

// Things in a room and a goal that can be reached and is not reached yet. Empty goal: this room offers no goal of the family.
House furnish(const Room& room, Family family, Rng rng);

// Whether some goal of the family could be set in rooms of the kind.
bool offers(const RoomKind& kind, Family family);

// The PDDL problem, for a domain named alfred. Objects are called kind_number.
std::string problem_text(const House& house);

// Splits n tasks over the families in the proportions of unseen_counts, every prefix as even as it can be; 134 gives them exactly.
std::vector<Family> deal_families(int n);

}  // namespace hone::household
