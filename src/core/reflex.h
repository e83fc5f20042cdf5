// Experience, reflex tempo: N worlds stepped at once into memory that the caller owns; no allocation per step. Shapes are
// row-major with the slot first: obs [slots, ...observation.shape], actions [slots, ...action.shape].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/episode.h"
#include "core/rng.h"
#include "core/task.h"

namespace hone {

enum class SpaceKind { box, discrete };
enum class Dtype { u8, i32, f32 };
constexpr std::size_t size_of(Dtype dtype) { return dtype == Dtype::u8 ? 1 : 4; }

struct Space {
  SpaceKind kind = SpaceKind::box;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  // discrete: empty
  double low = 0.0, high = 0.0;     // discrete: values low .. high, whole
  std::vector<std::array<double, 2>> ranges = {};  // lowest and highest of each number of a box where they differ; empty: low and high of all
  std::size_t bytes() const;        // of one element of the space
};

// What a slot does after its episode ended, Gymnasium's three modes: starts the next one within the same step (obs is then the next
// episode's first, final_obs the ended one's last); starts it in the next step, whose action counts for nothing and whose reward is 0
// (final_obs is not used); or waits for reset(), and a send before it is an error.
enum class Autoreset { same_step, next_step, disabled };

struct BatchSpec {
  Space observation, action;
  int slots = 0;
  Autoreset autoreset = Autoreset::same_step;
  std::vector<std::string> infos;  // names of the numbers a step says besides ("x", "rooms")
};

// Caller's memory, one entry per slot. final_obs is written only where terminated, truncated or fault is set and the slot starts anew
// in the same step. info [slots, infos] is of the state the step led to, before any new start; it may be empty when nobody asks.
struct Buffers {
  std::span<std::byte> obs, final_obs;
  std::span<float> reward;
  std::span<std::uint8_t> terminated, truncated, fault;
  std::span<float> info = {};
};

struct BatchOptions {
  int slots = 1;
  int threads = 1;           // 0 = one per core; results don't depend on it unless asynchronous
  Autoreset autoreset = Autoreset::same_step;
  bool asynchronous = false;  // recv() may return the first slots that are done: which these are depends on the machine's timing
  Split split = Split::train;  // a world may have its own rules for evaluation (frames per action)
};

class BatchEnv {
 public:
  virtual ~BatchEnv() = default;
  virtual const BatchSpec& spec() const = 0;
  // Starts one task in each of the named slots; also the source of the tasks that autoreset goes on with is per slot:
  // the slot's task with its seed mixed by the number of episodes played since.
  virtual void reset(std::span<const int> slots, std::span<const Task> tasks, Buffers out) = 0;
  virtual void send(std::span<const int> slots, std::span<const std::byte> actions) = 0;
  // Waits until at least `at_least` of the sent slots are done and returns which; their rows of `out` are written.
  // The span is valid until the next call.
  virtual std::span<const int> recv(Buffers out, int at_least) = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual void read(std::span<std::byte> bytes) = 0;  // throws Error{corrupt} when fewer are left
};

// Second interface of what can be stopped in the middle and go on bit by bit. A BatchEnv without it restarts its episodes on
// resume, and the run says so.
class Savable {
 public:
  virtual ~Savable() = default;
  virtual void save(Sink& sink) const = 0;
  virtual void load(Source& source) = 0;
};

// One stretch of experience of every slot: arrays are [steps, slots, ...]; data.obs has steps + 1 rows of slots, the last
// being the observation to bootstrap from.
struct Rollout {
  int steps = 0, slots = 0;
  Buffers data;
  std::span<const std::uint8_t> fresh;  // as data.obs: 1 = the first observation of an episode
  std::span<std::byte> actions;
  std::span<float> logp, value;
  Stamp by;
};

// What an actor sees of a batch: the observations of all slots, and which of them are the first of an episode (1), where an actor that
// remembers forgets.
struct Sight {
  std::span<const std::byte> obs;
  std::span<const std::uint8_t> fresh;  // [slots]
  int slots = 0;
};

// Acts for a whole batch. With explore off it acts as its method is evaluated (most of them greedily). logp and value may be left
// untouched by actors without them.
class BatchActor {
 public:
  virtual ~BatchActor() = default;
  virtual void act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) = 0;
};

// The reflex side of a catalogue entry: tasks by split, and N worlds at once.
class BatchWorld {
 public:
  virtual ~BatchWorld() = default;
  virtual std::string name() const = 0;
  virtual int max_steps(Split split) const = 0;
  virtual std::vector<Task> tasks(Split split) const = 0;
  virtual std::unique_ptr<BatchEnv> make(const BatchOptions& options) const = 0;
  // Score in [0, 1] of an episode with this return and length.
  virtual double score(double episode_return, int steps) const = 0;
};

// Second interface of a BatchWorld that a person can play.
class Shown {
 public:
  virtual ~Shown() = default;
  virtual std::vector<std::string> action_names() const = 0;  // of the discrete actions, from the lowest
  // The action of that place in action_names(), where actions are not discrete; empty = the place is the discrete action.
  virtual std::vector<std::byte> action(std::size_t /*place*/) const { return {}; }
  virtual std::string legend() const = 0;                     // what the signs of a picture mean
  // One slot's observation as lines of text.
  virtual std::string picture(std::span<const std::byte> observation) const = 0;
};

// Plain values to and from bytes, little-endian hosts only (checked in reflex.cpp).
template <class T>
void put(Sink& sink, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  sink.write(std::as_bytes(std::span(&value, 1)));
}
template <class T>
void get(Source& source, T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  source.read(std::as_writable_bytes(std::span(&value, 1)));
}
void put_text(Sink& sink, const std::string& text);
std::string get_text(Source& source);

// Bytes in memory as a Sink and a Source.
class MemorySink final : public Sink {
 public:
  void write(std::span<const std::byte> bytes) override { data.insert(data.end(), bytes.begin(), bytes.end()); }
  std::vector<std::byte> data;
};
class MemorySource final : public Source {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : left_(bytes) {}
  void read(std::span<std::byte> bytes) override;

 private:
  std::span<const std::byte> left_;
};

}  // namespace hone
