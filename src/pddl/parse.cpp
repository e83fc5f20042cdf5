#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "pddl/domain.h"

namespace hone::pddl {

namespace {

constexpr int most_variables = 100;  // of one action, goal or predicate, and types of one of them: binding nests as deep
constexpr std::size_t most_conditions = 100'000;  // of one action's effects: every literal has a copy of what it is under

const Node& at(const Node& list, std::size_t i, const Source& source, const std::string& expected) {
  if (i >= list.items.size()) source.fail(list.at, expected, list.items.empty() ? "'()'" : "the end of '" + shown(list) + "'");
  return list.items[i];
}

const std::string& word(const Node& node, const Source& source, const std::string& expected) {
  if (node.is_list()) source.fail(node, expected);
  return node.word;
}

// "a b - t c" from `from` on: calls each(node, types) with the types that follow; untyped ones are of type object.
template <class Each>
void typed_list(const Node& list, std::size_t from, const Source& source, const Domain& domain, const std::string& what, const Each& each) {
  std::size_t first = from;
  const auto type_of = [&](const Node& node) {
    const int type = domain.find_type(word(node, source, "a type"));
    if (type < 0) source.fail(node, "a type of the domain");
    return type;
  };
  for (std::size_t i = from; i < list.items.size(); ++i) {
    if (word(list.items[i], source, what) != "-") continue;
    if (i == first) source.fail(list.items[i], what);
    const Node& named = at(list, i + 1, source, "a type after '-'");
    TypeSet types;
    if (named.is_list()) {
      if (at(named, 0, source, "(either ...)").word != "either" || named.items.size() < 2 || named.items.size() > most_variables) source.fail(named, "(either type ...)");
      for (std::size_t k = 1; k < named.items.size(); ++k) types.push_back(type_of(named.items[k]));
    } else {
      types = {type_of(named)};
    }
    for (; first < i; ++first) each(list.items[first], types);
    first = ++i + 1;
  }
  for (; first < list.items.size(); ++first) each(list.items[first], TypeSet{0});
}

bool valid_name(const std::string& name) { return !name.empty() && name[0] != '?' && name[0] != ':' && name != "-"; }


struct Scope {
  std::vector<Variable> variables;  // innermost last
  int slots = 0;
};

class FormulaReader {
 public:
  // `places`: where among `objects` a name stands.
  FormulaReader(const Source& source, const Domain& domain, const std::vector<Object>& objects, const std::map<std::string, int>& places)
      : source_(source), domain_(domain), objects_(objects), places_(places) {}

  std::vector<Variable> variables(const Node& list, Scope& scope) const {
    if (!list.is_list()) source_.fail(list, "a list of variables");
    std::vector<Variable> out;
    typed_list(list, 0, source_, domain_, "a variable", [&](const Node& node, const TypeSet& types) {
      if (node.word.size() < 2 || node.word[0] != '?') source_.fail(node, "a variable like ?x");
      if (std::any_of(out.begin(), out.end(), [&](const Variable& v) { return v.name == node.word; })) source_.refuse(node.at, node.word + " is there twice");
      if (scope.slots == most_variables) source_.refuse(node.at, "more than " + std::to_string(most_variables) + " variables in one action or goal");
      out.push_back({node.word, scope.slots++, types});
    });
    return out;
  }

  Formula formula(const Node& node, Scope& scope) const {
    if (!node.is_list()) source_.fail(node, "a condition in brackets");
    if (node.items.empty()) return {};  // () is true
    const std::string& head = word(node.items[0], source_, "a predicate or and, or, not, imply, exists, forall, =");
    Formula out;
    if (head == "and" || head == "or") {
      out.kind = head == "and" ? Formula::all_of : Formula::any_of;
      for (std::size_t i = 1; i < node.items.size(); ++i) out.parts.push_back(formula(node.items[i], scope));
    } else if (head == "not") {
      expect_size(node, 2, "(not condition)");
      out.kind = Formula::negation;
      out.parts.push_back(formula(node.items[1], scope));
    } else if (head == "imply") {
      expect_size(node, 3, "(imply condition condition)");
      Formula left;
      left.kind = Formula::negation;
      left.parts.push_back(formula(node.items[1], scope));
      out.kind = Formula::any_of;
      out.parts.push_back(std::move(left));
      out.parts.push_back(formula(node.items[2], scope));
    } else if (head == "exists" || head == "forall") {
      expect_size(node, 3, "(" + head + " (variables) condition)");
      out.kind = head == "exists" ? Formula::exists : Formula::forall;
      out.variables = variables(node.items[1], scope);
      const auto mark = enter(scope, out.variables);
      out.parts.push_back(formula(node.items[2], scope));
      scope.variables.resize(mark);
    } else if (head == "=") {
      expect_size(node, 3, "(= term term)");
      out.kind = Formula::equal;
      out.terms = {term(node.items[1], scope), term(node.items[2], scope)};
    } else {
      out.kind = Formula::atom;
      read_atom(node, scope, out.predicate, out.terms);
    }
    return out;
  }

