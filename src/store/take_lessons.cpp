// Lessons, their scopes and versions into the store.
#include <cmath>

#include "store/impl.h"
#include "wire/base64.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone::store_detail {

using wire::Fields;
using wire::Json;

namespace {

// Beyond this a version is no longer exact in every reader of JSON, and there is room above it to go on.
constexpr std::uint64_t highest_version = std::uint64_t{1} << 53;

void check_version(std::uint64_t version, const std::string& at) {
  if (version > highest_version)
    throw Error(Fault::bad_input, at + ": expected a version of at most 2^53, got " + std::to_string(version));
}

// The scope of a run that got a new id.
std::string renamed_scope(const std::string& name, const std::string& run, const std::string& mine) {
  std::string renamed = name;
  const auto place = run.empty() ? std::string::npos : renamed.find(run);
  return place == std::string::npos ? name + "~" + mine.substr(0, 8) : renamed.replace(place, run.size(), mine);
}

}  // namespace

void Taker::scope(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string name, run;
  std::uint64_t version = 0;
  f.need("name", name);
  f.get("run", run);
  f.need("version", version);
  check_version(version, f.at("version"));
  if (name.empty()) throw Error(Fault::bad_input, f.at("name") + ": expected a name, got nothing");
  const std::string mine = mapped(runs_, run);
  require_run(impl_.db, mine);
  if (mine != run) {  // their run got a new id: its scopes are other scopes too
    scopes_[name] = renamed_scope(name, run, mine);
    name = scopes_[name];
  }
  auto there = impl_.db.query("SELECT seq, version FROM scope WHERE name = ?", name);
  if (there.step()) {
    const auto ours = static_cast<std::uint64_t>(there.integer(1));
    if (ours >= version) {
      ++known;
      return;
    }
    versions_before_.emplace(there.integer(0), ours);
    impl_.db.run("UPDATE scope SET version = ? WHERE seq = ?", version, there.integer(0));
    changed_scopes_.insert(there.integer(0));
    ++added;
    return;
  }
  impl_.db.run("UPDATE scope SET version = ? WHERE seq = ?", version, scope_row(impl_.db, name, mine));
  ++added;
}

