// Taking things out, with all that rests on them.
#include <set>
#include <utility>

#include "store/graph_file.h"
#include "store/impl.h"
#include "store/upkeep.h"

namespace hone {

using namespace store_detail;
using wire::Json;

namespace store_detail {
namespace {

std::vector<std::string> column(Db& db, const char* sql) {
  std::vector<std::string> out;
  auto rows = db.query(sql);
  while (rows.step()) out.push_back(rows.text(0));
  return out;
}

// Temporary tables (in memory, of this connection) hold what is to go; `gone_*` below.
void start_lists(Db& db) {
  db.script(
      "CREATE TEMP TABLE IF NOT EXISTS gone_episode(id TEXT PRIMARY KEY); DELETE FROM gone_episode;"
      "CREATE TEMP TABLE IF NOT EXISTS gone_lesson(id TEXT PRIMARY KEY); DELETE FROM gone_lesson;"
      "CREATE TEMP TABLE IF NOT EXISTS gone_generation(id TEXT PRIMARY KEY); DELETE FROM gone_generation;"
      "CREATE TEMP TABLE IF NOT EXISTS gone_artifact(sha TEXT PRIMARY KEY); DELETE FROM gone_artifact;");
}

void list_what_rests(Db& db, const std::string& run) {
  db.run(
      "WITH RECURSIVE rests(id) AS ("
      "SELECT l.id FROM gone_episode g JOIN lesson_evidence e ON e.episode = g.id JOIN lesson l ON l.seq = "
      "e.lesson "
      "UNION SELECT l.id FROM lesson l JOIN scope s ON s.seq = l.scope WHERE ?1 <> '' AND s.run = ?1 "
      "UNION SELECT l.id FROM lesson l JOIN rests r ON l.parent = r.id) INSERT INTO gone_lesson SELECT id "
      "FROM rests",
      run);
  db.run(
      "INSERT OR IGNORE INTO gone_generation SELECT n.id FROM generation n JOIN gone_episode g ON n.about = "
      "g.id");
  if (!run.empty())
    db.run("INSERT OR IGNORE INTO gone_generation SELECT id FROM generation WHERE run = ?", run);
}

// How a text stands inside the JSON of a body.
std::string quoted(const std::string& text) {
  const std::string json = wire::dump(Json(text));
  return json.substr(1, json.size() - 2);
}

// What to look for in other rows: the id, and the task's text when it belongs to that task alone.
std::vector<std::string> marks_of(Db& db, const std::string& id) {
  std::vector<std::string> marks{id};
  auto row = db.query("SELECT json_extract(body, '$.task.goal'), env, task FROM episode WHERE id = ?", id);
  row.step();
  const std::string goal = row.text(0);
  constexpr std::size_t shortest = 12;
  const bool shared = db.query(
                            "SELECT 1 FROM episode WHERE json_extract(body, '$.task.goal') = ? AND (env <> ? "
                            "OR task <> ?) LIMIT 1",
                            goal, row.text(1), row.text(2))
                          .step();
  if (goal.size() >= shortest && !shared) marks.push_back(goal);
  return marks;
}

// Where an episode may be quoted: its own run, and the runs whose lessons rest on it (learning from the store). "" = outside any run.
std::set<std::string> quoting_runs(Db& db, const std::string& id) {
  std::set<std::string> runs;
  auto rows = db.query(
      "SELECT coalesce(run, '') FROM episode WHERE id = ?1 UNION "
      "SELECT s.run FROM gone_lesson g JOIN lesson l ON l.id = g.id JOIN scope s ON s.seq = l.scope WHERE s.run IS NOT NULL",
      id);
  while (rows.step()) runs.insert(rows.text(0));
  return runs;
}

void erase_quotations_in(Db& db, const std::string& run, const std::string& mark, bool dry_run, Erased& erased) {
  Statement generations = db.prepare(
      "INSERT OR IGNORE INTO gone_generation SELECT id FROM generation WHERE coalesce(run, '') = ? AND (instr(body, ?) "
      "> 0 OR instr(key, ?) > 0)");
  generations.all(run, quoted(mark), mark);
  generations.run();
  if (run.empty()) return;
  auto records =
      db.query("SELECT key FROM record WHERE run = ? AND (instr(value, ?) > 0 OR instr(key, ?) > 0)", run,
               quoted(mark), mark);
  while (records.step()) erased.records.push_back(run + ": " + records.text(0));
  const auto blob = std::as_bytes(std::span(mark));
  auto checkpoints =
      db.query("SELECT count(*) FROM checkpoint WHERE run = ? AND instr(bytes, ?) > 0", run, blob);
  checkpoints.step();
  erased.checkpoints += checkpoints.integer(0);
  if (dry_run) return;
  db.run("DELETE FROM record WHERE run = ? AND (instr(value, ?) > 0 OR instr(key, ?) > 0)", run,
         quoted(mark), mark);
  db.run("DELETE FROM checkpoint WHERE run = ? AND instr(bytes, ?) > 0", run, blob);
}

void erase_quotations(Db& db, const std::string& id, bool dry_run, Erased& erased) {
  for (const auto& run : quoting_runs(db, id))
    for (const auto& mark : marks_of(db, id)) erase_quotations_in(db, run, mark, dry_run, erased);
}

// Later tries keep what they did, but not the link nor what they were told about the one that goes.
void clear_links(Db& db, bool dry_run, Erased& erased) {
  erased.orphans =
      column(db,
             "WITH RECURSIVE after(id) AS (SELECT e.id FROM episode e JOIN gone_episode g ON e.parent = g.id "
             "UNION SELECT e.id FROM episode e JOIN after a ON e.parent = a.id) "
             "SELECT e.id FROM episode e JOIN after USING (id) WHERE e.id NOT IN (SELECT id FROM "
             "gone_episode) ORDER BY e.seq");
  if (dry_run) return;
  for (const auto& id : erased.orphans) {
    auto row = db.query(std::string(episode_columns) + "WHERE id = ?", id);
    row.step();
    Episode episode = read_episode(db, row, true);
    if (db.query("SELECT 1 FROM gone_episode WHERE id = ?", episode.parent).step()) episode.parent.clear();
    episode.notes.clear();
    Json body = wire::to_json(episode);
    body.erase("steps");
    body.erase("id");
    db.run("UPDATE episode SET parent = ?, body = ?, content = ? WHERE id = ?", episode.parent,
           wire::dump(body), episode_content(episode), id);
  }
}

void delete_lists(Impl& impl, const std::string& run) {
  Db& db = impl.db;
  for (auto& scope : column(db, "SELECT DISTINCT s.name FROM gone_lesson JOIN lesson l USING (id) JOIN scope s ON s.seq = l.scope"))
    impl.erased_scopes.insert(std::move(scope));
  db.script(
      "INSERT OR IGNORE INTO gone_artifact SELECT l.artifact FROM lesson l JOIN gone_lesson USING (id) WHERE "
      "l.artifact <> '';"
      "INSERT OR IGNORE INTO gone_artifact SELECT e.weights FROM episode e JOIN gone_episode USING (id) "
      "WHERE e.weights <> '';"
      "UPDATE scope SET epoch = epoch + 1 WHERE seq IN (SELECT l.scope FROM lesson l JOIN gone_lesson USING "
      "(id));"
      "DELETE FROM lesson_use WHERE lesson IN (SELECT id FROM gone_lesson);"
      "DELETE FROM lesson WHERE id IN (SELECT id FROM gone_lesson);"
      "DELETE FROM generation WHERE id IN (SELECT id FROM gone_generation);"
      "DELETE FROM episode WHERE id IN (SELECT id FROM gone_episode);");
  if (!run.empty()) {
    db.run("DELETE FROM scope WHERE run = ?", run);
    db.run("DELETE FROM run WHERE id = ?", run);
  }
  db.script(
      "DELETE FROM gone_artifact WHERE sha NOT IN (SELECT sha FROM artifact) OR sha IN (SELECT artifact FROM "
      "lesson) "
      "OR sha IN (SELECT weights FROM episode);"
      "DELETE FROM artifact WHERE sha IN (SELECT sha FROM gone_artifact);");
}

void forget(Impl& impl) {
  impl.indexes.clear();
  if (impl.db.in_transaction()) return;  // whoever began it comes here after the commit
  for (const auto& scope : std::exchange(impl.erased_scopes, {}))
    if (impl.path != ":memory:") remove_graphs(impl.path, scope);
  // Bytes that were in the log's pages go when it is emptied. With a reader elsewhere this does nothing; a
  // later one does it.
  sqlite3_wal_checkpoint_v2(impl.db.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

}  // namespace

Erased erase(Impl& impl, const EraseWhat& what) {
  Db& db = impl.db;
  Erased erased;
  Transaction transaction(db, what.dry_run ? Transaction::Kind::read : Transaction::Kind::write);
  start_lists(db);
  for (const auto& id : what.episodes) {
    if (!db.query("SELECT 1 FROM episode WHERE id = ?", id).step())
      throw Error(Fault::not_found, "store: no episode " + id);
    db.run("INSERT OR IGNORE INTO gone_episode VALUES (?)", id);
  }
  if (!what.run.empty())
    db.run("INSERT OR IGNORE INTO gone_episode SELECT id FROM episode WHERE run = ?", what.run);
  list_what_rests(db, what.run);
  if (what.trace_text)
    for (const auto& id : what.episodes) erase_quotations(db, id, what.dry_run, erased);
  clear_links(db, what.dry_run, erased);
  erased.episodes = column(db, "SELECT e.id FROM episode e JOIN gone_episode USING (id) ORDER BY e.seq");
  erased.lessons = column(db, "SELECT l.id FROM lesson l JOIN gone_lesson USING (id) ORDER BY l.seq");
  erased.generations =
      column(db, "SELECT n.id FROM generation n JOIN gone_generation USING (id) ORDER BY n.seq");
  if (what.dry_run) return erased;
  delete_lists(impl, what.run);
  erased.artifacts = column(db, "SELECT sha FROM gone_artifact ORDER BY sha");
  // FTS5 only notes that words are gone; merging its segments takes them out.
  if (!erased.lessons.empty()) db.run("INSERT INTO lesson_text(lesson_text) VALUES ('optimize')");
  transaction.commit();
  forget(impl);
  return erased;
}

}  // namespace store_detail

Erased erase_episode(Store& store, std::string_view id) {
  const Lock lock(store.impl().mutex);
  return erase(store.impl(), {{clean(id)}, "", true, false});
}

Erased erase_preview(const Store& store, std::string_view id) {
  const Lock lock(store.impl().mutex);
  return erase(store.impl(), {{clean(id)}, "", true, true});
}

Erased Store::remove_run(std::string_view run, bool and_dependents) {
  const RunLock driving = lock_run(run);
  const Lock lock(impl_->mutex);
  const std::string id = clean(run);
  Transaction transaction(impl_->db);
  if (!and_dependents) {
    auto others = impl_->db.query(
        "SELECT l.id, s.name FROM lesson_evidence v JOIN episode e ON e.id = v.episode JOIN lesson l ON "
        "l.seq = v.lesson JOIN scope s ON s.seq = l.scope "
        "WHERE e.run = ?1 AND s.run IS NOT ?1 UNION ALL "
        "SELECT l.id, s.name FROM lesson l JOIN scope s ON s.seq = l.scope JOIN lesson p ON p.id = l.parent "
        "JOIN scope ps ON ps.seq = p.scope "
        "WHERE ps.run = ?1 AND s.run IS NOT ?1 LIMIT 1",
        id);
    if (others.step())
      throw Error(Fault::conflict, "store: lesson " + others.text(0) + " of scope '" + others.text(1) +
                                       "' rests on run " + id +
                                       "; remove it with its dependents, or not at all");
  }
  Erased erased = erase(*impl_, {{}, id, false, false});
  transaction.commit();
  forget(*impl_);
  return erased;
}

Pruned prune(Store& store, const PrunePolicy& policy) {
  if (policy.before_ms == 0 && policy.keep_best == 0)
    throw Error(Fault::usage,
                "store: prune needs an age or a number to keep, else it would take every episode");
  if (policy.keep_best < 0)
    throw Error(Fault::usage,
                "store: prune keeps " + std::to_string(policy.keep_best) + " per task; expected 0 or more");
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Transaction transaction(impl.db, policy.dry_run ? Transaction::Kind::read : Transaction::Kind::write);
  Json runs = Json::array();
  for (const auto& run : policy.runs) {
    require_run(impl.db, clean(run));
    runs.push_back(clean(run));
  }
  Pruned pruned;
  EraseWhat what;
  what.dry_run = policy.dry_run;
  auto rows = impl.db.query(
      "SELECT id, EXISTS (SELECT 1 FROM lesson_evidence WHERE episode = id) FROM (SELECT id, run, "
      "started_ms, row_number() OVER ("
      "PARTITION BY run, env, task ORDER BY solved DESC, score DESC, steps, started_ms, seq) AS rank FROM "
      "episode) "
      "WHERE (run IS NULL OR run IN (SELECT id FROM run WHERE status IN ('finished', 'imported'))) AND rank > ?1 AND (?2 = 0 OR started_ms < ?2) AND (?3 = '[]' OR run IN (SELECT value FROM "
      "json_each(?3))) ORDER BY id",
      policy.keep_best, policy.before_ms, wire::dump(runs));
  while (rows.step()) {
    if (rows.truth(1))
      ++pruned.kept_as_evidence;
    else
      what.episodes.push_back(rows.text(0));
  }
  const Erased erased = erase(impl, what);
  pruned.episodes = static_cast<std::int64_t>(erased.episodes.size());
  pruned.artifacts = static_cast<std::int64_t>(erased.artifacts.size());
  transaction.commit();
  if (!policy.dry_run) forget(impl);
  return pruned;
}

}  // namespace hone
