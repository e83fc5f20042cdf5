// How fast frozenlake and sokoban go on one core, random moves, resets counted as part of the time: bare (the rules over a copied layout) and as
// agents play them (text, choices, feedback). The best of five rounds, and the median.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "envs/board/frozenlake.h"
#include "envs/board/sokoban.h"

using namespace hone;
using board::Direction;

namespace {

constexpr int rounds = 5, budget = 8;

template <class Play>
void measure(const char* what, Play&& play) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates;
  long long steps = 0, solved = 0, episodes = 0;
  for (int r = 0; r < rounds; ++r) {
    steps = solved = episodes = 0;
    const auto start = Clock::now();
    play(steps, solved, episodes);
    rates.push_back(static_cast<double>(steps) / std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%-28s %12.0f steps/s best, %12.0f median; %lld steps, %lld episodes, %lld solved\n", what, rates.back(), rates[rounds / 2], steps, episodes, solved);
}

void bare_lake(bool slippery, const std::vector<board::Lake>& lakes, long long& steps, long long& solved, long long& episodes) {
  Rng rng(1);
  board::Lake lake;
  for (int again = 0; again < 1000; ++again)
    for (const auto& layout : lakes) {
      lake = layout;
      int at = lake.start;
      ++episodes;
      for (int i = 0; i < budget; ++i) {
        Direction d = board::directions[rng.next() >> 62];
        if (slippery) d = board::slipped(d, rng);
        at = board::beside(at, d, lake.size, lake.size);
        ++steps;
        solved += at == lake.goal;
        if (at == lake.goal || lake.is_hole(at)) break;
      }
    }
}

void bare_sokoban(const std::vector<board::NamedLevel>& levels, long long& steps, long long& solved, long long& episodes) {
  Rng rng(1);
  board::Warehouse w;
  for (int again = 0; again < 1000; ++again)
    for (const auto& level : levels) {
      w = level.warehouse;
      ++episodes;
      for (int i = 0; i < budget && !w.solved(); ++i) {
        board::push(w, board::directions[rng.next() >> 62]);
        ++steps;
      }
      solved += w.solved();
    }
}

void told(const World& world, long long& steps, long long& solved, long long& episodes) {
  Rng rng(1);
  const auto tasks = world.tasks(Split::train);
  const auto env = world.make(Split::train);
  for (int again = 0; again < 50; ++again)
    for (const auto& task : tasks) {
      Observation seen = env->reset(task);
      ++episodes;
      for (;;) {
        Outcome out = env->step(seen.choices[rng.below(seen.choices.size())]);
        ++steps;
        solved += out.solved;
        if (out.ending) break;
        seen = std::move(out.next);
      }
    }
}

}  // namespace

int main() {
  const auto lakes = make_lakes({}).train;
  const auto levels = make_sokoban({}).train;
  const auto lake_world = open_frozenlake({}), sokoban_world = open_sokoban({});
  measure("frozenlake bare", [&](auto&... n) { bare_lake(false, lakes, n...); });
  measure("frozenlake bare, slippery", [&](auto&... n) { bare_lake(true, lakes, n...); });
  measure("sokoban bare", [&](auto&... n) { bare_sokoban(levels, n...); });
  measure("frozenlake text, choices", [&](auto&... n) { told(*lake_world, n...); });
  measure("sokoban text, choices", [&](auto&... n) { told(*sokoban_world, n...); });
}
