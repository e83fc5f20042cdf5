#include "envs/slots.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "core/cores.h"
#include "core/error.h"

namespace hone {

namespace {

// Threads that wait for work. In step: all of them and the caller share out the places 0 .. n-1. Asynchronous: they take one place
// after another from a queue.
class Crew {
 public:
  Crew(int threads, std::function<void(int)> work) : work_(std::move(work)) {
    for (int i = 0; i < threads; ++i) crew_.emplace_back([this] { run(); });
  }
  ~Crew() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& t : crew_) t.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  bool empty() const { return crew_.empty(); }
  void reserve(std::size_t places) { queue_.resize(places), done_.reserve(places); }

  void add(int place) {
    {
      const std::lock_guard lock(mutex_);
      queue_[(first_ + waiting_++) % queue_.size()] = place;
    }
    wake_.notify_one();
  }
  // Works along until nothing waits, then waits for what the others still have in hand, until `at_least` are done.
  std::span<const int> collect(std::vector<int>& out, std::size_t at_least, bool help) {
    std::unique_lock lock(mutex_);
    while (help && waiting_ > 0) one(lock);
    finished_.wait(lock, [&] { return done_.size() >= at_least; });
    out.assign(done_.begin(), done_.end());
    done_.clear();
    return out;
  }
  // Until no place is being worked at; what is done stays.
  void quiet() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return waiting_ == 0 && busy_ == 0; });
  }
  void forget(std::span<const int> places) {
    const std::lock_guard lock(mutex_);
    std::erase_if(done_, [&](int d) { return std::find(places.begin(), places.end(), d) != places.end(); });
  }

 private:
  void one(std::unique_lock<std::mutex>& lock) {
    const int place = queue_[first_];
    first_ = (first_ + 1) % queue_.size(), --waiting_, ++busy_;
    lock.unlock();
    work_(place);  // keeps its own exceptions
    lock.lock();
    --busy_;
    done_.push_back(place);
    finished_.notify_all();
  }
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stop_ || waiting_ > 0; });
      if (stop_) return;
      one(lock);
    }
  }

  std::function<void(int)> work_;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::vector<int> queue_ = std::vector<int>(1), done_;  // a ring
  std::size_t first_ = 0, waiting_ = 0, busy_ = 0;
  bool stop_ = false;
  std::vector<std::thread> crew_;
};

void put_task(Sink& sink, const Task& task) {  // what a world may read of it
  put_text(sink, task.id), put_text(sink, task.kind);
  put(sink, task.seed), put(sink, static_cast<std::uint64_t>(task.params.size()));
  for (const auto& [name, value] : task.params) put_text(sink, name), put_text(sink, value);
}

Task get_task(Source& source) {
  Task task;
  task.id = get_text(source), task.kind = get_text(source);
  std::uint64_t params = 0;
  get(source, task.seed), get(source, params);
  for (std::uint64_t i = 0; i < params; ++i) {
    std::string name = get_text(source);
    task.params[std::move(name)] = get_text(source);
  }
  return task;
}

int threads_of(const BatchOptions& o) {
  const int wanted = o.threads > 0 ? o.threads : usable_cores();
  return std::min(wanted, o.slots);
}

class Slots final : public BatchEnv, public Savable {
 public:
  Slots(std::string kind, std::uint64_t identity, BatchSpec spec, const BatchOptions& options, const std::function<std::unique_ptr<SlotWorld>()>& make)
      : kind_(std::move(kind)), identity_(identity), spec_(std::move(spec)), asynchronous_(options.asynchronous),
        crew_(threads_of(options) - (options.asynchronous ? 0 : 1), [this](int s) { work(s); }) {
    spec_.slots = options.slots;
    spec_.autoreset = options.autoreset;
    const auto n = static_cast<std::size_t>(options.slots);
    slots_.resize(n);
    for (Slot& slot : slots_) {
      slot.world = make();
      slot.action.resize(spec_.action.bytes());
      if (asynchronous_) slot.obs.resize(spec_.observation.bytes()), slot.final_obs.resize(spec_.observation.bytes()), slot.info.resize(spec_.infos.size());
    }
    sent_.reserve(n), done_.reserve(n);
    crew_.reserve(n);
  }

  const BatchSpec& spec() const override { return spec_; }

