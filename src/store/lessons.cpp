// Lessons: commits, versions, reading.
#include <algorithm>
#include <bit>
#include <cstring>

#include "store/impl.h"
#include "wire/id.h"
#include "wire/read.h"

namespace hone {

using namespace store_detail;
using wire::Json;

namespace store_detail {

static_assert(std::endian::native == std::endian::little, "vectors are stored as they lie in memory");

std::span<const std::byte> as_bytes(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

std::vector<float> as_floats(std::span<const std::byte> bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  return out;
}

std::string home_of(std::int64_t scope, RecallKey kind) {
  return "s" + std::to_string(scope) + "k" + std::to_string(static_cast<int>(kind));
}

std::int64_t scope_row(Db& db, std::string_view scope, std::string_view run) {
  auto row = db.query("SELECT seq FROM scope WHERE name = ?", clean(scope));
  if (row.step()) return row.integer(0);
  // The epoch starts at the clock: a scope that was removed and made anew is not the one another process has read.
  Statement insert = db.prepare("INSERT INTO scope(name, run, version, epoch) VALUES (?,?,0,?)");
  insert.bind(clean(scope)).bind_or_null(clean(run)).bind(now_ms()).run();
  return db.last_row();
}

void insert_lesson(Impl& impl, std::int64_t scope, const NewLesson& n) {
  Db& db = impl.db;
  Json body = wire::to_json(n.lesson);
  const std::string id = clean(n.lesson.id);
  for (const char* field : {"id", "scope", "keys", "evidence"}) body.erase(field);
  const auto* weights = std::get_if<Weights>(&n.lesson.what);
  db.run(
      "INSERT INTO lesson(id, scope, added, place, retired, parent, artifact, body) VALUES (?,?,?,?,?,?,?,?)",
      id, scope, n.added, n.place, n.retired, clean(n.lesson.parent),
      weights == nullptr ? std::string() : clean(weights->artifact_sha), wire::dump(body));
  const std::int64_t seq = db.last_row();
  for (std::size_t i = 0; i < n.lesson.keys.size(); ++i) {
    const auto& key = n.lesson.keys[i];
    const std::string text = clean(key.text);
    Statement row = db.prepare(
        "INSERT INTO lesson_key(lesson, place, kind, home, text, words, vector, embedder) VALUES "
        "(?,?,?,?,?,?,?,?)");
    row.all(seq, static_cast<std::int64_t>(i), static_cast<int>(key.kind), home_of(scope, key.kind), text,
            impl.tokenizer.count(text));
    if (i < n.vectors.size() && !n.vectors[i].values.empty())
      row.bind(as_bytes(n.vectors[i].values)).bind(n.vectors[i].embedder);
    else
      row.bind_null().bind_null();
    row.run();
  }
  for (std::size_t i = 0; i < n.lesson.evidence.size(); ++i) {
    const std::string episode = clean(n.lesson.evidence[i]);
    if (!db.query("SELECT 1 FROM episode WHERE id = ?", episode).step())
      throw Error(Fault::bad_input, "store: lesson " + id + ": evidence[" + std::to_string(i) +
                                        "] names episode " + episode + ", which is not there");
    db.run("INSERT INTO lesson_evidence(lesson, place, episode) VALUES (?,?,?)", seq,
           static_cast<std::int64_t>(i), episode);
  }
}

StoredLesson read_lesson(Db& db, const Statement& row) {
  const std::int64_t seq = row.integer(0);
  StoredLesson out;
  Json body = wire::parse(row.view(1), "store: lesson");
  out.lesson = wire::lesson_from_json(body, "store: lesson");
  out.added = static_cast<std::uint64_t>(row.integer(2));
  out.retired = static_cast<std::uint64_t>(row.integer(3));
  out.lesson.scope = row.text(4);
  auto id = db.query("SELECT id FROM lesson WHERE seq = ?", seq);
  id.step();
  out.lesson.id = id.text(0);
  auto keys = db.query("SELECT kind, text FROM lesson_key WHERE lesson = ? ORDER BY place", seq);
  while (keys.step()) out.lesson.keys.push_back({static_cast<RecallKey>(keys.integer(0)), keys.text(1)});
  auto evidence = db.query("SELECT episode FROM lesson_evidence WHERE lesson = ? ORDER BY place", seq);
  while (evidence.step()) out.lesson.evidence.push_back(evidence.text(0));
  return out;
}

namespace {

std::vector<std::vector<KeyVector>> embed_keys(const std::vector<Lesson>& lessons, Embedder& embedder) {
  std::vector<std::string> texts;
  for (const auto& lesson : lessons)
    for (const auto& key : lesson.keys) texts.push_back(clean(key.text));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto width = static_cast<std::size_t>(embedder.dimensions());
  std::vector<float> rows(texts.size() * width);
  if (!texts.empty()) embedder.embed(views, rows);
  std::vector<std::vector<KeyVector>> out;
  std::size_t row = 0;
  for (const auto& lesson : lessons) {
    auto& vectors = out.emplace_back();
    for (std::size_t i = 0; i < lesson.keys.size(); ++i, ++row) {
      const float* from = rows.data() + row * width;
      vectors.push_back({{from, from + width}, embedder.facts().artifact_sha});
    }
  }
  return out;
}

// One scope has the vectors of one model: others could not be compared with them.
void check_embedder(Db& db, std::int64_t scope, const Embedder& embedder) {
  auto row = db.query(
      "SELECT k.embedder, length(k.vector) FROM lesson_key k JOIN lesson l ON l.seq = k.lesson WHERE l.scope "
      "= ? AND k.vector IS NOT NULL LIMIT 1",
      scope);
  if (!row.step()) return;
  if (row.view(0) != embedder.facts().artifact_sha ||
      row.integer(1) != std::int64_t{embedder.dimensions()} * 4)
    throw Error(Fault::usage, "store: this scope's vectors are by embedder " + row.text(0) + " (" +
                                  std::to_string(row.integer(1) / 4) + " dimensions), the one given is " +
                                  embedder.facts().artifact_sha + " (" +
                                  std::to_string(embedder.dimensions()) +
                                  "); embed the scope again to change it");
}

Committed read_commit(const Statement& row) {
  Committed out;
  out.repeated = true;
  for (const auto& id : wire::parse(row.view(0), "store: commit")) out.ids.push_back(id.get<std::string>());
  const Json versions = wire::parse(row.view(1), "store: commit");
  for (const auto& [scope, version] : versions.items()) out.versions[scope] = version.get<std::uint64_t>();
  return out;
}

std::optional<Committed> commit_of(Db& db, std::string_view run, std::string_view key) {
  if (key.empty()) return std::nullopt;
  Statement row = db.prepare("SELECT ids, versions FROM commit_log WHERE run IS ? AND key = ?");
  row.bind_or_null(clean(run)).bind(clean(key));
  if (!row.step()) return std::nullopt;
  return read_commit(row);
}

// One commit under way: scopes touched so far and their coming versions.
class Committing {
 public:
  Committing(Impl& impl, std::string_view run) : impl_(impl), run_(run) {}

  std::uint64_t touch(const std::string& scope, std::int64_t row) {
    const auto [place, fresh] = out.versions.try_emplace(scope, 0);
    if (fresh) {
      auto now =
          impl_.db.query("UPDATE scope SET version = version + 1 WHERE seq = ? RETURNING version", row);
      now.step();
      place->second = static_cast<std::uint64_t>(now.integer(0));
      now.run();
    }
    return place->second;
  }

  void retire(const std::string& id) {
    auto row = impl_.db.query(
        "SELECT l.seq, l.scope, l.retired, s.name FROM lesson l JOIN scope s ON s.seq = l.scope WHERE l.id = "
        "?",
        clean(id));
    if (!row.step())
      throw Error(Fault::bad_input, "store: retire names lesson " + id + ", which is not there");
    if (row.integer(2) != 0)
      throw Error(Fault::bad_input, "store: lesson " + id + " was retired before, at version " + row.text(2));
    impl_.db.run("UPDATE lesson SET retired = ? WHERE seq = ?", touch(row.text(3), row.integer(1)),
                 row.integer(0));
  }

  void add(const Lesson& lesson, std::vector<KeyVector> vectors, const Embedder* embedder) {
    if (lesson.scope.empty()) throw Error(Fault::bad_input, "store: a lesson without a scope");
    const std::string scope = clean(lesson.scope);
    const std::int64_t row = scope_row(impl_.db, scope, run_);
    NewLesson n{lesson, std::move(vectors), touch(scope, row), 0, places_[scope]++};
    if (n.place == 0 && embedder != nullptr) check_embedder(impl_.db, row, *embedder);
    if (n.lesson.id.empty()) n.lesson.id = new_id();
    if (n.lesson.created_ms == 0) n.lesson.created_ms = now_ms();
    if (impl_.db.query("SELECT 1 FROM lesson WHERE id = ?", clean(n.lesson.id)).step())
      throw Error(Fault::conflict, "store: there is a lesson " + n.lesson.id + " already");
    insert_lesson(impl_, row, n);
    out.ids.push_back(clean(n.lesson.id));
  }

  Committed out;

 private:
  Impl& impl_;
  std::string_view run_;
  std::map<std::string, std::int64_t> places_;
};

}  // namespace
}  // namespace store_detail

Committed Store::commit(const Commit& commit, Embedder* embedder) {
  {
    const Lock lock(impl_->mutex);
    if (auto there = commit_of(impl_->db, commit.run, commit.key)) return *there;
  }
  if (commit.run.empty() && !commit.key.empty())
    throw Error(Fault::usage, "store: a commit with a key needs a run");
  if (commit.run.empty() && commit.checkpoint) throw Error(Fault::usage, "store: a checkpoint needs a run");
  // Embedding takes a while: outside the transaction, and without the lock.
  auto vectors = embedder == nullptr ? std::vector<std::vector<KeyVector>>(commit.delta.add.size())
                                     : embed_keys(commit.delta.add, *embedder);
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  Transaction transaction(db, Transaction::Kind::patient);
  if (auto there = commit_of(db, commit.run, commit.key)) return *there;
  require_run(db, clean(commit.run));
  Committing step(*impl_, commit.run);
  for (const auto& id : commit.delta.retire) step.retire(id);
  for (std::size_t i = 0; i < commit.delta.add.size(); ++i)
    step.add(commit.delta.add[i], std::move(vectors[i]), embedder);
  if (!commit.key.empty()) {
    Json versions = Json::object();
    for (const auto& [scope, version] : step.out.versions) versions[scope] = version;
    db.run("INSERT INTO commit_log(run, key, ids, versions) VALUES (?,?,?,?)", clean(commit.run),
           clean(commit.key), wire::dump(Json(step.out.ids)), wire::dump(versions));
  }
  if (commit.checkpoint) {
    db.run("INSERT INTO checkpoint(run, key, round, bytes) VALUES (?,?,?,?)", clean(commit.run),
           clean(commit.key), commit.checkpoint->round, std::span<const std::byte>(commit.checkpoint->bytes));
    db.run(
        "DELETE FROM checkpoint WHERE run = ?1 AND seq NOT IN (SELECT seq FROM checkpoint WHERE run = ?1 "
        "ORDER BY seq DESC LIMIT 2)",
        clean(commit.run));
  }
  transaction.commit();
  return step.out;
}

std::optional<Committed> Store::find_commit(std::string_view run, std::string_view key) const {
  const Lock lock(impl_->mutex);
  return commit_of(impl_->db, run, key);
}

std::optional<Checkpoint> Store::checkpoint(std::string_view run) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query(
      "SELECT round, bytes, key FROM checkpoint WHERE run = ? ORDER BY seq DESC LIMIT 1", clean(run));
  if (!row.step()) return std::nullopt;
  const auto bytes = row.bytes(1);
  return Checkpoint{row.integer(0), {bytes.begin(), bytes.end()}, row.text(2)};
}

std::vector<ScopeInfo> Store::scopes(std::string_view run) const {
  const Lock lock(impl_->mutex);
  std::vector<ScopeInfo> out;
  auto rows = impl_->db.query(
      "SELECT s.name, ifnull(s.run, ''), s.version, (SELECT count(*) FROM lesson l WHERE l.scope = s.seq AND "
      "l.retired = 0) "
      "FROM scope s WHERE ?1 = '' OR s.run = ?1 ORDER BY s.name",
      clean(run));
  while (rows.step())
    out.push_back({rows.text(0), rows.text(1), static_cast<std::uint64_t>(rows.integer(2)), rows.integer(3)});
  return out;
}

std::uint64_t Store::latest_version(std::string_view scope) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query("SELECT version FROM scope WHERE name = ?", clean(scope));
  return row.step() ? static_cast<std::uint64_t>(row.integer(0)) : 0;
}

