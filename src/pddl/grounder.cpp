#include "pddl/grounder.h"

#include <algorithm>

namespace hone::pddl {

// Part of a precondition that can be judged before anything happens: a static fact, an equality, or the opposite of one.
struct Grounder::Guard {
  const Formula* formula = nullptr;
  bool wanted = true;
};
// In which order parameters are bound, and what is known by then.
struct Grounder::Plan {
  struct Step {
    std::size_t parameter = 0;
    const Formula* source = nullptr;  // static fact that lists the candidates; null = all objects of the type
    std::vector<Guard> guards;        // fully bound after this step
  };
  std::vector<Step> steps;
  std::vector<Guard> at_once;  // without variables
};

Grounder::Grounder(const Domain& domain, const Problem& problem, const GroundLimits& limits, Grounded& out)
    : domain_(domain), problem_(problem), limits_(limits), out_(out), changing_(domain.predicates.size(), false), extension_(domain.predicates.size()) {
  for (const auto& a : domain.actions)
    for (const auto& e : a.effects) changing_[static_cast<std::size_t>(e.predicate)] = true;
}

void Grounder::spend() {
  if (++work_ > limits_.work)
    throw Error(Fault::bad_input, "problem " + problem_.name + " is too large: more than " + std::to_string(limits_.work) + " bindings were tried while grounding it");
}

const std::vector<int>& Grounder::objects_of(const TypeSet& types) {
  auto [it, fresh] = by_types_.try_emplace(types);
  if (fresh)
    for (std::size_t i = 0; i < problem_.objects.size(); ++i)
      if (domain_.fits(problem_.objects[i].type, types)) it->second.push_back(static_cast<int>(i));
  return it->second;
}

const Grounded::Key& Grounder::key(int predicate, const std::vector<Term>& terms, const Binding& binding) const {
  key_.assign(1, predicate);
  for (const Term& t : terms) key_.push_back(t.variable ? binding[static_cast<std::size_t>(t.index)] : t.index);
  return key_;
}

void Grounder::run() {
  for (const auto& fact : problem_.init) {
    Grounded::Key k{fact.predicate};
    k.insert(k.end(), fact.objects.begin(), fact.objects.end());
    if (!out_.fixed_.insert(k).second) continue;
    extension_[static_cast<std::size_t>(fact.predicate)].push_back(k);
    if (changes(fact.predicate)) may_hold_.insert(k);
  }
  for (std::size_t a = 0; a < domain_.actions.size(); ++a) {
    const Plan plan = plan_of(domain_.actions[a]);
    Binding binding(static_cast<std::size_t>(domain_.actions[a].slots), -1);
    if (std::all_of(plan.at_once.begin(), plan.at_once.end(), [&](const Guard& g) { return satisfied(g, binding); })) bind(static_cast<int>(a), plan, 0, binding);
  }
  reach();
  number_facts();
  std::erase_if(candidates_, [](const Candidate& c) { return !c.reached; });
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) { return std::tie(a.action, a.objects) < std::tie(b.action, b.objects); });
  for (const auto& c : candidates_) emit_action(c);
  Binding binding(static_cast<std::size_t>(problem_.slots), -1);
  out_.goal_ = emit(tree(problem_.goal, binding));
}

// ---- bindings

namespace {

void top_literals(const Formula& f, bool wanted, std::vector<std::pair<const Formula*, bool>>& out) {
  if (f.kind == Formula::all_of && wanted) {
    for (const auto& p : f.parts) top_literals(p, true, out);
  } else if (f.kind == Formula::negation) {
    top_literals(f.parts[0], !wanted, out);
  } else if (f.kind == Formula::atom || f.kind == Formula::equal) {
    out.emplace_back(&f, wanted);
  }
}

}  // namespace

