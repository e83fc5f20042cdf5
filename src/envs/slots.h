// N worlds of one kind behind one BatchEnv: the threads that step them, the three kinds of autoreset, saving. A world of the reflex
// tempo says only what one episode does.
#pragma once

#include <functional>
#include <memory>

#include "core/reflex.h"

namespace hone {

struct SlotStep {
  float reward = 0.0F;
  bool terminated = false, truncated = false;
  bool fault = false;  // an action outside its space: the actor's bug, not a loss; the episode does not count
};

// One episode at a time. Called by one thread at a time, not always the same one; step() must not allocate.
class SlotWorld {
 public:
  virtual ~SlotWorld() = default;
  // `episode` counts the episodes this slot has begun of the task: everything drawn comes from episode_rng(task, episode).
  virtual void reset(const Task& task, std::uint64_t episode, std::span<std::byte> obs) = 0;
  // info has one place per name in BatchSpec::infos, or none.
  virtual SlotStep step(std::span<const std::byte> action, std::span<std::byte> obs, std::span<float> info) = 0;
  // Everything that reset() did not get from its task. load() follows a reset() with the same task; throws Error{corrupt}.
  virtual void save(Sink& sink) const = 0;
  virtual void load(Source& source) = 0;
};

Rng episode_rng(const Task& task, std::uint64_t episode);

// `kind` names the world in errors, `identity` tells saved states of different worlds apart. spec.slots and spec.autoreset are set here
// from the options. The result is Savable.
std::unique_ptr<BatchEnv> make_slots(std::string kind, std::uint64_t identity, BatchSpec spec, const BatchOptions& options,
                                     const std::function<std::unique_ptr<SlotWorld>()>& make);

}  // namespace hone
