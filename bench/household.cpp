// How fast the household world is on one core: bare transitions (the applicable actions, one drawn, its successor), and steps with text
// and choices through Env. A random policy on the 134 test tasks. Times are processor time: other work on the machine is not counted.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "core/rng.h"
#include "envs/household/household.h"

namespace {

constexpr int rounds = 40;  // tries at every task
std::size_t kept = 0;      // what is computed is used

template <class F>
double seconds(const F& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void measure(const std::string& max_places, std::uint64_t seed) {
  hone::HouseholdConfig config;
  config.max_places = std::atoi(max_places.c_str());
  const auto world = hone::open_household(hone::settings({{"max_places", max_places}}));
  const auto tasks = world->tasks(hone::Split::test);
  std::vector<std::shared_ptr<const hone::household::Game>> games;
  const double ground = seconds([&] {
    for (const auto& task : tasks) games.push_back(hone::household_game(config, task));
  });

  // A walk of as many steps as a try, again and again from the start; starting is timed and not counted as a transition.
  std::size_t facts = 0, actions = 0, transitions = 0, offered = 0;
  for (const auto& game : games) facts += game->grounded().facts().size(), actions += game->grounded().actions().size();
  hone::Rng rng(seed);
  const double bare = seconds([&] {
    hone::pddl::State state;
    std::vector<int> can;
    for (int round = 0; round < rounds; ++round)
      for (const auto& game : games) {
        const auto& grounded = game->grounded();
        state = grounded.initial();
        for (int step = 0; step < config.max_steps; ++step) {
          grounded.applicable(state, can);
          if (can.empty()) break;
          grounded.apply(can[rng.below(can.size())], state);
          offered += can.size();
          ++transitions;
        }
        kept += state[0];
      }
  });

  const auto env = world->make(hone::Split::test);
  std::size_t steps = 0, resets = 0, bytes = 0, choices = 0;
  const auto play = [&](int tries) {
    steps = resets = bytes = choices = 0;
    return seconds([&] {
      for (int round = 0; round < tries; ++round)
        for (const auto& task : tasks) {
          auto seen = env->reset(task);
          ++resets;
          for (bool over = false; !over; ++steps) {
            auto outcome = env->step(seen.choices[rng.below(seen.choices.size())]);
            seen = std::move(outcome.next);
            bytes += seen.text.size(), choices += seen.choices.size();
            over = outcome.ending.has_value();
          }
        }
    });
  };
  const double first_seconds = play(1);  // grounds every house
  const double first = static_cast<double>(steps + resets) / first_seconds;
  const double text = play(rounds);

  const auto per = [](std::size_t sum, std::size_t n) { return static_cast<double>(sum) / static_cast<double>(n); };
  std::printf("max_places %s, seed %llu: %.0f facts and %.0f actions a house, %.1f ms to ground\n", max_places.c_str(), static_cast<unsigned long long>(seed), per(facts, games.size()),
              per(actions, games.size()), 1e3 * ground / static_cast<double>(games.size()));
  std::printf("  bare: %9.0f transitions/s (%zu in %.2f s; %.1f applicable actions)\n", static_cast<double>(transitions) / bare, transitions, bare, per(offered, transitions));
  std::printf("  text: %9.0f steps and resets/s (%zu and %zu in %.2f s; %.1f choices, %.0f bytes of text); %.0f/s when every house is played for the first time\n",
              static_cast<double>(steps + resets) / text, steps, resets, text, per(choices, steps), per(bytes, steps), first);
}

}  // namespace

int main() {
  for (const std::uint64_t seed : {1U, 2U, 3U})
    for (const char* max_places : {"12", "0"}) measure(max_places, seed);
  return kept == 0;
}
