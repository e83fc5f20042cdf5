// What a Store holds, and the pieces its files share.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "store/db.h"
#include "store/index.h"
#include "store/store.h"
#include "store/text_index.h"
#include "wire/json.h"

namespace hone::store_detail {

inline constexpr int format_with_end = 2;  // of an export: its last line says how many there were
inline constexpr std::int64_t application_id = 0x484F4E45;  // "HONE", in the file's header

struct Impl {
  Impl(std::filesystem::path path, const StoreOptions& options);
  ~Impl();  // writes the graphs that have grown
  std::filesystem::path path;
  StoreOptions options;
  mutable std::recursive_mutex mutex;  // around every use of db
  mutable Db db;
  Tokenizer tokenizer;
  // Shared with the snapshots made from it, which may outlive a refresh or an erasure.
  mutable std::map<std::string, std::shared_ptr<RecallIndex>, std::less<>> indexes;  // by scope
  std::set<std::string> erased_scopes;  // whose graphs have to go once the erasure is committed
};

using Lock = std::lock_guard<std::recursive_mutex>;

// Schema: brings the file to the newest version, or throws.
void migrate(Db& db, bool read_only);
// The same up to `version` only, to make old files in tests.
void migrate_to(Db& db, int version);
int newest_schema();

inline std::string clean(std::string_view text) { return wire::valid_utf8(text); }
std::int64_t now_ms();
// The smallest text above all that start with `prefix`; empty = none.
std::string after_prefix(std::string_view prefix);
void require_run(Db& db, std::string_view run);
void require_json(std::string_view text, std::string_view what);

// ---- episodes.cpp
std::string episode_content(const Episode& episode);
std::string generation_content(const Generation& generation);
using LessonUses = std::map<std::string, std::pair<bool, bool>>;  // lesson -> used, withheld
LessonUses uses_of(const Episode& episode);
// Writes without looking for repetition.
void insert_episode(Db& db, const Episode& episode, const std::string& content);
void insert_generation(Db& db, std::string_view run, const Generation& generation, std::string_view about);
Episode read_episode(Db& db, const Statement& row, bool with_steps);
inline constexpr const char* episode_columns = "SELECT seq, id, body FROM episode ";
std::string episode_where(const EpisodeQuery& query);
void bind_where(Statement& statement, const EpisodeQuery& query);

// ---- lessons.cpp
StoredLesson read_lesson(Db& db, const Statement& row);
inline constexpr const char* lesson_columns =
    "SELECT l.seq, l.body, l.added, l.retired, s.name FROM lesson l JOIN scope s ON s.seq = l.scope ";
// Of a scope, after a version. "<> 0" lets SQLite use the index over the retired ones alone.
inline constexpr const char* retired_since =
    "SELECT id, retired FROM lesson WHERE scope = ? AND retired > ? AND retired <> 0";
struct KeyVector {
  std::vector<float> values;  // empty = none
  std::string embedder;
};
struct NewLesson {
  Lesson lesson;
  std::vector<KeyVector> vectors;  // per key; may be empty
  std::uint64_t added = 0, retired = 0;
  std::int64_t place = 0;
};
void insert_lesson(Impl& impl, std::int64_t scope, const NewLesson& lesson);
std::int64_t scope_row(Db& db, std::string_view scope, std::string_view run);  // made when absent
std::string home_of(std::int64_t scope, RecallKey kind);
std::span<const std::byte> as_bytes(const std::vector<float>& values);
// Whether a squared length is that of a unit vector, as far as float32 tells; not for what isn't finite.
inline bool is_unit(double squared) { return squared > 0.99 && squared < 1.01; }
std::vector<float> as_floats(std::span<const std::byte> bytes);

// ---- erase.cpp
struct EraseWhat {
  std::vector<std::string> episodes{};
  std::string run{};  // this run's rows too; empty = only the episodes
  bool trace_text =
      false;  // look for quotations of the episodes' tasks in generations, records and checkpoints
  bool dry_run = false;
};
Erased erase(const Store& store, const EraseWhat& what);

// ---- lines.cpp: the store as JSON records, in the order an import needs
struct LineOptions {
  std::vector<std::string> runs{};  // empty = everything
  bool statuses = true;             // of runs
};
void each_line(Impl& impl, const LineOptions& options, const std::function<void(wire::Json&&)>& take);

// ---- take.cpp: the other way. Used inside a transaction by import, chats and merge.
class Taker {
 public:
  Taker(Impl& impl, bool keep_both) : impl_(impl), keep_both_(keep_both) {}
  void take(const wire::Json& line, const std::string& at);
  // Before all lines of another store: which of its runs, scopes and lessons have to be renamed here. Its tries,
  // which come first, name them.
  void foresee(Impl& theirs);
  // Marks changed scopes. Throws when the last export did not come to its end.
  void finish(const std::string& at);
  std::int64_t added = 0, known = 0, conflicts = 0;

 private:
  void header(const wire::Json& line, const std::string& at);
  void end(const wire::Json& line, const std::string& at);
  void require_ended(const std::string& at) const;
  void artifact(const wire::Json& line, const std::string& at);
  void run(const wire::Json& line, const std::string& at);
  void metric(const wire::Json& line, const std::string& at);
  void record(const wire::Json& line, const std::string& at);
  void episode(const wire::Json& line, const std::string& at);
  void generation(const wire::Json& line, const std::string& at);
  void scope(const wire::Json& line, const std::string& at);
  void lesson(const wire::Json& line, const std::string& at);
  void commit(const wire::Json& line, const std::string& at);
  void checkpoint(const wire::Json& line, const std::string& at);
  void foresee_lessons(Impl& theirs);
  void record_seconds(const std::string& run, const std::string& ours, const std::string& theirs);
  void go_on(const std::string& run, const std::string& status, const std::string& meta);
  void fit_vectors(std::int64_t scope, std::vector<KeyVector>& vectors, const std::string& at);
  // Throws when both may not be kept; counts otherwise.
  void conflict(const std::string& at, const std::string& what);
  std::string mapped(const std::map<std::string, std::string>& map, const std::string& id) const;

  Impl& impl_;
  bool keep_both_;
  bool open_ = false;           // an export that says when it ends, and has not
  std::int64_t lines_ = 0;      // of it
  std::map<std::string, std::string> runs_, episodes_, lessons_,
      scopes_;  // theirs -> ours, where they differ
  std::map<std::string, std::int64_t> metrics_here_, metrics_taken_;
  std::set<std::int64_t> changed_scopes_;
  std::map<std::int64_t, std::uint64_t> versions_before_;  // of scopes that went on
  struct VectorShape {
    std::size_t size = 0;  // 0 = the scope has none yet
    std::string embedder;
  };
  std::map<std::int64_t, VectorShape> shapes_;  // by scope
};

}  // namespace hone::store_detail
