// What every listed world of the reflex tempo must keep, found by walking the catalogue.
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>

#include "envs/conformance_kit.h"

namespace hone {
namespace {

using namespace conformance;

// N slots with memory of their own.
struct Bench {
  Bench(const BatchWorld& world, int slots, const BatchOptions& how = {}) : n(static_cast<std::size_t>(slots)) {
    BatchOptions options = how;
    options.slots = slots;
    env = world.make(options);
    const auto tasks_of_split = world.tasks(options.split);
    for (std::size_t i = 0; i < n; ++i) {
      tasks.push_back(tasks_of_split[i % tasks_of_split.size()]);
      tasks.back().seed += i;
    }
    all.resize(n);
    std::iota(all.begin(), all.end(), 0);
    const auto size = env->spec().observation.bytes();
    obs.resize(n * size), final_obs.resize(n * size, std::byte{0xEE});
    info.resize(n * env->spec().infos.size());
    reward.resize(n), terminated.resize(n), truncated.resize(n), fault.resize(n);
  }
  Buffers out() { return {obs, final_obs, reward, terminated, truncated, fault, info}; }
  void reset() { env->reset(all, tasks, out()); }
  void step(std::span<const std::byte> actions) {
    env->send(all, actions);
    ASSERT_EQ(env->recv(out(), static_cast<int>(n)).size(), n);
  }
  std::span<const std::byte> obs_row(std::size_t i) const { return row(obs, i); }
  std::span<const std::byte> final_row(std::size_t i) const { return row(final_obs, i); }
  std::span<const std::byte> row(const std::vector<std::byte>& all_rows, std::size_t i) const {
    const auto size = env->spec().observation.bytes();
    return std::span(all_rows).subspan(i * size, size);
  }
  std::unique_ptr<BatchEnv> env;
  std::size_t n;
  std::vector<Task> tasks;
  std::vector<int> all;
  std::vector<std::byte> obs, final_obs;
  std::vector<float> reward, info;
  std::vector<std::uint8_t> terminated, truncated, fault;
};

// One action per slot, as send() takes them.
struct Actions {
  std::span<const std::byte> of(std::size_t slot) const { return std::span(bytes).subspan(slot * size, size); }
  operator std::span<const std::byte>() const { return bytes; }
  std::size_t size = 0;
  std::vector<std::byte> bytes;
};

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
  const auto more = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), more.begin(), more.end());
}

Actions random_actions(std::string_view world, const BatchSpec& spec, std::size_t n, Rng& rng) {
  const Space& space = spec.action;
  Actions out{.size = space.bytes(), .bytes = {}};
  const auto ranges = action_ranges(world);
  for (std::size_t i = 0; i < n; ++i) {
    if (space.kind == SpaceKind::discrete) {
      append(out.bytes, static_cast<std::int32_t>(space.low) + static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(space.high - space.low) + 1)));
      continue;
    }
    for (std::size_t k = 0; k < out.size / sizeof(float); ++k) {
      const auto [low, high] = k < ranges.size() ? ranges[k] : std::pair{static_cast<float>(space.low), static_cast<float>(space.high)};
      append(out.bytes, low + (high - low) * static_cast<float>(rng.uniform()));
    }
  }
  return out;
}

// Actions of these values: the discrete action, or all numbers of a box.
Actions equal_actions(const BatchSpec& spec, std::initializer_list<double> values) {
  Actions out{.size = spec.action.bytes(), .bytes = {}};
  for (const double value : values) {
    if (spec.action.kind == SpaceKind::discrete) append(out.bytes, static_cast<std::int32_t>(value));
    else
      for (std::size_t k = 0; k < out.size / sizeof(float); ++k) append(out.bytes, static_cast<float>(value));
  }
  return out;
}

