// A domain and a problem from a stranger (PDDL tasks, ALFWorld's game files), ";; problem" on a line between them: read, grounded within
// small limits, walked, searched.
#include <algorithm>
#include <cctype>

#include "fuzz.h"
#include "pddl/search.h"

using namespace hone;
using namespace hone::pddl;

namespace {

constexpr GroundLimits small{.actions = 2'000, .work = 100'000};
constexpr std::string_view mark = "\n;; problem\n";

// What is wrong with a text is said with the place: "name:line:column: ...".
template <class Read>
auto placed(const std::string& name, const Read& read) {
  try {
    return read();
  } catch (const Error& e) {
    const std::string said = e.what();
    std::size_t i = name.size();
    fuzz::check(said.starts_with(name), "an error names the text");
    for (int part = 0; part < 2; ++part) {
      fuzz::check(i < said.size() && said[i++] == ':' && i < said.size() && said[i] >= '1' && said[i] <= '9', "an error has line and column");
      while (i < said.size() && std::isdigit(static_cast<unsigned char>(said[i])) != 0) ++i;
    }
    fuzz::check(said.substr(i, 2) == ": ", "what is wrong follows the place");
    throw;
  }
}

// The brackets again, one blank between all words: neither case nor comments nor line breaks mean anything.
void print(const Node& node, std::string& out) {
  if (!node.is_list()) {
    out += node.word + " ";
    return;
  }
  out += "( ";
  for (const Node& item : node.items) print(item, out);
  out += ") ";
}
std::string printed(std::string_view text) {
  std::string out;
  print(read_list(text, Source("again")), out);
  return out;
}

std::vector<std::string> names(const Domain& domain, const Problem& problem, const Grounded& ground) {
  std::vector<std::string> out;
  for (const GroundAction& a : ground.actions()) out.push_back(action_text(domain, problem, a));
  return out;
}

// The look-up by facts finds what trying every action finds.
std::vector<int> applicable(const Grounded& ground, const State& state) {
  std::vector<int> found, tried;
  ground.applicable(state, found);
  for (std::size_t a = 0; a < ground.actions().size(); ++a)
    if (ground.applicable(static_cast<int>(a), state)) tried.push_back(static_cast<int>(a));
  fuzz::check(found == tried, "every applicable action is found, and no other");
  return found;
}

void walk(const Grounded& ground) {
  State state = ground.initial();
  for (std::size_t step = 0; step < 20; ++step) {
    const auto can = applicable(ground, state);
    if (can.empty()) return;
    const std::size_t words = state.size();
    ground.apply(can[(7919 * step + 3) % can.size()], state);
    fuzz::check(state.size() == words && (ground.facts().size() % 64 == 0 || (state.back() >> (ground.facts().size() % 64)) == 0), "no bit beyond the facts");
  }
}

void follow(const Grounded& ground, const std::vector<int>& plan, bool estimate) {
  AdditiveHeuristic heuristic(ground);
  State state = ground.initial();
  for (const int a : plan) {
    fuzz::check(!estimate || heuristic(state) >= 0, "a state with a plan has an estimate");
    fuzz::check(ground.applicable(a, state), "each step of a plan can be taken");
    ground.apply(a, state);
  }
  fuzz::check(ground.goal(state), "a plan ends at the goal");
  fuzz::check(heuristic(state) == 0, "at the goal there is nothing left to do");
}

void search(const Grounded& ground) {
  const auto shortest = find_shortest_plan(ground, ground.initial(), {.expansions = 100});
  if (shortest) follow(ground, shortest->actions, true);
  if (const auto plan = find_plan(ground, ground.initial(), {.expansions = 20})) {
    follow(ground, plan->actions, false);
    fuzz::check(!shortest || shortest->actions.size() <= plan->actions.size(), "no plan is shorter than a shortest one");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(data, size);
  const std::size_t at = text.find(mark);
  fuzz::refusing([&] {
    const std::string_view first = std::string_view(text).substr(0, at);
    const Domain domain = placed("d.pddl", [&] { return parse_domain(first, "d.pddl"); });
    const std::string_view second = at == std::string::npos ? std::string_view() : std::string_view(text).substr(at + mark.size());
    const Problem problem = placed("p.pddl", [&] { return parse_problem(second, "p.pddl", domain); });
    const Grounded ground(domain, problem, small);
    fuzz::must("what was accepted can be written and read again", [&] {
      const Domain again = parse_domain(printed(first), "d2.pddl");
      const Problem same = parse_problem(printed(second), "p2.pddl", again);
      const Grounded twin(again, same, small);
      fuzz::check(names(domain, problem, ground) == names(again, same, twin) && ground.initial() == twin.initial(), "the same problem");
    });
    walk(ground);
    search(ground);
  });
  return 0;
}
