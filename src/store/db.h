// SQLite's C interface as values with owners. Not thread-safe: the Store holds a lock around every use.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.h"

namespace hone::store_detail {

// Throws the Error that fits the code, with `what` was being done in front.
[[noreturn]] void fail(sqlite3* db, int code, std::string_view what);

class Db;

// A prepared statement with its bindings; step() until false. Text and blobs are copied in and out, NUL bytes
// included.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(std::int64_t value);
  Statement& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(double value);  // not a number becomes NULL
  Statement& bind(std::string_view text);
  Statement& bind(const std::string& text) { return bind(std::string_view(text)); }
  Statement& bind(const char* text) { return bind(std::string_view(text)); }
  Statement& bind(std::span<const std::byte> bytes);
  Statement& bind_null();
  Statement& bind_or_null(std::string_view text) { return text.empty() ? bind_null() : bind(text); }
  template <class... T>
  Statement& all(const T&... values) {
    (bind(values), ...);
    return *this;
  }

  bool step();  // true: a row is there
  void run();   // to the end, rows ignored

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool truth(int column) const { return integer(column) != 0; }
  double real(int column) const;  // NULL becomes not a number
  std::string text(int column) const { return std::string(view(column)); }
  std::string_view view(int column) const;             // until the next step
  std::span<const std::byte> bytes(int column) const;  // until the next step
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  friend class Db;
  Statement(Db& db, sqlite3_stmt* statement, bool* busy) : db_(&db), statement_(statement), busy_(busy) {}
  void check(int code);
  Db* db_;
  sqlite3_stmt* statement_;
  bool* busy_;  // the cache's mark; null = this object owns the statement
  int next_ = 1;
};

class Db {
 public:
  Db(const std::string& uri_or_path, int flags, int busy_ms);
  sqlite3* handle() const { return db_.get(); }
  // Statements are kept prepared, by text.
  Statement prepare(std::string_view sql);
  template <class... T>
  Statement query(std::string_view sql, const T&... values) {
    Statement s = prepare(sql);
    s.all(values...);
    return s;
  }
  template <class... T>
  void run(std::string_view sql, const T&... values) {
    query(sql, values...).run();
  }
  void script(std::string_view sql);  // many statements
  std::int64_t last_row() const { return sqlite3_last_insert_rowid(db_.get()); }
  std::int64_t changes() const { return sqlite3_changes64(db_.get()); }
  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }
  int busy_ms() const { return busy_ms_; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  struct Kept {
    std::unique_ptr<sqlite3_stmt, Finalize> statement;
    bool busy = false;
  };
  int busy_ms_;
  std::unique_ptr<sqlite3, Close> db_;
  std::unordered_map<std::string, std::unique_ptr<Kept>> kept_;
};

// BEGIN IMMEDIATE (so that waiting for another writer happens here) until commit(); rolled back otherwise.
// Inside another transaction it is part of that one. A read transaction sees one state of the file
// throughout. A patient write waits `patience` times as long: what a run has played may not be lost because
// somebody imports a large file.
class Transaction {
 public:
  enum class Kind { write, read, patient };
  static constexpr int patience = 30;
  explicit Transaction(Db& db, Kind kind = Kind::write);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Db& db_;
  bool open_ = false;
};

}  // namespace hone::store_detail