void expect_in_bounds(const Space& space, std::span<const std::byte> row) {
  for (std::size_t i = 0; i < row.size(); i += size_of(space.dtype)) {
    double value = 0.0;
    if (space.dtype == Dtype::i32) {
      std::int32_t v = 0;
      std::memcpy(&v, row.data() + i, sizeof v);
      value = v;
    } else if (space.dtype == Dtype::f32) {
      float v = 0;
      std::memcpy(&v, row.data() + i, sizeof v);
      value = static_cast<double>(v);
    } else {
      value = static_cast<double>(std::to_integer<int>(row[i]));
    }
    ASSERT_GE(value, space.low);
    ASSERT_LE(value, space.high);
  }
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

TEST(BatchConformance, SplitsAreDisjointAndTheSameEveryTime) {
  for (const EnvEntry* e : listed(true)) {
    const auto a = e->open_batch(settings_for(*e)), b = e->open_batch(settings_for(*e));
    std::set<std::string> ids;
    for (const auto split : splits) {
      expect_sound_tasks(e->name, a->tasks(split), ids);
      EXPECT_TRUE(same(a->tasks(split), b->tasks(split))) << e->name;
    }
    EXPECT_FALSE(a->tasks(Split::train).empty() || a->tasks(Split::test).empty()) << e->name;
  }
}

TEST(BatchConformance, StaysInItsSpacesAndEndsWithinMaxSteps) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench bench(*world, 8);
    Rng rng(1);
    bench.reset();
    std::vector<int> length(bench.n, 0);
    int ended = 0;
    for (int t = 0; t < std::max(1000, 2 * world->max_steps(Split::train) + 2); ++t) {
      bench.step(random_actions(e->name, bench.env->spec(), bench.n, rng));
      for (std::size_t i = 0; i < bench.n; ++i) {
        expect_in_bounds(bench.env->spec().observation, bench.obs_row(i));
        EXPECT_FALSE(bench.terminated[i] != 0 && bench.truncated[i] != 0) << e->name << ": an end and a limit are two things";
        EXPECT_EQ(bench.fault[i], 0);
        ++length[i];
        ASSERT_LE(length[i], world->max_steps(Split::train));
        if (bench.terminated[i] == 0 && bench.truncated[i] == 0) continue;
        EXPECT_EQ(bench.truncated[i] != 0, bench.terminated[i] == 0 && length[i] == world->max_steps(Split::train)) << e->name;
        expect_in_bounds(bench.env->spec().observation, bench.final_row(i));
        length[i] = 0;
        ++ended;
      }
    }
    EXPECT_GT(ended, 8) << e->name;
  }
}

TEST(BatchConformance, AutoresetStartsTheSlotsOwnTaskAndKeepsTheLastObservation) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench bench(*world, 4);
    ASSERT_EQ(bench.env->spec().autoreset, Autoreset::same_step);
    Rng rng(2);
    bench.reset();
    const auto start = bench.obs;
    const std::vector<std::byte> untouched(bench.env->spec().observation.bytes(), std::byte{0xEE});
    for (int t = 0; t < 400; ++t) {
      std::fill(bench.final_obs.begin(), bench.final_obs.end(), std::byte{0xEE});
      bench.step(random_actions(e->name, bench.env->spec(), bench.n, rng));
      for (std::size_t i = 0; i < bench.n; ++i) {
        const bool ended = bench.terminated[i] != 0 || bench.truncated[i] != 0;
        EXPECT_EQ(equal(bench.final_row(i), untouched), !ended) << e->name << ": final_obs is written where an episode ended, only there";
        if (ended) {
          EXPECT_NE(equal(bench.obs_row(i), bench.row(start, i)), draws_anew(e->name)) << e->name;
        }
      }
    }
  }
}

TEST(BatchConformance, EightSlotsEqualEightSingles) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench batch(*world, 8);
    std::vector<std::unique_ptr<Bench>> singles;
    for (std::size_t i = 0; i < 8; ++i) {
      singles.push_back(std::make_unique<Bench>(*world, 1));
      singles[i]->tasks[0] = batch.tasks[i];
      singles[i]->reset();
    }
    batch.reset();
    Rng rng(3);
    for (int t = 0; t < 300; ++t) {
      const auto actions = random_actions(e->name, batch.env->spec(), 8, rng);
      batch.step(actions);
      for (std::size_t i = 0; i < 8; ++i) {
        singles[i]->step(actions.of(i));
        ASSERT_TRUE(equal(batch.obs_row(i), singles[i]->obs_row(0)) && batch.reward[i] == singles[i]->reward[0] &&
                    batch.terminated[i] == singles[i]->terminated[0] && batch.truncated[i] == singles[i]->truncated[0])
            << e->name << ": slot " << i << " at step " << t;
      }
    }
  }
}

TEST(BatchConformance, ThreadsChangeNothing) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench one(*world, 6), four(*world, 6, {.threads = 4});
    one.reset(), four.reset();
    Rng rng(7);
    for (int t = 0; t < 200; ++t) {
      const auto actions = random_actions(e->name, one.env->spec(), 6, rng);
      one.step(actions), four.step(actions);
      ASSERT_TRUE(one.obs == four.obs && one.reward == four.reward && one.info == four.info && one.final_obs == four.final_obs) << e->name << " at step " << t;
    }
  }
}

