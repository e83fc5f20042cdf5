#include "envs/gridworld.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/rng.h"
#include "envs/slots.h"

namespace hone {

namespace {

constexpr int actions = 4;

// Cells from which the goal can be reached without a pit, by breadth-first search backwards from the goals.
std::vector<bool> reaching(const Grid& grid) {
  std::vector<bool> seen(grid.cells.size(), false);
  std::vector<int> open;
  for (int s = 0; s < grid.states(); ++s)
    if (grid.at(s) == Cell::goal) {
      seen[static_cast<std::size_t>(s)] = true;
      open.push_back(s);
    }
  for (std::size_t i = 0; i < open.size(); ++i)
    for (int a = 0; a < actions; ++a) {  // moves can be undone, so forward neighbours are backward ones
      const int next = neighbour(grid, open[i], a);
      if (grid.at(next) != Cell::free || seen[static_cast<std::size_t>(next)]) continue;
      seen[static_cast<std::size_t>(next)] = true;
      open.push_back(next);
    }
  return seen;
}

int count(const Grid& grid, Cell kind) { return static_cast<int>(std::count(grid.cells.begin(), grid.cells.end(), kind)); }

constexpr int fewest_free = 6;  // two start cells per split

Grid parse_map(const std::vector<std::string>& map) {
  Grid grid{static_cast<int>(map.size()), static_cast<int>(map[0].size()), {}};
  for (std::size_t r = 0; r < map.size(); ++r) {
    if (map[r].size() != map[0].size() || map[r].empty() || map.size() > 256 || map[r].size() > 256)
      throw Error(Fault::bad_input, "gridworld: field 'map', row " + std::to_string(r + 1) + ": expected rows of equal length, at most 256 by 256");
    for (const char c : map[r]) {
      const auto kind = std::string_view(".#OG").find(c);
      if (kind == std::string_view::npos)
        throw Error(Fault::bad_input, "gridworld: field 'map', row " + std::to_string(r + 1) + ": expected . # O or G, got '" + c + "'");
      grid.cells.push_back(static_cast<Cell>(kind));
    }
  }
  const auto ok = reaching(grid);
  for (int s = 0; s < grid.states(); ++s)
    if (grid.at(s) == Cell::free && !ok[static_cast<std::size_t>(s)])
      throw Error(Fault::bad_input, "gridworld: field 'map': no way to a goal from row " + std::to_string(s / grid.cols + 1) + ", column " +
                                        std::to_string(s % grid.cols + 1));
  if (count(grid, Cell::free) < 3) throw Error(Fault::bad_input, "gridworld: field 'map': expected at least 3 free cells with a way to a goal");
  return grid;
}

Grid draw_maze(const GridConfig& config, Rng rng) {
  Grid grid{config.rows, config.cols, std::vector<Cell>(static_cast<std::size_t>(config.rows) * static_cast<std::size_t>(config.cols), Cell::free)};
  for (auto& cell : grid.cells) {
    const double u = rng.uniform();
    cell = u < config.walls ? Cell::wall : u < config.walls + config.pits ? Cell::pit : Cell::free;
  }
  grid.cells[rng.below(grid.cells.size())] = Cell::goal;
  const auto ok = reaching(grid);
  for (std::size_t s = 0; s < grid.cells.size(); ++s)
    if (grid.cells[s] == Cell::free && !ok[s]) grid.cells[s] = Cell::wall;
  return grid;
}

struct Shared {  // what worlds and their envs share
  GridConfig config;
  Grid grid;
  std::uint64_t hash = 0;
};

class GridEpisode final : public SlotWorld {
 public:
  explicit GridEpisode(const Shared& world) : world_(world) {}

  void reset(const Task& task, std::uint64_t episode, std::span<std::byte> obs) override {
    state_ = start_of(task);
    steps_ = 0;
    rng_ = episode_rng(task, episode);
    observe(obs);
  }

  SlotStep step(std::span<const std::byte> bytes, std::span<std::byte> obs, std::span<float>) override {
    std::int32_t action = 0;
    std::memcpy(&action, bytes.data(), sizeof action);
    SlotStep out;
    if (action < 0 || action >= actions) {
      out.fault = true;
    } else {
      const auto cases = landings(world_.grid, world_.config.slip, state_, action);
      const double u = rng_.uniform();
      const Landing& to = u < cases[0].probability ? cases[0] : u < cases[0].probability + cases[1].probability ? cases[1] : cases[2];
      state_ = to.state;
      ++steps_;
      out = {to.reward, to.terminated, !to.terminated && steps_ >= world_.config.step_limit};
    }
    observe(obs);
    return out;
  }

