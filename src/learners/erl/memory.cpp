#include "learners/erl/memory.h"

#include <algorithm>
#include <map>

#include "core/error.h"

namespace hone::erl {

bool worth_keeping(StoreWhen when, double first, double second, double tau) {
  switch (when) {
    case StoreWhen::success: return second >= tau;
    case StoreWhen::strict: return second > tau;
    case StoreWhen::improvement: return second > first;
  }
  return false;
}

std::size_t Memory::take() { return slots_.empty() ? 0 : static_cast<std::size_t>(head_++ % slots_.size()); }

const std::optional<std::string>& Memory::at(std::size_t slot) const {
  static const std::optional<std::string> nothing;
  return slot < slots_.size() ? slots_[slot] : nothing;
}

void Memory::keep(const std::vector<Success>& successes, Pick pick, Rng rng) {
  if (slots_.empty()) return;
  std::map<std::size_t, std::vector<const Success*>> of_slot;
  for (const auto& s : successes) of_slot[s.slot].push_back(&s);
  for (const auto& [slot, all] : of_slot) {
    const Success* chosen = all.back();
    if (pick == Pick::random) chosen = all[rng.split(slot).below(all.size())];
    if (pick == Pick::best_group)
      for (const Success* s : all)
        if (s->group_score > chosen->group_score) chosen = s;
    slots_.at(slot) = chosen->text;
  }
}

std::size_t Memory::filled() const {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto& s) { return s.has_value(); }));
}

void Memory::save(Sink& sink) const {
  put(sink, head_);
  put(sink, static_cast<std::uint64_t>(slots_.size()));
  for (const auto& s : slots_) {
    put(sink, static_cast<std::uint8_t>(s.has_value()));
    put_text(sink, s.value_or(""));
  }
}

void Memory::load(Source& source) {
  get(source, head_);
  std::uint64_t n = 0;
  get(source, n);
  if (n != slots_.size()) throw Error(Fault::corrupt, "erl: the checkpoint holds " + std::to_string(n) + " memory slots, the settings say " + std::to_string(slots_.size()));
  for (auto& s : slots_) {
    std::uint8_t there = 0;
    get(source, there);
    s = get_text(source);
    if (there == 0) s.reset();
  }
}

}  // namespace hone::erl
