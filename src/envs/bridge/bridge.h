// Gymnasium worlds of any kind behind one BatchEnv: Python workers over shared memory. What the catalogue's worlds of this sort share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/reflex.h"

namespace hone::bridge {

struct HowToRun {
  std::vector<std::string> python = {"python3"};
  int workers = 0;
  double timeout_s = 30.0, start_s = 60.0;
};
template <class V>
void visit(V& v, HowToRun& c) {
  v.field("python", c.python, "the Python that has the packages: a program, and arguments before the worker's own");
  v.field("workers", c.workers, "processes that share out the slots; 0 = one per core", {.min = 0, .max = 256});
  v.field("timeout_s", c.timeout_s, "longest wait for a step; after it the worker is ended and its slots start anew", {.min = 0.01, .max = 86400});
  v.field("start_s", c.start_s, "longest wait for a worker's start and first observation", {.min = 0.1, .max = 86400});
}

// What a worker makes: gymnasium.make(id, **kwargs), or make(**kwargs) of `source`, a Python module's text.
struct WhatToMake {
  std::string kind, id, source;  // kind names the world in errors
  std::vector<std::string> kwargs, wrapper, infos;
  int max_steps = 0;  // 0 = its own
  std::string render;
};

struct Facts {
  Space observation, action;
  int max_steps = 0;               // 0 = says none
  double reward_threshold = 0.0;   // 0 = says none
};

// Starts a worker, asks and ends it. Throws Error{bad_input} for a space that is no Box (u8, f32, f64) and no Discrete, and for what
// can't be made; Error{unavailable} when the worker ends without an answer.
Facts ask_facts(const WhatToMake& what, const HowToRun& how);

// Not Savable: what a Python world holds in the middle of an episode can't be had. Workers start at the first reset.
std::unique_ptr<BatchEnv> make_batch(const WhatToMake& what, const HowToRun& how, const Facts& facts, const BatchOptions& options);

}  // namespace hone::bridge