  void save(Sink& sink) const override { put(sink, state_), put(sink, steps_), put(sink, rng_.state()); }
  void load(Source& source) override {
    Rng::State rng{};
    get(source, state_), get(source, steps_), get(source, rng);
    rng_.restore(rng);
    if (!is_start(state_)) throw Error(Fault::corrupt, "gridworld: saved state names a cell that is not free");
  }

 private:
  bool is_start(int state) const { return state >= 0 && state < world_.grid.states() && world_.grid.at(state) == Cell::free; }
  std::int32_t start_of(const Task& task) const {
    const auto it = task.params.find("start");
    std::int32_t start = -1;
    if (it != task.params.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), start);
    if (!is_start(start)) throw Error(Fault::bad_input, "gridworld: task '" + task.id + "' does not start on a free cell of this maze");
    return start;
  }

  void observe(std::span<std::byte> row) const {
    const auto& g = world_.grid;
    switch (world_.config.observe) {
      case GridObserve::state: std::memcpy(row.data(), &state_, sizeof state_); break;
      case GridObserve::one_hot: {
        const float one = 1.0F;
        std::memset(row.data(), 0, row.size());
        std::memcpy(row.data() + static_cast<std::size_t>(state_) * sizeof one, &one, sizeof one);
        break;
      }
      case GridObserve::xy: {
        const float xy[2] = {static_cast<float>(state_ / g.cols) / static_cast<float>(std::max(1, g.rows - 1)),
                             static_cast<float>(state_ % g.cols) / static_cast<float>(std::max(1, g.cols - 1))};
        std::memcpy(row.data(), xy, sizeof xy);
        break;
      }
    }
  }

  const Shared& world_;
  std::int32_t state_ = 0, steps_ = 0;
  Rng rng_ = Rng(0);
};

BatchSpec spec_of(const Shared& world) {
  BatchSpec spec;
  switch (world.config.observe) {
    case GridObserve::state: spec.observation = {SpaceKind::discrete, Dtype::i32, {}, 0.0, static_cast<double>(world.grid.states() - 1)}; break;
    case GridObserve::one_hot: spec.observation = {SpaceKind::box, Dtype::f32, {world.grid.states()}, 0.0, 1.0}; break;
    case GridObserve::xy: spec.observation = {SpaceKind::box, Dtype::f32, {2}, 0.0, 1.0}; break;
  }
  spec.action = {SpaceKind::discrete, Dtype::i32, {}, 0.0, actions - 1};
  return spec;
}

class GridWorld final : public BatchWorld, public Shown {
 public:
  explicit GridWorld(GridConfig config) {
    shared_.grid = make_grid(config);
    shared_.config = std::move(config);
    const auto& g = shared_.grid;
    std::string bytes = std::to_string(g.rows) + "x" + std::to_string(g.cols) + ":";
    for (const Cell c : g.cells) bytes += ".#OG"[static_cast<std::size_t>(c)];
    shared_.hash = hash64(bytes);
    std::vector<int> starts;
    for (int s = 0; s < g.states(); ++s)
      if (g.at(s) == Cell::free) starts.push_back(s);
    Rng(shared_.hash).split("splits").shuffle(starts);
    const std::size_t part = std::max<std::size_t>(1, starts.size() / 5);  // a fifth each for validation and test
    for (std::size_t i = 0; i < starts.size(); ++i)
      tasks_[static_cast<std::size_t>(i < part ? Split::test : i < 2 * part ? Split::validation : Split::train)].push_back(task_of(starts[i]));
  }

  std::string name() const override { return "gridworld"; }
  int max_steps(Split) const override { return shared_.config.step_limit; }
  std::vector<Task> tasks(Split split) const override { return tasks_[static_cast<std::size_t>(split)]; }
  std::unique_ptr<BatchEnv> make(const BatchOptions& options) const override {
    return make_slots("gridworld", shared_.hash, spec_of(shared_), options, [this] { return std::make_unique<GridEpisode>(shared_); });
  }
  double score(double episode_return, int) const override { return std::clamp(episode_return, 0.0, 1.0); }

