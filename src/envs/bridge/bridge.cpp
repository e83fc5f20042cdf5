#include "envs/bridge/bridge.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/cores.h"
#include "core/error.h"
#include "envs/bridge/worker.h"
#include "envs/slots.h"

namespace hone::bridge {

namespace {

using wire::Json;
using Clock = std::chrono::steady_clock;

constexpr int most_failures = 3;                     // of one worker without a step in between
constexpr std::size_t message_bytes = 1024, most_slots_each = 1024;

struct Head {  // as worker.py has it
  std::uint64_t seed;
  float reward;
  std::uint32_t step;
  std::uint8_t command, state, terminated, truncated, same_step, failed, unused[42];
};
static_assert(sizeof(Head) == 64);
enum Command : std::uint8_t { none = 0, step = 1, restart = 2 };

struct Layout {
  std::size_t heads = 0, actions = 0, obs = 0, final_obs = 0, infos = 0, messages = 0, bytes = 0;
  Layout(std::size_t slots, const BatchSpec& spec) {
    const auto place = [&](std::size_t size) {
      const std::size_t at = bytes;
      bytes += (slots * size + 63) / 64 * 64;
      return at;
    };
    heads = place(sizeof(Head)), actions = place(spec.action.bytes()), obs = place(spec.observation.bytes()), final_obs = place(spec.observation.bytes());
    infos = place(sizeof(float) * spec.infos.size()), messages = place(message_bytes);
  }
};

Json ask_of(const WhatToMake& what) {
  return {{"id", what.id}, {"source", what.source}, {"kwargs", what.kwargs}, {"wrapper", what.wrapper}, {"infos", what.infos},
          {"max_steps", what.max_steps}, {"render", what.render}, {"slots", Json::array()}};
}

Space space_of(const Json& j) {
  Space out;
  out.kind = j.at("kind") == "discrete" ? SpaceKind::discrete : SpaceKind::box;
  out.dtype = j.at("dtype") == "i32" ? Dtype::i32 : j.at("dtype") == "u8" ? Dtype::u8 : Dtype::f32;
  out.shape = j.at("shape").get<std::vector<std::int64_t>>();
  out.low = j.at("low").get<double>(), out.high = j.at("high").get<double>();
  return out;
}

Facts facts_of(const WhatToMake& what, const Json& j) {
  if (j.contains("refused")) throw Error(Fault::bad_input, what.kind + ": " + j.at("refused").get<std::string>());
  Facts out;
  out.observation = space_of(j.at("observation")), out.action = space_of(j.at("action"));
  out.max_steps = j.at("max_steps").get<int>();
  if (j.at("threshold").is_number()) out.reward_threshold = j.at("threshold").get<double>();
  return out;
}

bool same(const Space& a, const Space& b) { return a.kind == b.kind && a.dtype == b.dtype && a.shape == b.shape && a.low == b.low && a.high == b.high; }

class BridgeEnv final : public BatchEnv {
 public:
  BridgeEnv(const WhatToMake& what, const HowToRun& how, const Facts& facts, const BatchOptions& options)
      : what_(what), how_(how), facts_(facts), spec_{facts.observation, facts.action, options.slots, options.autoreset, what.infos},
        asynchronous_(options.asynchronous), layout_(static_cast<std::size_t>(options.slots), spec_), memory_(layout_.bytes), slots_(static_cast<std::size_t>(options.slots)) {
    const int n = std::min(how.workers > 0 ? how.workers : usable_cores(), options.slots);
    if (static_cast<std::size_t>((options.slots + n - 1) / n) > most_slots_each)
      throw Error(Fault::bad_input, what_.kind + ": field 'workers': expected at most " + std::to_string(most_slots_each) + " slots for each, got " +
                                        std::to_string(options.slots) + " slots for " + std::to_string(n));
    crew_ = std::vector<Place>(static_cast<std::size_t>(n));
    for (int s = 0; s < options.slots; ++s) {
      slots_[static_cast<std::size_t>(s)].worker = static_cast<std::size_t>(s) * crew_.size() / slots_.size();
      crew_[slots_[static_cast<std::size_t>(s)].worker].slots.push_back(s);
      head(s) = Head{};
    }
    for (Place& p : crew_) p.outbox.reserve(p.slots.size()), p.heard.resize(p.slots.size() + 1);
    polled_.resize(2 * crew_.size()), sent_.reserve(slots_.size()), done_.reserve(slots_.size());
  }
  ~BridgeEnv() override {
    for (Place& p : crew_) p.worker.hang_up();  // all end at once, then each is waited for
  }

  const BatchSpec& spec() const override { return spec_; }