// The same episodes whichever way the next one is started.
TEST(BatchConformance, AutoresetModesDifferOnlyInWhenTheNextEpisodeBegins) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench same(*world, 1), next(*world, 1, {.autoreset = Autoreset::next_step}), off(*world, 1, {.autoreset = Autoreset::disabled});
    ASSERT_EQ(next.env->spec().autoreset, Autoreset::next_step);
    same.reset(), next.reset(), off.reset();
    Rng rng(8);
    bool off_over = false;
    int ended = 0;
    for (int t = 0; t < 20000 && ended < 2; ++t) {
      const auto actions = random_actions(e->name, same.env->spec(), 1, rng);
      same.step(actions), next.step(actions);
      if (!off_over) off.step(actions);
      const bool over = same.terminated[0] != 0 || same.truncated[0] != 0;
      ASSERT_EQ(next.terminated, same.terminated) << e->name;
      ASSERT_EQ(next.reward, same.reward) << e->name;
      ASSERT_EQ(equal(next.obs_row(0), over ? same.final_row(0) : same.obs_row(0)), true) << e->name;
      if (!off_over) {
        ASSERT_EQ(off.obs, next.obs) << e->name;
      }
      if (!over) continue;
      ++ended;
      if (!off_over) {
        EXPECT_THROW(off.step(actions), Error) << e->name << ": waits for reset";
        off_over = true;
      }
      next.step(actions);  // counts for nothing
      EXPECT_EQ(next.reward[0], 0.0F);
      EXPECT_EQ(next.terminated[0] + next.truncated[0], 0);
      ASSERT_EQ(next.obs, same.obs) << e->name;
    }
    EXPECT_EQ(ended, 2) << e->name;
    off.reset();
    off.step(random_actions(e->name, off.env->spec(), 1, rng));
  }
}

// Each slot's own history is the synchronous one; only who is done first is left to chance.
TEST(BatchConformance, AsynchronousSlotsPlayTheSameEpisodes) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench sync(*world, 4), async(*world, 4, {.threads = 3, .asynchronous = true});
    sync.reset(), async.reset();
    Rng rng(9);
    for (int t = 0; t < 100; ++t) {
      const auto actions = random_actions(e->name, sync.env->spec(), 4, rng);
      sync.step(actions);
      async.env->send(async.all, actions);
      std::set<int> seen;
      while (seen.size() < 4)
        for (const int s : async.env->recv(async.out(), 1)) EXPECT_TRUE(seen.insert(s).second);
      ASSERT_TRUE(sync.obs == async.obs && sync.reward == async.reward && sync.info == async.info) << e->name << " at step " << t;
    }
  }
}

TEST(BatchConformance, SlotsMayBeSentInPartsAndInAnyOrder) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench whole(*world, 4), parts(*world, 4);
    whole.reset(), parts.reset();
    Rng rng(4);
    for (int t = 0; t < 100; ++t) {
      const auto actions = random_actions(e->name, whole.env->spec(), 4, rng);
      whole.step(actions);
      for (const std::vector<int>& some : {std::vector<int>{3, 1}, std::vector<int>{0, 2}}) {
        std::vector<std::byte> theirs;
        for (const int slot : some) theirs.insert(theirs.end(), actions.of(static_cast<std::size_t>(slot)).begin(), actions.of(static_cast<std::size_t>(slot)).end());
        parts.env->send(some, theirs);
      }
      std::size_t received = 0;
      while (received < 4) received += parts.env->recv(parts.out(), 1).size();
      ASSERT_EQ(whole.obs, parts.obs) << e->name;
      ASSERT_EQ(whole.reward, parts.reward) << e->name;
    }
    EXPECT_THROW(parts.env->recv(parts.out(), 1), Error);
    const std::vector<int> nobody{4};
    const auto one = random_actions(e->name, parts.env->spec(), 1, rng);
    EXPECT_THROW(parts.env->send(nobody, one), Error);
  }
}

