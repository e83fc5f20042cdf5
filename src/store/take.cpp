// Records into the store: known ones are counted, new ones added, contradicting ones refused or kept beside
// ours.
#include <algorithm>

#include "store/impl.h"
#include "wire/base64.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone::store_detail {

using wire::Fields;
using wire::Json;

namespace {

// A name for something that must differ from ours, the same whenever it is taken again. UUID version 8 (RFC
// 9562: from content).
std::string derived_id(const std::string& content) {
  std::string hex = sha256_hex(content).substr(0, 32);
  hex[12] = '8';
  hex[16] = 'a';
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

std::string short_hash(const std::string& content) { return sha256_hex(content).substr(0, 8); }

bool there(Db& db, const char* sql, const std::string& id) { return db.query(sql, id).step(); }

// Two stores that imported the same chats made the run at two times.
bool same_run(Db& db, const std::string& id, const std::string& recipe, const std::string& config_hash,
              std::uint64_t seed, std::int64_t created) {
  return db
      .query(
          "SELECT 1 FROM run WHERE id = ?1 AND recipe = ?2 AND config_hash = ?3 AND seed = ?4 AND (created_ms "
          "= ?5 OR id GLOB 'import/*')",
          id, recipe, config_hash, seed, created)
      .step();
}

std::string other_run(const std::string& id, const std::string& recipe, const std::string& config_hash,
                      std::uint64_t seed, std::int64_t created) {
  return derived_id("run" + id + recipe + config_hash + std::to_string(seed) + std::to_string(created));
}

std::string with_note(const std::string& meta, const std::string& id, const std::string& at) {
  Json note = wire::parse(meta, at);
  if (note.is_object()) note["merged_from"] = id;
  return wire::dump(note);
}

}  // namespace

std::string Taker::mapped(const std::map<std::string, std::string>& map, const std::string& id) const {
  const auto found = map.find(id);
  return found == map.end() ? id : found->second;
}

void Taker::conflict(const std::string& at, const std::string& what) {
  if (!keep_both_)
    throw Error(Fault::conflict, at + ": " + what + " is in the store already, with other content");
  ++conflicts;
}

void Taker::take(const Json& line, const std::string& at) {
  using Method = void (Taker::*)(const Json&, const std::string&);
  static const std::map<std::string, Method> methods{
      {"hone-store", &Taker::header},     {"end", &Taker::end},              {"artifact", &Taker::artifact},    {"run", &Taker::run},
      {"metric", &Taker::metric},         {"record", &Taker::record},        {"episode", &Taker::episode},
      {"generation", &Taker::generation}, {"scope", &Taker::scope},          {"lesson", &Taker::lesson},
      {"commit", &Taker::commit},         {"checkpoint", &Taker::checkpoint}};
  ++lines_;
  std::string type;
  Fields(line, at).need("type", type);
  const auto method = methods.find(type);
  if (method == methods.end())
    throw Error(
        Fault::bad_input,
        at +
            ".type: expected hone-store, artifact, run, metric, record, episode, generation, scope, lesson, "
            "commit, checkpoint or end, got '" +
            wire::shortened(type) + "'");
  (this->*method->second)(line, at);
}

void Taker::header(const Json& line, const std::string& at) {
  int format = 0;
  Fields(line, at).need("format", format);
  if (format < 1 || format > format_with_end)
    throw Error(Fault::unavailable,
                at + ".format: expected 1 or 2, got " + std::to_string(format) + "; written by a newer Hone");
  require_ended(at);
  open_ = format >= format_with_end;
  lines_ = 1;
  metrics_here_.clear();  // the next of several exports: its metrics are not more of the last one's
  metrics_taken_.clear();
}

void Taker::end(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::int64_t lines = 0;
  f.need("lines", lines);
  if (open_ && lines != lines_ - 1)
    throw Error(Fault::bad_input, f.at("lines") + ": expected the lines before this one, " +
                                      std::to_string(lines_ - 1) + ", got " + std::to_string(lines) +
                                      "; some are missing");
  open_ = false;
}

void Taker::require_ended(const std::string& at) const {
  if (open_)
    throw Error(Fault::bad_input, at + ": expected the last line of the export, {\"type\":\"end\"}; it was cut off");
}

void Taker::artifact(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string sha, text;
  f.need("sha", sha);
  f.need("bytes", text);
  const auto bytes = wire::from_base64(text, f.at("bytes"));
  const std::string actual = sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (actual != sha)
    throw Error(Fault::bad_input,
                f.at("sha") + ": expected the SHA-256 of the bytes, " + actual + ", got " + wire::shortened(sha));
  impl_.db.run("INSERT INTO artifact(sha, bytes) VALUES (?,?) ON CONFLICT(sha) DO NOTHING", sha,
               std::span<const std::byte>(bytes));
  ++(impl_.db.changes() > 0 ? added : known);
}

void Taker::run(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string id, name, recipe, config_hash, env, method, model, status, meta;
  std::uint64_t seed = 0;
  std::int64_t created = 0;
  f.need("id", id);
  if (!valid_run_id(id))
    throw Error(Fault::bad_input,
                f.at("id") + ": expected a plain name, without '/', got '" + wire::shortened(id) + "'");
  for (auto& [field, target] :
       std::initializer_list<std::pair<const char*, std::string&>>{{"name", name},
                                                                   {"recipe", recipe},
                                                                   {"config_hash", config_hash},
                                                                   {"env", env},
                                                                   {"method", method},
                                                                   {"model", model}})
    f.need(field, target);
  f.need("seed", seed);
  f.need("created_ms", created);
  f.need("status", status);
  f.need("meta", meta);
  require_json(meta, f.at("meta"));
  constexpr std::string_view statuses[] = {"running", "finished", "stopped", "failed", "imported"};
  if (std::find(std::begin(statuses), std::end(statuses), status) == std::end(statuses))
    throw Error(Fault::bad_input, f.at("status") +
                                      ": expected running, finished, stopped, failed or imported, got '" +
                                      wire::shortened(status) + "'");
  Db& db = impl_.db;
  std::string mine = id;
  if (there(db, "SELECT 1 FROM run WHERE id = ?", id)) {
    if (same_run(db, id, recipe, config_hash, seed, created)) {
      go_on(id, status, meta);
      return;
    }
    mine = other_run(id, recipe, config_hash, seed, created);
    runs_[id] = mine;
    if (keep_both_ && there(db, "SELECT 1 FROM run WHERE id = ?", mine)) {
      go_on(mine, status, with_note(meta, id, f.at("meta")));
      return;
    }
    conflict(at, "run " + id);
    meta = with_note(meta, id, f.at("meta"));
  }
  db.run(
      "INSERT INTO run(id, name, recipe, config_hash, env, method, model, seed, created_ms, status, meta) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      mine, name, recipe, config_hash, env, method, model, seed, created, status, meta);
  ++added;
}

// One side may be further: running, then stopped or failed, then finished.
void Taker::go_on(const std::string& run, const std::string& status, const std::string& meta) {
  constexpr const char* far =
      "CASE ?1 WHEN 'running' THEN 0 WHEN 'stopped' THEN 1 WHEN 'failed' THEN 1 ELSE 2 END > "
      "CASE status WHEN 'running' THEN 0 WHEN 'stopped' THEN 1 WHEN 'failed' THEN 1 ELSE 2 END";
  impl_.db.run(std::string("UPDATE run SET status = ?1, meta = ?2 WHERE id = ?3 AND ") + far, status, meta, run);
  ++(impl_.db.changes() > 0 ? added : known);
}

void Taker::foresee(Impl& theirs) {
  {
    auto runs = theirs.db.query("SELECT id, recipe, config_hash, seed, created_ms FROM run");
    while (runs.step()) {
      const std::string id = runs.text(0), recipe = runs.text(1), hash = runs.text(2);
      const auto seed = static_cast<std::uint64_t>(runs.integer(3));
      if (there(impl_.db, "SELECT 1 FROM run WHERE id = ?", id) &&
          !same_run(impl_.db, id, recipe, hash, seed, runs.integer(4)))
        runs_[id] = other_run(id, recipe, hash, seed, runs.integer(4));
    }
  }
  foresee_lessons(theirs);
}

void Taker::metric(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string run, name;
  std::int64_t round = 0;
  double value = 0.0;
  f.need("run", run);
  f.need("round", round);
  f.need("name", name);
  f.need("value", value);
  run = mapped(runs_, run);
  require_run(impl_.db, run);
  // Equal values may stand there several times: as many as the more of the two sides.
  const std::string key = wire::dump(Json{run, round, name, wire::number(value)});
  if (metrics_here_.find(key) == metrics_here_.end()) {
    Statement here = impl_.db.prepare(
        "SELECT count(*) FROM metric WHERE run = ? AND round = ? AND name = ? AND value IS ?");
    here.all(run, round, name, value);
    here.step();
    metrics_here_[key] = here.integer(0);
  }
  if (++metrics_taken_[key] <= metrics_here_[key]) {
    ++known;
    return;
  }
  impl_.db.run("INSERT INTO metric(run, round, name, value) VALUES (?,?,?,?)", run, round, name, value);
  ++added;
}

void Taker::record(const Json& line, const std::string& at) {
  const Fields f(line, at);
  std::string run, key, value;
  f.need("run", run);
  f.need("key", key);
  f.need("value", value);
  require_json(value, f.at("value"));
  run = mapped(runs_, run);
  require_run(impl_.db, run);
  auto row = impl_.db.query("SELECT value FROM record WHERE run = ? AND key = ?", run, key);
  if (row.step()) {
    if (row.view(0) == value) {
      ++known;
      return;
    }
    if (key == "seconds") {
      record_seconds(run, row.text(0), value);
      return;
    }
    const std::string beside = "merged/" + short_hash(value) + "/" + key;
    if (keep_both_ && impl_.db.query("SELECT 1 FROM record WHERE run = ? AND key = ?", run, beside).step()) {
      ++known;
      return;
    }
    conflict(at, "record '" + key + "' of run " + run);
    key = beside;
  }
  impl_.db.run("INSERT INTO record(run, key, value) VALUES (?,?,?)", run, key, value);
  ++added;
}

// What a run has taken so far only rises: the side that says more is further.
void Taker::record_seconds(const std::string& run, const std::string& ours, const std::string& theirs) {
  const Json a = wire::parse(ours, "store: record seconds"), b = wire::parse(theirs, "record seconds");
  if (!b.is_number() || (a.is_number() && a.get<double>() >= b.get<double>())) {
    ++known;
    return;
  }
  impl_.db.run("UPDATE record SET value = ? WHERE run = ? AND key = 'seconds'", theirs, run);
  ++added;
}

void Taker::episode(const Json& line, const std::string& at) {
  const Fields f(line, at);
  Episode e = wire::episode_from_json(f.required("episode"), f.at("episode"));
  if (e.id.empty()) throw Error(Fault::bad_input, f.at("episode") + ".id: expected an id, got nothing");
  const std::string id = e.id;
  e.run = mapped(runs_, e.run);
  e.parent = mapped(episodes_, e.parent);
  e.by.scope = mapped(scopes_, e.by.scope);
  for (auto& g : e.aside) g.by.scope = mapped(scopes_, g.by.scope);
  for (auto& step : e.steps)
    for (auto& use : step.did.lessons) use.lesson = mapped(lessons_, use.lesson);
  Db& db = impl_.db;
  require_run(db, e.run);
  std::string content = episode_content(e);
  auto by_id = db.query("SELECT content FROM episode WHERE id = ?", id);
  const bool id_taken = by_id.step();
  // By key: known when the content is the same, whatever its id.
  const auto known_by_key = [&] {
    Statement row = db.prepare("SELECT id, content FROM episode WHERE run IS ? AND key = ? AND key <> ''");
    row.bind_or_null(e.run).bind(e.key);
    if (!row.step()) return std::optional<bool>();
    const bool same = row.view(1) == content;
    if (same && row.view(0) != id) episodes_[id] = row.text(0);
    return std::optional<bool>(same);
  };
  const auto key = known_by_key();
  if ((id_taken && by_id.view(0) == content) || key == true) {
    ++known;
    return;
  }
  if (key) {  // ours keeps the key, theirs gets one beside it
    e.key += "~" + short_hash(content);
    content = episode_content(e);
    if (known_by_key() == true) {
      ++known;
      return;
    }
  }
  if (id_taken) {
    e.id = derived_id("episode" + id + content);
    episodes_[id] = e.id;
    if (there(db, "SELECT 1 FROM episode WHERE id = ?", e.id)) {
      ++known;
      return;
    }
  }
  if (id_taken || key)
    conflict(at, "episode " + id + (key ? " ('" + e.key.substr(0, e.key.rfind('~')) + "' of its run)" : ""));
  insert_episode(db, e, content);
  ++added;
}

void Taker::generation(const Json& line, const std::string& at) {
  const Fields f(line, at);
  Generation g = wire::generation_from_json(f.required("generation"), f.at("generation"));
  if (g.id.empty()) throw Error(Fault::bad_input, f.at("generation") + ".id: expected an id, got nothing");
  std::string run, about;
  f.get("run", run);
  f.get("about", about);
  run = mapped(runs_, run);
  about = mapped(episodes_, about);
  g.by.scope = mapped(scopes_, g.by.scope);
  Db& db = impl_.db;
  require_run(db, run);
  if (!about.empty() && !there(db, "SELECT 1 FROM episode WHERE id = ?", about))
    throw Error(Fault::bad_input, f.at("about") + ": names episode " + wire::shortened(about) + ", which is not there");
  std::string content = generation_content(g);
  const std::string id = g.id;
  auto by_id = db.query("SELECT content FROM generation WHERE id = ?", id);
  const bool id_taken = by_id.step();
  const auto known_by_key = [&] {
    Statement row = db.prepare("SELECT content FROM generation WHERE run IS ? AND key = ? AND key <> ''");
    row.bind_or_null(run).bind(g.key);
    return row.step() ? std::optional<bool>(row.view(0) == content) : std::nullopt;
  };
  const auto key = known_by_key();
  bool is_known = (id_taken && by_id.view(0) == content) || key == true;
  if (!is_known && key) {
    g.key += "~" + short_hash(content);
    content = generation_content(g);
    is_known = known_by_key() == true;
  }
  if (!is_known && id_taken) {
    g.id = derived_id("generation" + id + content);
    is_known = there(db, "SELECT 1 FROM generation WHERE id = ?", g.id);
  }
  if (is_known) {
    ++known;
    return;
  }
  if (id_taken || key) conflict(at, "generation " + id);
  insert_generation(db, run, g, about);
  ++added;
}

}  // namespace hone::store_detail
