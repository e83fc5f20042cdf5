#include "store/db.h"

#include <cmath>
#include <limits>

namespace hone::store_detail {

void fail(sqlite3* db, int code, std::string_view what) {
  const std::string reason = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  const std::string start = "store: " + std::string(what) + ": ";
  switch (code & 0xFF) {
    case SQLITE_FULL:
      throw Error(
          Fault::io,
          start + "no space left (disk full or size limit reached); nothing of this call was written");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(Fault::io, start + reason);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw Error(Fault::corrupt,
                  start + reason +
                      "; the file is damaged or not a store (restore a copy, or export what can be read)");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(Fault::conflict, start + "another process is writing and did not finish in time");
    case SQLITE_CONSTRAINT:
      throw Error(Fault::conflict, start + reason);
    case SQLITE_TOOBIG:
      throw Error(Fault::bad_input, start + "a value is larger than SQLite takes (1 GB)");
    case SQLITE_NOMEM:
      throw Error(Fault::unavailable, start + "out of memory");
    default:
      throw Error(Fault::internal, start + reason);
  }
}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), statement_(other.statement_), busy_(other.busy_), next_(other.next_) {
  other.statement_ = nullptr;
  other.busy_ = nullptr;
}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  if (busy_ == nullptr) {
    sqlite3_finalize(statement_);
    return;
  }
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  *busy_ = false;
}

void Statement::check(int code) {
  if (code != SQLITE_OK) fail(db_->handle(), code, "bind");
}

Statement& Statement::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_, next_++, value));
  return *this;
}

Statement& Statement::bind(double value) {
  check(std::isnan(value) ? sqlite3_bind_null(statement_, next_)
                          : sqlite3_bind_double(statement_, next_, value));
  ++next_;
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  check(sqlite3_bind_text64(statement_, next_++, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::span<const std::byte> bytes) {
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  check(sqlite3_bind_blob64(statement_, next_++, data, bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null() {
  check(sqlite3_bind_null(statement_, next_++));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* db = db_->handle();
  const int extended = sqlite3_extended_errcode(db);
  fail(db, extended == SQLITE_OK ? code : extended,
       sqlite3_stmt_readonly(statement_) != 0 ? "read" : "write");
}

void Statement::run() {
  while (step()) {
  }
}

double Statement::real(int column) const {
  return is_null(column) ? std::numeric_limits<double>::quiet_NaN()
                         : sqlite3_column_double(statement_, column);
}

std::string_view Statement::view(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr
             ? std::string_view()
             : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::span<const std::byte> Statement::bytes(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Db::Db(const std::string& uri_or_path, int flags, int busy_ms) : busy_ms_(busy_ms) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(uri_or_path.c_str(), &raw,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  db_.reset(raw);
  if (code != SQLITE_OK) fail(raw, code, "open");
  sqlite3_busy_timeout(raw, busy_ms);
}

Statement Db::prepare(std::string_view sql) {
  const auto compile = [&] {
    sqlite3_stmt* s = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &s, nullptr);
    if (code != SQLITE_OK) fail(db_.get(), code, "prepare");
    return s;
  };
  const auto found = kept_.find(std::string(sql));
  if (found != kept_.end()) {
    if (found->second->busy)
      return {*this, compile(), nullptr};  // the same text twice at once: the second is its own
    found->second->busy = true;
    return {*this, found->second->statement.get(), &found->second->busy};
  }
  auto kept = std::make_unique<Kept>();
  kept->statement.reset(compile());
  kept->busy = true;
  Kept& place = *kept;
  kept_.emplace(std::string(sql), std::move(kept));
  return {*this, place.statement.get(), &place.busy};
}

void Db::script(std::string_view sql) {
  const int code = sqlite3_exec(db_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(db_.get(), code, "write");
}

Transaction::Transaction(Db& db, Kind kind) : db_(db) {
  if (db.in_transaction()) return;
  struct Wait {  // only the beginning waits: once it has begun, nobody else writes
    Db& db;
    ~Wait() { sqlite3_busy_timeout(db.handle(), db.busy_ms()); }
  };
  {
    const Wait usual{db};
    if (kind == Kind::patient) sqlite3_busy_timeout(db.handle(), db.busy_ms() * patience);
    db.run(kind == Kind::read ? "BEGIN" : "BEGIN IMMEDIATE");
  }
  open_ = true;
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (disk full). A failing rollback has nobody left to tell.
  if (open_ && db_.in_transaction()) sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  if (!open_) return;
  db_.run("COMMIT");
  open_ = false;
}

}  // namespace hone::store_detail
