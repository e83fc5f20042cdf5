// Verify, hash, merge.
#include "store/upkeep.h"

#include "store/impl.h"
#include "wire/sha256.h"

namespace hone {

using namespace store_detail;

namespace {

using Problems = std::vector<std::string>;

// Runs one check; damage that stops it is a problem too.
void check(Problems& problems, const char* what, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    problems.push_back(std::string(what) + ": " + e.what());
  }
}

void each_row(Db& db, const std::string& sql, Problems& problems,
              const std::function<std::string(const Statement&)>& sentence) {
  auto rows = db.query(sql);
  while (rows.step()) problems.push_back(sentence(rows));
}

void check_file(Db& db, Problems& problems) {
  check(problems, "file", [&] {
    auto rows = db.query("PRAGMA integrity_check(20)");
    while (rows.step())
      if (rows.view(0) != "ok") problems.push_back("file: " + rows.text(0));
  });
  check(problems, "links", [&] {
    each_row(db, "PRAGMA foreign_key_check", problems, [](const Statement& r) {
      return "links: a row of " + r.text(0) + " names a row of " + r.text(2) + " that is not there";
    });
  });
}

void check_text(Db& db, bool read_only, Problems& problems) {
  if (!read_only)  // FTS5's own check is written as an insert
    check(problems, "text index",
          [&] { db.run("INSERT INTO lesson_text(lesson_text, rank) VALUES ('integrity-check', 1)"); });
  check(problems, "text index", [&] {
    each_row(db,
             "SELECT k.seq, l.id FROM lesson_key k JOIN lesson l ON l.seq = k.lesson LEFT JOIN "
             "lesson_text_docsize d ON d.id = k.seq WHERE d.id IS NULL",
             problems, [](const Statement& r) {
               return "text index: key " + r.text(0) + " of lesson " + r.text(1) + " is not in it";
             });
    each_row(
        db,
        "SELECT d.id FROM lesson_text_docsize d LEFT JOIN lesson_key k ON k.seq = d.id WHERE k.seq IS NULL",
        problems, [](const Statement& r) { return "text index: has row " + r.text(0) + " without a key"; });
  });
}

void check_lessons(Db& db, Problems& problems) {
  // Once for the whole store: the commonest size of a vector in each scope that has any.
  const std::string usual_size =
      "WITH usual AS MATERIALIZED (SELECT scope, bytes FROM (SELECT l.scope AS scope, length(k.vector) AS bytes, "
      "row_number() OVER (PARTITION BY l.scope ORDER BY count(*) DESC) AS place FROM lesson_key k JOIN lesson l "
      "ON l.seq = k.lesson WHERE k.vector IS NOT NULL GROUP BY l.scope, length(k.vector)) WHERE place = 1) ";
  check(problems, "vectors", [&] {
    each_row(db,
             usual_size +
                 "SELECT l.id, length(k.vector), s.name FROM lesson_key k JOIN lesson l ON l.seq = k.lesson "
                 "JOIN scope s ON s.seq = l.scope JOIN usual u ON u.scope = l.scope "
                 "WHERE k.vector IS NOT NULL AND (length(k.vector) = 0 OR length(k.vector) % 4 <> 0 OR "
                 "length(k.vector) <> u.bytes)",
             problems, [](const Statement& r) {
               return "vectors: lesson " + r.text(0) + " has one of " + r.text(1) +
                      " bytes, unlike the others of scope '" + r.text(2) + "'";
             });
    each_row(db,
             "SELECT s.name, count(DISTINCT k.embedder) FROM lesson_key k JOIN lesson l ON l.seq = k.lesson "
             "JOIN scope s ON s.seq = l.scope "
             "WHERE k.vector IS NOT NULL GROUP BY s.seq HAVING count(DISTINCT k.embedder) > 1",
             problems, [](const Statement& r) {
               return "vectors: scope '" + r.text(0) + "' mixes those of " + r.text(1) + " embedders";
             });
    each_row(db,
             usual_size +
                 "SELECT l.id FROM lesson_key k JOIN lesson l ON l.seq = k.lesson JOIN usual u ON u.scope = "
                 "l.scope WHERE k.vector IS NULL GROUP BY l.id",
             problems, [](const Statement& r) {
               return "vectors: lesson " + r.text(0) +
                      " has a key without one, others of its scope have them";
             });
  });
  check(problems, "evidence", [&] {
    each_row(db,
             "SELECT l.id, v.episode FROM lesson_evidence v JOIN lesson l ON l.seq = v.lesson LEFT JOIN "
             "episode e ON e.id = v.episode WHERE e.id IS NULL",
             problems, [](const Statement& r) {
               return "evidence: lesson " + r.text(0) + " names episode " + r.text(1) +
                      ", which is not there";
             });
  });
  check(problems, "versions", [&] {
    each_row(db,
             "SELECT l.id, l.added, l.retired, s.version FROM lesson l JOIN scope s ON s.seq = l.scope "
             "WHERE l.added < 1 OR l.added > s.version OR (l.retired <> 0 AND (l.retired <= l.added OR "
             "l.retired > s.version))",
             problems, [](const Statement& r) {
               return "versions: lesson " + r.text(0) + " was added at " + r.text(1) + " and retired at " +
                      r.text(2) + ", its scope is at " + r.text(3);
             });
  });
  check(problems, "lessons", [&] {
    auto rows = db.query(std::string(lesson_columns) + "ORDER BY l.seq");
    while (rows.step()) read_lesson(db, rows);
  });
}

void check_contents(Db& db, Problems& problems) {
  check(problems, "artifacts", [&] {
    auto rows = db.query("SELECT sha, bytes FROM artifact");
    while (rows.step()) {
      const auto bytes = rows.bytes(1);
      if (sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) != rows.view(0))
        problems.push_back("artifacts: the bytes of " + rows.text(0) + " have another hash");
    }
    each_row(
        db,
        "SELECT id, artifact FROM lesson WHERE artifact <> '' AND artifact NOT IN (SELECT sha FROM artifact)",
        problems, [](const Statement& r) {
          return "artifacts: lesson " + r.text(0) + " names " + r.text(1) + ", which is not there";
        });
  });
  check(problems, "episodes", [&] {
    auto rows = db.query("SELECT seq, id, body, content, steps FROM episode ORDER BY seq");
    while (rows.step()) {
      const Episode e = read_episode(db, rows, true);
      if (static_cast<std::int64_t>(e.steps.size()) != rows.integer(4))
        problems.push_back("episodes: " + e.id + " has " + std::to_string(e.steps.size()) +
                           " steps, expected " + rows.text(4));
      else if (episode_content(e) != rows.view(3))
        problems.push_back("episodes: " + e.id + " has another content than its hash says");
    }
  });
  check(problems, "generations", [&] {
    auto rows = db.query("SELECT id, body, content FROM generation ORDER BY seq");
    while (rows.step())
      if (generation_content(wire::generation_from_json(wire::parse(rows.view(1), "body"), "body")) !=
          rows.view(2))
        problems.push_back("generations: " + rows.text(0) + " has another content than its hash says");
  });
}

}  // namespace

