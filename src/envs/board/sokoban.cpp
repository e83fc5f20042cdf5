#include "envs/board/sokoban.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "core/error.h"
#include "wire/text_file.h"

namespace hone {

using namespace board;

namespace {

enum Sign : std::size_t { player, player_on_goal, box, box_on_goal, goal, floor_sign, wall };
const Signs abstract_signs{"A", "a", "B", "b", "C", "D", "E"}, plain_signs{"@", "+", "$", "*", ".", "-", "#"};

// The settings with what 0 stands for filled in.
SokobanConfig resolved(SokobanConfig c) {
  if (c.play.max_steps == 0) c.play.max_steps = c.levels.empty() ? 8 : 120;
  if (c.max_solution == 0) c.max_solution = c.play.max_steps;
  return c;
}

class SokobanBoard final : public Board {
 public:
  explicit SokobanBoard(const std::vector<Warehouse>& levels) : levels_(levels) {}

  void begin(std::size_t layout, const Task&) override { now_ = levels_.at(layout); }
  Effect move(Direction direction) override {
    const Push did = push(now_, direction);
    if (did == Push::nothing) return {.comment = direction == Direction::none ? "no movement: not a move" : "no movement"};
    if (now_.solved()) return {.changed = true, .over = true, .solved = true, .comment = "pushed a box; solved"};
    return {.changed = true, .comment = did == Push::pushed ? "pushed a box; not solved" : "moved; not solved"};
  }
  int rows() const override { return now_.rows; }
  int columns() const override { return now_.columns; }
  std::size_t sign(int cell) const override {
    const std::uint8_t at = now_.at(cell);
    const bool on_goal = (at & Warehouse::goal) != 0;
    if (cell == now_.player) return on_goal ? player_on_goal : player;
    if ((at & Warehouse::box) != 0) return on_goal ? box_on_goal : box;
    return (at & Warehouse::wall) != 0 ? wall : on_goal ? goal : floor_sign;
  }
  std::string_view ending() const override { return now_.solved() ? "every box is on a goal" : now_.astray == 1 ? "one box is on no goal" : "several boxes are on no goal"; }
  void save(Sink& sink) const override { put(sink, now_); }
  void load(Source& source) override {
    Warehouse w;
    get(source, w);
    int astray = 0;
    bool sound = w.rows >= 3 && w.columns >= 3 && w.rows <= largest_warehouse && w.columns <= largest_warehouse;
    // What push() relies on: the player stands on floor and the border is walls, or nobody gets there (checked as walls where floor is).
    for (int c = 0; sound && c < w.cells(); ++c) {
      const std::uint8_t at = w.at(c);
      const int row = c / w.columns, column = c % w.columns;
      const bool edge = row == 0 || column == 0 || row + 1 == w.rows || column + 1 == w.columns;
      astray += at == Warehouse::box;
      sound = at <= (Warehouse::goal | Warehouse::box) && ((at & Warehouse::wall) == 0 || at == Warehouse::wall) && (!edge || c != w.player);
    }
    sound = sound && w.player >= 0 && w.player < w.cells() && (w.at(w.player) & (Warehouse::wall | Warehouse::box)) == 0 && w.astray == astray && closed(w);
    if (!sound) throw Error(Fault::corrupt, "sokoban: saved state is of no level");
    now_ = w;
  }

 private:
  const std::vector<Warehouse>& levels_;
  Warehouse now_;
};

struct Levels final : Shared {
  std::vector<Warehouse> levels;
};

std::vector<NamedLevel> generate(const SokobanConfig& c, int count, Rng& rng, std::unordered_set<std::string>& seen) {
  constexpr int patience = 200'000;               // draws for one more level
  constexpr std::size_t enough_states = 300'000;  // of a level's search
  Solver solver;
  const auto solvable = [&](const Warehouse& w) {
    try {
      return solver.solve(w, c.max_solution, enough_states).has_value();
    } catch (const Error&) {
      return false;  // too hard to be sure
    }
  };
  std::vector<NamedLevel> out;
  for (int draws = 0; static_cast<int>(out.size()) < count; ++draws) {
    if (draws == patience)
      throw Error(Fault::bad_input, "sokoban: no more than " + std::to_string(seen.size()) + " different levels found with these settings, " +
                                        std::to_string(c.splits.train) + " + " + std::to_string(c.splits.validation) + " + " + std::to_string(c.splits.test) +
                                        " were asked for; fewer tasks, fewer boxes, larger boards or a greater max_solution would help");
    const int size = c.min_size + static_cast<int>(rng.below(static_cast<std::uint64_t>(c.max_size - c.min_size + 1)));
    const Warehouse w = draw_warehouse(size, c.boxes, rng);
    if (least_moves(w) > c.max_solution || !solvable(w) || !seen.insert(to_text(w)).second) continue;
    out.push_back({"generated", w});
    draws = -1;
  }
  return out;
}

std::vector<NamedLevel> from_files(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const auto& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.path().extension() == ".txt" && entry.is_regular_file()) found.push_back(entry.path().string());
    if (found.empty()) throw Error(Fault::bad_input, path + ": expected *.txt files of levels in this folder, got none");
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  std::vector<NamedLevel> out;
  std::unordered_set<std::string> seen;
  for (const auto& file : files) {
    auto levels = read_levels(read_text_file(file), file);
    if (levels.empty()) throw Error(Fault::bad_input, file + ": holds no level");
    for (auto& level : levels)
      if (seen.insert(to_text(level.warehouse)).second) out.push_back(std::move(level));
  }
  return out;
}

std::string told(const Signs& s) {
  return "You are " + s[player] + " (" + s[player_on_goal] + " when you stand on a goal). Bring every box " + s[box] + " onto a goal " + s[goal] + "; a box on a goal is shown as " +
         s[box_on_goal] + ". " + s[floor_sign] + " is floor, " + s[wall] +
         " is wall. Walking against a box pushes it one cell further if that cell is free of walls and boxes; boxes cannot be pulled.";
}

}  // namespace

