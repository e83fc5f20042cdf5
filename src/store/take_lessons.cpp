// Lessons, their scopes and versions into the store.
#include "store/impl.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone::store_detail {

using wire::Fields;
using wire::Json;

void Taker::scope(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string name, run;
  std::uint64_t version = 0;
  f.need("name", name);
  f.get("run", run);
  f.need("version", version);
  if (name.empty()) throw Error(Fault::bad_input, f.at("name") + ": expected a name, got nothing");
  const std::string mine = mapped(runs_, run);
  require_run(impl_.db, mine);
  if (mine != run) {  // their run got a new id: its scopes are other scopes too
    std::string renamed = name;
    const auto place = renamed.find(run);
    if (place != std::string::npos)
      renamed.replace(place, run.size(), mine);
    else
      renamed += "~" + mine.substr(0, 8);
    scopes_[name] = renamed;
    name = renamed;
  }
  auto there = impl_.db.query("SELECT seq, version FROM scope WHERE name = ?", name);
  if (there.step()) {
    if (static_cast<std::uint64_t>(there.integer(1)) >= version) {
      ++known;
      return;
    }
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
    const auto bytes = from_base64(data, g.at("data"));
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

// The same, for a lesson that went in under another id.
std::string derived_lesson_id(const Lesson& lesson) {
  std::string hex = sha256_hex("lesson" + wire::dump(wire::to_json(lesson))).substr(0, 32);
  hex[12] = '8';
  hex[16] = 'a';
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

}  // namespace

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
  const auto here = [&](const std::string& id) {
    auto row = db.query(std::string(lesson_columns) + "WHERE l.id = ?", id);
    return row.step() ? std::optional(read_lesson(db, row)) : std::nullopt;
  };
  auto ours = here(l.id);
  if (ours && lesson_content(ours->lesson) != lesson_content(l)) {
    const std::string id = l.id;
    l.id = derived_lesson_id(l);
    lessons_[id] = l.id;
    ours = here(l.id);
    if (!ours) conflict(at, "lesson " + id);
  }
  if (ours) {
    ++known;
    // Retired as soon as either side did.
    if (n.retired != 0 && (ours->retired == 0 || n.retired < ours->retired)) {
      if (!keep_both_)
        throw Error(Fault::conflict,
                    at + ": lesson " + l.id + " is in the store already, retired at another version");
      db.run("UPDATE lesson SET retired = ? WHERE id = ?", n.retired, l.id);
      changed_scopes_.insert(scope.integer(0));
    }
    return;
  }
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
    versions[mapped(scopes_, scope)] = wire::read_uint64(version, f.at("versions") + "." + scope);
  auto there = impl_.db.query("SELECT ids, versions FROM commit_log WHERE run = ? AND key = ?", run, key);
  if (there.step()) {
    // A learning step that both sides took by themselves: ours stays, their lessons are beside ours.
    if (there.view(0) != wire::dump(Json(ids)) || there.view(1) != wire::dump(versions))
      conflict(at, "commit '" + key + "' of run " + run);
    else
      ++known;
    return;
  }
  impl_.db.run("INSERT INTO commit_log(run, key, ids, versions) VALUES (?,?,?,?)", run, key,
               wire::dump(Json(ids)), wire::dump(versions));
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
  const auto bytes = from_base64(text, f.at("bytes"));
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
