// The maze: steps and frames on one core, both renderings, one and sixteen slots; with "floors [episodes [repeat]]" instead, how often a random
// policy reaches the vest (every map and start; repeat is 4 unless given); with "picture [x y turns]..." the whole screen from each of these places as one PPM
// on standard output, for tests/reference/vizdoom_parity.py. Times are processor time: other work on the machine is not counted.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "envs/maze/maze.h"
#include "envs/slots.h"

using namespace hone;

namespace {

constexpr int rounds = 5, repeat = 4, limit_tics = 2100;

// One observation is made from the last two raw frames of a decision, so that a step is one frame of the policy's and `repeat` of the game's.
void speed(const char* what, const Settings& given, int slots) {
  const auto world = open_maze(given);
  const auto env = world->make({.slots = slots});
  const auto n = static_cast<std::size_t>(slots);
  const auto all_tasks = world->tasks(Split::train);
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < n; ++i) tasks.push_back(all_tasks[i]);
  std::vector<int> all(n);
  std::iota(all.begin(), all.end(), 0);
  std::vector<std::byte> obs(n * env->spec().observation.bytes()), last(obs.size());
  std::vector<float> reward(n);
  std::vector<std::uint8_t> terminated(n), truncated(n), fault(n);
  std::vector<std::int32_t> actions(n);
  const Buffers out{obs, last, reward, terminated, truncated, fault};
  env->reset(all, tasks, out);
  Rng rng(1);
  const int steps = 8000 / slots;
  std::vector<double> rates;
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();
    for (int t = 0; t < steps; ++t) {
      for (auto& a : actions) a = static_cast<std::int32_t>(rng.below(4));
      env->send(all, std::as_bytes(std::span(actions)));
      env->recv(out, slots);
    }
    rates.push_back(static_cast<double>(steps) * slots * CLOCKS_PER_SEC / static_cast<double>(std::clock() - start));
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%-24s %2d slots: %8.0f steps/s best, %8.0f median (%.0f game frames/s)\n", what, slots, rates.back(), rates[rounds / 2], rates.back() * repeat);
}

// Walks without looking: what is seen changes nothing for who acts at random.
void floor_of(const char* name, const char* start_name, maze::Plan plan, maze::Start start, int episodes, int held) {
  const maze::Map map = maze::make_map(plan);
  int reached = 0, rooms = 0;
  for (int e = 0; e < episodes; ++e) {
    Rng rng = Rng(1).split(name).split(start_name).split(static_cast<std::uint64_t>(e));
    maze::Spot spot = map.sparse;
    maze::Heading heading = map.sparse_heading;
    if (start == maze::Start::dense) spot = map.spots[rng.below(map.spots.size())], heading = {};
    if (start == maze::Start::very_sparse) spot = map.very_sparse, heading = map.very_sparse_heading;
    maze::Walker walker{.x = spot.x, .y = spot.y};
    walker.face(heading.from + (heading.to - heading.from) * rng.uniform());
    std::set<int> visited{map.area_of(walker.x, walker.y)};
    bool there = false;
    for (int tic = 0; tic < limit_tics && !there;) {
      const auto push = static_cast<maze::Push>(rng.below(4));
      for (int k = 0; k < held && tic < limit_tics && !there; ++k, ++tic) {
        there = walker.tic(map, push);
        visited.insert(map.area_of(walker.x, walker.y));
      }
    }
    reached += there;
    rooms += static_cast<int>(std::count_if(visited.begin(), visited.end(), [&](int a) { return a >= 0 && map.areas[static_cast<std::size_t>(a)].room; }));
  }
  const double share = static_cast<double>(reached) / episodes, error = std::sqrt(share * (1.0 - share) / episodes);
  std::printf("%-12s %-12s %6.3f %% +- %.3f of %d episodes, %.2f of %d rooms\n", name, start_name, 100.0 * share, 100.0 * error, episodes, static_cast<double>(rooms) / episodes, map.rooms());
  std::fflush(stdout);
}

void pictures(int places, char** numbers) {
  const maze::Map map = maze::make_map(maze::Plan::full);
  maze::Grid all;
  for (int i = 0; i < maze::screen_width; ++i) all.columns.push_back(i);
  for (int i = 0; i < maze::screen_height; ++i) all.rows.push_back(i);
  maze::Camera camera(map, maze::TextureSet::train, all, false);
  const auto pixels = static_cast<std::size_t>(all.count());
  std::vector<std::uint8_t> planes(3 * pixels);
  std::printf("P6\n");
  for (int i = 0; i < places; ++i) std::printf("# %s %s %s\n", numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]);
  std::printf("%d %d 255\n", maze::screen_width, maze::screen_height * places);
  for (int i = 0; i < places; ++i) {
    maze::Walker walker{.x = std::atof(numbers[3 * i]), .y = std::atof(numbers[3 * i + 1])};
    walker.face(std::atof(numbers[3 * i + 2]));
    camera.colour(walker, planes);
    for (std::size_t p = 0; p < pixels; ++p)
      for (std::size_t plane = 0; plane < 3; ++plane) std::fputc(planes[plane * pixels + p], stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "floors") == 0) {
    using namespace maze;
    const int episodes = argc > 2 ? std::max(1, std::atoi(argv[2])) : 5000, held = argc > 3 ? std::max(1, std::atoi(argv[3])) : repeat;
    for (const auto& [name, plan] : {std::pair{"three_rooms", Plan::three_rooms}, {"five_rooms", Plan::five_rooms}, {"full", Plan::full}, {"other", Plan::other}})
      for (const auto& [start_name, start] : {std::pair{"dense", Start::dense}, {"sparse", Start::sparse}, {"very_sparse", Start::very_sparse}}) floor_of(name, start_name, plan, start, episodes, held);
    return 0;
  }
  if (argc > 4 && std::strcmp(argv[1], "picture") == 0) {
    pictures((argc - 2) / 3, argv + 2);
    return 0;
  }
  for (const int slots : {1, 16}) {
    speed("direct", {}, slots);
    speed("full", settings({{"render", "full"}}), slots);
    speed("direct, noise", settings({{"noise", "true"}}), slots);
  }
}
