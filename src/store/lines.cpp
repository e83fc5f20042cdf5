// The store as a stream of JSON records: the one form that export, merge and the content hash share.
#include "store/impl.h"
#include "wire/base64.h"
#include "wire/read.h"

namespace hone::store_detail {
namespace {

using wire::Json;

// What is selected: the runs asked for and all that is theirs, and, because lessons must find their evidence
// again, the tries of other runs that they rest on (with those runs' own rows, and whatever those tries'
// generations need).
void select(Db& db, const std::vector<std::string>& runs) {
  db.script(
      "CREATE TEMP TABLE IF NOT EXISTS out_run(id TEXT PRIMARY KEY); DELETE FROM out_run;"
      "CREATE TEMP TABLE IF NOT EXISTS out_whole_run(id TEXT PRIMARY KEY); DELETE FROM out_whole_run;"
      "CREATE TEMP TABLE IF NOT EXISTS out_episode(seq INTEGER PRIMARY KEY); DELETE FROM out_episode;");
  if (runs.empty()) {
    db.script(
        "INSERT INTO out_whole_run SELECT id FROM run; INSERT INTO out_run SELECT id FROM run; INSERT INTO "
        "out_episode SELECT seq FROM episode;");
    return;
  }
  for (const auto& run : runs) {
    require_run(db, clean(run));
    db.run("INSERT OR IGNORE INTO out_whole_run VALUES (?)", clean(run));
  }
  db.script(
      "INSERT INTO out_run SELECT id FROM out_whole_run;"
      "INSERT INTO out_episode SELECT seq FROM episode WHERE run IN (SELECT id FROM out_whole_run);"
      "INSERT OR IGNORE INTO out_episode SELECT e.seq FROM episode e JOIN lesson_evidence v ON v.episode = "
      "e.id JOIN lesson l ON l.seq = v.lesson "
      "JOIN scope s ON s.seq = l.scope WHERE s.run IN (SELECT id FROM out_whole_run);"
      "INSERT OR IGNORE INTO out_episode SELECT e.seq FROM episode e JOIN generation n ON n.about = e.id "
      "WHERE n.run IN (SELECT id FROM out_whole_run);"
      "INSERT OR IGNORE INTO out_run SELECT e.run FROM episode e JOIN out_episode USING (seq) WHERE e.run IS "
      "NOT NULL;");
}

using Take = std::function<void(Json&&)>;

void artifacts(Db& db, bool everything, const Take& take) {
  auto rows = db.query(
      "SELECT sha, bytes FROM artifact WHERE ?1 OR sha IN (SELECT l.artifact FROM lesson l JOIN scope s ON "
      "s.seq = l.scope "
      "WHERE s.run IN (SELECT id FROM out_whole_run)) OR sha IN (SELECT e.weights FROM episode e JOIN "
      "out_episode USING (seq)) ORDER BY sha",
      everything);
  while (rows.step())
    take({{"type", "artifact"}, {"sha", rows.text(0)}, {"bytes", wire::to_base64(rows.bytes(1))}});
}

void runs(Db& db, bool statuses, const Take& take) {
  auto rows = db.query(
      "SELECT id, name, recipe, config_hash, env, method, model, seed, created_ms, status, meta FROM run "
      "WHERE id IN (SELECT id FROM out_run) ORDER BY seq");
  while (rows.step()) {
    Json json{{"type", "run"},
              {"id", rows.text(0)},
              {"name", rows.text(1)},
              {"recipe", rows.text(2)},
              {"config_hash", rows.text(3)},
              {"env", rows.text(4)},
              {"method", rows.text(5)},
              {"model", rows.text(6)},
              {"seed", static_cast<std::uint64_t>(rows.integer(7))},
              {"created_ms", rows.integer(8)}};
    if (statuses) json["status"] = rows.text(9);
    if (statuses) json["meta"] = rows.text(10);
    take(std::move(json));
  }
  auto metrics = db.query(
      "SELECT run, round, name, value FROM metric WHERE run IN (SELECT id FROM out_whole_run) ORDER BY seq");
  while (metrics.step())
    take({{"type", "metric"},
          {"run", metrics.text(0)},
          {"round", metrics.integer(1)},
          {"name", metrics.text(2)},
          {"value", wire::number(metrics.real(3))}});
  auto records = db.query(
      "SELECT run, key, value FROM record WHERE run IN (SELECT id FROM out_whole_run) ORDER BY run, key");
  while (records.step())
    take(
        {{"type", "record"}, {"run", records.text(0)}, {"key", records.text(1)}, {"value", records.text(2)}});
}

void episodes(Db& db, bool everything, const Take& take) {
  auto rows =
      db.query("SELECT seq, id, body FROM episode WHERE seq IN (SELECT seq FROM out_episode) ORDER BY seq");
  while (rows.step()) take({{"type", "episode"}, {"episode", wire::to_json(read_episode(db, rows, true))}});
  auto made = db.query(
      "SELECT id, ifnull(run, ''), ifnull(about, ''), body FROM generation WHERE ? OR run IN (SELECT id FROM "
      "out_whole_run) ORDER BY seq",
      everything);
  while (made.step()) {
    Generation g =
        wire::generation_from_json(wire::parse(made.view(3), "store: generation"), "store: generation");
    g.id = made.text(0);
    take({{"type", "generation"},
          {"run", made.text(1)},
          {"about", made.text(2)},
          {"generation", wire::to_json(g)}});
  }
}

void lessons(Db& db, bool everything, const Take& take) {
  auto scopes = db.query(
      "SELECT seq, name, ifnull(run, ''), version FROM scope WHERE ? OR run IN (SELECT id FROM "
      "out_whole_run) ORDER BY name",
      everything);
  while (scopes.step()) {
    take({{"type", "scope"},
          {"name", scopes.text(1)},
          {"run", scopes.text(2)},
          {"version", static_cast<std::uint64_t>(scopes.integer(3))}});
    auto rows = db.query(std::string(lesson_columns) + "WHERE l.scope = ? ORDER BY l.added, l.place, l.seq",
                         scopes.integer(0));
    while (rows.step()) {
      const StoredLesson s = read_lesson(db, rows);
      Json vectors = Json::array();
      auto keys = db.query("SELECT vector, embedder FROM lesson_key WHERE lesson = ? ORDER BY place",
                           rows.integer(0));
      while (keys.step())
        vectors.push_back(
            keys.is_null(0) ? Json() : Json{{"embedder", keys.text(1)}, {"data", wire::to_base64(keys.bytes(0))}});
      auto place = db.query("SELECT place FROM lesson WHERE seq = ?", rows.integer(0));
      place.step();
      take({{"type", "lesson"},
            {"added", s.added},
            {"place", place.integer(0)},
            {"retired", s.retired},
            {"lesson", wire::to_json(s.lesson)},
            {"vectors", std::move(vectors)}});
    }
  }
}

void commits(Db& db, const Take& take) {
  auto rows = db.query(
      "SELECT run, key, ids, versions FROM commit_log WHERE run IN (SELECT id FROM out_whole_run) ORDER BY "
      "seq");
  while (rows.step())
    take({{"type", "commit"},
          {"run", rows.text(0)},
          {"key", rows.text(1)},
          {"ids", wire::parse(rows.view(2), "store: commit")},
          {"versions", wire::parse(rows.view(3), "store: commit")}});
  auto points = db.query(
      "SELECT run, key, round, bytes FROM checkpoint WHERE run IN (SELECT id FROM out_whole_run) ORDER BY "
      "seq");
  while (points.step())
    take({{"type", "checkpoint"},
          {"run", points.text(0)},
          {"key", points.text(1)},
          {"round", points.integer(2)},
          {"bytes", wire::to_base64(points.bytes(3))}});
}

}  // namespace

void each_line(Impl& impl, const LineOptions& options, const Take& take) {
  const Lock lock(impl.mutex);
  Db& db = impl.db;
  Transaction reading(db, Transaction::Kind::read);
  const bool everything = options.runs.empty();
  select(db, options.runs);
  take({{"type", "hone-store"}, {"format", 1}});
  artifacts(db, everything, take);
  runs(db, options.statuses, take);
  episodes(db, everything, take);
  lessons(db, everything, take);
  commits(db, take);
}

}  // namespace hone::store_detail
