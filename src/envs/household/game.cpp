#include "envs/household/game.h"

#include <algorithm>
#include <map>

namespace hone::household {

namespace {

constexpr std::string_view nothing_happens = "Nothing happens.";

// Lower case, single spaces, without ends and without a leading '>'; "put x in y" as "put x in/on y".
std::string plain(std::string_view action) {
  std::string out;
  for (const char c : action) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool space = lower == ' ' || lower == '\t' || lower == '\r' || lower == '\n';
    if (space && (out.empty() || out.back() == ' ')) continue;
    if (out.empty() && lower == '>') continue;
    out += space ? ' ' : lower;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

// "put apple 1 in fridge 1" and "move apple 1 to fridge 1" say the same: the thing and the place, or nothing.
std::pair<std::string, std::string> put_of(const std::string& action) {
  const bool put = action.starts_with("put "), move = action.starts_with("move ");
  if (!put && !move) return {};
  for (const char* between : {" in/on ", " into ", " onto ", " in ", " on ", " to "}) {
    if (const auto at = action.find(between); at != std::string::npos)
      return {action.substr(put ? 4 : 5, at - (put ? 4 : 5)), action.substr(at + std::string_view(between).size())};
  }
  return {};
}

// "a x 2, a x 1, and a y 1"
class List {
 public:
  void add(const std::string& name) { items_.push_back(&name); }
  std::string text() const {
    if (items_.empty()) return "nothing";
    std::string out;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (i > 0) out += i + 1 == items_.size() ? ", and " : ", ";
      out += "a " + *items_[i];
    }
    return out;
  }

 private:
  std::vector<const std::string*> items_;
};

std::pair<std::string, int> kind_and_number(const std::string& name) {
  const auto space = name.rfind(' ');
  if (space == std::string::npos) return {name, 0};
  return {name.substr(0, space), std::atoi(name.c_str() + space + 1)};
}

// By kind, then falling number.
bool listed_before(const std::string& a, const std::string& b) {
  const auto [kind_a, number_a] = kind_and_number(a);
  const auto [kind_b, number_b] = kind_and_number(b);
  return kind_a != kind_b ? kind_a < kind_b : number_a > number_b;
}

}  // namespace

std::vector<std::string> shown_names(const pddl::Problem& problem) {
  std::vector<std::string> out(problem.objects.size());
  std::vector<std::pair<std::string, std::size_t>> mangled;
  std::map<std::string, int> left;
  const auto kind_of = [](const std::string& id) {
    return id.substr(0, id.find("_bar_")) + (id.find("basin") != std::string::npos ? "basin" : "");
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string& id = problem.objects[i].name;
    if (id.find("_bar_") != std::string::npos) {
      mangled.emplace_back(id, i);
      ++left[kind_of(id)];
    } else {
      const auto cut = id.rfind('_');
      out[i] = cut == std::string::npos ? id : id.substr(0, cut) + " " + id.substr(cut + 1);
    }
  }
  std::sort(mangled.begin(), mangled.end());
  for (const auto& [id, i] : mangled) {
    const auto kind = kind_of(id);
    out[i] = kind + " " + std::to_string(left[kind]--);
  }
  return out;
}

Game::Game(std::string_view domain, const std::string& domain_name, std::string_view problem, const std::string& problem_name, Wording wording, Offer offer)
    : domain_(pddl::parse_domain(domain, domain_name)), problem_(pddl::parse_problem(problem, problem_name, domain_)), grounded_(domain_, problem_), wording_(wording), offer_(offer) {
  static const std::map<std::string, Deed> known{{"gotolocation", Deed::go},   {"openobject", Deed::open},   {"closeobject", Deed::close}, {"pickupobject", Deed::take}, {"putobject", Deed::put},
                                                 {"cleanobject", Deed::clean}, {"heatobject", Deed::heat},   {"coolobject", Deed::cool},   {"toggleobject", Deed::use},  {"sliceobject", Deed::slice}};
  for (const auto& [action, deed] : known)
    if (domain_.find_action(action) < 0) throw Error(Fault::bad_input, domain_name + ": expected the action " + action + " of ALFRED's domain, got none");
  for (const char* p : {"atlocation", "receptacleatlocation", "inreceptacle", "holds", "openable", "opened", "isclean", "ishot", "iscool", "issliced", "istoggled", "toggleable"})
    if (domain_.find_predicate(p) < 0) throw Error(Fault::bad_input, domain_name + ": expected the predicate " + p + " of ALFRED's domain, got none");
  for (const auto& a : domain_.actions) deeds_.push_back(known.contains(a.name) ? known.at(a.name) : Deed::none);

  names_ = shown_names(problem_);
  std::vector<int> of_agent, of_location, of_place, of_thing;
  for (std::size_t i = 0; i < problem_.objects.size(); ++i) {
    const int type = problem_.objects[i].type;
    const auto is = [&](const char* name) { const int t = domain_.find_type(name); return t >= 0 && domain_.is_a(type, t); };
    if (is("agent")) of_agent.push_back(static_cast<int>(i));
    else if (is("location")) of_location.push_back(static_cast<int>(i));
    else if (is("receptacle")) of_place.push_back(static_cast<int>(i));
    else if (is("thing") || type == 0) of_thing.push_back(static_cast<int>(i));  // ALFRED's type of things is "object", the root of all
  }
  if (of_agent.size() != 1) throw Error(Fault::bad_input, problem_name + ": expected one agent, got " + std::to_string(of_agent.size()));
  const int agent = of_agent[0];
  for (const int t : of_thing)
    things_.push_back({t, name(t), bit("holds", {agent, t}), bit("isclean", {t}), bit("ishot", {t}), bit("iscool", {t}), bit("issliced", {t}), bit("toggleable", {t}), bit("istoggled", {t})});
  std::sort(things_.begin(), things_.end(), [](const auto& a, const auto& b) { return listed_before(a.name, b.name); });
  for (const int p : of_place) {
    PlaceText place{p, name(p), bit("openable", {p}), bit("opened", {p}), {}, {}};
    for (const int l : of_location)
      if (bit("receptacleatlocation", {p, l}).fixed) place.here = bit("atlocation", {agent, l});
    for (std::size_t t = 0; t < things_.size(); ++t)
      if (const Bit in = bit("inreceptacle", {things_[t].object, p}); in.bit >= 0 || in.fixed) place.contents.emplace_back(in, static_cast<int>(t));
    places_.push_back(std::move(place));
  }
  std::sort(places_.begin(), places_.end(), [](const auto& a, const auto& b) { return listed_before(a.name, b.name); });
  place_at_.assign(problem_.objects.size(), -1);
  for (std::size_t i = 0; i < places_.size(); ++i) place_at_[static_cast<std::size_t>(places_[i].object)] = static_cast<int>(i);

  std::vector<std::string> text(grounded_.actions().size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto& a = grounded_.actions()[i];
    const auto n = [&](std::size_t parameter) -> const std::string& { return name(a.objects[parameter]); };
    switch (deeds_[static_cast<std::size_t>(a.action)]) {
      case Deed::none: break;
      case Deed::go: text[i] = "go to " + n(3); break;
      case Deed::open: text[i] = "open " + n(2); break;
      case Deed::close: text[i] = "close " + n(2); break;
      case Deed::take: text[i] = "take " + n(2) + " from " + n(3); break;
      case Deed::put: text[i] = wording_ == Wording::move ? "move " + n(2) + " to " + n(3) : "put " + n(2) + " in/on " + n(3); break;
      case Deed::clean: text[i] = "clean " + n(3) + " with " + n(2); break;
      case Deed::heat: text[i] = "heat " + n(3) + " with " + n(2); break;
      case Deed::cool: text[i] = "cool " + n(3) + " with " + n(2); break;
      case Deed::use: text[i] = "use " + n(2); break;
      case Deed::slice: text[i] = "slice " + n(2) + " with " + n(3); break;
    }
    if (!text[i].empty()) by_text_[text[i]].push_back(static_cast<int>(i));
  }
  for (const auto& [t, actions] : by_text_) texts_.push_back(t);
  texts_.emplace_back();  // of actions that are not said
  std::sort(texts_.begin(), texts_.end());
  for (const auto& t : text) text_.push_back(static_cast<int>(std::lower_bound(texts_.begin(), texts_.end(), t) - texts_.begin()));
}

Game::Bit Game::bit(const char* predicate, std::initializer_list<int> objects) const {
  const int p = domain_.find_predicate(predicate);
  const std::span<const int> of(objects.begin(), objects.size());
  const int found = grounded_.find_fact(p, of);
  return {found, found < 0 && grounded_.fixed(p, of)};
}

const Game::PlaceText* Game::place_of(int object) const {
  const int at = place_at_[static_cast<std::size_t>(object)];
  return at < 0 ? nullptr : &places_[static_cast<std::size_t>(at)];
}

std::string Game::intro() const {
  List list;
  for (const auto& p : places_) list.add(p.name);
  return "You are in the middle of a room. Looking quickly around you, you see " + list.text() + ".";
}

std::string Game::contents(const PlaceText& place, const pddl::State& state) const {
  List list;
  for (const auto& [in, thing] : place.contents)
    if (in.in(state)) list.add(things_[static_cast<std::size_t>(thing)].name);
  return list.text();
}

std::string Game::looked_at(const PlaceText& place, const pddl::State& state) const {
  if (!place.openable.in(state)) return "On the " + place.name + ", you see " + contents(place, state) + ".";
  if (!place.opened.in(state)) return "The " + place.name + " is closed.";
  return "The " + place.name + " is open. In it, you see " + contents(place, state) + ".";
}

std::string Game::examined(const ThingText& thing, const pddl::State& state) const {
  std::string how = thing.hot.in(state) ? "hot" : thing.cool.in(state) ? "cool" : "";
  if (thing.clean.in(state)) how += how.empty() ? "clean" : " and clean";
  if (thing.sliced.in(state)) how += how.empty() ? "sliced" : " sliced";
  if (how == "cool") how = "cold";
  if (!how.empty()) return "This is a " + how + " " + thing.name + ".";
  if (thing.toggleable.in(state)) return "This " + thing.name + (thing.toggled.in(state) ? " is on." : " is off.");
  return "There's nothing special about " + thing.name + ".";
}

std::string Game::said(Deed deed, const pddl::GroundAction& action, const pddl::State& after) const {
  const auto n = [&](std::size_t parameter) -> const std::string& { return name(action.objects[parameter]); };
  switch (deed) {
    case Deed::none: break;
    case Deed::go: return "You arrive at " + n(3) + ". " + looked_at(*place_of(action.objects[3]), after);
    case Deed::open: return "You open the " + n(2) + ". " + looked_at(*place_of(action.objects[2]), after);
    case Deed::close: return "You close the " + n(2) + ".";
    case Deed::take: return "You pick up the " + n(2) + " from the " + n(3) + ".";
    case Deed::put: return wording_ == Wording::move ? "You move the " + n(2) + " to the " + n(3) + "." : "You put the " + n(2) + " in/on the " + n(3) + ".";
    case Deed::clean: return "You clean the " + n(3) + " using the " + n(2) + ".";
    case Deed::heat: return "You heat the " + n(3) + " using the " + n(2) + ".";
    case Deed::cool: return "You cool the " + n(3) + " using the " + n(2) + ".";
    case Deed::use: return "You turn on the " + n(2) + ".";
    case Deed::slice: return "You sliced the " + n(2) + " with the " + n(3) + ".";
  }
  return std::string(nothing_happens);
}

void Game::choices(const pddl::State& state, std::vector<std::string>& out, std::vector<int>& scratch) const {
  grounded_.applicable(state, scratch);
  std::size_t n = 0;
  for (const int a : scratch) {
    const Deed deed = deeds_[static_cast<std::size_t>(grounded_.actions()[static_cast<std::size_t>(a)].action)];
    if (deed != Deed::none && (offer_ == Offer::all || deed != Deed::slice)) scratch[n++] = text_[static_cast<std::size_t>(a)];
  }
  scratch.resize(n);
  std::sort(scratch.begin(), scratch.end());
  scratch.erase(std::unique(scratch.begin(), scratch.end()), scratch.end());
  out.clear();
  for (const int t : scratch) out.push_back(texts_[static_cast<std::size_t>(t)]);
  if (offer_ != Offer::all) return;
  out.insert(out.end(), {"inventory", "look"});
  for (const auto& p : places_) {
    if (!p.here.in(state)) continue;
    out.push_back("examine " + p.name);
    if (!p.openable.in(state) || p.opened.in(state))
      for (const auto& [in, thing] : p.contents)
        if (in.in(state)) out.push_back("examine " + things_[static_cast<std::size_t>(thing)].name);
  }
  for (const auto& t : things_)
    if (t.held.in(state)) out.push_back("examine " + t.name);
  std::sort(out.begin(), out.end());
}

int Game::find(std::string_view action, const pddl::State& state) const {
  auto it = by_text_.find(std::string(action));
  if (it == by_text_.end()) {
    const std::string text = plain(action);
    it = by_text_.find(text);
    if (const auto [thing, place] = put_of(text); it == by_text_.end() && !thing.empty())
      it = by_text_.find(wording_ == Wording::move ? "move " + thing + " to " + place : "put " + thing + " in/on " + place);
    if (it == by_text_.end()) return -1;
  }
  for (const int a : it->second)
    if (grounded_.applicable(a, state)) return a;
  return -1;
}

std::string Game::around(const pddl::State& state) const {
  for (const auto& p : places_)
    if (p.here.in(state)) return "You are facing the " + p.name + ". Next to it, you see nothing.";
  return intro();
}

// Looking changes nothing, so it is no action of the rules.
bool Game::look_at(std::string_view action, const pddl::State& state, std::string& out) const {
  const std::string text = plain(action);
  if (text == "look") {
    out = around(state);
    return true;
  }
  if (text == "inventory") {
    List list;
    for (const auto& t : things_)
      if (t.held.in(state)) list.add(t.name);
    const std::string held = list.text();
    out = held == "nothing" ? "You are not carrying anything." : "You are carrying: " + held + ".";
    return true;
  }
  if (!text.starts_with("examine ")) return false;
  const std::string of = text.substr(8);
  for (const auto& t : things_) {
    if (t.name != of || !t.held.in(state)) continue;
    out = examined(t, state);
    return true;
  }
  for (const auto& p : places_) {
    if (!p.here.in(state)) continue;
    if (p.name == of) {
      out = looked_at(p, state);
      return true;
    }
    if (p.openable.in(state) && !p.opened.in(state)) continue;
    for (const auto& [in, thing] : p.contents) {
      if (!in.in(state) || things_[static_cast<std::size_t>(thing)].name != of) continue;
      out = examined(things_[static_cast<std::size_t>(thing)], state);
      return true;
    }
  }
  return false;
}

Game::Answer Game::act(std::string_view action, pddl::State& state) const {
  Answer answer;
  if (const int found = find(action, state); found >= 0) {
    const auto& ground = grounded_.actions()[static_cast<std::size_t>(found)];
    const Deed deed = deeds_[static_cast<std::size_t>(ground.action)];
    answer.changed = deed != Deed::go;
    grounded_.apply(found, state);
    answer.text = said(deed, ground, state);
    return answer;
  }
  if (look_at(action, state, answer.text)) return answer;
  answer.legal = false;
  answer.text = nothing_happens;
  return answer;
}

}  // namespace hone::household