  // Appends the literals. A cost is checked and left out: nothing here reads it.
  void effects(const Node& node, Scope& scope, const std::vector<Variable>& over, const Formula& condition, std::vector<Effect>& out) const {
    if (!node.is_list()) source_.fail(node, "an effect in brackets");
    if (node.items.empty()) return;
    const std::string& head = word(node.items[0], source_, "an effect");
    if (head == "and") {
      for (std::size_t i = 1; i < node.items.size(); ++i) effects(node.items[i], scope, over, condition, out);
    } else if (head == "forall") {
      expect_size(node, 3, "(forall (variables) effect)");
      auto more = over;
      const auto fresh = variables(node.items[1], scope);
      more.insert(more.end(), fresh.begin(), fresh.end());
      const auto mark = enter(scope, fresh);
      effects(node.items[2], scope, more, condition, out);
      scope.variables.resize(mark);
    } else if (head == "when") {
      expect_size(node, 3, "(when condition effect)");
      Formula both;
      both.parts = {condition, formula(node.items[1], scope)};
      effects(node.items[2], scope, over, both, out);
    } else if (head == "increase") {
      expect_size(node, 3, "(increase (total-cost) number)");
      if (!node.items[1].is_list() || node.items[1].items.size() != 1 || node.items[1].items[0].word != "total-cost") source_.fail(node.items[1], "(total-cost)");
      const std::string& digits = word(node.items[2], source_, "a number (costs that depend on the state are not supported)");
      int cost = 0;
      const auto end = digits.data() + digits.size();
      if (const auto [stop, error] = std::from_chars(digits.data(), end, cost); error != std::errc{} || stop != end || cost < 0) source_.fail(node.items[2], "a whole number of 0 or more");
    } else {
      if (out.size() * (1 + parts_of(condition)) > most_conditions) source_.refuse(node.at, "more than " + std::to_string(most_conditions) + " conditions of one action's effects");
      Effect effect;
      effect.over = over;
      effect.condition = condition;
      const Node* literal = &node;
      if (head == "not") {
        expect_size(node, 2, "(not (predicate ...))");
        literal = &node.items[1];
        effect.adds = false;
        if (!literal->is_list()) source_.fail(*literal, "a predicate in brackets");
      }
      read_atom(*literal, scope, effect.predicate, effect.terms);
      out.push_back(std::move(effect));
    }
  }

  static std::size_t parts_of(const Formula& f) {
    std::size_t n = 1;
    for (const Formula& p : f.parts) n += parts_of(p);
    return n;
  }
  static std::size_t enter(Scope& scope, const std::vector<Variable>& fresh) {
    const auto mark = scope.variables.size();
    scope.variables.insert(scope.variables.end(), fresh.begin(), fresh.end());
    return mark;
  }