  void reset(std::span<const int> slots, std::span<const Task> tasks, Buffers out) override {
    if (slots.size() != tasks.size()) throw Error(Fault::internal, kind_ + ": reset of " + std::to_string(slots.size()) + " slots with " + std::to_string(tasks.size()) + " tasks");
    if (asynchronous_) crew_.quiet(), crew_.forget(slots);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = at(slots[i]);
      slot.task = tasks[i];
      slot.episodes = 0;
      slot.used = true, slot.waiting = false, slot.over = false;
      slot.world->reset(slot.task, 0, row(out.obs, slots[i]));
    }
    std::erase_if(sent_, [&](int s) { return std::find(slots.begin(), slots.end(), s) != slots.end(); });
  }

  void send(std::span<const int> slots, std::span<const std::byte> bytes) override {
    const std::size_t size = spec_.action.bytes();
    if (bytes.size() != slots.size() * size)
      throw Error(Fault::internal, kind_ + ": expected " + std::to_string(size) + " bytes of action per slot, got " + std::to_string(bytes.size()) + " for " + std::to_string(slots.size()) + " slots");
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = at(slots[i]);
      const auto named = [&] { return kind_ + ": send to slot " + std::to_string(slots[i]); };
      if (!slot.used) throw Error(Fault::internal, named() + " before its reset");
      if (slot.waiting) throw Error(Fault::internal, named() + " twice without recv");
      if (slot.over && spec_.autoreset == Autoreset::disabled) throw Error(Fault::internal, named() + ", whose episode is over: it waits for reset");
      std::memcpy(slot.action.data(), bytes.data() + i * size, size);
      slot.waiting = true;
      sent_.push_back(slots[i]);
      if (asynchronous_) crew_.add(slots[i]);
    }
  }

  std::span<const int> recv(Buffers out, int at_least) override {
    if (at_least > static_cast<int>(sent_.size()))
      throw Error(Fault::internal, kind_ + ": recv of " + std::to_string(at_least) + " slots, " + std::to_string(sent_.size()) + " were sent");
    if (asynchronous_) {
      crew_.collect(done_, static_cast<std::size_t>(std::max(1, at_least)), false);
      std::erase_if(sent_, [&](int s) { return std::find(done_.begin(), done_.end(), s) != done_.end(); });
      for (const int s : done_) hand_over(at(s), s, out);
    } else {
      done_.assign(sent_.begin(), sent_.end());
      sent_.clear();
      out_ = out;
      if (crew_.empty() || done_.size() < 2) {
        for (const int s : done_) work(s);
      } else {
        for (const int s : done_) crew_.add(s);
        crew_.collect(order_, done_.size(), true);
      }
    }
    for (const int s : done_) at(s).waiting = false;
    for (const int s : done_)
      if (at(s).error) std::rethrow_exception(std::exchange(at(s).error, nullptr));
    return done_;
  }

  void save(Sink& sink) const override {
    if (asynchronous_) throw Error(Fault::unavailable, kind_ + ": worlds that are stepped asynchronously can't be saved");
    put(sink, identity_), put(sink, static_cast<std::uint64_t>(slots_.size()));
    for (const Slot& slot : slots_) {
      put(sink, static_cast<std::uint8_t>(slot.used));
      if (!slot.used) continue;
      put_task(sink, slot.task);
      put(sink, slot.episodes);
      put(sink, static_cast<std::uint8_t>(slot.over)), put(sink, static_cast<std::uint8_t>(slot.waiting));
      sink.write(slot.action);
      slot.world->save(sink);
    }
    put(sink, static_cast<std::uint64_t>(sent_.size()));
    for (const int s : sent_) put(sink, s);
  }

  void load(Source& source) override {
    std::uint64_t identity = 0, n = 0;
    get(source, identity), get(source, n);
    if (identity != identity_ || n != slots_.size()) throw Error(Fault::corrupt, kind_ + ": saved state is of another world or number of slots");
    std::vector<std::byte> obs(spec_.observation.bytes());
    for (Slot& slot : slots_) {
      std::uint8_t used = 0, over = 0, waiting = 0;
      get(source, used);
      if (used == 0) {
        slot.used = false;
        continue;
      }
      slot.task = get_task(source);
      get(source, slot.episodes), get(source, over), get(source, waiting);
      slot.used = true, slot.over = over != 0, slot.waiting = waiting != 0;
      source.read(slot.action);
      slot.world->reset(slot.task, slot.episodes, obs);
      slot.world->load(source);
    }
    std::uint64_t sent = 0;
    get(source, sent);
    if (sent > slots_.size()) throw Error(Fault::corrupt, kind_ + ": saved state has more sent slots than slots");
    sent_.clear();
    for (std::uint64_t i = 0; i < sent; ++i) {
      int s = 0;
      get(source, s);
      if (s < 0 || s >= spec_.slots || !at(s).waiting) throw Error(Fault::corrupt, kind_ + ": saved state names a slot that was not sent");
      sent_.push_back(s);
    }
  }

 private:
  struct Slot {
    std::unique_ptr<SlotWorld> world;
    Task task;
    std::uint64_t episodes = 0;
    bool used = false, waiting = false, over = false;
    std::vector<std::byte> action, obs, final_obs;  // observations: only when asynchronous
    std::vector<float> info;
    SlotStep step;
    bool ended = false;
    std::exception_ptr error;
  };

  Slot& at(int slot) {
    if (slot < 0 || slot >= spec_.slots) throw Error(Fault::internal, kind_ + ": expected slots 0 to " + std::to_string(spec_.slots - 1) + ", got " + std::to_string(slot));
    return slots_[static_cast<std::size_t>(slot)];
  }
  std::span<std::byte> row(std::span<std::byte> all, int s) const {
    const std::size_t size = spec_.observation.bytes();
    return all.subspan(static_cast<std::size_t>(s) * size, size);
  }
  std::span<float> info_row(std::span<float> all, int s) const {
    return all.empty() ? all : all.subspan(static_cast<std::size_t>(s) * spec_.infos.size(), spec_.infos.size());
  }

  void work(int s) noexcept {
    Slot& slot = slots_[static_cast<std::size_t>(s)];
    try {
      if (asynchronous_) {
        advance(slot, slot.obs, slot.final_obs, slot.info);
      } else {
        advance(slot, row(out_.obs, s), row(out_.final_obs, s), info_row(out_.info, s));
        write_flags(slot, s, out_);
      }
    } catch (...) {
      slot.error = std::current_exception();
    }
  }

  void advance(Slot& slot, std::span<std::byte> obs, std::span<std::byte> final_obs, std::span<float> info) {
    slot.ended = false;
    if (slot.over) {  // next_step
      slot.over = false;
      slot.step = {};
      slot.world->reset(slot.task, ++slot.episodes, obs);
      std::fill(info.begin(), info.end(), 0.0F);
      return;
    }
    slot.step = slot.world->step(slot.action, obs, info);
    slot.ended = slot.step.terminated || slot.step.truncated || slot.step.fault;
    if (!slot.ended) return;
    if (spec_.autoreset == Autoreset::same_step) {
      std::copy(obs.begin(), obs.end(), final_obs.begin());
      slot.world->reset(slot.task, ++slot.episodes, obs);
    } else {
      slot.over = true;
    }
  }

  static void write_flags(const Slot& slot, int s, const Buffers& out) {
    const auto i = static_cast<std::size_t>(s);
    out.reward[i] = slot.step.reward;
    out.terminated[i] = slot.step.terminated;
    out.truncated[i] = slot.step.truncated;
    out.fault[i] = slot.step.fault;
  }

  void hand_over(const Slot& slot, int s, const Buffers& out) const {
    if (slot.error) return;
    std::ranges::copy(slot.obs, row(out.obs, s).begin());
    if (slot.ended && spec_.autoreset == Autoreset::same_step) std::ranges::copy(slot.final_obs, row(out.final_obs, s).begin());
    if (!out.info.empty()) std::ranges::copy(slot.info, info_row(out.info, s).begin());
    write_flags(slot, s, out);
  }

  std::string kind_;
  std::uint64_t identity_;
  BatchSpec spec_;
  bool asynchronous_;
  std::vector<Slot> slots_;
  std::vector<int> sent_, done_, order_;
  Buffers out_;
  Crew crew_;  // last: its threads end before what they work on
};

}  // namespace

Rng episode_rng(const Task& task, std::uint64_t episode) { return Rng(mix64(task.seed ^ mix64(episode))); }

std::unique_ptr<BatchEnv> make_slots(std::string kind, std::uint64_t identity, BatchSpec spec, const BatchOptions& options,
                                     const std::function<std::unique_ptr<SlotWorld>()>& make) {
  if (options.slots < 1) throw Error(Fault::bad_input, kind + ": expected at least 1 slot, got " + std::to_string(options.slots));
  return std::make_unique<Slots>(std::move(kind), identity, std::move(spec), options, make);
}

}  // namespace hone
