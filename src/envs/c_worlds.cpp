// include/hone/worlds.h: the C interface of the reflex worlds. No exception leaves it.
#include "hone/worlds.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/env.h"
#include "core/error.h"
#include "core/reflex.h"
#include "core/rng.h"

using hone::Autoreset;
using hone::Dtype;
using hone::Error;
using hone::Fault;
using hone::SpaceKind;
using hone::Split;

namespace {

thread_local std::string last_error;

template <class F>
bool guarded(F f) {
  try {
    f();
    return true;
  } catch (const std::exception& e) {
    last_error = e.what();
  }
  return false;
}

// "[a, b]" is a list of two, anything else one value.
hone::Setting setting_of(const std::string& text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return {{text}, false, ""};
  hone::Setting out{{}, true, ""};
  const auto trimmed = [](std::string part) {
    const auto first = part.find_first_not_of(" \"'"), last = part.find_last_not_of(" \"'");
    return first == std::string::npos ? std::string() : part.substr(first, last - first + 1);
  };
  std::string part;
  for (const char c : text.substr(1, text.size() - 2)) {
    if (c == ',') out.values.push_back(trimmed(std::exchange(part, {})));
    else part += c;
  }
  if (!trimmed(part).empty() || !out.values.empty()) out.values.push_back(trimmed(part));
  return out;
}

void fill(const hone::Space& space, hone_space& out) {
  if (space.shape.size() > 8) throw Error(Fault::unavailable, "expected a space of at most 8 dimensions, got " + std::to_string(space.shape.size()));
  out = {};
  out.kind = space.kind == SpaceKind::box ? HONE_BOX : HONE_DISCRETE;
  out.dtype = space.dtype == Dtype::u8 ? HONE_U8 : space.dtype == Dtype::i32 ? HONE_I32 : HONE_F32;
  out.dimensions = static_cast<std::int32_t>(space.shape.size());
  std::ranges::copy(space.shape, out.shape);
  out.low = space.low, out.high = space.high, out.bytes = space.bytes();
}

template <class E>
E one_of(const char* what, std::int32_t value) {
  if (value < 0 || value > 2) throw Error(Fault::bad_input, std::string("hone_worlds_open: ") + what + ": expected 0 to 2, got " + std::to_string(value));
  return static_cast<E>(value);
}

}  // namespace

struct hone_worlds {
  std::unique_ptr<hone::BatchWorld> world;
  std::unique_ptr<hone::BatchEnv> env;
  std::vector<hone::Task> tasks;
  hone_worlds_spec spec{};
  std::vector<std::uint8_t> over, started;
  std::vector<int> slots;
  std::vector<std::byte> actions;

  hone::Buffers buffers(const hone_buffers& b) const {
    const auto n = static_cast<std::size_t>(spec.slots), size = n * spec.observation.bytes;
    hone::Buffers out{{static_cast<std::byte*>(b.obs), size}, {static_cast<std::byte*>(b.final_obs), size}, {b.reward, n}, {b.terminated, n}, {b.truncated, n}, {b.fault, n}};
    if (b.info != nullptr) out.info = {b.info, n * static_cast<std::size_t>(spec.infos)};
    return out;
  }
};

