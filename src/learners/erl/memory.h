// What reflections hand on to later reflections: one text per slot, overwritten by the next success. Never read by whoever acts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/reflex.h"
#include "core/rng.h"

namespace hone::erl {

enum class StoreWhen { success, strict, improvement };
enum class Pick { last, random, best_group };

// Whether a second try with this score, after a first with that one, makes its reflection worth keeping.
bool worth_keeping(StoreWhen when, double first, double second, double tau);

// A reflection whose try did well, in the order of the tries.
struct Success {
  std::size_t slot = 0;
  std::string group;          // the tries of one task
  double group_score = 0.0;   // mean score of the group's second tries
  std::string text;
};

class Memory {
 public:
  explicit Memory(int slots) : slots_(static_cast<std::size_t>(slots)) {}

  // The slot of the next try: they queue up, whichever comes first is taken and goes to the end.
  std::size_t take();
  // Nothing with no slots, or while nothing was kept there.
  const std::optional<std::string>& at(std::size_t slot) const;
  // What a round brought, all at once: those who reflected saw the memory as it was before.
  void keep(const std::vector<Success>& successes, Pick pick, Rng rng);

  std::size_t size() const { return slots_.size(); }
  std::size_t filled() const;
  void save(Sink& sink) const;
  void load(Source& source);

 private:
  std::vector<std::optional<std::string>> slots_;
  std::uint64_t head_ = 0;
};

}  // namespace hone::erl