std::vector<std::string> verify(const Store& store) {
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Problems problems;
  check_file(impl.db, problems);
  check_text(impl.db, impl.options.read_only, problems);
  check_lessons(impl.db, problems);
  check_contents(impl.db, problems);
  return problems;
}

std::string content_hash(const Store& store) {
  Sha256 sha;
  each_line(store.impl(), {{}, false}, [&](wire::Json&& line) {
    sha.update(wire::dump(line));
    sha.update("\n");
  });
  return sha.hex();
}

Merged merge(Store& store, const std::filesystem::path& other) {
  std::error_code none;
  if (std::filesystem::equivalent(store.path(), other, none))
    throw Error(Fault::usage, "store: " + other.string() + " can't be merged into itself");
  StoreOptions options;
  options.read_only = true;
  const Store theirs(other, options);
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Transaction transaction(impl.db);
  Taker taker(impl, true);
  {
    const Lock reading(theirs.impl().mutex);
    taker.foresee(theirs.impl());
  }
  std::int64_t line = 0;
  each_line(theirs.impl(), {}, [&](wire::Json&& json) {
    taker.take(json, other.string() + ": record " + std::to_string(++line));
  });
  taker.finish(other.string());
  transaction.commit();
  return {taker.added, taker.known, taker.conflicts};
}

}  // namespace hone
