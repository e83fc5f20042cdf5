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
      "CREATE TEMP TABLE IF NOT EXISTS gone_artifact(sha TEXT PRIMARY KEY); DELETE FROM gone_artifact;"
      "CREATE TEMP TABLE IF NOT EXISTS gone_record(run TEXT, key TEXT, PRIMARY KEY (run, key)); DELETE FROM "
      "gone_record;"
      "CREATE TEMP TABLE IF NOT EXISTS gone_checkpoint(seq INTEGER PRIMARY KEY); DELETE FROM gone_checkpoint;");
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

bool in_other_tasks(Db& db, const std::string& text, const std::string& id) {
  const std::string mark = quoted(text);
  return db
      .query(
          "WITH other AS (SELECT e.seq, e.body FROM episode e JOIN episode gone ON gone.id = ?1 WHERE (e.env <> "
          "gone.env OR e.task <> gone.task) AND e.id NOT IN (SELECT id FROM gone_episode)) "
          "SELECT 1 WHERE EXISTS (SELECT 1 FROM other WHERE instr(body, ?2) > 0) OR EXISTS (SELECT 1 FROM step s "
          "JOIN other ON other.seq = s.episode WHERE instr(s.body, ?2) > 0)",
          id, mark)
      .step();
}

bool in_other_lessons(Db& db, const std::string& text) {
  return db
      .query(
          "SELECT 1 FROM lesson l WHERE l.id NOT IN (SELECT id FROM gone_lesson) AND (instr(l.body, ?1) > 0 OR "
          "EXISTS (SELECT 1 FROM lesson_key k WHERE k.lesson = l.seq AND instr(k.text, ?2) > 0)) LIMIT 1",
          quoted(text), text)
      .step();
}

std::vector<std::string> texts_of(const Lesson& lesson) {
  std::vector<std::string> out;
  for (const auto& key : lesson.keys) out.push_back(key.text);
  if (const auto* insight = std::get_if<Insight>(&lesson.what)) out.push_back(insight->text);
  if (const auto* skill = std::get_if<Skill>(&lesson.what)) out.push_back(skill->code);
  if (const auto* example = std::get_if<Case>(&lesson.what)) {
    out.insert(out.end(), {example->task, example->transcript});
    out.insert(out.end(), example->thoughts.begin(), example->thoughts.end());
    out.insert(out.end(), example->actions.begin(), example->actions.end());
  }
  return out;
}

// What to look for in other rows: the id, the task's text when it belongs to that task alone, and what was seen,
// thought, done and learned in it where that is long and stands nowhere else.
std::set<std::string> marks_of(Db& db, const std::string& id) {
  constexpr std::size_t shortest = 12, shortest_inside = 24;
  std::set<std::string> marks{id}, inside, learned;
  auto row = db.query(std::string(episode_columns) + "WHERE id = ?", id);
  row.step();
  const Episode e = read_episode(db, row, true);
  const bool shared = db.query(
                            "SELECT 1 FROM episode WHERE json_extract(body, '$.task.goal') = ? AND (env <> ? "
                            "OR task <> ?) LIMIT 1",
                            clean(e.task.goal), clean(e.task.env), clean(e.task.id))
                          .step();
  if (e.task.goal.size() >= shortest && !shared) marks.insert(e.task.goal);
  for (const auto& step : e.steps) inside.insert({step.seen.text, step.did.action, step.did.thought});
  inside.insert(e.last.text);
  for (const auto& aside : e.aside) inside.insert(aside.text);
  auto lessons = db.query(std::string(lesson_columns) + "JOIN gone_lesson USING (id)");
  while (lessons.step())
    for (auto& text : texts_of(read_lesson(db, lessons).lesson)) learned.insert(std::move(text));
  for (const auto* texts : {&inside, &learned})
    for (const auto& text : *texts)
      if (text.size() >= shortest_inside && marks.count(text) == 0 && !in_other_tasks(db, text, id) &&
          !(texts == &learned && in_other_lessons(db, text)))
        marks.insert(text);
  return marks;
}

// In all runs: a run may have learned from another's tries.
void list_quotations(Db& db, const std::string& id) {
  for (const auto& mark : marks_of(db, id)) {
    const std::string inside = quoted(mark);
    db.run(
        "INSERT OR IGNORE INTO gone_generation SELECT id FROM generation WHERE instr(body, ?) > 0 OR instr(key, "
        "?) > 0",
        inside, mark);
    db.run(
        "INSERT OR IGNORE INTO gone_record SELECT run, key FROM record WHERE instr(value, ?) > 0 OR instr(key, ?) "
        "> 0",
        inside, mark);
    db.run("INSERT OR IGNORE INTO gone_checkpoint SELECT seq FROM checkpoint WHERE instr(bytes, ?) > 0",
           std::as_bytes(std::span(mark)));
  }
}