 private:
  void expect_size(const Node& node, std::size_t size, const std::string& form) const {
    if (node.items.size() != size) source_.fail(node, form);
  }
  Term term(const Node& node, const Scope& scope) const {
    const std::string& name = word(node, source_, "a variable or an object");
    if (name[0] == '?') {
      for (auto v = scope.variables.rbegin(); v != scope.variables.rend(); ++v)
        if (v->name == name) return {true, v->slot};
      source_.fail(node, "a variable that was declared");
    }
    const auto known = places_.find(name);
    if (known == places_.end()) source_.fail(node, "an object or constant that was declared");
    return {false, known->second};
  }
  void read_atom(const Node& node, const Scope& scope, int& predicate, std::vector<Term>& terms) const {
    const std::string& name = word(at(node, 0, source_, "a predicate"), source_, "a predicate");
    predicate = domain_.find_predicate(name);
    if (predicate < 0) source_.fail(node.items[0], "a predicate of the domain");
    const auto& parameters = domain_.predicates[static_cast<std::size_t>(predicate)].parameters;
    if (node.items.size() - 1 != parameters.size()) source_.fail(node.at, std::to_string(parameters.size()) + " terms for " + name, std::to_string(node.items.size() - 1));
    for (std::size_t i = 1; i < node.items.size(); ++i) {
      const Term t = term(node.items[i], scope);
      const TypeSet& types = parameters[i - 1];
      if (!t.variable && !domain_.fits(objects_[static_cast<std::size_t>(t.index)].type, types)) source_.fail(node.items[i], "an object of type " + domain_.types[static_cast<std::size_t>(types[0])].name);
      terms.push_back(t);
    }
  }

  const Source& source_;
  const Domain& domain_;
  const std::vector<Object>& objects_;
  const std::map<std::string, int>& places_;
};

constexpr std::array<std::string_view, 11> supported{":strips", ":typing", ":negative-preconditions", ":disjunctive-preconditions", ":equality",
                                                     ":existential-preconditions", ":universal-preconditions", ":quantified-preconditions",
                                                     ":conditional-effects", ":adl", ":action-costs"};

class DomainReader {
 public:
  DomainReader(std::string_view text, const std::string& name) : source_(name), root_(read_list(text, source_)) {}

  Domain read() {
    expect_define("domain");
    domain_.name = word(at(root_.items[1], 1, source_, "the domain's name"), source_, "the domain's name");
    domain_.predicates.clear();
    // Types, constants and predicates may be named before they are declared, so sections are read in this order.
    each(":requirements", [&](const Node& n) { requirements(n); });
    each(":types", [&](const Node& n) { types(n); });
    each(":constants", [&](const Node& n) { constants(n); });
    each(":functions", [&](const Node& n) { functions(n); });
    each(":predicates", [&](const Node& n) { predicates(n); });
    each(":action", [&](const Node& n) { action(n); });
    for (std::size_t i = 2; i < root_.items.size(); ++i) {
      static const std::set<std::string> known{":requirements", ":types", ":constants", ":functions", ":predicates", ":action"};
      const Node& head = at(root_.items[i], 0, source_, "a section");
      if (!known.contains(head.word)) source_.fail(head, "one of :requirements :types :constants :functions :predicates :action");
    }
    return std::move(domain_);
  }

