// An actor, deliberate tempo: observation and lessons in, move out. One object plays one episode at a time, on one thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/env.h"
#include "core/recall.h"
#include "core/rng.h"

namespace hone {

struct Brief {
  Task task;
  const WorldFacts* world = nullptr;
  LessonView lessons;
  std::vector<std::string> notes;  // reflections on earlier tries at this task, oldest first
  Rng rng;
  Sampling sampling;
};

class Agent {
 public:
  virtual ~Agent() = default;
  virtual void begin(const Brief& brief) = 0;
  virtual Move act(const Observation& seen) = 0;
};

// What the engine lends an agent; metered, recorded and cancellable. Any may be null: an agent that needs it says so in make.
struct AgentTools {
  Model* model = nullptr;
  ChoiceModel* chooser = nullptr;
};

struct AgentEntry {
  std::string_view name, summary;
  std::vector<FieldDoc> (*fields)();
  std::unique_ptr<Agent> (*make)(const Settings&, const AgentTools&);
  bool needs_settings = false;
};

std::vector<const AgentEntry*> agent_catalog();  // generated from agents/catalog.txt

}  // namespace hone