std::optional<StoredLesson> Store::lesson(std::string_view id) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query(std::string(lesson_columns) + "WHERE l.id = ?", clean(id));
  if (!row.step()) return std::nullopt;
  return read_lesson(impl_->db, row);
}

std::vector<StoredLesson> Store::lessons(const LessonQuery& q) const {
  const Lock lock(impl_->mutex);
  std::string where = "WHERE 1";
  if (q.scope) where += " AND s.name = ?";
  if (!q.run.empty()) where += " AND s.run = ?";
  if (!q.retired) where += " AND l.retired = 0";
  if (!q.learner.empty()) where += " AND json_extract(l.body, '$.learner') = ?";
  if (!q.env.empty()) where += " AND json_extract(l.body, '$.env') = ?";
  if (!q.kind.empty()) where += " AND json_extract(l.body, '$.kind') = ?";
  Statement rows = impl_->db.prepare(std::string(lesson_columns) + where +
                                     " ORDER BY s.name, l.added, l.place LIMIT ? OFFSET ?");
  if (q.scope) rows.bind(clean(*q.scope));
  for (const auto* text : {&q.run, &q.learner, &q.env, &q.kind})
    if (!text->empty()) rows.bind(clean(*text));
  rows.bind(q.limit == 0 ? std::int64_t{-1} : q.limit).bind(q.offset);
  std::vector<StoredLesson> out;
  while (rows.step()) out.push_back(read_lesson(impl_->db, rows));
  return out;
}

