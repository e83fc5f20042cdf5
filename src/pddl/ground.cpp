#include "pddl/ground.h"

#include <algorithm>
#include <array>
#include <bit>

#include "pddl/grounder.h"

namespace hone::pddl {

std::size_t Grounded::KeyHash::operator()(const Key& key) const {
  std::uint64_t h = key.size();
  for (const int k : key) h = (std::rotl(h, 23) ^ static_cast<std::uint32_t>(k)) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(h ^ (h >> 32));
}

bool Conditions::test(int node, const State& state) const {
  const Node& n = nodes[static_cast<std::size_t>(node)];
  switch (n.kind) {
    case always: return true;
    case never: return false;
    case fact: return holds(state, n.first);
    case negation: return !test(links[static_cast<std::size_t>(n.first)], state);
    case all_of:
      for (int i = 0; i < n.count; ++i)
        if (!test(links[static_cast<std::size_t>(n.first + i)], state)) return false;
      return true;
    case any_of:
      for (int i = 0; i < n.count; ++i)
        if (test(links[static_cast<std::size_t>(n.first + i)], state)) return true;
      return false;
  }
  return false;
}

Grounded::Grounded(const Domain& domain, const Problem& problem, const GroundLimits& limits) {
  Grounder(domain, problem, limits, *this).run();

  // Look-up by the rarest fact that an action needs.
  std::vector<int> uses(facts_.size(), 0);
  std::vector<std::vector<int>> under(facts_.size() + 1);
  for (const auto& a : actions_)
    for (const int f : a.needs) ++uses[static_cast<std::size_t>(f)];
  const auto rarest = [&](const std::vector<int>& needs) {
    return std::min_element(needs.begin(), needs.end(), [&](int a, int b) { return uses[static_cast<std::size_t>(a)] < uses[static_cast<std::size_t>(b)]; });
  };
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    const auto& needs = actions_[i].needs;
    under[needs.empty() ? facts_.size() : static_cast<std::size_t>(*rarest(needs))].push_back(static_cast<int>(i));
  }
  watched_.assign(initial_.size(), 0);
  for (std::size_t f = 0; f <= facts_.size(); ++f) {
    first_look_.push_back(static_cast<int>(looks_.size()));
    if (f < facts_.size() && !under[f].empty()) watched_[f >> 6] |= std::uint64_t{1} << (f & 63);
    for (const int i : under[f]) {
      const auto& a = actions_[static_cast<std::size_t>(i)];
      Look look{i, static_cast<int>(tests_.size()), 0, a.condition};
      for (const int need : a.needs)
        if (need != static_cast<int>(f)) tests_.push_back(need);
      for (const int forbidden : a.forbids) tests_.push_back(~forbidden);
      look.last = static_cast<int>(tests_.size());
      looks_.push_back(look);
    }
  }
  first_look_.push_back(static_cast<int>(looks_.size()));
}

bool Grounded::applicable(int action, const State& state) const {
  const GroundAction& a = actions_[static_cast<std::size_t>(action)];
  for (const int f : a.needs)
    if (!holds(state, f)) return false;
  for (const int f : a.forbids)
    if (holds(state, f)) return false;
  return a.condition < 0 || conditions_.test(a.condition, state);
}

void Grounded::applicable(const State& state, std::vector<int>& out) const {
  out.clear();
  const auto look_under = [&](std::size_t fact) {
    for (int i = first_look_[fact]; i < first_look_[fact + 1]; ++i) {
      const Look& look = looks_[static_cast<std::size_t>(i)];
      int at = look.first;
      for (; at < look.last; ++at)
        if (const int f = tests_[static_cast<std::size_t>(at)]; f >= 0 ? !holds(state, f) : holds(state, ~f)) break;
      if (at == look.last && (look.condition < 0 || conditions_.test(look.condition, state))) out.push_back(look.action);
    }
  };
  for (std::size_t w = 0; w < state.size(); ++w)
    for (std::uint64_t bits = state[w] & watched_[w]; bits != 0; bits &= bits - 1) look_under((w << 6) + static_cast<std::size_t>(std::countr_zero(bits)));
  look_under(facts_.size());
  std::sort(out.begin(), out.end());
}

void Grounded::apply(int action, State& state) const {
  const auto& effects = actions_[static_cast<std::size_t>(action)].effects;
  std::array<std::uint64_t, GroundLimits::conditional_effects / 64> fired{};
  for (std::size_t i = 0; i < effects.size(); ++i)
    if (effects[i].condition < 0 || conditions_.test(effects[i].condition, state)) fired[i >> 6] |= std::uint64_t{1} << (i & 63);
  const auto each = [&](const auto& change) {
    for (std::size_t i = 0; i < effects.size(); ++i)
      if (fired[i >> 6] >> (i & 63) & 1U) change(effects[i]);
  };
  each([&](const GroundEffect& e) {
    for (const int f : e.remove) state[static_cast<std::size_t>(f) >> 6] &= ~(std::uint64_t{1} << (f & 63));
  });
  each([&](const GroundEffect& e) {
    for (const int f : e.add) state[static_cast<std::size_t>(f) >> 6] |= std::uint64_t{1} << (f & 63);
  });
}

int Grounded::find_fact(int predicate, std::span<const int> objects) const {
  Key key{predicate};
  key.insert(key.end(), objects.begin(), objects.end());
  const auto it = bits_.find(key);
  return it == bits_.end() ? -1 : it->second;
}
bool Grounded::fixed(int predicate, std::span<const int> objects) const {
  Key key{predicate};
  key.insert(key.end(), objects.begin(), objects.end());
  return fixed_.contains(key);
}
int Grounded::find_action(int action, std::span<const int> objects) const {
  Key key{action};
  key.insert(key.end(), objects.begin(), objects.end());
  const auto it = names_.find(key);
  return it == names_.end() ? -1 : it->second;
}

std::string action_text(const Domain& domain, const Problem& problem, const GroundAction& action) {
  std::string out = domain.actions[static_cast<std::size_t>(action.action)].name;
  for (const int o : action.objects) out += " " + problem.objects[static_cast<std::size_t>(o)].name;
  return out;
}

}  // namespace hone::pddl