// Nobody may be driving a run that loses something: it would go on with what it has read.
std::vector<RunLock> lock_runs(const Store& store, Db& db, const std::string& held) {
  std::vector<RunLock> locks;
  for (const auto& run : column(
           db,
           "SELECT e.run FROM episode e JOIN gone_episode USING (id) WHERE e.run IS NOT NULL UNION "
           "SELECT s.run FROM lesson l JOIN gone_lesson USING (id) JOIN scope s ON s.seq = l.scope WHERE s.run IS NOT "
           "NULL UNION SELECT n.run FROM generation n JOIN gone_generation USING (id) WHERE n.run IS NOT NULL UNION "
           "SELECT run FROM gone_record UNION SELECT run FROM checkpoint WHERE seq IN (SELECT seq FROM "
           "gone_checkpoint)"))
    if (run != held) locks.push_back(store.lock_run(run));
  return locks;
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
      "DELETE FROM record WHERE (run, key) IN (SELECT run, key FROM gone_record);"
      "DELETE FROM checkpoint WHERE seq IN (SELECT seq FROM gone_checkpoint);"
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

Erased erase(const Store& store, const EraseWhat& what) {
  Impl& impl = store.impl();
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
    for (const auto& id : what.episodes) list_quotations(db, id);
  const auto locks = what.dry_run ? std::vector<RunLock>() : lock_runs(store, db, what.run);
  clear_links(db, what.dry_run, erased);
  erased.episodes = column(db, "SELECT e.id FROM episode e JOIN gone_episode USING (id) ORDER BY e.seq");
  erased.lessons = column(db, "SELECT l.id FROM lesson l JOIN gone_lesson USING (id) ORDER BY l.seq");
  erased.generations =
      column(db, "SELECT n.id FROM generation n JOIN gone_generation USING (id) ORDER BY n.seq");
  erased.records = column(db, "SELECT run || ': ' || key FROM gone_record ORDER BY run, key");
  erased.checkpoints = static_cast<std::int64_t>(column(db, "SELECT seq FROM gone_checkpoint").size());
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
  return erase(store, {{clean(id)}, "", true, false});
}

Erased erase_preview(const Store& store, std::string_view id) {
  const Lock lock(store.impl().mutex);
  return erase(store, {{clean(id)}, "", true, true});
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
  Erased erased = erase(*this, {{}, id, false, false});
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
  // A run that may go on needs its tries: its learner's state and its next round name them.
  auto going = impl.db.query(
      "SELECT id FROM run WHERE status NOT IN ('finished', 'imported') AND (?1 = '[]' OR id IN (SELECT value FROM "
      "json_each(?1))) AND EXISTS (SELECT 1 FROM episode e WHERE e.run = run.id) ORDER BY seq",
      wire::dump(runs));
  while (going.step()) pruned.unfinished_runs.push_back(going.text(0));
  EraseWhat what;
  what.dry_run = policy.dry_run;
  auto rows = impl.db.query(
      "SELECT id, EXISTS (SELECT 1 FROM lesson_evidence WHERE episode = id) FROM (SELECT id, run, "
      "started_ms, row_number() OVER ("
      "PARTITION BY run, env, task ORDER BY solved DESC, score DESC, steps, started_ms, seq) AS rank FROM "
      "episode) "
      "WHERE rank > ?1 AND (?2 = 0 OR started_ms < ?2) AND (?3 = '[]' OR run IN (SELECT value FROM "
      "json_each(?3))) AND (run IS NULL OR run IN (SELECT id FROM run WHERE status IN ('finished', 'imported'))) "
      "ORDER BY id",
      policy.keep_best, policy.before_ms, wire::dump(runs));
  while (rows.step()) {
    if (rows.truth(1))
      ++pruned.kept_as_evidence;
    else
      what.episodes.push_back(rows.text(0));
  }
  const Erased erased = erase(store, what);
  pruned.episodes = static_cast<std::int64_t>(erased.episodes.size());
  pruned.artifacts = static_cast<std::int64_t>(erased.artifacts.size());
  transaction.commit();
  if (!policy.dry_run) forget(impl);
  return pruned;
}

}  // namespace hone
