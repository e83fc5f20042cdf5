// What goes into the store and comes out of it beside core's own types. Plain values; text is UTF-8, times
// are Unix milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/episode.h"
#include "core/lesson.h"

namespace hone {

enum class RunStatus { running, finished, stopped, failed, imported };
std::string_view to_string(RunStatus status);

struct RunInfo {
  std::string id{};    // UUIDv7; create_run gives one when empty
  std::string name{};  // for people, not unique
  std::string recipe_yaml{}, config_hash{}, env{}, method{}, model{};
  std::uint64_t seed = 0;
  std::int64_t created_ms = 0;  // 0: create_run fills in the clock
  RunStatus status = RunStatus::running;
  std::string meta = "{}";  // a JSON object
};

struct Metric {
  std::int64_t round = 0;
  std::string name{};
  double value = 0.0;
  bool operator==(const Metric&) const = default;
};

enum class EpisodeOrder {
  inserted,
  key,
  newest
};  // key: by (run, key, id), bytewise; newest: by start, last first

struct EpisodeQuery {
  std::optional<std::string> run{};                          // "" = episodes outside any run
  std::string env{}, kind{}, task{}, group{}, key_prefix{};  // empty = any
  std::optional<bool> solved{};
  std::int64_t since_ms = 0, until_ms = 0;  // start time, [since, until); 0 = open
  EpisodeOrder order = EpisodeOrder::inserted;
  std::int64_t limit = 0, offset = 0;  // limit 0 = all
  bool with_steps = true;              // false: steps are left empty (they can be large)
};

struct LessonQuery {
  std::optional<std::string> scope{};
  std::string run{}, learner{}, env{}, kind{};  // empty = any; run: lessons of all scopes of that run
  bool retired = false;                         // true: retired ones too
  std::int64_t limit = 0, offset = 0;
};

// A lesson with its life in versions: seen by snapshots from `added` on and, when `retired` is not 0, before
// `retired`.
struct StoredLesson {
  Lesson lesson{};
  std::uint64_t added = 0, retired = 0;
};

struct ScopeInfo {
  std::string scope{}, run{};
  std::uint64_t version = 0;
  std::int64_t live = 0;  // lessons at that version
};

struct Checkpoint {
  std::int64_t round = 0;
  std::vector<std::byte> bytes{};
  std::string key{};  // of the commit it came with
};

// One learning step's result, written in one transaction.
struct Commit {
  std::string run{};  // "" = outside any run (then key must be empty too)
  std::string key{};  // e.g. "learn/3": unique in the run; empty = never repeated
  LessonDelta delta{};
  std::optional<Checkpoint> checkpoint{};  // its key is taken from the commit
};

struct Committed {
  std::vector<std::string> ids{};                   // of delta.add, in order
  std::map<std::string, std::uint64_t> versions{};  // scope -> version, of every scope touched
  bool repeated = false;                            // the key was there already: nothing was written
};

// With against without. `randomised`: both sides come from tries in which recall offered the lesson and a
// coin decided. Else observational: `without` are the other tries of the same scope, world and kind since the
// lesson was added; read with care.
struct LessonCredit {
  std::string lesson{};
  bool randomised = false;
  std::int64_t with_n = 0, without_n = 0;  // tries
  double with_mean = 0.0, without_mean = 0.0;
  double difference = 0.0, low = 0.0,
         high = 0.0;  // 95 %, normal approximation; -1..1 when a side has fewer than 2 tries
};

struct RateOptions {
  double cosine = 0.95;  // nearer than this to another live lesson of the scope = duplicate; above 4,000 keys
                         // estimated from 1,000 of them, drawn at random (equal texts are always counted)
  RecallKey key = RecallKey::task;
  int min_characters = 12;     // text shorter than this (white space trimmed) = junk
  int unrecalled_after = 200;  // never offered in this many tries of its scope, world and kind since it was
                               // added = junk; 0 = off
};

struct LessonRates {
  std::int64_t live = 0, duplicates = 0, junk = 0;
  double duplicate_rate = 0.0, junk_rate = 0.0;  // of live; 0 when there are none
};

// What an erasure took away, or what would go.
struct Erased {
  std::vector<std::string> episodes{}, lessons{}, generations{}, artifacts{};
  std::vector<std::string> records{};  // "<run>: <key>", those that quote the episode
  std::int64_t checkpoints = 0;        // the same
  std::vector<std::string> orphans{};  // episodes kept whose parent link or notes were cleared
};

struct PrunePolicy {
  std::vector<std::string> runs{};  // empty = all
  std::int64_t before_ms = 0;       // only episodes that started before; 0 = any age
  int keep_best =
      0;  // of every (run, task), the best by (solved, score, fewer steps, earlier) stay; 0 = none stays
  bool dry_run = false;
};

struct Pruned {
  std::int64_t episodes = 0, kept_as_evidence = 0,
               artifacts = 0;  // episodes that a lesson rests on always stay
  std::vector<std::string> unfinished_runs{};  // left alone: running, stopped or failed ones may go on
};

}  // namespace hone
