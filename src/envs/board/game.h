// What the board games frozenlake and sokoban share: turns, budget, texts, feedback. A game adds its rules (Board) and its tasks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/env.h"
#include "core/reflex.h"
#include "envs/board/moves.h"
#include "envs/board/signs.h"

namespace hone::board {

enum class Rules { hidden, told };  // whether an agent is told what the signs mean and what ends a try

// What one move did.
struct Effect {
  bool changed = false;
  bool over = false, solved = false;  // solved is also over
  std::string_view comment;           // for who learns: "no movement"
};

// One episode's position on one layout.
class Board {
 public:
  virtual ~Board() = default;
  virtual void begin(std::size_t layout, const Task& task) = 0;
  virtual Effect move(Direction move) = 0;  // Direction::none changes nothing
  virtual int rows() const = 0;
  virtual int columns() const = 0;
  virtual std::size_t sign(int cell) const = 0;  // index into the game's signs
  virtual std::string_view ending() const = 0;   // where it stands, for the feedback: "the agent stands on a safe tile"
  // All of it, the layout included. load throws Error{corrupt} for what cannot be a position of this game.
  virtual void save(Sink& sink) const = 0;
  virtual void load(Source& source) = 0;
};

// What a game's configuration says about turns and texts; each game visits it after its own fields.
struct PlayConfig {
  int max_steps = 0;
  bool free = false;
  Symbols symbols = Symbols::abstract;
  std::uint64_t symbol_seed = 1;
  Rules rules = Rules::hidden;
};

template <class V>
void visit_play(V& v, PlayConfig& c, const char* budget) {
  v.field("max_steps", c.max_steps, budget, {.min = 0, .max = 100000});
  v.field("free", c.free, "an action is text with the move in triple backticks, and no choices are offered");
  v.choice("symbols", c.symbols, {{"abstract", Symbols::abstract}, {"random", Symbols::random}, {"plain", Symbols::plain}},
           "what cells are drawn with: letters without meaning (always the same), letters drawn from symbol_seed, or the usual signs");
  v.field("symbol_seed", c.symbol_seed, "which letters, with symbols: random");
  v.choice("rules", c.rules, {{"hidden", Rules::hidden}, {"told", Rules::told}}, "whether the agent is told what the signs mean and how the game goes");
}

// Everything about a game that its episodes share.
struct Shared {
  std::string name;
  PlayConfig play;
  Signs signs;
  std::unordered_map<std::string, std::size_t> layout_of;  // by task id
  std::function<std::unique_ptr<Board>()> make_board;
};

class BoardEnv final : public Env, public Savable {
 public:
  explicit BoardEnv(std::shared_ptr<const Shared> shared);
  Observation reset(const Task& task) override;
  Outcome step(std::string_view action) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  enum class Stand : std::uint8_t { none, going, ended };
  Observation see(const Effect* last) const;
  std::string feedback(const Effect& last, bool cut_off) const;

  std::shared_ptr<const Shared> shared_;
  std::unique_ptr<Board> board_;
  Stand stand_ = Stand::none;
  std::int32_t steps_ = 0, ineffective_ = 0, trailing_ = 0;  // of all moves, and of those since the last that changed something
  Direction last_ = Direction::none;
};

// `told` is what an agent is told with rules: told, and `failures` why a try fails then.
WorldFacts board_facts(const Shared& shared, const std::string& told, std::vector<std::string> failures);

struct BoardTasks {
  std::vector<Task> train, validation, test;
  const std::vector<Task>& of(Split split) const { return split == Split::train ? train : split == Split::validation ? validation : test; }
};

class BoardWorld final : public World {
 public:
  BoardWorld(std::shared_ptr<const Shared> shared, BoardTasks tasks, WorldFacts facts)
      : shared_(std::move(shared)), tasks_(std::move(tasks)), facts_(std::move(facts)) {}
  const WorldFacts& facts(Split) const override { return facts_; }
  std::vector<Task> tasks(Split split) const override { return tasks_.of(split); }
  std::unique_ptr<Env> make(Split) const override { return std::make_unique<BoardEnv>(shared_); }

 private:
  std::shared_ptr<const Shared> shared_;
  BoardTasks tasks_;
  WorldFacts facts_;
};

// A task on the layout that reads so: its id and its seed come from the layout's text alone. `rules` is hidden in goal, id and kind.
Task board_task(const Shared& shared, const std::string& layout, const std::string& goal, Params params);

}  // namespace hone::board