Grounder::Plan Grounder::plan_of(const Action& action) const {
  std::vector<std::pair<const Formula*, bool>> literals;
  top_literals(action.precondition, true, literals);
  std::erase_if(literals, [&](const auto& l) { return l.first->kind == Formula::atom && changes(l.first->predicate); });

  Plan plan;
  std::vector<bool> bound(static_cast<std::size_t>(action.slots), false), placed(literals.size(), false);
  const auto unbound = [&](const Formula& f, int besides) {
    return std::any_of(f.terms.begin(), f.terms.end(), [&](const Term& t) { return t.variable && t.index != besides && !bound[static_cast<std::size_t>(t.index)]; });
  };
  const auto place = [&](std::vector<Guard>& into) {
    for (std::size_t i = 0; i < literals.size(); ++i) {
      if (placed[i] || unbound(*literals[i].first, -1)) continue;
      placed[i] = true;
      into.push_back({literals[i].first, literals[i].second});
    }
  };
  place(plan.at_once);
  while (plan.steps.size() < action.parameters.size()) {
    Plan::Step best;
    std::size_t fewest = 0;
    bool found = false;
    for (std::size_t p = 0; p < action.parameters.size(); ++p) {
      const int slot = action.parameters[p].slot;
      if (bound[static_cast<std::size_t>(slot)]) continue;
      const auto offer = [&](std::size_t cost, const Formula* source) {
        if (found && cost >= fewest) return;
        best.parameter = p, best.source = source, fewest = cost, found = true;
      };
      offer(problem_.objects.size(), nullptr);
      for (const auto& [f, wanted] : literals) {
        const bool about = std::any_of(f->terms.begin(), f->terms.end(), [&](const Term& t) { return t.variable && t.index == slot; });
        if (!wanted || f->kind != Formula::atom || !about || unbound(*f, slot)) continue;
        // Few bound terms leave many candidates; every bound one divides them.
        std::size_t cost = extension_[static_cast<std::size_t>(f->predicate)].size() + 1;
        if (f->terms.size() > 1) cost = cost / 4 + 1;
        offer(cost, f);
      }
    }
    bound[static_cast<std::size_t>(action.parameters[best.parameter].slot)] = true;
    place(best.guards);
    plan.steps.push_back(std::move(best));
  }
  return plan;
}

bool Grounder::satisfied(const Guard& guard, const Binding& binding) const {
  const Formula& f = *guard.formula;
  if (f.kind == Formula::equal) {
    const auto& k = key(0, f.terms, binding);
    return (k[1] == k[2]) == guard.wanted;
  }
  return out_.fixed_.contains(key(f.predicate, f.terms, binding)) == guard.wanted;
}

void Grounder::bind(int action, const Plan& plan, std::size_t depth, Binding& binding) {
  spend();
  const Action& a = domain_.actions[static_cast<std::size_t>(action)];
  if (depth == plan.steps.size()) {
    if (candidates_.size() >= limits_.actions)
      throw Error(Fault::bad_input, "problem " + problem_.name + " is too large: more than " + std::to_string(limits_.actions) + " ground actions");
    candidates_.push_back({action, {binding.begin(), binding.begin() + static_cast<std::ptrdiff_t>(a.parameters.size())}, false});
    return;
  }
  const auto& step = plan.steps[depth];
  const Variable& variable = a.parameters[step.parameter];
  int& place = binding[static_cast<std::size_t>(variable.slot)];
  const auto attempt = [&](int object) {
    place = object;
    if (std::all_of(step.guards.begin(), step.guards.end(), [&](const Guard& g) { return satisfied(g, binding); })) bind(action, plan, depth + 1, binding);
    place = -1;
  };
  if (step.source == nullptr) {
    for (const int object : objects_of(variable.types)) attempt(object);
    return;
  }
  const auto& terms = step.source->terms;
  for (const auto& fact : extension_[static_cast<std::size_t>(step.source->predicate)]) {
    int object = -1;
    bool match = true;
    for (std::size_t i = 0; i < terms.size() && match; ++i) {
      const int value = fact[i + 1];
      if (!terms[i].variable) match = terms[i].index == value;
      else if (terms[i].index == variable.slot) match = object < 0 || object == value, object = value;
      else match = binding[static_cast<std::size_t>(terms[i].index)] == value;
    }
    spend();
    if (match && domain_.fits(problem_.objects[static_cast<std::size_t>(object)].type, variable.types)) attempt(object);
  }
}

// ---- reachability

template <class F>
bool Grounder::any_binding(const std::vector<Variable>& variables, std::size_t i, Binding& binding, const F& f) {
  if (i == variables.size()) return f();
  for (const int object : objects_of(variables[i].types)) {
    spend();
    binding[static_cast<std::size_t>(variables[i].slot)] = object;
    if (any_binding(variables, i + 1, binding, f)) return true;
  }
  return false;
}

