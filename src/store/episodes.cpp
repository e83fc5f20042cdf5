// Episodes with their steps, and generations.
#include <cmath>

#include "store/impl.h"
#include "wire/id.h"
#include "wire/sha256.h"

namespace hone {

using namespace store_detail;
using wire::Json;

namespace store_detail {

// What must agree for two tries to be the same one: a resumed run plays again under new ids, at another time,
// at another speed.
std::string episode_content(const Episode& episode) {
  Json json = wire::to_json(episode);
  for (const char* field : {"id", "usage", "started_ms", "ended_ms"}) json.erase(field);
  if (json.contains("aside"))
    for (auto& generation : json["aside"]) {
      generation.erase("id");
      generation.erase("usage");
    }
  return sha256_hex(wire::dump(json));
}

std::string generation_content(const Generation& generation) {
  Json json = wire::to_json(generation);
  json.erase("id");
  json.erase("usage");
  return sha256_hex(wire::dump(json));
}

LessonUses uses_of(const Episode& episode) {
  LessonUses uses;
  for (const auto& step : episode.steps)
    for (const auto& use : step.did.lessons) {
      auto& [used, withheld] = uses[clean(use.lesson)];
      used = used || use.how == LessonUse::used;
      withheld = withheld || use.how == LessonUse::withheld;
    }
  return uses;
}

void insert_episode(Db& db, const Episode& episode, const std::string& content) {
  Json body = wire::to_json(episode);
  const Json steps = std::move(body["steps"]);
  body.erase("steps");
  body.erase("id");
  Statement row = db.prepare(
      "INSERT INTO episode(id, run, key, grp, parent, env, kind, task, scope, lessons, weights, solved, "
      "score, steps, started_ms, body, content) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  const double score = std::isfinite(episode.score)
                           ? episode.score
                           : 0.0;  // the column only serves queries; the body is exact
  row.bind(clean(episode.id)).bind_or_null(clean(episode.run));
  row.all(clean(episode.key), clean(episode.group), clean(episode.parent), clean(episode.task.env),
          clean(episode.task.kind), clean(episode.task.id), clean(episode.by.scope), episode.by.lessons,
          clean(episode.by.weights), episode.solved, score, static_cast<std::int64_t>(episode.steps.size()),
          episode.started_ms, wire::dump(body), content);
  row.run();
  const std::int64_t seq = db.last_row();
  std::int64_t place = 0;
  for (const auto& step : steps)
    db.run("INSERT INTO step(episode, place, body) VALUES (?,?,?)", seq, place++, wire::dump(step));
  for (const auto& [lesson, how] : uses_of(episode))
    db.run("INSERT INTO lesson_use(episode, lesson, used, withheld) VALUES (?,?,?,?)", seq, lesson, how.first,
           how.second);
}

void insert_generation(Db& db, std::string_view run, const Generation& generation, std::string_view about) {
  Statement row =
      db.prepare("INSERT INTO generation(id, run, key, about, body, content) VALUES (?,?,?,?,?,?)");
  Json body = wire::to_json(generation);
  body.erase("id");
  row.bind(clean(generation.id))
      .bind_or_null(clean(run))
      .bind(clean(generation.key))
      .bind_or_null(clean(about));
  row.bind(wire::dump(body)).bind(generation_content(generation)).run();
}

Episode read_episode(Db& db, const Statement& row, bool with_steps) {
  const std::string at = "store: episode " + row.text(1);
  try {
    Episode episode = wire::episode_from_json(wire::parse(row.view(2), at), at);
    episode.id = row.text(1);
    if (with_steps) {
      auto steps = db.query("SELECT body FROM step WHERE episode = ? ORDER BY place", row.integer(0));
      while (steps.step())
        episode.steps.push_back(wire::step_from_json(wire::parse(steps.view(0), at + " step"), at + " step"));
    }
    return episode;
  } catch (const Error& e) {
    throw Error(e.fault() == Fault::bad_input ? Fault::corrupt : e.fault(), e.what());
  }
}

std::string episode_where(const EpisodeQuery& q) {
  std::string where = "WHERE 1";
  if (q.run) where += q.run->empty() ? " AND run IS NULL" : " AND run = ?";
  if (!q.env.empty()) where += " AND env = ?";
  if (!q.kind.empty()) where += " AND kind = ?";
  if (!q.task.empty()) where += " AND task = ?";
  if (!q.group.empty()) where += " AND grp = ?";
  if (!q.key_prefix.empty()) where += " AND key >= ? AND key < ?";
  if (q.solved) where += " AND solved = ?";
  if (q.since_ms != 0) where += " AND started_ms >= ?";
  if (q.until_ms != 0) where += " AND started_ms < ?";
  return where;
}

void bind_where(Statement& s, const EpisodeQuery& q) {
  if (q.run && !q.run->empty()) s.bind(clean(*q.run));
  for (const auto* text : {&q.env, &q.kind, &q.task, &q.group})
    if (!text->empty()) s.bind(clean(*text));
  if (!q.key_prefix.empty()) s.bind(clean(q.key_prefix)).bind(after_prefix(clean(q.key_prefix)));
  if (q.solved) s.bind(*q.solved);
  if (q.since_ms != 0) s.bind(q.since_ms);
  if (q.until_ms != 0) s.bind(q.until_ms);
}

namespace {

struct Known {
  std::string id, content;
};

std::optional<Known> known(Db& db, const char* sql, std::string_view run, std::string_view key) {
  if (key.empty()) return std::nullopt;
  Statement row = db.prepare(sql);
  row.bind_or_null(clean(run)).bind(clean(key));
  if (!row.step()) return std::nullopt;
  return Known{row.text(0), row.text(1)};
}

Error other_content(const char* what, std::string_view run, std::string_view key) {
  return Error(Fault::conflict, std::string("store: ") + what + " '" + std::string(key) + "' of run '" +
                                    std::string(run) + "' is there already with other content");
}

}  // namespace
}  // namespace store_detail

std::string Store::append(const Episode& episode) {
  // Hash and JSON before the lock: they are most of the work.
  Episode e = episode;
  if (e.id.empty()) e.id = new_id();
  const std::string content = episode_content(e);
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  Transaction transaction(db, Transaction::Kind::patient);
  if (const auto there = known(db, "SELECT id, content FROM episode WHERE run IS ? AND key = ? AND key <> ''",
                               e.run, e.key)) {
    if (there->content == content) return there->id;
    throw other_content("episode", e.run, e.key);
  }
  require_run(db, clean(e.run));
  auto same_id = db.query("SELECT content FROM episode WHERE id = ?", clean(e.id));
  if (same_id.step()) {
    if (e.key.empty() && same_id.view(0) == content) return e.id;
    throw Error(Fault::conflict, "store: there is another episode " + clean(e.id) + " already");
  }
  insert_episode(db, e, content);
  transaction.commit();
  return clean(e.id);
}

std::optional<Episode> Store::episode(std::string_view id) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query(std::string(episode_columns) + "WHERE id = ?", clean(id));
  if (!row.step()) return std::nullopt;
  return read_episode(impl_->db, row, true);
}

std::optional<Episode> Store::find_episode(std::string_view run, std::string_view key) const {
  const Lock lock(impl_->mutex);
  Statement row =
      impl_->db.prepare(std::string(episode_columns) + "WHERE run IS ? AND key = ? AND key <> ''");
  row.bind_or_null(clean(run)).bind(clean(key));
  if (!row.step()) return std::nullopt;
  return read_episode(impl_->db, row, true);
}

void Store::each_episode(const EpisodeQuery& query, const std::function<void(Episode&&)>& visit) const {
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  static constexpr const char* orders[] = {" ORDER BY seq", " ORDER BY run, key, id",
                                           " ORDER BY started_ms DESC, seq DESC"};
  Transaction reading(db, Transaction::Kind::read);
  Statement rows = db.prepare(std::string(episode_columns) + episode_where(query) +
                              orders[static_cast<int>(query.order)] + " LIMIT ? OFFSET ?");
  bind_where(rows, query);
  rows.bind(query.limit == 0 ? std::int64_t{-1} : query.limit).bind(query.offset);
  while (rows.step()) visit(read_episode(db, rows, query.with_steps));
}

std::vector<Episode> Store::episodes(const EpisodeQuery& query) const {
  std::vector<Episode> out;
  each_episode(query, [&](Episode&& e) { out.push_back(std::move(e)); });
  return out;
}

std::int64_t Store::count_episodes(const EpisodeQuery& query) const {
  const Lock lock(impl_->mutex);
  Statement row = impl_->db.prepare("SELECT count(*) FROM episode " + episode_where(query));
  bind_where(row, query);
  row.step();
  return row.integer(0);
}

std::string Store::append(std::string_view run, const Generation& generation, std::string_view about) {
  Generation g = generation;
  if (g.id.empty()) g.id = new_id();
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  Transaction transaction(db, Transaction::Kind::patient);
  if (const auto there = known(
          db, "SELECT id, content FROM generation WHERE run IS ? AND key = ? AND key <> ''", run, g.key)) {
    if (there->content == generation_content(g)) return there->id;
    throw other_content("generation", run, g.key);
  }
  require_run(db, clean(run));
  if (!about.empty() && !db.query("SELECT 1 FROM episode WHERE id = ?", clean(about)).step())
    throw Error(Fault::bad_input,
                "store: a generation about episode " + std::string(about) + ", which is not there");
  if (db.query("SELECT 1 FROM generation WHERE id = ?", clean(g.id)).step())
    throw Error(Fault::conflict, "store: there is another generation " + clean(g.id) + " already");
  insert_generation(db, run, g, about);
  transaction.commit();
  return clean(g.id);
}

namespace {

Generation read_generation(const Statement& row) {
  const std::string at = "store: generation " + row.text(0);
  Generation g = wire::generation_from_json(wire::parse(row.view(1), at), at);
  g.id = row.text(0);
  return g;
}

}  // namespace

std::optional<Generation> Store::find_generation(std::string_view run, std::string_view key) const {
  const Lock lock(impl_->mutex);
  Statement row =
      impl_->db.prepare("SELECT id, body FROM generation WHERE run IS ? AND key = ? AND key <> ''");
  row.bind_or_null(clean(run)).bind(clean(key));
  if (!row.step()) return std::nullopt;
  return read_generation(row);
}

std::vector<Generation> Store::generations(std::string_view run) const {
  const Lock lock(impl_->mutex);
  std::vector<Generation> out;
  Statement rows = impl_->db.prepare("SELECT id, body FROM generation WHERE run IS ? ORDER BY key, id");
  rows.bind_or_null(clean(run));
  while (rows.step()) out.push_back(read_generation(rows));
  return out;
}

}  // namespace hone
