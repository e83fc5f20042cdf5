// A world, deliberate tempo. A World holds what all its episodes share (data, rules, who answers); an Env is one episode's state.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/episode.h"

namespace hone {

struct Outcome {
  Observation next;
  float reward = 0.0F;
  std::optional<Ending> ending;  // empty = goes on
  double score = 0.0;            // 0 to 1, read when it ends
  bool solved = false;
  // For who learns from the try, never shown to who acts: what this move did, and at the end what the world says of the whole try.
  std::string comment, feedback;
};

class Env {
 public:
  virtual ~Env() = default;
  virtual Observation reset(const Task& task) = 0;
  // An action that is not legal is an observation that says so, never an exception; an exception is a fault of the world.
  virtual Outcome step(std::string_view action) = 0;
};

// What an agent is told about the world before any task.
struct WorldFacts {
  std::string name;
  std::string role;          // who the agent is: "You route a customer's request to the right queue."
  std::string action_help;   // what an action looks like
  std::string task_word;     // how a task's text is introduced: "Request"
  std::string action_word;   // how a move is introduced: "Queue"
  int max_steps = 0;         // step limit H of the split
  std::vector<std::string> failure_reasons;  // why a try fails here, for reflection and critique
};

class World {
 public:
  virtual ~World() = default;
  // Only the step limit may differ between splits.
  virtual const WorldFacts& facts(Split split) const = 0;
  // Disjoint between splits, same order every time.
  virtual std::vector<Task> tasks(Split split) const = 0;
  virtual std::unique_ptr<Env> make(Split split) const = 0;
};

class BatchWorld;

struct EnvEntry {
  std::string_view name, summary;
  std::vector<FieldDoc> (*fields)();
  std::unique_ptr<World> (*open)(const Settings&);             // deliberate tempo, or null
  std::unique_ptr<BatchWorld> (*open_batch)(const Settings&);  // reflex tempo, or null
  bool needs_settings = false;  // can't be opened with defaults alone (a file or a command must be given)
};

std::vector<const EnvEntry*> env_catalog();  // generated from envs/catalog.txt

}  // namespace hone