// Whether some state that can be reached (each fact taken by itself) makes the formula as wanted.
bool Grounder::possible(const Formula& f, Binding& binding, bool wanted) {
  spend();
  switch (f.kind) {
    case Formula::atom: {
      const auto& k = key(f.predicate, f.terms, binding);
      const bool now = out_.fixed_.contains(k);
      if (!changes(f.predicate)) return now == wanted;
      return wanted ? may_hold_.contains(k) : (!now || may_fail_.contains(k));
    }
    case Formula::equal: {
      const auto& k = key(0, f.terms, binding);
      return (k[1] == k[2]) == wanted;
    }
    case Formula::negation: return possible(f.parts[0], binding, !wanted);
    case Formula::all_of:
    case Formula::any_of: {
      const auto ask = [&](const Formula& p) { return possible(p, binding, wanted); };
      return (f.kind == Formula::all_of) == wanted ? std::all_of(f.parts.begin(), f.parts.end(), ask) : std::any_of(f.parts.begin(), f.parts.end(), ask);
    }
    case Formula::exists:
    case Formula::forall:
      if ((f.kind == Formula::exists) == wanted) return any_binding(f.variables, 0, binding, [&] { return possible(f.parts[0], binding, wanted); });
      return !any_binding(f.variables, 0, binding, [&] { return !possible(f.parts[0], binding, wanted); });
  }
  return false;
}

// Whether the action made a fact possible that was not.
bool Grounder::reach_effects(Candidate& candidate, Binding& binding) {
  bool fresh = false;
  candidate.spent = true;
  for (const auto& e : domain_.actions[static_cast<std::size_t>(candidate.action)].effects) {
    any_binding(e.over, 0, binding, [&] {
      if (possible(e.condition, binding, true)) fresh |= (e.adds ? may_hold_ : may_fail_).insert(key(e.predicate, e.terms, binding)).second;
      else candidate.spent = false;
      return false;
    });
  }
  return fresh;
}

void Grounder::reach() {
  Binding binding;
  for (bool again = true; again;) {
    again = false;
    for (auto& c : candidates_) {
      if (c.spent) continue;
      const Action& action = domain_.actions[static_cast<std::size_t>(c.action)];
      binding.assign(c.objects.begin(), c.objects.end());
      binding.resize(static_cast<std::size_t>(action.slots), -1);
      if (!c.reached) c.reached = possible(action.precondition, binding, true);
      if (c.reached && reach_effects(c, binding)) again = true;
    }
  }
}

// ---- bits

void Grounder::number_facts() {
  std::vector<Grounded::Key> changing;
  for (const auto& k : may_hold_)
    if (!out_.fixed_.contains(k) || may_fail_.contains(k)) changing.push_back(k);
  std::sort(changing.begin(), changing.end());
  out_.initial_.assign((changing.size() + 63) / 64, 0);
  for (std::size_t i = 0; i < changing.size(); ++i) {
    const auto& k = changing[i];
    out_.bits_[k] = static_cast<int>(i);
    out_.facts_.push_back({k[0], {k.begin() + 1, k.end()}});
    if (out_.fixed_.erase(k) > 0) out_.initial_[i >> 6] |= std::uint64_t{1} << (i & 63);
  }
  out_.conditions_.nodes = {{Conditions::always, 0, 0}, {Conditions::never, 0, 0}};
}

// Flat and without constants; one part stands for itself.
Grounder::Tree Grounder::junction(Conditions::Kind kind, std::vector<Tree> parts) const {
  const auto neutral = kind == Conditions::all_of ? Conditions::always : Conditions::never;
  const auto absorbing = kind == Conditions::all_of ? Conditions::never : Conditions::always;
  Tree out{kind, 0, {}};
  for (auto& p : parts) {
    if (p.kind == absorbing) return {absorbing, 0, {}};
    if (p.kind == neutral) continue;
    if (p.kind == kind) std::move(p.parts.begin(), p.parts.end(), std::back_inserter(out.parts));
    else out.parts.push_back(std::move(p));
  }
  if (out.parts.empty()) return {neutral, 0, {}};
  if (out.parts.size() == 1) return Tree(std::move(out.parts[0]));
  return out;
}

