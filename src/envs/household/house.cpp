#include "envs/household/house.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "embedded/household_data.h"
#include "envs/csv.h"

namespace hone::household {

namespace {

constexpr int floor_plans = 30;  // of each kind of room, behind the counts

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

std::pair<std::string, int> split_number(const std::string& word) {
  const auto colon = word.find(':');
  return {word.substr(0, colon), std::stoi(word.substr(colon + 1))};
}

Tables read_tables() {
  Tables out;
  for (const auto& row : parse_csv(household_data("places.csv"), "places.csv").rows) {
    const auto& room = row.fields[0];
    if (out.rooms.empty() || out.rooms.back().name != room) out.rooms.push_back({room, {}});
    std::vector<Count> counts;
    for (const auto& word : words(row.fields[2])) {
      const auto [number, weight] = split_number(word);
      counts.push_back({std::stoi(number), weight});
    }
    out.rooms.back().places.emplace_back(row.fields[1], counts);
  }
  for (const auto& row : parse_csv(household_data("holds.csv"), "holds.csv").rows) out.places[row.fields[0]] = {row.fields[0], row.fields[1] == "yes", words(row.fields[2])};
  for (const auto& row : parse_csv(household_data("things.csv"), "things.csv").rows) {
    ThingKind thing;
    thing.name = row.fields[0];
    for (const auto& can : words(row.fields[1])) {
      thing.heat |= can == "heat", thing.cool |= can == "cool", thing.clean |= can == "clean";
      thing.slice |= can == "slice", thing.light |= can == "light";
    }
    for (const auto& word : words(row.fields[2])) thing.rooms.insert(split_number(word));
    out.things[thing.name] = thing;
  }
  return out;
}

bool contains(const std::vector<std::string>& items, const std::string& item) { return std::find(items.begin(), items.end(), item) != items.end(); }

// A lamp is never carried, so no place "may hold" it; it stands on these.
bool stands_on(const std::string& place) { return place == "desk" || place == "sidetable" || place == "dresser" || place == "shelf" || place == "coffeetable"; }

bool may_hold(const std::string& place, const ThingKind& thing) { return thing.light ? stands_on(place) : contains(tables().places.at(place).holds, thing.name); }

int draw(const std::vector<Count>& counts, Rng& rng) {
  int sum = 0;
  for (const auto& c : counts) sum += c.weight;
  auto at = static_cast<int>(rng.below(static_cast<std::uint64_t>(sum)));
  for (const auto& c : counts)
    if ((at -= c.weight) < 0) return c.number;
  return 0;
}

bool affords(const ThingKind& thing, Family family) {
  if (thing.light) return false;
  switch (family) {
    case Family::heat: return thing.heat;
    case Family::cool: return thing.cool;
    case Family::clean: return thing.clean;
    default: return true;
  }
}

// The place without which the family's deed can't be done.
std::string tool_of(Family family) { return family == Family::heat ? "microwave" : family == Family::cool ? "fridge" : family == Family::clean ? "sinkbasin" : ""; }

std::string goal_text(Family family, const std::string& thing, const std::string& target, bool second) {
  const auto state = [&](const char* adjective, const char* verb) {
    return second ? std::string(verb) + " some " + thing + " and put it in " + target : std::string("put a ") + adjective + " " + thing + " in " + target;
  };
  switch (family) {
    case Family::put: return second ? "put some " + thing + " on " + target : "put a " + thing + " in " + target;
    case Family::look: return second ? "examine the " + thing + " with the " + target : "look at " + thing + " under the " + target;
    case Family::clean: return state("clean", "clean");
    case Family::heat: return state("hot", "heat");
    case Family::cool: return state("cool", "cool");
    case Family::puttwo: return second ? "find two " + thing + " and put them in " + target : "put two " + thing + " in " + target;
  }
  return {};
}

}  // namespace

std::string_view name_of(Family family) {
  constexpr std::array<std::string_view, 6> names{"put", "look", "clean", "heat", "cool", "puttwo"};
  return names[static_cast<std::size_t>(family)];
}

const Tables& tables() {
  static const Tables read = read_tables();
  return read;
}

Room draw_room(const RoomKind& kind, int most_places, Rng rng) {
  std::map<std::string, int> number;
  int total = 0;
  for (const auto& [place, counts] : kind.places) {
    number[place] = draw(counts, rng);
    total += number[place];
  }
  // Too many: the most numerous kind gives way, so that no kind disappears before all are down to one.
  while (most_places > 0 && total > most_places) {
    auto most = number.begin();
    for (auto it = number.begin(); it != number.end(); ++it)
      if (it->second > most->second) most = it;
    if (most->second <= 1) break;
    --most->second;
    --total;
  }
  Room out;
  out.kind = kind.name;
  for (const auto& [place, n] : number)
    for (int i = n; i >= 1; --i) out.places.push_back({place, i});
  return out;
}

House furnish(const Room& room, Family family, Rng rng) {
  House out;
  out.room = room;
  out.family = family;
  std::set<std::string> here;
  for (const auto& p : room.places) here.insert(p.kind);

  // The goal first: pairs of a thing and a kind of place that this room has.
  std::vector<std::pair<std::string, std::string>> goals;
  const bool lamps = std::any_of(here.begin(), here.end(), stands_on);
  for (const auto& [name, thing] : tables().things) {
    if (!thing.rooms.contains(room.kind) || !affords(thing, family)) continue;
    if (const auto tool = tool_of(family); !tool.empty() && !here.contains(tool)) continue;
    std::vector<std::string> kept_in;
    for (const auto& place : here)
      if (may_hold(place, thing)) kept_in.push_back(place);
    if (family == Family::look) {
      if (lamps && !kept_in.empty() && tables().things.at("desklamp").rooms.contains(room.kind)) goals.emplace_back(name, "desklamp");
      continue;
    }
    // It must start somewhere else than where it has to go.
    for (const auto& place : kept_in)
      if (kept_in.size() > 1 && place != tool_of(family)) goals.emplace_back(name, place);
  }
  if (goals.empty()) return out;
  std::tie(out.thing, out.target) = goals[rng.below(goals.size())];
  out.goal = goal_text(family, out.thing, out.target, rng.below(2) == 1);

  // Then what lies about: up to three of each kind, the one that the goal names at least as often as it takes.
  std::vector<std::size_t> spots;
  for (const auto& [name, thing] : tables().things) {
    const auto seen = thing.rooms.find(room.kind);
    const bool wanted = name == out.thing || (family == Family::look && thing.light);
    if (seen == thing.rooms.end()) continue;
    int n = rng.below(floor_plans) < static_cast<std::uint64_t>(seen->second) ? 1 + static_cast<int>(rng.below(thing.light ? 1 : 3)) : 0;
    if (wanted) n = std::max(n, family == Family::puttwo ? 2 : 1);
    spots.clear();
    for (std::size_t p = 0; p < room.places.size(); ++p)
      if (may_hold(room.places[p].kind, thing) && !(wanted && room.places[p].kind == out.target)) spots.push_back(p);
    for (int i = 1; i <= n && !spots.empty(); ++i) out.things.push_back({name, i, spots[rng.below(spots.size())]});
  }
  return out;
}

bool offers(const RoomKind& kind, Family family) {
  const auto has = [&](const std::string& place) { return std::any_of(kind.places.begin(), kind.places.end(), [&](const auto& p) { return p.first == place; }); };
  if (family == Family::look) return tables().things.at("desklamp").rooms.contains(kind.name);
  if (const auto tool = tool_of(family); !tool.empty() && !has(tool)) return false;
  return std::any_of(tables().things.begin(), tables().things.end(), [&](const auto& t) { return t.second.rooms.contains(kind.name) && affords(t.second, family); });
}

std::string problem_text(const House& house) {
  const auto place_name = [](const Place& p) { return p.kind + "_" + std::to_string(p.number); };
  const auto thing_name = [](const Thing& t) { return t.kind + "_" + std::to_string(t.number); };
  const auto location = [&](std::size_t i) { return "at_" + place_name(house.room.places[i]); };
  std::set<std::string> place_kinds, thing_kinds;
  for (const auto& p : house.room.places) place_kinds.insert(p.kind);
  for (const auto& t : house.things) thing_kinds.insert(t.kind);

  std::string objects = "    agent1 - agent\n    middle", init = "    (atlocation agent1 middle)\n";
  for (std::size_t i = 0; i < house.room.places.size(); ++i) objects += " " + location(i);
  objects += " - location\n   ";
  for (const auto& p : house.room.places) objects += " " + place_name(p);
  objects += " - receptacle\n   ";
  for (const auto& t : house.things) objects += " " + thing_name(t);
  objects += " - thing\n   ";
  // Types that the domain names are its constants.
  const auto types = [&](const std::set<std::string>& kinds, const std::set<std::string>& constants, const char* type) {
    std::string out;
    for (const auto& k : kinds)
      if (!constants.contains(k)) out += " " + k + "type";
    return out.empty() ? out : out + " - " + type + "\n   ";
  };
  objects += types(place_kinds, {"sinkbasin", "microwave", "fridge"}, "rtype") + types(thing_kinds, {"knife", "butterknife"}, "otype");

  for (std::size_t i = 0; i < house.room.places.size(); ++i) {
    const auto& p = house.room.places[i];
    init += "    (receptacleatlocation " + place_name(p) + " " + location(i) + ") (receptacletype " + place_name(p) + " " + p.kind + "type)";
    if (tables().places.at(p.kind).opens) init += " (openable " + place_name(p) + ")";
    init += "\n";
  }
  for (const auto& place : place_kinds)
    for (const auto& thing : tables().places.at(place).holds)
      if (thing_kinds.contains(thing)) init += "    (cancontain " + place + "type " + thing + "type)\n";
  for (const auto& t : house.things) {
    const auto& kind = tables().things.at(t.kind);
    const auto name = thing_name(t);
    init += "    (objecttype " + name + " " + t.kind + "type) (inreceptacle " + name + " " + place_name(house.room.places[t.place]) + ") (objectatlocation " + name + " " + location(t.place) + ")";
    for (const auto& [yes, predicate] : {std::pair{!kind.light, "pickupable"}, {kind.heat, "heatable"}, {kind.cool, "coolable"}, {kind.clean, "cleanable"}, {kind.slice, "sliceable"}, {kind.light, "toggleable"}})
      if (yes) init += std::string(" (") + predicate + " " + name + ")";
    init += "\n";
  }

  const std::string thing = "(objecttype ?o " + house.thing + "type)", target = "(receptacletype ?r " + house.target + "type)";
  std::string goal;
  if (house.family == Family::look) {
    goal = "(and (exists (?ot - thing)\n"
           "           (and (objecttype ?ot " + house.target + "type) (toggleable ?ot) (istoggled ?ot)\n"
           "                (exists (?r - receptacle ?a - agent ?l - location) (and (inreceptacle ?ot ?r) (receptacleatlocation ?r ?l) (atlocation ?a ?l)))))\n"
           "         (exists (?o - thing ?a - agent) (and " + thing + " (holds ?a ?o))))";
  } else if (house.family == Family::puttwo) {
    goal = "(exists (?r - receptacle)\n"
           "      (and " + target + "\n"
           "           (exists (?o - thing)\n"
           "             (and " + thing + " (inreceptacle ?o ?r)\n"
           "                  (exists (?p - thing) (and (objecttype ?p " + house.thing + "type) (not (= ?o ?p)) (inreceptacle ?p ?r)))))))";
  } else {
    const std::string state = house.family == Family::clean ? "(cleanable ?o) (isclean ?o) " : house.family == Family::heat ? "(heatable ?o) (ishot ?o) " : house.family == Family::cool ? "(coolable ?o) (iscool ?o) " : "";
    goal = "(exists (?r - receptacle)\n      (and " + target + "\n           (exists (?o - thing) (and " + thing + " " + state + "(inreceptacle ?o ?r)))))";
  }
  return "(define (problem household)\n  (:domain alfred)\n  (:objects\n" + objects + ")\n  (:init\n" + init + ")\n  (:goal\n    " + goal + "))\n";
}

std::vector<Family> deal_families(int n) {
  int sum = 0;
  for (const int c : unseen_counts) sum += c;
  std::array<int, 6> given{};
  std::vector<Family> out;
  for (int i = 0; i < n; ++i) {
    // The family that is furthest behind its share of the first i + 1.
    std::size_t next = 0;
    double behind = -1e9;
    for (std::size_t f = 0; f < families.size(); ++f) {
      const double due = static_cast<double>(unseen_counts[f]) * (i + 1) / sum - given[f];
      if (due > behind) behind = due, next = f;
    }
    ++given[next];
    out.push_back(families[next]);
  }
  return out;
}

}  // namespace hone::household