TEST(BatchConformance, GoesOnBitByBitAfterSaveAndLoadInTheMiddle) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench a(*world, 8), b(*world, 8);
    auto* savable = dynamic_cast<Savable*>(a.env.get());
    if (savable == nullptr) continue;  // allowed: such a world restarts its episodes
    a.reset();
    Rng rng(5);
    for (int t = 0; t < 37; ++t) a.step(random_actions(e->name, a.env->spec(), 8, rng));
    MemorySink sink;
    savable->save(sink);
    MemorySource source(sink.data);
    dynamic_cast<Savable&>(*b.env).load(source);
    for (int t = 0; t < 300; ++t) {
      const auto actions = random_actions(e->name, a.env->spec(), 8, rng);
      a.step(actions), b.step(actions);
      ASSERT_EQ(a.obs, b.obs) << e->name;
      ASSERT_EQ(a.reward, b.reward) << e->name;
      ASSERT_EQ(a.terminated, b.terminated) << e->name;
    }
    for (const std::size_t cut : {std::size_t{0}, sink.data.size() / 2, sink.data.size() - 1}) {
      MemorySource damaged(std::span(sink.data).first(cut));
      EXPECT_THROW(dynamic_cast<Savable&>(*b.env).load(damaged), Error) << e->name;
    }
    Bench other(*world, 3);
    MemorySource wrong(sink.data);
    EXPECT_THROW(dynamic_cast<Savable&>(*other.env).load(wrong), Error) << e->name;
  }
}

TEST(BatchConformance, ActionsOutsideTheSpaceAreFaultsOfThatSlotOnly) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench bench(*world, 3);
    bench.reset();
    const Space& space = bench.env->spec().action;
    Rng rng(10);
    const auto good = random_actions(e->name, bench.env->spec(), 3, rng);
    auto actions = equal_actions(bench.env->spec(), {space.low, space.high + 1, space.low - 1});
    std::ranges::copy(good.of(0), actions.bytes.begin());
    bench.step(actions);
    EXPECT_EQ(bench.fault, (std::vector<std::uint8_t>{0, 1, 1})) << e->name;
    bench.step(good);
    EXPECT_EQ(bench.fault, (std::vector<std::uint8_t>{0, 0, 0})) << e->name;
    if (space.kind != SpaceKind::box) continue;
    const double infinite = std::numeric_limits<double>::infinity(), no_number = std::numeric_limits<double>::quiet_NaN();
    bench.step(equal_actions(bench.env->spec(), {no_number, infinite, -infinite}));
    EXPECT_EQ(bench.fault, (std::vector<std::uint8_t>{1, 1, 1})) << e->name;
  }
}

// A number as it is, anything longer as a hash of its bytes.
std::string shown(std::span<const std::byte> row) {
  std::int32_t state = 0;
  if (row.size() != sizeof state) return std::to_string(hash64({reinterpret_cast<const char*>(row.data()), row.size()}) % 1000000);
  std::memcpy(&state, row.data(), sizeof state);
  return std::to_string(state);
}

std::string shown_action(const Space& space, std::span<const std::byte> action) {
  if (space.kind == SpaceKind::discrete) return shown(action);
  std::string out;
  for (std::size_t at = 0; at < action.size(); at += sizeof(float)) {
    float value = 0.0F;
    std::memcpy(&value, action.data() + at, sizeof value);
    char text[32];
    std::snprintf(text, sizeof text, "%s%.3f", at == 0 ? "" : ",", static_cast<double>(value));
    out += text;
  }
  return out;
}

TEST(BatchConformance, EveryListedWorldPlaysItsGoldenTranscript) {
  for (const EnvEntry* e : listed(true)) {
    const auto world = e->open_batch(settings_for(*e));
    Bench bench(*world, 2);
    bench.reset();
    Rng rng(6);
    std::ostringstream text;
    for (const auto& task : bench.tasks) text << task.id << " " << task.goal << "\n";
    for (int t = 0; t < 60; ++t) {
      const auto actions = random_actions(e->name, bench.env->spec(), 2, rng);
      bench.step(actions);
      text << t;
      for (std::size_t i = 0; i < 2; ++i) {
        text << "  " << shown_action(bench.env->spec().action, actions.of(i)) << ">" << shown(bench.obs_row(i)) << (bench.terminated[i] != 0 ? " end" : "") << (bench.truncated[i] != 0 ? " cut" : "")
             << (bench.reward[i] != 0.0F ? " reward" : "");
      }
      text << "\n";
    }
    compare_with_golden(std::string(e->name), text.str());
  }
}

}  // namespace
}  // namespace hone
