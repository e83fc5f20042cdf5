// Reading everything, to say what is wrong with it.
#include <cmath>
#include <set>
#include <unordered_map>

#include "core/rng.h"
#include "store/impl.h"
#include "store/upkeep.h"
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

void each_row(Db& db, const char* sql, Problems& problems,
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

// The words of a row of the text index, in no order: which, in which column, at which place.
std::uint64_t word_hash(std::string_view word, std::string_view column, std::int64_t place) {
  return hash64(std::string(word) + '\n' + std::string(column) + '\n' + std::to_string(place));
}

// Word by word against the keys. FTS5's own check writes, and a store is verified read-only.
void check_words(Db& db, const Tokenizer& tokenizer, Problems& problems) {
  db.script("CREATE VIRTUAL TABLE IF NOT EXISTS temp.lesson_words USING fts5vocab(main, lesson_text, instance)");
  std::unordered_map<std::int64_t, std::uint64_t> indexed;
  auto words = db.query("SELECT doc, term, col, offset FROM temp.lesson_words");
  while (words.step())
    indexed[words.integer(0)] += word_hash(words.view(1), words.view(2), words.integer(3));
  auto keys = db.query("SELECT k.seq, l.id, k.home, k.text FROM lesson_key k JOIN lesson l ON l.seq = k.lesson");
  while (keys.step()) {
    std::uint64_t expected = 0;
    for (const int column : {2, 3}) {
      std::int64_t place = 0;
      for (const auto& word : tokenizer.stems(keys.view(column)))
        expected += word_hash(word, column == 2 ? "home" : "text", place++);
    }
    const auto found = indexed.find(keys.integer(0));
    if ((found == indexed.end() ? 0 : found->second) != expected)
      problems.push_back("text index: has other words than key " + keys.text(0) + " of lesson " + keys.text(1));
  }
}

void check_text(Db& db, const Tokenizer& tokenizer, Problems& problems) {
  check(problems, "text index", [&] { check_words(db, tokenizer, problems); });
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

// What most vectors of a scope are like.
struct ScopeVectors {
  std::int64_t bytes = 0, most = 0;  // most: how many have that size
  std::set<std::string> embedders;
};

void check_vectors(Db& db, Problems& problems) {
  std::map<std::int64_t, ScopeVectors> scopes;
  {
    auto rows = db.query(
        "SELECT l.scope, length(k.vector), k.embedder, count(*), s.name FROM lesson_key k JOIN lesson l ON l.seq = "
        "k.lesson JOIN scope s ON s.seq = l.scope WHERE k.vector IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1");
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> sizes;
    while (rows.step()) {
      auto& scope = scopes[rows.integer(0)];
      scope.embedders.insert(rows.text(2));
      if (scope.embedders.size() == 2)
        problems.push_back("vectors: scope '" + rows.text(4) + "' mixes those of several embedders");
      auto& count = sizes[{rows.integer(0), rows.integer(1)}];
      count += rows.integer(3);
      if (count > scope.most) scope = {rows.integer(1), count, scope.embedders};
    }
  }
  auto rows = db.query(
      "SELECT l.id, k.vector, s.name, l.scope FROM lesson_key k JOIN lesson l ON l.seq = k.lesson JOIN scope s ON "
      "s.seq = l.scope ORDER BY l.seq, k.place");
  std::string without;  // the last lesson said to lack one
  while (rows.step()) {
    const auto scope = scopes.find(rows.integer(3));
    if (scope == scopes.end()) continue;
    const auto bytes = rows.bytes(1);
    double norm = 0.0;
    for (const float x : as_floats(bytes)) norm += static_cast<double>(x) * static_cast<double>(x);
    if (rows.is_null(1)) {
      if (without != rows.view(0))
        problems.push_back("vectors: lesson " + rows.text(0) + " has a key without one, others of its scope have them");
      without = rows.text(0);
    } else if (bytes.empty() || bytes.size() % sizeof(float) != 0 ||
               static_cast<std::int64_t>(bytes.size()) != scope->second.bytes) {
      problems.push_back("vectors: lesson " + rows.text(0) + " has one of " + std::to_string(bytes.size()) +
                         " bytes, unlike the others of scope '" + rows.text(2) + "'");
    } else if (!is_unit(norm)) {
      problems.push_back("vectors: lesson " + rows.text(0) + " has one that is not of length 1");
    }
  }
}

// Columns that queries use must say what the row itself says.
void check_columns(Problems& problems, const std::string& row, const Statement& columns, int first,
                   const std::vector<std::pair<const char*, std::string>>& expected) {
  for (const auto& [name, value] : expected) {
    if (columns.view(first) != clean(value))
      problems.push_back("columns: " + row + " has " + name + " '" + wire::shortened(columns.view(first)) +
                         "', its content says '" + wire::shortened(value) + "'");
    ++first;
  }
}

void check_lessons(Db& db, const Tokenizer& tokenizer, Problems& problems) {
  check(problems, "vectors", [&] { check_vectors(db, problems); });
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
    auto rows = db.query(
        "SELECT l.seq, l.body, l.added, l.retired, s.name, l.parent, l.artifact, l.scope FROM lesson l JOIN scope s "
        "ON s.seq = l.scope ORDER BY l.seq");
    while (rows.step()) {
      const Lesson lesson = read_lesson(db, rows).lesson;
      const auto* weights = std::get_if<Weights>(&lesson.what);
      check_columns(problems, "lesson " + lesson.id, rows, 5,
                    {{"parent", lesson.parent}, {"artifact", weights == nullptr ? "" : weights->artifact_sha}});
      auto keys = db.query("SELECT home, words, kind, text FROM lesson_key WHERE lesson = ? ORDER BY place", rows.integer(0));
      while (keys.step())
        check_columns(problems, "a key of lesson " + lesson.id, keys, 0,
                      {{"home", home_of(rows.integer(7), static_cast<RecallKey>(keys.integer(2)))},
                       {"words", std::to_string(tokenizer.count(keys.view(3)))}});
    }
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
    auto rows = db.query(
        "SELECT seq, id, body, content, steps, ifnull(run, ''), key, grp, parent, env, kind, task, scope, lessons, "
        "weights, solved, started_ms, score FROM episode ORDER BY seq");
    while (rows.step()) {
      const Episode e = read_episode(db, rows, true);
      check_columns(problems, "episode " + e.id, rows, 5,
                    {{"run", e.run}, {"key", e.key}, {"grp", e.group}, {"parent", e.parent}, {"env", e.task.env},
                     {"kind", e.task.kind}, {"task", e.task.id}, {"scope", e.by.scope},
                     {"lessons", std::to_string(static_cast<std::int64_t>(e.by.lessons))}, {"weights", e.by.weights},
                     {"solved", e.solved ? "1" : "0"}, {"started_ms", std::to_string(e.started_ms)}});
      if (rows.real(17) != (std::isfinite(e.score) ? e.score : 0.0))
        problems.push_back("columns: episode " + e.id + " has another score than its content");
      auto uses = db.query(
          "SELECT lesson, used, withheld FROM lesson_use WHERE episode = ? ORDER BY lesson", rows.integer(0));
      LessonUses noted;
      while (uses.step()) noted[uses.text(0)] = {uses.truth(1), uses.truth(2)};
      LessonUses expected = uses_of(e);
      // An erased lesson's uses went with it; the try still names it.
      std::erase_if(expected, [&](const auto& use) {
        return noted.count(use.first) == 0 && !db.query("SELECT 1 FROM lesson WHERE id = ?", use.first).step();
      });
      if (noted != expected)
        problems.push_back("columns: episode " + e.id + " has other uses of lessons than its moves say");
      if (static_cast<std::int64_t>(e.steps.size()) != rows.integer(4))
        problems.push_back("episodes: " + e.id + " has " + std::to_string(e.steps.size()) +
                           " steps, expected " + rows.text(4));
      else if (episode_content(e) != rows.view(3))
        problems.push_back("episodes: " + e.id + " has another content than its hash says");
    }
  });
  check(problems, "generations", [&] {
    auto rows = db.query("SELECT id, body, content, key FROM generation ORDER BY seq");
    while (rows.step()) {
      const Generation g = wire::generation_from_json(wire::parse(rows.view(1), "body"), "body");
      check_columns(problems, "generation " + rows.text(0), rows, 3, {{"key", g.key}});
      if (generation_content(g) != rows.view(2))
        problems.push_back("generations: " + rows.text(0) + " has another content than its hash says");
    }
  });
}

}  // namespace

std::vector<std::string> verify(const Store& store) {
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Problems problems;
  check_file(impl.db, problems);
  check_text(impl.db, impl.tokenizer, problems);
  check_lessons(impl.db, impl.tokenizer, problems);
  check_contents(impl.db, problems);
  return problems;
}

}  // namespace hone