void validate(const SokobanConfig& given) {
  const auto refuse = [](const std::string& why) { throw Error(Fault::bad_input, "sokoban: " + why); };
  const auto c = resolved(given);
  if (!c.levels.empty()) return;
  if (c.min_size > c.max_size) refuse("expected min_size at most max_size, got " + std::to_string(c.min_size) + " and " + std::to_string(c.max_size));
  if (const int inside = (c.min_size - 2) * (c.min_size - 2); inside < 2 * c.boxes + 1)
    refuse("min_size " + std::to_string(c.min_size) + " has " + std::to_string(inside) + " cells inside, too few for boxes, goals and player (" + std::to_string(2 * c.boxes + 1) + ")");
  if (c.max_solution > c.play.max_steps)
    refuse("expected max_solution at most max_steps (a task must be solvable), got " + std::to_string(c.max_solution) + " and " + std::to_string(c.play.max_steps));
  if (c.splits.fit) refuse("fit is for levels from files; as many levels are generated as are asked for");
}

SokobanSplits make_sokoban(const SokobanConfig& config) {
  const auto c = resolved(config);
  SokobanSplits out;
  if (!c.levels.empty()) {
    const auto levels = from_files(c.levels);
    const auto dealt = deal_splits(levels.size(), nullptr, c.splits, {.world = "sokoban", .items = "different levels", .parts = {}, .fit = false, .fewest = 3});
    for (const auto i : dealt.test) out.test.push_back(levels[i]);
    for (const auto i : dealt.validation) out.validation.push_back(levels[i]);
    for (const auto i : dealt.train) out.train.push_back(levels[i]);
    return out;
  }
  std::unordered_set<std::string> seen;
  const Rng rng = Rng(c.splits.split_seed).split("sokoban");
  // Each split has its own stream, the test first: more training tasks leave the other splits as they are.
  Rng test = rng.split("test"), validation = rng.split("validation"), train = rng.split("train");
  out.test = generate(c, c.splits.test, test, seen);
  out.validation = generate(c, c.splits.validation, validation, seen);
  out.train = generate(c, c.splits.train, train, seen);
  return out;
}

std::unique_ptr<World> open_sokoban(const Settings& settings) {
  const auto config = resolved(read_config<SokobanConfig>(settings));
  auto shared = std::make_shared<Levels>();
  shared->name = "sokoban";
  shared->play = config.play;
  shared->signs = make_signs(config.play.symbols, abstract_signs, plain_signs, config.play.symbol_seed, "sokoban");
  const auto splits = make_sokoban(config);
  const auto add = [&](const std::vector<NamedLevel>& levels) {
    std::vector<Task> out;
    for (const auto& [name, w] : levels) {
      int boxes = 0;
      for (int c = 0; c < w.cells(); ++c) boxes += (w.at(c) & Warehouse::box) != 0;
      out.push_back(board_task(*shared, to_text(w), "Bring every box onto a goal.",
                               {{"size", std::to_string(w.rows) + "x" + std::to_string(w.columns)}, {"n", std::to_string(boxes)}, {"level", name}}));
      if (!shared->layout_of.emplace(out.back().id, shared->levels.size()).second) throw Error(Fault::internal, "sokoban: two levels share the id " + out.back().id);
      shared->levels.push_back(w);
    }
    return out;
  };
  BoardTasks tasks;
  tasks.train = add(splits.train);
  tasks.validation = add(splits.validation);
  tasks.test = add(splits.test);
  const Levels* levels = shared.get();
  shared->make_board = [levels] { return std::make_unique<SokobanBoard>(levels->levels); };
  WorldFacts facts = board_facts(*shared, told(shared->signs), {"a box was pushed where it could not be brought to a goal any more"});
  return std::make_unique<BoardWorld>(std::move(shared), std::move(tasks), std::move(facts));
}

constinit const EnvEntry env_sokoban{.name = "sokoban", .summary = "push boxes to their goals on a small board, or Boxoban's levels; signs and rules may be hidden (ERL)",
                                     .fields = &describe_config<SokobanConfig>, .open = &open_sokoban, .open_batch = nullptr, .needs_settings = false};

}  // namespace hone
