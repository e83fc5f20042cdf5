// The store: one SQLite file that keeps runs, episodes, lessons and artifacts. The only room that knows SQL.
//
// Durability: every write is one transaction (WAL, synchronous FULL) and returns after commit, so a kill at
// any point loses nothing acknowledged. Several processes may open one file; a writer waits up to busy_ms for
// another (appends, commits, metrics, records and statuses 30 times as long), then Error{conflict}. Threads: a Store is safe to call from many threads (calls are serialised);
// snapshots recall in parallel. Errors: Error{io} disk full, not writable; Error{corrupt} not a store or
// damaged; Error{unavailable} written by a newer Hone; Error{not_found}; Error{conflict}; Error{bad_input}.
// After an error nothing of that call is in the store. Text that is not valid UTF-8 is repaired on the way in
// (U+FFFD); NUL bytes are kept.
//
// Beside this class: transfer.h (JSONL, chats), upkeep.h (erase, prune, verify, hash, merge),
// memory_lessons.h.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/model.h"
#include "core/recall.h"
#include "store/values.h"

namespace hone {

namespace store_detail {
struct Impl;
}

struct StoreOptions {
  bool create =
      true;  // make the file when it is absent, else Error{not_found}; an older schema is migrated either way
  bool read_only = false;  // never writes, never migrates
  int busy_ms = 10000;     // how long to wait for another writer; what a run writes waits 30 times as long
  int hnsw_from = 5000;    // keys of one kind in a scope from which recall uses HNSW instead of exact search
  std::int64_t max_pages = 0;  // a bound on the file's size in pages (4 KiB); 0 = none
};

// Held while one process drives a run; released by the destructor or by the death of the process.
class RunLock {
 public:
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  ~RunLock();

 private:
  friend class Store;
  RunLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void release() noexcept;
  std::string path_;
  int fd_ = -1;
};

// Whether a run may have this id. It names the run's folder, and may come from someone else's export: one plain
// name, or "import/" and one (no '/', no NUL, not "." or "..", at most 200 bytes).
bool valid_run_id(std::string_view id);
// Where a run's report lies: home/runs/<id>. Error{bad_input} for an id that could name any other place.
std::filesystem::path run_folder(const std::filesystem::path& home, std::string_view id);

class Store {
 public:
  explicit Store(const std::filesystem::path& path,
                 const StoreOptions& options = {});  // ":memory:" = private, in memory
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& path() const;
  int schema_version() const;

  // ---- runs
  std::string create_run(
      const RunInfo& run);  // returns its id; Error{conflict} when it is taken, {bad_input} when not valid
  std::optional<RunInfo> run(std::string_view id) const;
  RunInfo find_run(std::string_view name_or_id_prefix)
      const;  // newest of that name, else the one whose id starts so; Error{not_found, usage}
  std::vector<RunInfo> runs() const;  // oldest first
  void set_status(std::string_view run, RunStatus status);
  void set_meta(std::string_view run, std::string_view json_object);
  // Removes a run and everything of it. When lessons of other runs rest on its episodes: Error{conflict}, or
  // with `and_dependents` they go too.
  Erased remove_run(std::string_view run, bool and_dependents = false);
  // Error{conflict} naming the process that has it.
  [[nodiscard]] RunLock lock_run(std::string_view run) const;

  void append_metric(std::string_view run, const Metric& metric);
  void append_metrics(std::string_view run, std::int64_t round, const Metrics& metrics);
  std::vector<Metric> metrics(std::string_view run) const;  // in order of writing
  // Small named facts of a run (results, cost of phases): JSON text, put replaces.
  void put_record(std::string_view run, std::string_view key, std::string_view json);
  std::optional<std::string> record(std::string_view run, std::string_view key) const;
  std::map<std::string, std::string> records(std::string_view run) const;

  // ---- episodes and generations
  // Returns the id (given one when empty). The same (run, key) again: the id already there when the content
  // is the same, else Error{conflict}. Content = all but ids of the episode and its asides, times, usage.
  std::string append(const Episode& episode);
  std::optional<Episode> episode(std::string_view id) const;
  std::optional<Episode> find_episode(std::string_view run, std::string_view key) const;
  std::vector<Episode> episodes(const EpisodeQuery& query) const;
  // One at a time, for what does not fit into memory. `visit` must not call the store.
  void each_episode(const EpisodeQuery& query, const std::function<void(Episode&&)>& visit) const;
  std::int64_t count_episodes(const EpisodeQuery& query) const;  // limit and offset ignored

  // Same rule of repetition. `about`: the episode it is derived from (a reflection), erased with it; may be
  // empty.
  std::string append(std::string_view run, const Generation& generation, std::string_view about = {});
  std::optional<Generation> find_generation(std::string_view run, std::string_view key) const;
  std::vector<Generation> generations(std::string_view run) const;  // by key

  // ---- lessons
  // Adds and retires lessons of any scopes; each touched scope's version rises by one. Texts of keys are
  // embedded (before the transaction) when an embedder is given. Evidence and retired ids must exist:
  // Error{bad_input}. The same (run, key) again returns what it gave the first time and writes nothing.
  Committed commit(const Commit& commit, Embedder* embedder = nullptr);
  std::optional<Committed> find_commit(std::string_view run, std::string_view key) const;
  std::optional<Checkpoint> checkpoint(
      std::string_view run) const;  // the latest; the one before is kept too, older ones go
  std::vector<ScopeInfo> scopes(std::string_view run = {}) const;  // empty = all runs
  std::uint64_t latest_version(std::string_view scope) const;      // 0 = nothing learned
  // A read-only view that does not change. version: nullopt = latest; Error{not_found} beyond it. The
  // embedder must be the one that made the scope's vectors (else Error{usage}) and outlive the snapshot;
  // without one only text recall works. The Store must outlive it too. Cheap after the first of a scope: what
  // was read is kept and only news are added.
  std::unique_ptr<Lessons> snapshot(std::string_view scope,
                                    std::optional<std::uint64_t> version = std::nullopt,
                                    Embedder* embedder = nullptr) const;
  std::optional<StoredLesson> lesson(std::string_view id) const;
  std::vector<StoredLesson> lessons(const LessonQuery& query) const;  // by scope, then insertion
  std::vector<StoredLesson> lineage(
      std::string_view id) const;  // the lesson, its parent, ... up to the first
  // Gives vectors to keys that have none or another model's (after an import, or a change of embedder).
  // Returns how many.
  std::int64_t embed_missing(std::string_view scope, Embedder& embedder);

  std::vector<std::string> evidence_of(std::string_view lesson) const;
  std::vector<std::string> resting_on(std::string_view episode) const;  // lessons, descendants included
  std::vector<LessonCredit> credit(
      std::string_view scope) const;  // lessons offered at least once, by insertion
  LessonRates rates(std::string_view scope, const RateOptions& options = {}) const;

  // ---- artifacts (weights, recordings), by SHA-256 of their bytes
  std::string put_artifact(std::span<const std::byte> bytes);
  std::optional<std::vector<std::byte>> artifact(std::string_view sha) const;
  std::int64_t artifact_references(
      std::string_view sha) const;  // Weights lessons and episodes' stamps that name it

  store_detail::Impl& impl() const { return *impl_; }  // for this room's own functions

 private:
  std::unique_ptr<store_detail::Impl> impl_;
};

}  // namespace hone
