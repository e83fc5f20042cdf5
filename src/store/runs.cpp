// Runs, their metrics and records, artifacts.
#include <algorithm>

#include "store/impl.h"
#include "wire/id.h"
#include "wire/sha256.h"

namespace hone {

using namespace store_detail;

namespace {

constexpr std::pair<RunStatus, std::string_view> statuses[] = {{RunStatus::running, "running"},
                                                               {RunStatus::finished, "finished"},
                                                               {RunStatus::stopped, "stopped"},
                                                               {RunStatus::failed, "failed"},
                                                               {RunStatus::imported, "imported"}};

constexpr const char* run_columns =
    "SELECT id, name, recipe, config_hash, env, method, model, seed, created_ms, status, meta FROM run ";

RunInfo read_run(const Statement& row) {
  RunInfo run;
  run.id = row.text(0);
  run.name = row.text(1);
  run.recipe_yaml = row.text(2);
  run.config_hash = row.text(3);
  run.env = row.text(4);
  run.method = row.text(5);
  run.model = row.text(6);
  run.seed = static_cast<std::uint64_t>(row.integer(7));
  run.created_ms = row.integer(8);
  const auto* status = std::find_if(std::begin(statuses), std::end(statuses),
                                    [&](const auto& s) { return s.second == row.view(9); });
  if (status == std::end(statuses))
    throw Error(Fault::corrupt, "store: run " + run.id + " has the unknown status '" + row.text(9) + "'");
  run.status = status->first;
  run.meta = row.text(10);
  return run;
}

}  // namespace

std::string_view to_string(RunStatus status) {
  for (const auto& [s, name] : statuses)
    if (s == status) return name;
  throw Error(Fault::internal, "a run status without a name");
}

bool valid_run_id(std::string_view id) {
  constexpr std::string_view imported = "import/";
  constexpr std::size_t longest = 200;
  std::string_view name = id;
  if (name.starts_with(imported)) name.remove_prefix(imported.size());
  return !name.empty() && name != "." && name != ".." && id != "import" && id.size() <= longest &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::filesystem::path run_folder(const std::filesystem::path& home, std::string_view id) {
  if (!valid_run_id(id))
    throw Error(Fault::bad_input, "run id '" + wire::shortened(id) + "': not a name that a folder can have");
  return home / "runs" / std::filesystem::path(id);
}

std::string Store::create_run(const RunInfo& run) {
  const Lock lock(impl_->mutex);
  const std::string id = run.id.empty() ? new_id() : clean(run.id);
  require_json(run.meta, "run.meta");
  if (!valid_run_id(id))
    throw Error(Fault::bad_input, "store: a run can't have the id '" + wire::shortened(id) + "'");
  Transaction transaction(impl_->db, Transaction::Kind::patient);
  if (impl_->db.query("SELECT 1 FROM run WHERE id = ?", id).step())
    throw Error(Fault::conflict, "store: there is a run " + id + " already");
  impl_->db.run(
      "INSERT INTO run(id, name, recipe, config_hash, env, method, model, seed, created_ms, status, meta) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      id, clean(run.name), clean(run.recipe_yaml), clean(run.config_hash), clean(run.env), clean(run.method),
      clean(run.model), run.seed, run.created_ms == 0 ? now_ms() : run.created_ms, to_string(run.status),
      clean(run.meta));
  transaction.commit();
  return id;
}

std::optional<RunInfo> Store::run(std::string_view id) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query(std::string(run_columns) + "WHERE id = ?", clean(id));
  if (!row.step()) return std::nullopt;
  return read_run(row);
}

RunInfo Store::find_run(std::string_view name_or_id_prefix) const {
  const Lock lock(impl_->mutex);
  const std::string wanted = clean(name_or_id_prefix);
  if (wanted.empty())
    throw Error(Fault::usage, "store: expected a run's name or the start of its id, got nothing");
  if (auto exact = run(wanted)) return *exact;
  auto named = impl_->db.query(
      std::string(run_columns) + "WHERE name = ? ORDER BY created_ms DESC, seq DESC LIMIT 1", wanted);
  if (named.step()) return read_run(named);
  auto rows = impl_->db.query(std::string(run_columns) + "WHERE id >= ? AND id < ? ORDER BY id", wanted,
                              after_prefix(wanted));
  if (!rows.step())
    throw Error(Fault::not_found,
                "store: no run is called '" + wanted + "', and none has an id that starts so");
  RunInfo found = read_run(rows);
  if (rows.step())
    throw Error(Fault::usage, "store: several runs have ids that start with '" + wanted + "': " + found.id +
                                  ", " + rows.text(0) + "; give more of it");
  return found;
}

std::vector<RunInfo> Store::runs() const {
  const Lock lock(impl_->mutex);
  std::vector<RunInfo> out;
  auto rows = impl_->db.query(std::string(run_columns) + "ORDER BY created_ms, seq");
  while (rows.step()) out.push_back(read_run(rows));
  return out;
}

void Store::set_status(std::string_view run, RunStatus status) {
  const Lock lock(impl_->mutex);
  Transaction transaction(impl_->db, Transaction::Kind::patient);
  impl_->db.run("UPDATE run SET status = ? WHERE id = ?", to_string(status), clean(run));
  if (impl_->db.changes() == 0) throw Error(Fault::not_found, "store: no run " + std::string(run));
  transaction.commit();
}

void Store::set_meta(std::string_view run, std::string_view json_object) {
  const Lock lock(impl_->mutex);
  require_json(json_object, "run.meta");
  impl_->db.run("UPDATE run SET meta = ? WHERE id = ?", clean(json_object), clean(run));
  if (impl_->db.changes() == 0) throw Error(Fault::not_found, "store: no run " + std::string(run));
}

void Store::append_metric(std::string_view run, const Metric& metric) {
  append_metrics(run, metric.round, {{metric.name, metric.value}});
}

void Store::append_metrics(std::string_view run, std::int64_t round, const Metrics& metrics) {
  const Lock lock(impl_->mutex);
  Transaction transaction(impl_->db, Transaction::Kind::patient);
  require_run(impl_->db, clean(run));
  for (const auto& [name, value] : metrics)
    impl_->db.run("INSERT INTO metric(run, round, name, value) VALUES (?,?,?,?)", clean(run), round,
                  clean(name), value);
  transaction.commit();
}

std::vector<Metric> Store::metrics(std::string_view run) const {
  const Lock lock(impl_->mutex);
  std::vector<Metric> out;
  auto rows = impl_->db.query("SELECT round, name, value FROM metric WHERE run = ? ORDER BY seq", clean(run));
  while (rows.step()) out.push_back({rows.integer(0), rows.text(1), rows.real(2)});
  return out;
}

void Store::put_record(std::string_view run, std::string_view key, std::string_view json) {
  const Lock lock(impl_->mutex);
  require_json(json, "record '" + clean(key) + "'");
  Transaction transaction(impl_->db, Transaction::Kind::patient);
  require_run(impl_->db, clean(run));
  impl_->db.run(
      "INSERT INTO record(run, key, value) VALUES (?,?,?) ON CONFLICT(run, key) DO UPDATE SET value = "
      "excluded.value",
      clean(run), clean(key), clean(json));
  transaction.commit();
}

std::optional<std::string> Store::record(std::string_view run, std::string_view key) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query("SELECT value FROM record WHERE run = ? AND key = ?", clean(run), clean(key));
  if (!row.step()) return std::nullopt;
  return row.text(0);
}