  void reset(std::span<const int> slots, std::span<const Task> tasks, Buffers out) override {
    if (slots.size() != tasks.size())
      throw Error(Fault::internal, what_.kind + ": reset of " + std::to_string(slots.size()) + " slots with " + std::to_string(tasks.size()) + " tasks");
    for (const int s : slots) at(s);
    const auto busy = [&] { return std::ranges::any_of(slots, [&](int s) { return at(s).busy; }); };
    while (busy()) pump();
    std::erase_if(sent_, [&](int s) { return std::ranges::find(slots, s) != slots.end(); });
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = at(slots[i]);
      slot = {.worker = slot.worker, .task = tasks[i], .used = true};
      ask(slots[i], restart);
    }
    flush();
    while (busy()) pump();
    for (const int s : slots) check(s);
    for (const int s : slots) std::ranges::copy(obs(s), row(out.obs, s).begin());
  }

  void send(std::span<const int> slots, std::span<const std::byte> bytes) override {
    const std::size_t size = spec_.action.bytes();
    if (bytes.size() != slots.size() * size)
      throw Error(Fault::internal, what_.kind + ": expected " + std::to_string(size) + " bytes of action per slot, got " + std::to_string(bytes.size()) + " for " +
                                       std::to_string(slots.size()) + " slots");
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const int s = slots[i];
      Slot& slot = at(s);
      const auto named = [&] { return what_.kind + ": send to slot " + std::to_string(s); };
      if (!slot.used) throw Error(Fault::internal, named() + " before its reset");
      if (slot.waiting) throw Error(Fault::internal, named() + " twice without recv");
      if (slot.over && spec_.autoreset == Autoreset::disabled) throw Error(Fault::internal, named() + ", whose episode is over: it waits for reset");
      slot.waiting = true, slot.fault = false;
      sent_.push_back(s);
      const auto action = bytes.subspan(i * size, size);
      if (slot.over) {
        slot.over = false, slot.lost = false;
        ++slot.episodes;
        ask(s, restart);
      } else if (slot.lost || !inside(action)) {
        fail(s);
      } else {
        std::ranges::copy(action, memory_.data() + layout_.actions + static_cast<std::size_t>(s) * size);
        ask(s, step);
      }
    }
    flush();
  }

  std::span<const int> recv(Buffers out, int at_least) override {
    if (at_least > static_cast<int>(sent_.size()))
      throw Error(Fault::internal, what_.kind + ": recv of " + std::to_string(at_least) + " slots, " + std::to_string(sent_.size()) + " were sent");
    const auto wanted = asynchronous_ ? std::max(1, at_least) : static_cast<int>(sent_.size());
    const auto ready = [&] { return static_cast<int>(std::ranges::count_if(sent_, [&](int s) { return !at(s).busy; })); };
    while (ready() < wanted) pump();
    done_.clear();
    for (const int s : sent_)
      if (!at(s).busy) done_.push_back(s), at(s).waiting = false;
    std::erase_if(sent_, [&](int s) { return !at(s).waiting; });
    for (const int s : done_) check(s);
    for (const int s : done_) deliver(s, out);
    return done_;
  }

 private:
  struct Slot {
    std::size_t worker = 0;
    Task task;
    std::uint64_t episodes = 0;
    bool used = false, waiting = false, over = false;
    bool busy = false;    // the worker has it
    bool lost = false;    // its worker ended while it was idle
    bool fault = false;
    Command asked = none;
  };
  struct Place {  // one worker's
    Worker worker;
    std::vector<int> slots;
    std::vector<std::int32_t> outbox, heard;
    int failures = 0, seen = 0;
    bool greeted = false, fresh = true;  // fresh: nothing heard of it since its start
    Clock::time_point deadline;
  };

  Slot& at(int s) {
    if (s < 0 || s >= spec_.slots) throw Error(Fault::internal, what_.kind + ": expected slots 0 to " + std::to_string(spec_.slots - 1) + ", got " + std::to_string(s));
    return slots_[static_cast<std::size_t>(s)];
  }
  Head& head(int s) { return *reinterpret_cast<Head*>(memory_.data() + layout_.heads + static_cast<std::size_t>(s) * sizeof(Head)); }
  std::span<std::byte> row(std::span<std::byte> all, int s) const { return all.subspan(static_cast<std::size_t>(s) * spec_.observation.bytes(), spec_.observation.bytes()); }
  std::span<std::byte> obs(int s) const { return {memory_.data() + layout_.obs + static_cast<std::size_t>(s) * spec_.observation.bytes(), spec_.observation.bytes()}; }
  std::span<std::byte> final_obs(int s) const { return {memory_.data() + layout_.final_obs + static_cast<std::size_t>(s) * spec_.observation.bytes(), spec_.observation.bytes()}; }

