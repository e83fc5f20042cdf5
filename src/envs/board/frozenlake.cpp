#include "envs/board/frozenlake.h"

#include <cstdio>
#include <unordered_set>

#include "core/error.h"

namespace hone {

using namespace board;

namespace {

enum Sign : std::size_t { agent, goal, hole, safe, agent_in_hole, agent_on_goal };
const Signs abstract_signs{"A", "B", "C", "D", "X", "✓"}, plain_signs{"P", "G", "H", "F", "X", "*"};

// The settings with what 0 stands for filled in.
FrozenLakeConfig resolved(FrozenLakeConfig c) {
  if (c.play.max_steps == 0) c.play.max_steps = c.map == LakeMap::generated ? 8 : c.map == LakeMap::four ? 100 : 200;
  if (c.max_path == 0 || c.map != LakeMap::generated) c.max_path = c.play.max_steps;
  return c;
}

class LakeBoard final : public Board {
 public:
  LakeBoard(const std::vector<Lake>& lakes, bool slippery) : lakes_(lakes), slippery_(slippery) {}

  void begin(std::size_t layout, const Task& task) override {
    lake_ = lakes_.at(layout);
    at_ = lake_.start;
    rng_ = Rng(task.seed).split("slip");
  }
  Effect move(Direction move) override {
    if (move == Direction::none) return {.comment = "no movement: not a move"};
    if (slippery_) move = slipped(move, rng_);
    const int next = beside(at_, move, lake_.size, lake_.size);
    if (next == at_) return {.comment = "no movement"};
    at_ = static_cast<std::int16_t>(next);
    if (at_ == lake_.goal) return {.changed = true, .over = true, .solved = true, .comment = "reached the goal"};
    if (lake_.is_hole(at_)) return {.changed = true, .over = true, .comment = "fell into a hole; the game ended"};
    return {.changed = true, .comment = "moved to a safe tile"};
  }
  int rows() const override { return lake_.size; }
  int columns() const override { return lake_.size; }
  std::size_t sign(int cell) const override {
    if (cell == at_) return lake_.is_hole(cell) ? agent_in_hole : cell == lake_.goal ? agent_on_goal : agent;
    return cell == lake_.goal ? goal : lake_.is_hole(cell) ? hole : safe;
  }
  std::string_view ending() const override {
    return at_ == lake_.goal ? "the agent is on the goal" : lake_.is_hole(at_) ? "the agent is in a hole" : "the agent is on a safe tile, not on the goal";
  }
  void save(Sink& sink) const override { put(sink, lake_), put(sink, at_), put(sink, rng_.state()); }
  void load(Source& source) override {
    std::int32_t size = 0;
    std::int16_t start = 0, goal_cell = 0, at = 0;
    std::array<std::uint8_t, largest_lake * largest_lake> holes{};
    Rng::State rng{};
    get(source, size), get(source, start), get(source, goal_cell), get(source, holes), get(source, at), get(source, rng);
    const auto inside = [&](int cell) { return cell >= 0 && cell < size * size; };
    if (size < 2 || size > largest_lake || !inside(start) || !inside(goal_cell) || !inside(at) || start == goal_cell)
      throw Error(Fault::corrupt, "frozenlake: saved state is of no board");
    lake_.size = size, lake_.start = start, lake_.goal = goal_cell;
    for (std::size_t i = 0; i < holes.size(); ++i) lake_.hole[i] = holes[i] != 0;
    at_ = at;
    rng_.restore(rng);
  }