std::map<std::string, std::string> Store::records(std::string_view run) const {
  const Lock lock(impl_->mutex);
  std::map<std::string, std::string> out;
  auto rows = impl_->db.query("SELECT key, value FROM record WHERE run = ?", clean(run));
  while (rows.step()) out.emplace(rows.text(0), rows.text(1));
  return out;
}

std::string Store::put_artifact(std::span<const std::byte> bytes) {
  const Lock lock(impl_->mutex);
  const std::string sha = sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  Transaction transaction(impl_->db, Transaction::Kind::patient);
  impl_->db.run("INSERT INTO artifact(sha, bytes) VALUES (?,?) ON CONFLICT(sha) DO NOTHING", sha, bytes);
  transaction.commit();
  return sha;
}

std::optional<std::vector<std::byte>> Store::artifact(std::string_view sha) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query("SELECT bytes FROM artifact WHERE sha = ?", sha);
  if (!row.step()) return std::nullopt;
  const auto bytes = row.bytes(0);
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

std::int64_t Store::artifact_references(std::string_view sha) const {
  const Lock lock(impl_->mutex);
  auto row = impl_->db.query(
      "SELECT (SELECT count(*) FROM lesson WHERE artifact = ?1) + (SELECT count(*) FROM episode WHERE "
      "weights = ?1)",
      sha);
  row.step();
  return row.integer(0);
}

}  // namespace hone
