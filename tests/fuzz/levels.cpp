// Levels of sokoban as files have them, what an agent writes as a move, and as an expression.
#include <algorithm>

#include "envs/board/push.h"
#include "envs/sums/countdown.h"
#include "fuzz.h"

using namespace hone;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(data, size);
  fuzz::refusing([&] {
    for (const auto& [name, level] : board::read_levels(text, "fuzz.txt")) {
      fuzz::check(board::to_text(board::read_level(board::to_text(level), "again")) == board::to_text(level), "a level reads back");
      fuzz::check(wire::valid_utf8(name) == name, "a name is UTF-8");
      board::Warehouse w = level;
      for (std::size_t i = 0; i < 200; ++i) {
        board::push(w, board::directions[data[i % size] % 4]);
        fuzz::check(w.player >= 0 && w.player < w.cells() && (w.at(w.player) & (board::Warehouse::wall | board::Warehouse::box)) == 0, "the player stands on floor");
      }
      const auto boxes = [](const board::Warehouse& of) { return std::count_if(of.cell.begin(), of.cell.end(), [](std::uint8_t c) { return (c & board::Warehouse::box) != 0; }); };
      fuzz::check(boxes(w) == boxes(level), "no box is lost");
    }
  });
  const auto direction = board::read_move(text);
  fuzz::check(direction == board::Direction::none || size > 0, "a move has a text");
  const auto expression = expression_of(text);
  const auto found = sums::evaluate(expression);
  fuzz::check(found.value.below > 0, "a denominator is positive");
  fuzz::check(found.error.size() < 500, "an error is short");
  (void)countdown_fault(expression, {3, 8, 3, 8}, 24, NumberUse::at_most);
  return 0;
}