std::vector<StoredLesson> Store::lineage(std::string_view id) const {
  const Lock lock(impl_->mutex);
  std::vector<StoredLesson> out;
  std::string next = clean(id);
  while (!next.empty()) {
    if (std::any_of(out.begin(), out.end(), [&](const auto& s) { return s.lesson.id == next; }))
      break;  // an imported ring
    auto found = lesson(next);
    if (!found) break;
    next = found->lesson.parent;
    out.push_back(std::move(*found));
  }
  return out;
}

std::vector<std::string> Store::evidence_of(std::string_view lesson) const {
  const Lock lock(impl_->mutex);
  std::vector<std::string> out;
  auto rows = impl_->db.query(
      "SELECT e.episode FROM lesson_evidence e JOIN lesson l ON l.seq = e.lesson WHERE l.id = ? ORDER BY "
      "e.place",
      clean(lesson));
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

std::vector<std::string> Store::resting_on(std::string_view episode) const {
  const Lock lock(impl_->mutex);
  std::vector<std::string> out;
  auto rows = impl_->db.query(
      "WITH RECURSIVE rests(id) AS (SELECT l.id FROM lesson_evidence e JOIN lesson l ON l.seq = e.lesson "
      "WHERE e.episode = ? "
      "UNION SELECT l.id FROM lesson l JOIN rests r ON l.parent = r.id) SELECT l.id FROM lesson l JOIN rests "
      "USING (id) ORDER BY l.seq",
      clean(episode));
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

}  // namespace hone