extern "C" {

hone_worlds* hone_worlds_open(const char* name, const char* const* names, const char* const* values, size_t count, int32_t slots, int32_t threads, int32_t autoreset,
                              int32_t split) {
  auto out = std::make_unique<hone_worlds>();
  const bool good = guarded([&] {
    const hone::EnvEntry* entry = nullptr;
    std::vector<std::string> known;
    for (const hone::EnvEntry* e : hone::env_catalog()) {
      if (e->open_batch == nullptr) continue;
      known.emplace_back(e->name);
      if (e->name == name) entry = e;
    }
    if (entry == nullptr) throw hone::unknown_name("world of the reflex tempo", name, known);
    hone::Settings given;
    for (size_t i = 0; i < count; ++i) given[names[i]] = setting_of(values[i]);
    const hone::BatchOptions options{.slots = slots, .threads = threads, .autoreset = one_of<Autoreset>("autoreset", autoreset), .split = one_of<Split>("split", split)};
    out->world = entry->open_batch(given);
    out->tasks = out->world->tasks(options.split);
    if (out->tasks.empty()) throw Error(Fault::bad_input, std::string(name) + ": this split has no tasks");
    out->env = out->world->make(options);
    const hone::BatchSpec& spec = out->env->spec();
    fill(spec.observation, out->spec.observation), fill(spec.action, out->spec.action);
    out->spec.slots = slots, out->spec.autoreset = autoreset, out->spec.max_steps = out->world->max_steps(options.split);
    out->spec.infos = static_cast<std::int32_t>(spec.infos.size());
    const auto n = static_cast<std::size_t>(slots);
    out->over.assign(n, 0), out->started.assign(n, 0);
    out->slots.reserve(n), out->actions.resize(n * spec.action.bytes());
  });
  return good ? out.release() : nullptr;
}

void hone_worlds_close(hone_worlds* worlds) { delete worlds; }

void hone_worlds_spec_of(const hone_worlds* worlds, hone_worlds_spec* spec) { *spec = worlds->spec; }

const char* hone_worlds_info_name(const hone_worlds* worlds, int32_t index) {
  return index < 0 || index >= worlds->spec.infos ? nullptr : worlds->env->spec().infos[static_cast<std::size_t>(index)].c_str();
}

int32_t hone_worlds_reset(hone_worlds* worlds, uint64_t seed, const uint8_t* mask, hone_buffers out) {
  return guarded([&] {
           std::vector<hone::Task> tasks;
           worlds->slots.clear();
           for (int i = 0; i < worlds->spec.slots; ++i) {
             const auto at = static_cast<std::size_t>(i);
             if (mask != nullptr && mask[at] == 0) continue;
             worlds->slots.push_back(i);
             tasks.push_back(worlds->tasks[at % worlds->tasks.size()]);
             tasks.back().seed = (seed == 0 ? tasks.back().seed : tasks.back().seed ^ hone::mix64(seed)) + static_cast<std::uint64_t>(i);
             worlds->over[at] = 0, worlds->started[at] = 1;
           }
           worlds->env->reset(worlds->slots, tasks, worlds->buffers(out));
         })
             ? 0
             : -1;
}

int32_t hone_worlds_step(hone_worlds* worlds, const void* actions, hone_buffers out) {
  return guarded([&] {
           const std::size_t size = worlds->spec.action.bytes;
           const bool waits = worlds->spec.autoreset == HONE_DISABLED;
           worlds->slots.clear();
           for (int i = 0; i < worlds->spec.slots; ++i) {
             const auto at = static_cast<std::size_t>(i);
             if (worlds->started[at] == 0) throw Error(Fault::bad_input, "hone_worlds_step: slot " + std::to_string(i) + " was not reset");
             if (waits && worlds->over[at] != 0) {
               out.reward[at] = 0.0F;
               continue;
             }
             std::memcpy(worlds->actions.data() + worlds->slots.size() * size, static_cast<const std::byte*>(actions) + at * size, size);
             worlds->slots.push_back(i);
           }
           if (worlds->slots.empty()) throw Error(Fault::bad_input, "hone_worlds_step: every episode is over: they wait for reset");
           worlds->env->send(worlds->slots, std::span<const std::byte>(worlds->actions).first(worlds->slots.size() * size));
           const auto n = static_cast<int>(worlds->slots.size());
           worlds->env->recv(worlds->buffers(out), n);
           for (const int s : worlds->slots) {
             const auto at = static_cast<std::size_t>(s);
             worlds->over[at] = out.terminated[at] != 0 || out.truncated[at] != 0 || out.fault[at] != 0;
           }
         })
             ? 0
             : -1;
}

const char* hone_worlds_error(void) { return last_error.c_str(); }

}  // extern "C"
