#include "agents/process_move.h"

#include "wire/read.h"

namespace hone {

Move read_process_move(const wire::Json& answer, const Observation& seen) {
  const wire::Fields f(answer, "act");
  Move move;
  f.get("thought", move.thought);
  if (const wire::Json* choice = f.find("choice")) {
    move.choice = static_cast<int>(wire::read_int(*choice, f.at("choice"), 0, static_cast<std::int64_t>(seen.choices.size()) - 1));
    move.action = seen.choices[static_cast<std::size_t>(move.choice)];
    return move;
  }
  f.need("action", move.action);
  for (std::size_t i = 0; i < seen.choices.size(); ++i)
    if (seen.choices[i] == move.action) move.choice = static_cast<int>(i);
  return move;
}

}  // namespace hone