 private:
  const std::vector<Lake>& lakes_;
  bool slippery_;
  Lake lake_;
  std::int16_t at_ = 0;
  Rng rng_;
};

static_assert(sizeof(Lake) == 8 + largest_lake * largest_lake, "saved as it is, without gaps");

struct Lakes final : Shared {
  std::vector<Lake> lakes;
};

std::vector<Lake> generate(const FrozenLakeConfig& c, int count, Rng& rng, std::unordered_set<std::string>& seen) {
  constexpr int patience = 20000;  // draws for one more layout
  std::vector<Lake> out;
  for (int draws = 0; static_cast<int>(out.size()) < count; ++draws) {
    if (draws == patience)
      throw Error(Fault::bad_input, "frozenlake: no more than " + std::to_string(seen.size()) + " different layouts found with these settings, " +
                                        std::to_string(c.splits.train) + " + " + std::to_string(c.splits.validation) + " + " + std::to_string(c.splits.test) +
                                        " were asked for; fewer tasks, larger boards or a greater max_path would help");
    const int size = c.min_size + static_cast<int>(rng.below(static_cast<std::uint64_t>(c.max_size - c.min_size + 1)));
    const double frozen = c.min_frozen + (c.max_frozen - c.min_frozen) * rng.uniform();
    const Lake lake = draw_lake(size, frozen, rng);
    const auto path = shortest_path(lake);
    if (!path || *path > c.max_path || !seen.insert(to_text(lake)).second) continue;
    out.push_back(lake);
    draws = -1;
  }
  return out;
}

// One map: its cells that are no hole and lead to the goal, dealt as starts; the map's own S is the first of the test.
LakeSplits starts_of(const FrozenLakeConfig& c) {
  const Lake map = read_lake(c.map == LakeMap::four ? lake_4x4 : lake_8x8, "frozenlake");
  std::vector<Lake> starts;
  for (std::int16_t cell = 0; cell < map.cells(); ++cell) {
    Lake lake = map;
    lake.start = cell;
    if (cell == map.start || cell == map.goal || map.is_hole(cell)) continue;
    if (const auto path = shortest_path(lake); path && *path <= c.max_path) starts.push_back(lake);
  }
  const int path = shortest_path(map).value();
  if (path > c.play.max_steps)
    throw Error(Fault::bad_input, "frozenlake: the shortest way of this map takes " + std::to_string(path) + " moves, max_steps is " + std::to_string(c.play.max_steps));
  SplitConfig splits = c.splits;
  require_enough(starts.size() + 1, {&splits.test, &splits.validation, &splits.train},
                 {.world = "frozenlake", .items = "cells to start from", .parts = "test, validation and train", .fit = splits.fit, .fewest = 3});
  LakeSplits out;
  if (splits.test > 0) out.test.push_back(map), --splits.test;
  splits.fit = false;
  const auto dealt = deal_splits(starts.size(), nullptr, splits, {.world = "frozenlake", .items = "cells to start from", .parts = {}, .fit = false, .fewest = 1});
  for (const auto i : dealt.test) out.test.push_back(starts[i]);
  for (const auto i : dealt.validation) out.validation.push_back(starts[i]);
  for (const auto i : dealt.train) out.train.push_back(starts[i]);
  return out;
}

std::string told(const Shared& s, bool slippery) {
  const auto& g = s.signs;
  std::string out = "You are " + g[agent] + " and must reach " + g[goal] + ". " + g[safe] + " is ice that bears you; " + g[hole] +
                    " is a hole: who steps into one has lost. A move goes one cell; at the edge you stay where you are. In a hole you are shown as " +
                    g[agent_in_hole] + ", at the goal as " + g[agent_on_goal] + ".";
  if (slippery) out += " The ice is slippery: a third of your moves goes where it should, the others to the one or the other side.";
  return out;
}

}  // namespace

void validate(const FrozenLakeConfig& given) {
  const auto refuse = [](const std::string& why) { throw Error(Fault::bad_input, "frozenlake: " + why); };
  if (given.min_size > given.max_size)
    refuse("expected min_size at most max_size, got " + std::to_string(given.min_size) + " and " + std::to_string(given.max_size));
  if (given.min_frozen > given.max_frozen) refuse("expected min_frozen at most max_frozen");
  if (given.splits.fit && given.map == LakeMap::generated) refuse("fit is for the maps 4x4 and 8x8; as many boards are generated as are asked for");
  const auto c = resolved(given);
  if (c.max_path > c.play.max_steps)
    refuse("expected max_path at most max_steps (a task must be solvable), got " + std::to_string(c.max_path) + " and " + std::to_string(c.play.max_steps));
}

LakeSplits make_lakes(const FrozenLakeConfig& config) {
  const auto c = resolved(config);
  if (c.map != LakeMap::generated) return starts_of(c);
  std::unordered_set<std::string> seen;
  const Rng rng = Rng(c.splits.split_seed).split("frozenlake");
  // Each split has its own stream, the test first: more training tasks leave the other splits as they are.
  Rng test = rng.split("test"), validation = rng.split("validation"), train = rng.split("train");
  LakeSplits out;
  out.test = generate(c, c.splits.test, test, seen);
  out.validation = generate(c, c.splits.validation, validation, seen);
  out.train = generate(c, c.splits.train, train, seen);
  return out;
}

std::unique_ptr<World> open_frozenlake(const Settings& settings) {
  const auto config = resolved(read_config<FrozenLakeConfig>(settings));
  auto shared = std::make_shared<Lakes>();
  shared->name = "frozenlake";
  shared->play = config.play;
  shared->signs = make_signs(config.play.symbols, abstract_signs, plain_signs, config.play.symbol_seed, "frozenlake");
  const auto splits = make_lakes(config);
  const auto add = [&](const std::vector<Lake>& lakes) {
    std::vector<Task> out;
    for (const Lake& lake : lakes) {
      int holes = 0;
      for (int cell = 0; cell < lake.cells(); ++cell) holes += lake.is_hole(cell);
      char frozen[16];
      std::snprintf(frozen, sizeof frozen, "%.2f", 1.0 - static_cast<double>(holes) / lake.cells());
      out.push_back(board_task(*shared, to_text(lake), "Reach the goal.", {{"size", std::to_string(lake.size)}, {"p", frozen}}));
      if (!shared->layout_of.emplace(out.back().id, shared->lakes.size()).second) throw Error(Fault::internal, "frozenlake: two layouts share the id " + out.back().id);
      shared->lakes.push_back(lake);
    }
    return out;
  };
  BoardTasks tasks;
  tasks.train = add(splits.train);
  tasks.validation = add(splits.validation);
  tasks.test = add(splits.test);
  const Lakes* lakes = shared.get();
  shared->make_board = [lakes, slippery = config.slippery] { return std::make_unique<LakeBoard>(lakes->lakes, slippery); };
  WorldFacts facts = board_facts(*shared, told(*shared, config.slippery), {"fell into a hole"});
  return std::make_unique<BoardWorld>(std::move(shared), std::move(tasks), std::move(facts));
}

constinit const EnvEntry env_frozenlake{.name = "frozenlake", .summary = "reach the goal over a small board with holes; signs and rules may be hidden (ERL)",
                                        .fields = &describe_config<FrozenLakeConfig>, .open = &open_frozenlake, .open_batch = nullptr, .needs_settings = false};

}  // namespace hone
