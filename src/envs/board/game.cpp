#include "envs/board/game.h"

#include <cstdio>

#include "core/error.h"
#include "core/rng.h"

namespace hone::board {

namespace {

std::string counted(int n, const char* thing) { return std::to_string(n) + " " + thing + (n == 1 ? "" : "s"); }

}  // namespace

BoardEnv::BoardEnv(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)), board_(shared_->make_board()) {}

Observation BoardEnv::reset(const Task& task) {
  const auto it = shared_->layout_of.find(task.id);
  if (it == shared_->layout_of.end()) throw Error(Fault::bad_input, shared_->name + ": expected a task of these settings, got '" + excerpt(task.id) + "'");
  board_->begin(it->second, task);
  stand_ = Stand::going;
  steps_ = ineffective_ = trailing_ = 0;
  last_ = Direction::none;
  return see(nullptr);
}

Outcome BoardEnv::step(std::string_view action) {
  if (stand_ != Stand::going) throw Error(Fault::internal, shared_->name + ": step before reset or after the end");
  last_ = read_move(action);
  const Effect effect = board_->move(last_);
  ++steps_;
  ineffective_ += !effect.changed;
  trailing_ = effect.changed ? 0 : trailing_ + 1;
  const bool over = effect.over || effect.solved, cut_off = !over && steps_ >= shared_->play.max_steps;
  if (over || cut_off) stand_ = Stand::ended;
  Outcome out;
  out.next = see(&effect);
  out.comment = effect.comment;
  out.solved = effect.solved;
  out.score = effect.solved ? 1.0 : 0.0;
  out.reward = effect.solved ? 1.0F : 0.0F;
  if (over) out.ending = Ending::terminal;
  if (cut_off) out.ending = Ending::cut_off;
  if (out.ending) out.feedback = feedback(effect, cut_off);
  return out;
}

// The board as in the paper's code: every cell with a blank on both sides and a tab, a line for each row.
Observation BoardEnv::see(const Effect* last) const {
  const int rows = board_->rows(), columns = board_->columns();
  Observation out;
  std::string& text = out.text;
  text.reserve(static_cast<std::size_t>(rows * columns) * 6 + 160);
  text += "Step ";
  text += std::to_string(steps_);
  text += '\n';
  for (int r = 0, cell = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c, ++cell) {
      text += ' ';
      text += shared_->signs[board_->sign(cell)];
      text += " \t";
    }
    text += '\n';
  }
  out.changed = last == nullptr || last->changed;
  if (last != nullptr && last_ == Direction::none) text += "There was no move in your last action; nothing changed.\n";
  else if (!out.changed) text += "Your last move changed nothing.\n";
  if (last != nullptr && last->solved) {
    text += "Solved.";
  } else if (stand_ == Stand::ended) {
    text += last != nullptr && last->over ? "The game is over, not solved." : "No moves are left; not solved.";
  } else {
    text += "Not solved yet: say your next move. ";
    text += counted(shared_->play.max_steps - steps_, "move");
    text += " left.";
    if (!shared_->play.free) {
      out.choices.reserve(directions.size());
      for (const Direction move : directions) out.choices.emplace_back(name_of(move));
    }
  }
  return out;
}

std::string BoardEnv::feedback(const Effect& last, bool cut_off) const {
  std::string out = last.solved ? "Solved." : cut_off ? "Not solved: the limit of " + counted(shared_->play.max_steps, "move") + " was reached." : "Not solved: the game ended.";
  out += " " + counted(ineffective_, "move") + " without effect, " + std::to_string(trailing_) + " of them in a row at the end.";
  out += " Last move: " + std::string(name_of(last_)) + ". At the end " + std::string(board_->ending()) + ".";
  out += last.solved ? " Reward 1.00" : " Reward 0.00";
  return out + " after " + counted(steps_, "step") + ".";
}

void BoardEnv::save(Sink& sink) const {
  put(sink, stand_), put(sink, steps_), put(sink, ineffective_), put(sink, trailing_), put(sink, last_);
  if (stand_ != Stand::none) board_->save(sink);
}

void BoardEnv::load(Source& source) {
  std::uint8_t stand = 0, last = 0;
  std::int32_t counts[3] = {};
  get(source, stand), get(source, counts[0]), get(source, counts[1]), get(source, counts[2]), get(source, last);
  if (stand > static_cast<std::uint8_t>(Stand::ended) || last > static_cast<std::uint8_t>(Direction::up) || counts[0] < 0 || counts[0] > shared_->play.max_steps ||
      counts[1] < 0 || counts[1] > counts[0] || counts[2] < 0 || counts[2] > counts[1])
    throw Error(Fault::corrupt, shared_->name + ": saved state counts what cannot be");
  if (stand != 0) board_->load(source);
  stand_ = static_cast<Stand>(stand);
  last_ = static_cast<Direction>(last);
  steps_ = counts[0], ineffective_ = counts[1], trailing_ = counts[2];
}

WorldFacts board_facts(const Shared& shared, const std::string& told, std::vector<std::string> failures) {
  WorldFacts f;
  f.name = shared.name;
  f.role = "You play a game on a board of signs, one move after the other.";
  if (shared.play.rules == Rules::told) {
    f.role += " " + told;
    f.failure_reasons = std::move(failures);
  } else {
    f.role += " Nobody told you its rules: what you take them to be is a guess and may be wrong, and moves are the only way to find out.";
    f.failure_reasons = {"the game ended early", "moves changed nothing"};
  }
  f.failure_reasons.emplace_back("the moves ran out");
  f.action_help = "Moves: Left, Down, Right, Up (or 1, 2, 3, 4).";
  if (shared.play.free) f.action_help += " The last thing in triple backticks is your move, as in ```Left```.";
  f.task_word = "Task";
  f.action_word = "Move";
  f.max_steps = shared.play.max_steps;
  return f;
}

Task board_task(const Shared& shared, const std::string& layout, const std::string& goal, Params params) {
  const std::uint64_t hash = hash64(layout);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
  return {.id = shared.name + "/" + hex, .env = shared.name, .kind = "board", .goal = shared.play.rules == Rules::told ? goal : "Solve the board.",
          .seed = hash, .params = std::move(params)};
}

}  // namespace hone::board
