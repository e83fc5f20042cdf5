// Opening, schema, the lock of a run.
#include "store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "embedded/store_schema.h"
#include "store/impl.h"
#include "wire/sha256.h"

namespace hone {
namespace store_detail {
namespace {

std::int64_t pragma(Db& db, const std::string& name) {
  auto row = db.query("PRAGMA " + name);
  return row.step() ? row.integer(0) : 0;
}

// The number in front of a schema file's name.
int number_of(std::string_view name) {
  int number = 0;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
}

// A read-only folder can't hold the -shm file that WAL mode needs. When no log is left over, the file alone
// is the whole state.
std::string read_only_uri(const std::filesystem::path& path) {
  std::string uri = "file:";
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : std::filesystem::absolute(path).string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/' || c == '.' || c == '-' || c == '_')
      uri += c;
    else
      (uri += '%', uri += digits[byte >> 4], uri += digits[byte & 15]);
  }
  std::error_code none;
  const auto log = path.string() + "-wal";
  const bool log_left = std::filesystem::exists(log, none) && std::filesystem::file_size(log, none) > 0;
  const bool writable = faccessat(AT_FDCWD, path.parent_path().empty() ? "." : path.parent_path().c_str(),
                                  W_OK, AT_EACCESS) == 0;
  return uri + (!writable && !log_left ? "?immutable=1" : "");
}

Db open_db(const std::filesystem::path& path, const StoreOptions& options) {
  if (path == ":memory:") return Db(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options.busy_ms);
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (std::filesystem::is_directory(path, error))
    throw Error(Fault::usage, path.string() + ": is a folder, expected a store file");
  if (!there && (options.read_only || !options.create))
    throw Error(Fault::not_found, path.string() + ": no store here");
  if (options.read_only)
    return Db(read_only_uri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, options.busy_ms);
  if (!path.parent_path().empty()) {
    std::filesystem::create_directories(path.parent_path(), error);
    if (error)
      throw Error(Fault::io, path.parent_path().string() + ": can't make the folder: " + error.message());
  }
  return Db(path.string(), SQLITE_OPEN_READWRITE | (options.create ? SQLITE_OPEN_CREATE : 0),
            options.busy_ms);
}

// Two processes that open a new file at once: SQLite answers "busy" to the mode change without waiting.
void set_wal(Db& db, int busy_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(busy_ms);
  for (;;) {
    try {
      db.run("PRAGMA journal_mode = WAL");
      return;
    } catch (const Error& e) {
      if (e.fault() != Fault::conflict || std::chrono::steady_clock::now() > until) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

}  // namespace

int newest_schema() {
  int newest = 0;
  for (const auto name : store_schema_names()) newest = std::max(newest, number_of(name));
  return newest;
}

void migrate_to(Db& db, int version) {
  Transaction transaction(db);
  const auto at = static_cast<int>(
      pragma(db, "user_version"));  // again, under the lock: somebody else may have been first
  if (at >= version) return;
  for (const auto name : store_schema_names()) {
    const int number = number_of(name);
    if (number > at && number <= version) db.script(store_schema(name));
  }
  db.script("PRAGMA user_version = " + std::to_string(version));
  db.script("PRAGMA application_id = " + std::to_string(application_id));
  transaction.commit();
}

void migrate(Db& db, bool read_only) {
  const int newest = newest_schema();
  const auto version = static_cast<int>(pragma(db, "user_version"));
  const bool empty = pragma(db, "schema_version") == 0;
  if (!empty && pragma(db, "application_id") != application_id)
    throw Error(Fault::corrupt, "store: this is an SQLite file, but not one of Hone's");
  if (version > newest)
    throw Error(Fault::unavailable, "store: written by a newer Hone (schema " + std::to_string(version) +
                                        ", this one knows " + std::to_string(newest) +
                                        "); use that version, or export there and import here");
  if (version == newest) return;
  if (read_only)
    throw Error(Fault::unavailable, "store: has schema " + std::to_string(version) + ", this Hone needs " +
                                        std::to_string(newest) +
                                        "; open it once for writing so that it is brought up to date");
  migrate_to(db, newest);
}

Impl::Impl(std::filesystem::path p, const StoreOptions& o)
    : path(std::move(p)), options(o), db(open_db(path, o)), tokenizer(db) {
  register_text_functions(db);
  db.script(
      "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -65536");
  if (!options.read_only) {
    if (sqlite3_db_readonly(db.handle(), "main") == 1)
      throw Error(Fault::io, "store: the file can't be written (permissions); open it read-only");
    pragma(db, "user_version");  // not a database, cut off: said before anything is changed
    set_wal(db, options.busy_ms);
    db.script("PRAGMA synchronous = FULL");
  }
  if (options.max_pages > 0) db.script("PRAGMA max_page_count = " + std::to_string(options.max_pages));
  migrate(db, options.read_only);
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string after_prefix(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xFF) next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

void require_run(Db& db, std::string_view run) {
  if (run.empty()) return;
  if (!db.query("SELECT 1 FROM run WHERE id = ?", run).step())
    throw Error(Fault::not_found, "store: no run " + std::string(run));
}

void require_json(std::string_view text, std::string_view what) { wire::parse(text, std::string(what)); }

}  // namespace store_detail

using store_detail::Impl;
using store_detail::Lock;

Store::Store(const std::filesystem::path& path, const StoreOptions& options) {
  try {
    impl_ = std::make_unique<Impl>(path, options);
  } catch (const Error& e) {
    if (std::string_view(e.what()).find(path.string()) != std::string_view::npos) throw;
    throw e.within(path.string());
  }
}

Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::filesystem::path& Store::path() const { return impl_->path; }

int Store::schema_version() const {
  const Lock lock(impl_->mutex);
  return static_cast<int>(store_detail::pragma(impl_->db, "user_version"));
}

// ---- lock of a run: an flock on a small file beside the store, gone with its process

RunLock Store::lock_run(std::string_view run) const {
  {
    const Lock lock(impl_->mutex);
    store_detail::require_run(impl_->db, store_detail::clean(run));
  }
  if (impl_->path == ":memory:") return {"", -1};
  const std::string path = impl_->path.string() + ".lock-" + sha256_hex(run).substr(0, 16);
  for (;;) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
      throw Error(Fault::io, path + ": can't lock run " + std::string(run) + ": " + std::strerror(errno));
    RunLock lock("", fd);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      char text[32] = {};
      const auto got = pread(fd, text, sizeof text - 1, 0);
      throw Error(Fault::conflict, "run " + std::string(run) + " is being driven by process " +
                                       (got > 0 ? std::string(text) : "(unknown)"));
    }
    // The holder before us removes the file when it ends: what we locked must still be what stands there.
    struct stat ours{}, there{};
    if (fstat(fd, &ours) != 0 || stat(path.c_str(), &there) != 0 || ours.st_ino != there.st_ino) continue;
    const std::string pid = std::to_string(getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
      throw Error(Fault::io, path + ": can't write: " + std::strerror(errno));
    lock.path_ = path;
    return lock;
  }
}

RunLock::RunLock(RunLock&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  release();
  path_ = std::move(other.path_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

RunLock::~RunLock() { release(); }

void RunLock::release() noexcept {
  if (fd_ < 0) return;
  if (!path_.empty()) unlink(path_.c_str());
  close(fd_);
  fd_ = -1;
}

}  // namespace hone