Grounder::Tree Grounder::tree(const Formula& f, Binding& binding) {
  spend();
  switch (f.kind) {
    case Formula::atom: {
      const auto& k = key(f.predicate, f.terms, binding);
      if (const auto bit = out_.bits_.find(k); bit != out_.bits_.end()) return {Conditions::fact, bit->second, {}};
      return {out_.fixed_.contains(k) ? Conditions::always : Conditions::never, 0, {}};
    }
    case Formula::equal: {
      const auto& k = key(0, f.terms, binding);
      return {k[1] == k[2] ? Conditions::always : Conditions::never, 0, {}};
    }
    case Formula::negation: {
      Tree inner = tree(f.parts[0], binding);
      if (inner.kind == Conditions::always) return {Conditions::never, 0, {}};
      if (inner.kind == Conditions::never) return {};
      if (inner.kind == Conditions::negation) return Tree(std::move(inner.parts[0]));
      Tree out{Conditions::negation, 0, {}};
      out.parts.push_back(std::move(inner));
      return out;
    }
    default: break;
  }
  const bool all = f.kind == Formula::all_of || f.kind == Formula::forall;
  const auto stops = all ? Conditions::never : Conditions::always;
  std::vector<Tree> parts;
  const auto add = [&](const Formula& p) {
    parts.push_back(tree(p, binding));
    return parts.back().kind == stops;  // the rest does not matter
  };
  if (f.kind == Formula::all_of || f.kind == Formula::any_of) {
    for (const auto& p : f.parts)
      if (add(p)) break;
  } else {
    any_binding(f.variables, 0, binding, [&] { return add(f.parts[0]); });
  }
  return junction(all ? Conditions::all_of : Conditions::any_of, std::move(parts));
}

int Grounder::emit(const Tree& t) {
  if (t.kind == Conditions::always) return 0;
  if (t.kind == Conditions::never) return 1;
  auto& pool = out_.conditions_;
  Conditions::Node node{t.kind, t.fact, 0};
  if (t.kind != Conditions::fact) {
    std::vector<int> children;
    for (const auto& p : t.parts) children.push_back(emit(p));
    node.first = static_cast<int>(pool.links.size());
    node.count = static_cast<int>(children.size());
    pool.links.insert(pool.links.end(), children.begin(), children.end());
  }
  pool.nodes.push_back(node);
  return static_cast<int>(pool.nodes.size()) - 1;
}

void Grounder::emit_action(const Candidate& candidate) {
  const Action& action = domain_.actions[static_cast<std::size_t>(candidate.action)];
  Binding binding(candidate.objects);
  binding.resize(static_cast<std::size_t>(action.slots), -1);

  GroundAction out;
  out.action = candidate.action;
  out.objects = candidate.objects;
  std::vector<Tree> conjuncts, rest;
  Tree whole = tree(action.precondition, binding);
  if (whole.kind == Conditions::never) return;
  if (whole.kind == Conditions::all_of) conjuncts = std::move(whole.parts);
  else if (whole.kind != Conditions::always) conjuncts.push_back(std::move(whole));
  for (auto& c : conjuncts) {
    if (c.kind == Conditions::fact) out.needs.push_back(c.fact);
    else if (c.kind == Conditions::negation && c.parts[0].kind == Conditions::fact) out.forbids.push_back(c.parts[0].fact);
    else rest.push_back(std::move(c));
  }
  if (!rest.empty()) out.condition = emit(junction(Conditions::all_of, std::move(rest)));

  GroundEffect plain;
  std::vector<GroundEffect> conditional;
  for (const auto& e : action.effects) {
    any_binding(e.over, 0, binding, [&] {
      const auto bit = out_.bits_.find(key(e.predicate, e.terms, binding));
      if (bit == out_.bits_.end()) return false;  // already and always so
      Tree when = tree(e.condition, binding);
      if (when.kind == Conditions::never) return false;
      if (when.kind == Conditions::always) {
        (e.adds ? plain.add : plain.remove).push_back(bit->second);
        return false;
      }
      GroundEffect effect;
      effect.condition = emit(when);
      (e.adds ? effect.add : effect.remove).push_back(bit->second);
      conditional.push_back(std::move(effect));
      return false;
    });
  }
  if (!plain.add.empty() || !plain.remove.empty()) out.effects.push_back(std::move(plain));
  std::move(conditional.begin(), conditional.end(), std::back_inserter(out.effects));
  if (out.effects.size() > GroundLimits::conditional_effects)
    throw Error(Fault::bad_input, "action " + action.name + " has more than " + std::to_string(GroundLimits::conditional_effects) + " conditional effects once grounded");
  Grounded::Key name{candidate.action};
  name.insert(name.end(), candidate.objects.begin(), candidate.objects.end());
  out_.names_[name] = static_cast<int>(out_.actions_.size());
  out_.actions_.push_back(std::move(out));
}

}  // namespace hone::pddl
