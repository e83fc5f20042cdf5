#include "envs/gridworld.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/rng.h"

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

class GridEnv final : public BatchEnv, public Savable {
 public:
  GridEnv(const Shared& world, int slots) : world_(world), slots_(static_cast<std::size_t>(slots)) {
    const auto& g = world.grid;
    switch (world.config.observe) {
      case GridObserve::state: spec_.observation = {SpaceKind::discrete, Dtype::i32, {}, 0.0, static_cast<double>(g.states() - 1)}; break;
      case GridObserve::one_hot: spec_.observation = {SpaceKind::box, Dtype::f32, {g.states()}, 0.0, 1.0}; break;
      case GridObserve::xy: spec_.observation = {SpaceKind::box, Dtype::f32, {2}, 0.0, 1.0}; break;
    }
    spec_.action = {SpaceKind::discrete, Dtype::i32, {}, 0.0, actions - 1};
    spec_.slots = slots;
    spec_.autoreset = Autoreset::same_step;
    sent_.reserve(slots_.size());
    done_.reserve(slots_.size());
  }

  const BatchSpec& spec() const override { return spec_; }

  void reset(std::span<const int> slots, std::span<const Task> tasks, Buffers out) override {
    if (slots.size() != tasks.size())
      throw Error(Fault::internal, "gridworld: reset of " + std::to_string(slots.size()) + " slots with " + std::to_string(tasks.size()) + " tasks");
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = at(slots[i]);
      slot = Slot{};
      slot.start = start_of(tasks[i]);
      slot.seed = tasks[i].seed;
      slot.used = true;
      begin(slot);
      observe(slot.state, out.obs, slots[i]);
    }
    std::erase_if(sent_, [&](int s) { return std::find(slots.begin(), slots.end(), s) != slots.end(); });
  }

  void send(std::span<const int> slots, std::span<const std::byte> bytes) override {
    if (bytes.size() != slots.size() * sizeof(std::int32_t))
      throw Error(Fault::internal, "gridworld: expected 4 bytes of action per slot, got " + std::to_string(bytes.size()) + " for " +
                                       std::to_string(slots.size()) + " slots");
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = at(slots[i]);
      if (!slot.used) throw Error(Fault::internal, "gridworld: send to slot " + std::to_string(slots[i]) + " before its reset");
      if (slot.waiting) throw Error(Fault::internal, "gridworld: send to slot " + std::to_string(slots[i]) + " twice without recv");
      std::memcpy(&slot.action, bytes.data() + i * sizeof slot.action, sizeof slot.action);
      slot.waiting = true;
      sent_.push_back(slots[i]);
    }
  }

  std::span<const int> recv(Buffers out, int at_least) override {
    if (at_least > static_cast<int>(sent_.size()))
      throw Error(Fault::internal, "gridworld: recv of " + std::to_string(at_least) + " slots, " + std::to_string(sent_.size()) + " were sent");
    done_.assign(sent_.begin(), sent_.end());
    sent_.clear();
    for (const int s : done_) step(at(s), s, out);
    return done_;
  }

  void save(Sink& sink) const override {
    put(sink, world_.hash);
    put(sink, static_cast<std::uint64_t>(slots_.size()));
    for (const Slot& slot : slots_) {
      put(sink, slot.start), put(sink, slot.state), put(sink, slot.steps), put(sink, slot.action);
      put(sink, slot.seed), put(sink, slot.episodes), put(sink, slot.rng.state());
      put(sink, static_cast<std::uint8_t>(slot.used)), put(sink, static_cast<std::uint8_t>(slot.waiting));
    }
    put(sink, static_cast<std::uint64_t>(sent_.size()));
    for (const int s : sent_) put(sink, s);
  }

  void load(Source& source) override {
    std::uint64_t hash = 0, n = 0;
    get(source, hash), get(source, n);
    if (hash != world_.hash || n != slots_.size()) throw Error(Fault::corrupt, "gridworld: saved state is of another maze or number of slots");
    std::vector<Slot> slots(slots_.size());
    for (Slot& slot : slots) {
      Rng::State rng{};
      std::uint8_t used = 0, waiting = 0;
      get(source, slot.start), get(source, slot.state), get(source, slot.steps), get(source, slot.action);
      get(source, slot.seed), get(source, slot.episodes), get(source, rng), get(source, used), get(source, waiting);
      slot.rng.restore(rng);
      slot.used = used != 0, slot.waiting = waiting != 0;
      if (slot.used && (!is_start(slot.start) || !is_start(slot.state))) throw Error(Fault::corrupt, "gridworld: saved state names a cell that is not free");
    }
    std::uint64_t sent = 0;
    get(source, sent);
    if (sent > slots.size()) throw Error(Fault::corrupt, "gridworld: saved state has more sent slots than slots");
    std::vector<int> order(static_cast<std::size_t>(sent));
    for (int& s : order) {
      get(source, s);
      if (s < 0 || s >= spec_.slots || !slots[static_cast<std::size_t>(s)].waiting) throw Error(Fault::corrupt, "gridworld: saved state names a slot that was not sent");
    }
    slots_ = std::move(slots);
    sent_.assign(order.begin(), order.end());
  }

 private:
  struct Slot {
    std::int32_t start = 0, state = 0, steps = 0, action = 0;
    std::uint64_t seed = 0, episodes = 0;
    Rng rng = Rng(0);
    bool used = false, waiting = false;
  };

  Slot& at(int slot) {
    if (slot < 0 || slot >= spec_.slots)
      throw Error(Fault::internal, "gridworld: expected slots 0 to " + std::to_string(spec_.slots - 1) + ", got " + std::to_string(slot));
    return slots_[static_cast<std::size_t>(slot)];
  }
  bool is_start(int state) const { return state >= 0 && state < world_.grid.states() && world_.grid.at(state) == Cell::free; }
  std::int32_t start_of(const Task& task) const {
    const auto it = task.params.find("start");
    std::int32_t start = -1;
    if (it != task.params.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), start);
    if (!is_start(start)) throw Error(Fault::bad_input, "gridworld: task '" + task.id + "' does not start on a free cell of this maze");
    return start;
  }

  static void begin(Slot& slot) {
    slot.rng = Rng(mix64(slot.seed ^ mix64(slot.episodes)));
    slot.state = slot.start;
    slot.steps = 0;
  }

  void step(Slot& slot, int s, const Buffers& out) {
    const auto row = static_cast<std::size_t>(s);
    slot.waiting = false;
    out.reward[row] = 0.0F;
    out.terminated[row] = out.truncated[row] = out.fault[row] = 0;
    if (slot.action < 0 || slot.action >= actions) {
      out.fault[row] = 1;  // the actor's bug, not a loss: the episode does not count
    } else {
      const auto cases = landings(world_.grid, world_.config.slip, slot.state, slot.action);
      const double u = slot.rng.uniform();
      const Landing& to = u < cases[0].probability ? cases[0] : u < cases[0].probability + cases[1].probability ? cases[1] : cases[2];
      slot.state = to.state;
      ++slot.steps;
      out.reward[row] = to.reward;
      out.terminated[row] = to.terminated;
      out.truncated[row] = !to.terminated && slot.steps >= world_.config.step_limit;
    }
    if (out.terminated[row] != 0 || out.truncated[row] != 0 || out.fault[row] != 0) {
      observe(slot.state, out.final_obs, s);
      ++slot.episodes;
      begin(slot);
    }
    observe(slot.state, out.obs, s);
  }

  void observe(std::int32_t state, std::span<std::byte> all, int s) const {
    const std::size_t size = spec_.observation.bytes();
    std::byte* row = all.data() + static_cast<std::size_t>(s) * size;
    const auto& g = world_.grid;
    switch (world_.config.observe) {
      case GridObserve::state: std::memcpy(row, &state, sizeof state); break;
      case GridObserve::one_hot: {
        const float one = 1.0F;
        std::memset(row, 0, size);
        std::memcpy(row + static_cast<std::size_t>(state) * sizeof one, &one, sizeof one);
        break;
      }
      case GridObserve::xy: {
        const float xy[2] = {static_cast<float>(state / g.cols) / static_cast<float>(std::max(1, g.rows - 1)),
                             static_cast<float>(state % g.cols) / static_cast<float>(std::max(1, g.cols - 1))};
        std::memcpy(row, xy, sizeof xy);
        break;
      }
    }
  }

  const Shared& world_;
  BatchSpec spec_;
  std::vector<Slot> slots_;
  std::vector<int> sent_, done_;
};

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
  int max_steps() const override { return shared_.config.step_limit; }
  std::vector<Task> tasks(Split split) const override { return tasks_[static_cast<std::size_t>(split)]; }
  std::unique_ptr<BatchEnv> make(int slots) const override {
    if (slots < 1) throw Error(Fault::bad_input, "gridworld: expected at least 1 slot, got " + std::to_string(slots));
    return std::make_unique<GridEnv>(shared_, slots);
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