  std::vector<std::string> action_names() const override { return {"left", "down", "right", "up"}; }
  std::string legend() const override { return "@ you, G goal, O pit, # wall"; }
  std::string picture(std::span<const std::byte> observation) const override {
    const Grid& g = shared_.grid;
    const int here = cell_of(observation);
    std::string out;
    for (int s = 0; s < g.states(); ++s) {
      out += s == here ? '@' : ".#OG"[static_cast<std::size_t>(g.at(s))];
      out += (s + 1) % g.cols != 0 ? " " : s + 1 < g.states() ? "\n" : "";
    }
    return out;
  }

 private:
  // What observe() wrote, read back.
  int cell_of(std::span<const std::byte> observation) const {
    const Grid& g = shared_.grid;
    if (shared_.config.observe == GridObserve::state) {
      std::int32_t state = 0;
      std::memcpy(&state, observation.data(), sizeof state);
      return state;
    }
    std::vector<float> values(observation.size() / sizeof(float));
    std::memcpy(values.data(), observation.data(), values.size() * sizeof(float));
    if (shared_.config.observe == GridObserve::one_hot) return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
    const auto whole = [](float part, int size) { return static_cast<int>(std::lround(part * static_cast<float>(std::max(1, size - 1)))); };
    return whole(values[0], g.rows) * g.cols + whole(values[1], g.cols);
  }

  Task task_of(int start) const {
    char maze[17];
    std::snprintf(maze, sizeof maze, "%016llx", static_cast<unsigned long long>(shared_.hash));
    Task t;
    t.id = std::string("gridworld/") + maze + "/" + std::to_string(start);
    t.env = "gridworld";
    t.kind = "maze";
    t.goal = "Reach the goal from row " + std::to_string(start / shared_.grid.cols + 1) + ", column " + std::to_string(start % shared_.grid.cols + 1) + ".";
    t.seed = hash64(t.id);
    t.params = {{"start", std::to_string(start)}};
    return t;
  }

  Shared shared_;
  std::array<std::vector<Task>, 3> tasks_;
};

}  // namespace

int neighbour(const Grid& grid, int state, int action) {
  constexpr int row_step[actions] = {0, 1, 0, -1}, col_step[actions] = {-1, 0, 1, 0};
  const int r = state / grid.cols + row_step[action], c = state % grid.cols + col_step[action];
  if (r < 0 || r >= grid.rows || c < 0 || c >= grid.cols || grid.at(r * grid.cols + c) == Cell::wall) return state;
  return r * grid.cols + c;
}

std::array<Landing, 3> landings(const Grid& grid, double slip, int state, int action) {
  const auto to = [&](double probability, int direction) {
    const int next = neighbour(grid, state, direction);
    const Cell kind = grid.at(next);
    return Landing{probability, next, kind == Cell::goal ? 1.0F : 0.0F, kind == Cell::goal || kind == Cell::pit};
  };
  return {to(1.0 - slip, action), to(slip / 2, (action + 1) % actions), to(slip / 2, (action + 3) % actions)};
}

Grid make_grid(const GridConfig& config) {
  if (!config.map.empty()) return parse_map(config.map);
  constexpr int draws = 1000;
  const int wanted = std::max(fewest_free, config.rows * config.cols * 3 / 10);
  for (int i = 0; i < draws; ++i) {
    Grid grid = draw_maze(config, Rng(config.maze_seed).split(static_cast<std::uint64_t>(i)));
    if (count(grid, Cell::free) >= wanted) return grid;
  }
  throw Error(Fault::bad_input, "gridworld: no maze with at least " + std::to_string(wanted) + " cells that lead to the goal in " +
                                    std::to_string(draws) + " draws; fewer walls and pits, or more cells, would help");
}

std::unique_ptr<BatchWorld> open_gridworld(const Settings& settings) {
  return std::make_unique<GridWorld>(read_config<GridConfig>(settings));
}

constinit const EnvEntry env_gridworld{
    .name = "gridworld",
    .summary = "find the goal in a small maze with walls and pits (reflex tempo)",
    .fields = &describe_config<GridConfig>,
    .open = nullptr,
    .open_batch = &open_gridworld,
    .needs_settings = false,
};

}  // namespace hone