 private:
  void expect_define(const std::string& kind) {
    if (at(root_, 0, source_, "define").word != "define") source_.fail(root_.items[0], "define");
    const Node& head = at(root_, 1, source_, "(" + kind + " name)");
    if (!head.is_list() || head.items.size() != 2 || head.items[0].word != kind) source_.fail(head, "(" + kind + " name)");
    for (std::size_t i = 2; i < root_.items.size(); ++i)
      if (!root_.items[i].is_list() || root_.items[i].items.empty()) source_.fail(root_.items[i], "a section in brackets");
  }
  template <class F>
  void each(const std::string& section, const F& read) {
    for (std::size_t i = 2; i < root_.items.size(); ++i)
      if (root_.items[i].items[0].word == section) read(root_.items[i]);
  }
  void requirements(const Node& n) {
    for (std::size_t i = 1; i < n.items.size(); ++i)
      if (std::find(supported.begin(), supported.end(), word(n.items[i], source_, "a requirement")) == supported.end())
        source_.refuse(n.items[i].at, "requirement " + n.items[i].word + " is not supported");
  }
  void types(const Node& n) {
    // First the names, then the parents, which may come later in the list.
    std::vector<std::pair<const Node*, const Node*>> parents;
    std::vector<const Node*> waiting;
    for (std::size_t i = 1; i < n.items.size(); ++i) {
      const Node& item = n.items[i];
      if (word(item, source_, "a type") == "-") {
        const Node& parent = at(n, ++i, source_, "a type after '-'");
        if (waiting.empty()) source_.fail(item, "a type");
        if (parent.is_list()) source_.refuse(parent.at, "a type with several parents is not supported");
        for (const Node* w : waiting) parents.emplace_back(w, &parent);
        waiting.clear();
        continue;
      }
      if (!valid_name(item.word)) source_.fail(item, "a type");
      if (domain_.find_type(item.word) < 0) domain_.types.push_back({item.word, 0});
      else if (item.word != "object") source_.refuse(item.at, "type " + item.word + " is there twice");
      waiting.push_back(&item);
    }
    for (const auto& [child, parent] : parents) {
      if (domain_.find_type(parent->word) < 0) domain_.types.push_back({parent->word, 0});
      const int c = domain_.find_type(child->word), p = domain_.find_type(parent->word);
      if (c == 0) continue;
      if (domain_.is_a(p, c)) source_.refuse(child->at, "type " + child->word + " would be its own ancestor");
      domain_.types[static_cast<std::size_t>(c)].parent = p;
    }
  }
  void constants(const Node& n) {
    typed_list(n, 1, source_, domain_, "a constant", [&](const Node& node, const TypeSet& t) {
      if (!valid_name(node.word)) source_.fail(node, "a constant");
      if (t.size() != 1) source_.refuse(node.at, "an object of several types is not supported");
      if (!objects_.emplace(node.word, static_cast<int>(domain_.constants.size())).second) source_.refuse(node.at, "constant " + node.word + " is there twice");
      domain_.constants.push_back({node.word, t[0]});
    });
  }
  void functions(const Node& n) {
    for (std::size_t i = 1; i < n.items.size(); ++i)
      if (n.items[i].is_list()) domain_.functions.push_back(word(at(n.items[i], 0, source_, "a function"), source_, "a function"));
  }
  void predicates(const Node& n) {
    for (std::size_t i = 1; i < n.items.size(); ++i) {
      const Node& p = n.items[i];
      if (!p.is_list()) source_.fail(p, "a predicate in brackets");
      const std::string& name = word(at(p, 0, source_, "a predicate"), source_, "a predicate");
      if (!valid_name(name)) source_.fail(p.items[0], "a predicate");
      if (domain_.find_predicate(name) >= 0) source_.refuse(p.at, "predicate " + name + " is there twice");
      Predicate predicate{name, {}};
      typed_list(p, 1, source_, domain_, "a variable", [&](const Node& node, const TypeSet& t) {
        if (node.word[0] != '?') source_.fail(node, "a variable like ?x");
        if (predicate.parameters.size() == most_variables) source_.refuse(node.at, "more than " + std::to_string(most_variables) + " terms for " + name);
        predicate.parameters.push_back(t);
      });
      domain_.predicates.push_back(std::move(predicate));
    }
  }
  void action(const Node& n) {
    Action out;
    out.name = word(at(n, 1, source_, "the action's name"), source_, "the action's name");
    if (!valid_name(out.name)) source_.fail(n.items[1], "the action's name");
    if (domain_.find_action(out.name) >= 0) source_.refuse(n.at, "action " + out.name + " is there twice");
    const FormulaReader reader(source_, domain_, domain_.constants, objects_);
    const Node *parameters = nullptr, *precondition = nullptr, *effect = nullptr;
    for (std::size_t i = 2; i < n.items.size(); i += 2) {
      const std::string& key = word(n.items[i], source_, ":parameters, :precondition or :effect");
      const Node** target = key == ":parameters" ? &parameters : key == ":precondition" ? &precondition : key == ":effect" ? &effect : nullptr;
      if (target == nullptr) source_.fail(n.items[i], ":parameters, :precondition or :effect");
      if (*target != nullptr) source_.refuse(n.items[i].at, key + " is there twice");
      *target = &at(n, i + 1, source_, "a value for " + key);
    }
    Scope scope;
    if (parameters != nullptr) out.parameters = reader.variables(*parameters, scope);
    FormulaReader::enter(scope, out.parameters);
    if (precondition != nullptr) out.precondition = reader.formula(*precondition, scope);
    if (effect != nullptr) reader.effects(*effect, scope, {}, {}, out.effects);
    out.slots = scope.slots;
    domain_.actions.push_back(std::move(out));
  }