namespace {

std::vector<KeyVector> read_vectors(const Json& line, const Fields& f, std::size_t keys) {
  std::vector<KeyVector> out;
  if (!line.contains("vectors")) return out;
  f.list("vectors", out, [](const Json& json, const std::string& at) {
    KeyVector v;
    if (json.is_null()) return v;
    const Fields g(json, at);
    std::string data;
    g.need("embedder", v.embedder);
    g.need("data", data);
    const auto bytes = wire::from_base64(data, g.at("data"));
    if (bytes.empty() || bytes.size() % sizeof(float) != 0)
      throw Error(Fault::bad_input,
                  g.at("data") + ": expected float32 values, got " + std::to_string(bytes.size()) + " bytes");
    v.values = as_floats(bytes);
    return v;
  });
  if (out.size() != keys)
    throw Error(Fault::bad_input, f.at("vectors") + ": expected one per key, " + std::to_string(keys) +
                                      ", got " + std::to_string(out.size()));
  return out;
}

// What must agree: all of the lesson itself, not its life in versions.
std::string lesson_content(const Lesson& lesson) { return sha256_hex(wire::dump(wire::to_json(lesson))); }

// For one that must have another id here: from what it is there, so that it is known before anything is taken.
std::string derived_lesson_id(const Lesson& theirs) {
  std::string hex = sha256_hex("lesson" + wire::dump(wire::to_json(theirs))).substr(0, 32);
  hex[12] = '8';
  hex[16] = 'a';
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

std::optional<StoredLesson> lesson_here(Db& db, const std::string& id) {
  auto row = db.query(std::string(lesson_columns) + "WHERE l.id = ?", id);
  return row.step() ? std::optional(read_lesson(db, row)) : std::nullopt;
}

}  // namespace

// Evidence and parents may get other names here, so they don't tell one lesson from another.
void Taker::foresee_lessons(Impl& theirs) {
  {
    auto scopes = theirs.db.query("SELECT name, run FROM scope WHERE run IS NOT NULL");
    while (scopes.step())
      if (const auto run = runs_.find(scopes.text(1)); run != runs_.end())
        scopes_[scopes.text(0)] = renamed_scope(scopes.text(0), run->first, run->second);
  }
  const auto bare = [](Lesson lesson) {
    lesson.parent.clear();
    lesson.evidence.clear();
    return lesson_content(lesson);
  };
  auto rows = theirs.db.query(std::string(lesson_columns) + "ORDER BY l.seq");
  while (rows.step()) {
    Lesson lesson = read_lesson(theirs.db, rows).lesson;
    const auto ours = lesson_here(impl_.db, lesson.id);
    if (!ours) continue;
    const std::string other = derived_lesson_id(lesson);
    lesson.scope = mapped(scopes_, lesson.scope);
    if (bare(ours->lesson) != bare(lesson)) lessons_[lesson.id] = other;
  }
}

// A scope's vectors can be compared with each other: one length, one embedder. In a merge, theirs that don't fit
// are left out; `embed_missing` makes them anew.
void Taker::fit_vectors(std::int64_t scope, std::vector<KeyVector>& vectors, const std::string& at) {
  for (auto& v : vectors) {
    if (v.values.empty()) continue;
    double norm = 0.0;
    for (const float x : v.values) norm += static_cast<double>(x) * static_cast<double>(x);
    if (!is_unit(norm))
      throw Error(Fault::bad_input, at + ": expected finite values of length 1, got length " + std::to_string(std::sqrt(norm)));
    const auto [shape, fresh] = shapes_.try_emplace(scope);
    if (fresh) {
      auto row = impl_.db.query(
          "SELECT length(k.vector), k.embedder FROM lesson_key k JOIN lesson l ON l.seq = k.lesson WHERE l.scope = "
          "? AND k.vector IS NOT NULL LIMIT 1",
          scope);
      if (row.step()) shape->second = {static_cast<std::size_t>(row.integer(0)) / sizeof(float), row.text(1)};
    }
    auto& [size, embedder] = shape->second;
    if (size == 0) {
      size = v.values.size();
      embedder = v.embedder;
    }
    if (v.values.size() == size && v.embedder == embedder) continue;
    if (!keep_both_)
      throw Error(Fault::bad_input, at + ": expected " + std::to_string(size) + " dimensions by embedder " + wire::shortened(embedder) +
                                        " as in the rest of the scope, got " + std::to_string(v.values.size()) + " by " +
                                        wire::shortened(v.embedder));
    v = {};
  }
}

void Taker::lesson(const Json& line, const std::string& at) {
  const Fields f(line, at);
  NewLesson n;
  n.lesson = wire::lesson_from_json(f.required("lesson"), f.at("lesson"));
  Lesson& l = n.lesson;
  if (l.id.empty()) throw Error(Fault::bad_input, f.at("lesson") + ".id: expected an id, got nothing");
  f.need("added", n.added);
  f.need("place", n.place);
  f.need("retired", n.retired);
  n.vectors = read_vectors(line, f, l.keys.size());
  const Lesson theirs = l;
  l.scope = mapped(scopes_, l.scope);
  l.parent = mapped(lessons_, l.parent);
  for (auto& episode : l.evidence) episode = mapped(episodes_, episode);
  Db& db = impl_.db;
  auto scope = db.query("SELECT seq, version FROM scope WHERE name = ?", l.scope);
  if (!scope.step())
    throw Error(Fault::bad_input, f.at("lesson") + ".scope: names '" + wire::shortened(l.scope) +
                                      "', which no line before this one gave");
  const auto version = static_cast<std::uint64_t>(scope.integer(1));
  if (n.added < 1 || n.added > version || (n.retired != 0 && (n.retired <= n.added || n.retired > version)))
    throw Error(Fault::bad_input, f.at("added") + ": versions " + std::to_string(n.added) + " to " +
                                      std::to_string(n.retired) + " don't fit its scope, which is at " +
                                      std::to_string(version));
  if (const auto* weights = std::get_if<Weights>(&l.what); weights != nullptr && !weights->artifact_sha.empty() &&
      !db.query("SELECT 1 FROM artifact WHERE sha = ?", weights->artifact_sha).step())
    throw Error(Fault::bad_input, f.at("lesson") + ".what.artifact_sha: names " + wire::shortened(weights->artifact_sha) +
                                      ", which no line before this one gave");
  const bool renamed = lessons_.count(l.id) != 0;
  auto ours = lesson_here(db, l.id);
  if (renamed || (ours && lesson_content(ours->lesson) != lesson_content(l))) {
    l.id = renamed ? lessons_[theirs.id] : derived_lesson_id(theirs);
    lessons_[theirs.id] = l.id;
    ours = lesson_here(db, l.id);
    if (!ours) conflict(at, "lesson " + theirs.id);
  }
  if (ours) {
    ++known;
    // Retired as soon as either side did.
    if (n.retired != 0 && (ours->retired == 0 || n.retired < ours->retired)) {
      // Live here, retired at a version that this import brought: the run went on.
      const auto before = versions_before_.find(scope.integer(0));
      const bool went_on = ours->retired == 0 && before != versions_before_.end() && n.retired > before->second;
      if (!keep_both_ && !went_on)
        throw Error(Fault::conflict,
                    at + ": lesson " + l.id + " is in the store already, retired at another version");
      db.run("UPDATE lesson SET retired = ? WHERE id = ?", n.retired, l.id);
      changed_scopes_.insert(scope.integer(0));
    }
    return;
  }
  fit_vectors(scope.integer(0), n.vectors, f.at("vectors"));
  try {
    insert_lesson(impl_, scope.integer(0), n);
  } catch (const Error& e) {
    throw e.fault() == Fault::bad_input ? e.within(at) : e;
  }
  changed_scopes_.insert(scope.integer(0));
  ++added;
}

void Taker::commit(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string run, key;
  std::vector<std::string> ids;
  f.need("run", run);
  f.need("key", key);
  f.need("ids", ids);
  const Json& given = f.required("versions");
  if (!given.is_object()) wire::expected(f.at("versions"), "an object", given);
  run = mapped(runs_, run);
  require_run(impl_.db, run);
  for (auto& id : ids) id = mapped(lessons_, id);
  Json versions = Json::object();
  for (const auto& [scope, version] : given.items())
  {
    const std::uint64_t number = wire::read_uint64(version, f.at("versions") + "." + wire::shortened(scope));
    check_version(number, f.at("versions"));
    versions[mapped(scopes_, scope)] = number;
  }
  const std::string list = wire::dump(Json(ids)), at_versions = wire::dump(versions);
  // Nothing when there is none, else whether it is the same.
  const auto same = [&](const std::string& which) -> std::optional<bool> {
    auto there = impl_.db.query("SELECT ids, versions FROM commit_log WHERE run = ? AND key = ?", run, which);
    if (!there.step()) return std::nullopt;
    return there.view(0) == list && there.view(1) == at_versions;
  };
  const auto by_key = same(key);
  // A learning step that both sides took by themselves: theirs is noted beside ours, as their lessons are.
  const std::string beside = key + "~" + sha256_hex(list + at_versions).substr(0, 8);
  if (by_key == true || (by_key && keep_both_ && same(beside))) {
    ++known;
    return;
  }
  if (by_key) {
    conflict(at, "commit '" + key + "' of run " + run);
    key = beside;
  }
  impl_.db.run("INSERT INTO commit_log(run, key, ids, versions) VALUES (?,?,?,?)", run, key, list, at_versions);
  ++added;
}

void Taker::checkpoint(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string run, key, text;
  std::int64_t round = 0;
  f.need("run", run);
  f.need("key", key);
  f.need("round", round);
  f.need("bytes", text);
  const auto bytes = wire::from_base64(text, f.at("bytes"));
  run = mapped(runs_, run);
  require_run(impl_.db, run);
  // Which of two checkpoints is newer is told by the round; ours stays when it is at least as far.
  auto newest = impl_.db.query("SELECT max(round) FROM checkpoint WHERE run = ?", run);
  newest.step();
  auto same =
      impl_.db.query("SELECT 1 FROM checkpoint WHERE run = ? AND key = ? AND round = ?", run, key, round);
  if (same.step() || (!newest.is_null(0) && newest.integer(0) >= round)) {
    ++known;
    return;
  }
  impl_.db.run("INSERT INTO checkpoint(run, key, round, bytes) VALUES (?,?,?,?)", run, key, round,
               std::span<const std::byte>(bytes));
  impl_.db.run(
      "DELETE FROM checkpoint WHERE run = ?1 AND seq NOT IN (SELECT seq FROM checkpoint WHERE run = ?1 ORDER "
      "BY seq DESC LIMIT 2)",
      run);
  ++added;
}

void Taker::finish(const std::string& at) {
  require_ended(at);
  for (const auto scope : changed_scopes_)
    impl_.db.run("UPDATE scope SET epoch = epoch + 1 WHERE seq = ?", scope);
  changed_scopes_.clear();
}

}  // namespace hone::store_detail