  bool inside(std::span<const std::byte> action) const {
    if (spec_.action.kind == SpaceKind::discrete) {
      std::int32_t a = 0;
      std::memcpy(&a, action.data(), sizeof a);
      return a >= spec_.action.low && a <= spec_.action.high;
    }
    for (std::size_t i = 0; i < action.size(); i += sizeof(float)) {
      float a = 0;
      std::memcpy(&a, action.data() + i, sizeof a);
      if (!std::isfinite(a)) return false;
    }
    return true;
  }

  // The step is a fault: the episode ends here and, where the mode says so, the next one begins.
  void fail(int s) {
    Slot& slot = at(s);
    slot.fault = true, slot.lost = false;
    head(s).failed = 0;
    if (spec_.autoreset != Autoreset::same_step) {
      slot.over = true;
      return;
    }
    std::ranges::copy(obs(s), final_obs(s).begin());
    ++slot.episodes;
    ask(s, restart);
  }

  void ask(int s, Command command) {
    Slot& slot = at(s);
    const std::uint64_t episode = slot.episodes + (command == step ? 1 : 0);  // the seed of a step is the next episode's
    Head& h = head(s);
    h.seed = episode_rng(slot.task, episode).next() & 0x7fffffff;  // some worlds take no more
    h.command = command, h.state = 0, h.failed = 0, h.same_step = spec_.autoreset == Autoreset::same_step;
    slot.asked = command, slot.busy = true;
    crew_[slot.worker].outbox.push_back(s);
  }

  void flush() {
    for (Place& p : crew_)  // together, because a Python takes its time to start
      if (!p.outbox.empty() && !p.worker.running()) p.worker.start(how_.python, memory_.fd()), p.greeted = false, p.fresh = true;
    for (Place& p : crew_) {
      if (p.outbox.empty()) continue;
      if (!p.greeted && !greet(p)) continue;  // gone, and asked anew with all that it had
      wait_for(p, p.fresh ? how_.start_s : how_.timeout_s);
      const bool heard = p.worker.send(p.outbox);
      p.outbox.clear();
      if (!heard) gone(p, {});
    }
  }

  bool greet(Place& p) {
    Json ask = ask_of(what_), facts;
    ask["slots"] = p.slots, ask["asynchronous"] = asynchronous_;
    ask["layout"] = {{"heads", layout_.heads}, {"head_bytes", sizeof(Head)}, {"actions", layout_.actions}, {"action_bytes", spec_.action.bytes()},
                     {"obs", layout_.obs}, {"obs_bytes", spec_.observation.bytes()}, {"final_obs", layout_.final_obs}, {"infos", layout_.infos},
                     {"messages", layout_.messages}, {"bytes", layout_.bytes}};
    if (!p.worker.hello(ask, how_.start_s, facts)) {
      p.outbox.clear();
      gone(p, {});
      return false;
    }
    const Facts now = facts_of(what_, facts);
    if (!same(now.observation, spec_.observation) || !same(now.action, spec_.action))
      throw Error(Fault::bad_input, what_.kind + ": '" + what_.id + "' has other spaces than when it was opened");
    p.greeted = true;
    return true;
  }

