// Snapshots: the store's lessons at one version, and lessons that live in memory.
#include <sys/stat.h>

#include <algorithm>

#include "store/graph_file.h"
#include "store/impl.h"
#include "store/memory_lessons.h"

namespace hone {

using namespace store_detail;

namespace store_detail {
namespace {

std::vector<float> embed_one(Embedder& embedder, std::string_view text) {
  const std::string valid = clean(text);
  const std::string_view views[] = {valid};
  std::vector<float> out(static_cast<std::size_t>(embedder.dimensions()));
  embedder.embed(views, out);
  return out;
}

std::vector<float> query_vector(const RecallQuery& query, Embedder* embedder, std::string_view scope) {
  if (query.by == RecallBy::text) return {};
  if (embedder == nullptr)
    throw Error(Fault::usage, "recall from '" + std::string(scope) +
                                  "' by vectors needs an embedder; without one only recall by text works");
  return embed_one(*embedder, query.text);
}

class StoreLessons final : public Lessons {
 public:
  StoreLessons(Impl& impl, std::string scope, std::uint64_t version, std::shared_ptr<RecallIndex> index)
      : impl_(impl), scope_(std::move(scope)), version_(version), index_(std::move(index)) {}
  std::string scope() const override { return scope_; }
  std::uint64_t version() const override { return version_; }
  std::vector<Lesson> all(const LessonFilter& filter) const override { return index_->all(filter, version_); }
  std::vector<Recalled> recall(const RecallQuery& query) const override {
    RecallInput input{version_, query_vector(query, embedder, scope_), {}};
    if (query.by != RecallBy::dense) {
      const Lock lock(impl_.mutex);
      input.text = find_text(impl_.db, home_of(row, query.key), impl_.tokenizer.words(clean(query.text)));
    }
    return index_->recall(query, input);
  }
  std::int64_t row = 0;
  Embedder* embedder = nullptr;

 private:
  Impl& impl_;
  std::string scope_;
  std::uint64_t version_;
  std::shared_ptr<RecallIndex> index_;
};

class MemoryLessons final : public Lessons {
 public:
  MemoryLessons(std::string scope, std::uint64_t version, Embedder* embedder)
      : scope_(std::move(scope)),
        version_(version),
        embedder_(embedder),
        db_(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0),
        tokenizer_(db_),
        index_(StoreOptions{}.hnsw_from) {
    register_text_functions(db_);
    db_.script(
        "CREATE VIRTUAL TABLE lesson_text USING fts5(home, text, tokenize = 'porter unicode61 "
        "remove_diacritics 2')");
  }
  void fill(std::vector<Lesson> lessons) {
    std::int64_t seq = 0;
    for (auto& lesson : lessons) {
      std::vector<IndexKey> keys;
      for (const auto& key : lesson.keys) {
        const std::string text = clean(key.text);
        IndexKey row{key.kind, ++seq, tokenizer_.count(text), {}, {}};
        if (embedder_ != nullptr) row.vector = embed_one(*embedder_, text);
        db_.run("INSERT INTO lesson_text(rowid, home, text) VALUES (?,?,?)", seq, home_of(0, key.kind), text);
        keys.push_back(std::move(row));
      }
      index_.add({std::move(lesson), 0, 0}, keys);
    }
    index_.finish();
  }
  std::string scope() const override { return scope_; }
  std::uint64_t version() const override { return version_; }
  std::vector<Lesson> all(const LessonFilter& filter) const override { return index_.all(filter, version_); }
  std::vector<Recalled> recall(const RecallQuery& query) const override {
    RecallInput input{version_, query_vector(query, embedder_, scope_), {}};
    if (query.by != RecallBy::dense) {
      const std::lock_guard lock(mutex_);
      input.text = find_text(db_, home_of(0, query.key), tokenizer_.words(clean(query.text)));
    }
    return index_.recall(query, input);
  }