  Source source_;
  Node root_;
  Domain domain_;
  std::map<std::string, int> objects_;
};

}  // namespace

bool Domain::is_a(int type, int ancestor) const {
  for (; type >= 0; type = types[static_cast<std::size_t>(type)].parent)
    if (type == ancestor) return true;
  return false;
}
bool Domain::fits(int type, const TypeSet& set) const {
  return std::any_of(set.begin(), set.end(), [&](int t) { return is_a(type, t); });
}
namespace {
template <class T>
int index_of(const std::vector<T>& items, std::string_view name) {
  const auto it = std::find_if(items.begin(), items.end(), [&](const T& x) { return x.name == name; });
  return it == items.end() ? -1 : static_cast<int>(it - items.begin());
}
}  // namespace
int Domain::find_type(std::string_view n) const { return index_of(types, n); }
int Domain::find_predicate(std::string_view n) const { return index_of(predicates, n); }
int Domain::find_action(std::string_view n) const { return index_of(actions, n); }

Domain parse_domain(std::string_view text, const std::string& name) { return DomainReader(text, name).read(); }

Problem parse_problem(std::string_view text, const std::string& name, const Domain& domain) {
  const Source source(name);
  const Node root = read_list(text, source);
  if (at(root, 0, source, "define").word != "define") source.fail(root.items[0], "define");
  const Node& head = at(root, 1, source, "(problem name)");
  if (!head.is_list() || head.items.size() != 2 || head.items[0].word != "problem") source.fail(head, "(problem name)");
  Problem out;
  out.name = word(head.items[1], source, "the problem's name");
  out.objects = domain.constants;
  std::map<std::string, int> objects;
  for (std::size_t i = 0; i < out.objects.size(); ++i) objects[out.objects[i].name] = static_cast<int>(i);

  std::map<std::string, const Node*> sections;
  for (std::size_t i = 2; i < root.items.size(); ++i) {
    const Node& section = root.items[i];
    const std::string& key = word(at(section, 0, source, "a section"), source, "a section");
    static const std::set<std::string> known{":domain", ":objects", ":init", ":goal", ":metric", ":requirements"};
    if (!known.contains(key)) source.fail(section.items[0], "one of :domain :objects :init :goal :metric");
    if (!sections.emplace(key, &section).second) source.refuse(section.at, key + " is there twice");
  }
  for (const char* needed : {":domain", ":init", ":goal"})
    if (!sections.contains(needed)) source.fail(root.at, std::string("a section ") + needed, "none");
  if (const Node& of = at(*sections[":domain"], 1, source, "the domain's name"); of.word != domain.name)
    source.fail(of, "the domain '" + domain.name + "'");
  if (sections.contains(":objects")) {
    typed_list(*sections[":objects"], 1, source, domain, "an object", [&](const Node& node, const TypeSet& types) {
      if (!valid_name(node.word)) source.fail(node, "an object");
      if (types.size() != 1) source.refuse(node.at, "an object of several types is not supported");
      // Some problems repeat the domain's constants.
      if (const auto known = objects.find(node.word); known != objects.end() && known->second < static_cast<int>(domain.constants.size())) return;
      if (!objects.emplace(node.word, static_cast<int>(out.objects.size())).second) source.refuse(node.at, "object " + node.word + " is there twice");
      out.objects.push_back({node.word, types[0]});
    });
  }
  const FormulaReader reader(source, domain, out.objects, objects);
  const Node& init = *sections[":init"];
  for (std::size_t i = 1; i < init.items.size(); ++i) {
    const Node& item = init.items[i];
    if (!item.is_list() || item.items.empty()) source.fail(item, "a fact in brackets");
    if (item.items[0].word == "=") continue;  // a number that only costs would read
    Scope scope;
    const Formula f = reader.formula(item, scope);
    if (f.kind != Formula::atom) source.fail(item, "a fact");
    Fact fact{f.predicate, {}};
    for (const Term& t : f.terms) fact.objects.push_back(t.index);
    out.init.push_back(std::move(fact));
  }
  Scope scope;
  out.goal = reader.formula(at(*sections[":goal"], 1, source, "a condition"), scope);
  out.slots = scope.slots;
  return out;
}

}  // namespace hone::pddl