  void wait_for(Place& p, double seconds) {
    p.seen = finished(p);
    p.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  int finished(const Place& p) {
    int out = 0;
    for (const int s : p.slots) out += at(s).busy && std::atomic_ref(head(s).state).load() == 2;
    return out;
  }

  // Waits for the next thing to happen at any worker.
  void pump() {
    auto until = Clock::time_point::max();
    for (std::size_t i = 0; i < crew_.size(); ++i) {
      const Place& p = crew_[i];
      const bool busy = p.worker.running() && std::ranges::any_of(p.slots, [&](int s) { return at(s).busy; });
      polled_[2 * i] = {busy ? p.worker.socket() : -1, POLLIN, 0};
      polled_[2 * i + 1] = {busy ? p.worker.errors() : -1, POLLIN, 0};
      if (busy) until = std::min(until, p.deadline);
    }
    if (until == Clock::time_point::max()) throw Error(Fault::internal, what_.kind + ": nothing to wait for");
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count() + 1;
    poll(polled_.data(), polled_.size(), static_cast<int>(std::clamp<long>(wait, 0, 60'000)));
    for (std::size_t i = 0; i < crew_.size(); ++i) {
      Place& p = crew_[i];
      if (polled_[2 * i].fd < 0) continue;
      if (polled_[2 * i + 1].revents != 0) p.worker.listen();
      if (polled_[2 * i].revents != 0) {
        hear(p);
      } else if (Clock::now() >= p.deadline) {
        if (finished(p) != p.seen) wait_for(p, how_.timeout_s);  // slow, but it goes on
        else gone(p, "did not finish a step within " + shown(p.fresh ? how_.start_s : how_.timeout_s) + " s");
      }
    }
  }

  void hear(Place& p) {
    const int n = p.worker.receive(p.heard);
    if (n < 0) return gone(p, {});
    for (int i = 0; i < n; ++i) {
      Slot& slot = at(p.heard[static_cast<std::size_t>(i)]);
      slot.busy = false;
      if (slot.asked == step) p.failures = 0;
    }
    if (n > 0) p.fresh = false, wait_for(p, how_.timeout_s);
  }

  // The worker ended or hangs: what it was stepping is a fault, all its slots start anew.
  void gone(Place& p, const std::string& why) {
    p.worker.end(!why.empty(), why);
    if (++p.failures >= most_failures)
      throw Error(Fault::io, what_.kind + ": a worker of '" + what_.id + "' failed " + std::to_string(p.failures) + " times without a step in between: it " + p.worker.why());
    for (const int s : p.slots) {
      Slot& slot = at(s);
      if (!slot.used) continue;
      if (!slot.busy) {
        slot.lost = true;
        continue;
      }
      slot.busy = false;
      if (slot.asked == step) fail(s);
      else ask(s, restart);
    }
    flush();
  }

  // Throws what the worker said of this slot.
  void check(int s) {
    Head& h = head(s);
    if (h.failed == 0) return;
    h.failed = 0;
    std::uint32_t n = 0;
    const std::byte* at_message = memory_.data() + layout_.messages + static_cast<std::size_t>(s) * message_bytes;
    std::memcpy(&n, at_message, sizeof n);
    at(s).used = false;  // it waits for reset
    const std::string_view text(reinterpret_cast<const char*>(at_message) + sizeof n, std::min<std::size_t>(n, message_bytes - sizeof n));
    throw Error(Fault::bad_input, what_.kind + ": '" + what_.id + "', slot " + std::to_string(s) + ": " + wire::valid_utf8(text));
  }

  void deliver(int s, const Buffers& out) {
    Slot& slot = at(s);
    const Head& h = head(s);
    const auto i = static_cast<std::size_t>(s);
    const bool stepped = !slot.fault && slot.asked == step;
    const bool terminated = stepped && h.terminated != 0, truncated = stepped && h.truncated != 0;
    const bool ended = terminated || truncated || slot.fault;
    out.reward[i] = stepped ? h.reward : 0.0F;
    out.terminated[i] = terminated, out.truncated[i] = truncated, out.fault[i] = slot.fault;
    std::ranges::copy(obs(s), row(out.obs, s).begin());
    if (!out.info.empty()) std::memcpy(out.info.data() + i * spec_.infos.size(), memory_.data() + layout_.infos + i * spec_.infos.size() * sizeof(float), spec_.infos.size() * sizeof(float));
    if (!ended) return;
    if (spec_.autoreset != Autoreset::same_step) {
      slot.over = true;
      return;
    }
    std::ranges::copy(final_obs(s), row(out.final_obs, s).begin());
    if (!slot.fault) ++slot.episodes;  // the worker has begun it
  }

  static std::string shown(double seconds) {
    std::string out = std::to_string(seconds);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
    return out;
  }

  WhatToMake what_;
  HowToRun how_;
  Facts facts_;
  BatchSpec spec_;
  bool asynchronous_;
  Layout layout_;
  SharedMemory memory_;
  std::vector<Slot> slots_;
  std::vector<Place> crew_;
  std::vector<pollfd> polled_;
  std::vector<int> sent_, done_;
};

}  // namespace

Facts ask_facts(const WhatToMake& what, const HowToRun& how) {
  if (how.python.empty() || how.python[0].empty()) throw Error(Fault::bad_input, what.kind + ": field 'python': expected a program, got nothing");
  Worker worker;
  Json facts;
  worker.start(how.python, -1);
  if (!worker.hello(ask_of(what), how.start_s, facts)) throw Error(Fault::unavailable, what.kind + ": the worker of '" + what.id + "' " + worker.why());
  return facts_of(what, facts);
}

std::unique_ptr<BatchEnv> make_batch(const WhatToMake& what, const HowToRun& how, const Facts& facts, const BatchOptions& options) {
  if (options.slots < 1) throw Error(Fault::bad_input, what.kind + ": expected at least 1 slot, got " + std::to_string(options.slots));
  return std::make_unique<BridgeEnv>(what, how, facts, options);
}

}  // namespace hone::bridge
