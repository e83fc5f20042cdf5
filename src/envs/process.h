// process: a world of the user's own, any program that speaks docs/formats/process-protocol.md. Every episode in flight has a
// program of its own; a program that finished its episode in good order serves the next.
#pragma once

#include <memory>

#include "core/env.h"
#include "wire/line_process.h"

namespace hone {

struct ProcessWorldConfig {
  wire::LineProcessConfig process;
  int max_steps = 0;
};

template <class V>
void visit(V& v, ProcessWorldConfig& c) {
  visit(v, c.process);
  v.field("max_steps", c.max_steps, "moves per episode before it is cut off; 0 = as the program says", {.min = 0, .max = 1e6});
}

// Starts the program once and says hello. Throws Error naming the program for whatever it does wrong, and for tasks that are in
// two splits.
std::unique_ptr<World> open_process_world(const Settings& settings);

extern constinit const EnvEntry env_process;

}  // namespace hone