 private:
  std::string scope_;
  std::uint64_t version_;
  Embedder* embedder_;
  mutable std::mutex mutex_;
  mutable Db db_;
  Tokenizer tokenizer_;
  RecallIndex index_;
};

// Reads what the index lacks: lessons added after its version, and retirements since.
void catch_up(Impl& impl, RecallIndex& index, std::int64_t scope, std::uint64_t version) {
  Db& db = impl.db;
  auto lessons = db.query(
      std::string(lesson_columns) + "WHERE l.scope = ? AND l.added > ? ORDER BY l.added, l.place, l.seq",
      scope, index.version);
  while (lessons.step()) {
    std::vector<IndexKey> keys;
    auto rows =
        db.query("SELECT kind, seq, words, vector, embedder FROM lesson_key WHERE lesson = ? ORDER BY place",
                 lessons.integer(0));
    while (rows.step())
      keys.push_back({static_cast<RecallKey>(rows.integer(0)), rows.integer(1),
                      static_cast<int>(rows.integer(2)), as_floats(rows.bytes(3)), rows.text(4)});
    index.add(read_lesson(db, lessons), keys);
  }
  auto retired = db.query(retired_since, scope, index.version);
  while (retired.step()) index.retire(retired.view(0), static_cast<std::uint64_t>(retired.integer(1)));
  index.version = version;
  index.finish();
}

std::shared_ptr<RecallIndex> index_of(Impl& impl, const std::string& scope, std::int64_t row) {
  auto now = impl.db.query("SELECT version, epoch FROM scope WHERE seq = ?", row);
  now.step();
  const auto version = static_cast<std::uint64_t>(now.integer(0));
  const auto epoch = now.integer(1);
  auto& index = impl.indexes[scope];
  if (!index || index->epoch != epoch) {
    index = std::make_shared<RecallIndex>(impl.options.hnsw_from,
                                          impl.path == ":memory:" ? std::filesystem::path() : impl.path, scope);
    index->epoch = epoch;
  }
  try {
    if (index->version < version) catch_up(impl, *index, row, version);
  } catch (...) {
    impl.indexes.erase(scope);  // half read: the next snapshot starts anew
    throw;
  }
  return index;
}

// Outside of a transaction, so that the last look sees what others did.
void keep_graphs(Impl& impl, const std::string& scope, RecallIndex& index, bool closing) {
  if (impl.options.read_only || impl.path == ":memory:" || impl.db.in_transaction() || !index.graphs_to_write(closing))
    return;
  struct stat facts {};
  index.write_graphs(closing, stat(impl.path.c_str(), &facts) == 0 ? facts.st_mode : 0600U);
  // Who erases takes the files away after its commit; one that was written in between is ours to take away.
  auto now = impl.db.query("SELECT epoch FROM scope WHERE name = ?", scope);
  if (!now.step() || now.integer(0) != index.epoch) remove_graphs(impl.path, scope);
}

}  // namespace

Impl::~Impl() {
  for (const auto& [scope, index] : indexes) {
    try {
      keep_graphs(*this, scope, *index, true);
    } catch (...) {  // a file that can't be looked at any more: its graphs are no use
      remove_graphs(path, scope);
    }
  }
}

}  // namespace store_detail

std::unique_ptr<Lessons> Store::snapshot(std::string_view scope, std::optional<std::uint64_t> version,
                                         Embedder* embedder) const {
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  const std::string name = clean(scope);
  std::int64_t seq = 0;
  std::uint64_t wanted = 0;
  std::shared_ptr<RecallIndex> index;
  {
    Transaction reading(db, Transaction::Kind::read);
    auto row = db.query("SELECT seq, version FROM scope WHERE name = ?", name);
    const bool there = row.step();
    const std::uint64_t latest = there ? static_cast<std::uint64_t>(row.integer(1)) : 0;
    wanted = version.value_or(latest);
    if (wanted > latest)
      throw Error(Fault::not_found, "store: scope '" + name + "' has versions up to " + std::to_string(latest) +
                                        ", asked for " + std::to_string(wanted));
    seq = there ? row.integer(0) : 0;
    index = there ? index_of(*impl_, name, seq) : std::make_shared<RecallIndex>(impl_->options.hnsw_from);
  }
  if (seq != 0) keep_graphs(*impl_, name, *index, false);
  if (embedder != nullptr) {
    for (const auto& sha : index->embedders())
      if (sha != embedder->facts().artifact_sha)
        throw Error(Fault::usage, "store: the vectors of scope '" + name + "' are by embedder " + sha +
                                      ", the one given is " + embedder->facts().artifact_sha +
                                      "; embed the scope again to change it");
  }
  auto out = std::make_unique<StoreLessons>(*impl_, name, wanted, std::move(index));
  out->row = seq;
  out->embedder = embedder;
  return out;
}

std::int64_t Store::embed_missing(std::string_view scope, Embedder& embedder) {
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  Transaction transaction(db);
  auto row = db.query("SELECT seq FROM scope WHERE name = ?", clean(scope));
  if (!row.step()) throw Error(Fault::not_found, "store: no scope '" + std::string(scope) + "'");
  const std::int64_t seq = row.integer(0);
  std::vector<std::pair<std::int64_t, std::string>> missing;
  auto rows = db.query(
      "SELECT k.seq, k.text FROM lesson_key k JOIN lesson l ON l.seq = k.lesson WHERE l.scope = ? AND "
      "k.embedder IS NOT ? ORDER BY k.seq",
      seq, embedder.facts().artifact_sha);
  while (rows.step()) missing.emplace_back(rows.integer(0), rows.text(1));
  constexpr std::size_t batch = 64;
  const auto width = static_cast<std::size_t>(embedder.dimensions());
  for (std::size_t at = 0; at < missing.size(); at += batch) {
    const std::size_t n = std::min(batch, missing.size() - at);
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < n; ++i) texts.push_back(missing[at + i].second);
    std::vector<float> out(n * width);
    embedder.embed(texts, out);
    for (std::size_t i = 0; i < n; ++i)
      db.run("UPDATE lesson_key SET vector = ?, embedder = ? WHERE seq = ?",
             std::as_bytes(std::span(out).subspan(i * width, width)), embedder.facts().artifact_sha,
             missing[at + i].first);
  }
  if (!missing.empty()) db.run("UPDATE scope SET epoch = epoch + 1 WHERE seq = ?", seq);
  transaction.commit();
  return static_cast<std::int64_t>(missing.size());
}

std::unique_ptr<Lessons> memory_lessons(std::string scope, std::uint64_t version, std::vector<Lesson> lessons,
                                        Embedder* embedder) {
  auto out = std::make_unique<MemoryLessons>(std::move(scope), version, embedder);
  out->fill(std::move(lessons));
  return out;
}

}  // namespace hone
