// What a store survives: kills, full disks, damage, other writers.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/impl.h"
#include "store/test_world.h"
#include "store/transfer.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

// Runs the body in a child process and gives its exit status (0 = the body returned true).
int in_child(const std::function<bool()>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    bool good = false;
    try {
      good = body();
    } catch (...) {
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(Durability, AKilledWriterLosesNothingItAcknowledged) {
  for (int round = 0; round < 4; ++round) {
    Folder folder;
    const auto path = folder / "s.db";
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      close(pipe_ends[0]);
      try {
        Store store(path);
        const std::string run = a_run(store, "r");
        for (int i = 0;; ++i) {
          Episode e = an_episode(run, std::to_string(i), std::string(20000, 'x'));
          e.steps.resize(3, e.steps[0]);
          store.append(e);
          if (write(pipe_ends[1], &i, sizeof i) != sizeof i) _exit(1);  // acknowledged
        }
      } catch (...) {
        _exit(1);
      }
    }
    close(pipe_ends[1]);
    int last = -1;
    const int stop_at = 5 + 3 * round;
    for (int i = 0; read(pipe_ends[0], &i, sizeof i) == sizeof i;) {
      last = i;
      if (i == stop_at) kill(pid, SIGKILL);  // somewhere in the middle of a later append
    }
    close(pipe_ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    Store store(path);
    EXPECT_GE(last, stop_at);
    EXPECT_GE(store.count_episodes({}), last + 1);
    for (int i = 0; i <= last; ++i) EXPECT_EQ(store.find_episode("r", std::to_string(i))->steps.size(), 3U);
    EXPECT_TRUE(verify(store).empty());
  }
}

TEST(Durability, AFullDiskIsAnErrorAndLosesNothing) {
  Folder folder;
  const auto path = folder / "s.db";
  {
    Store make(path);
  }
  StoreOptions small;
  small.max_pages = 120;
  std::vector<std::string> acknowledged;
  {
    Store store(path, small);
    std::string what;
    for (int i = 0; what.empty() && i < 100; ++i) {
      try {
        acknowledged.push_back(store.append(an_episode("", std::to_string(i), std::string(20000, 'x'))));
      } catch (const Error& e) {
        EXPECT_EQ(e.fault(), Fault::io);
        what = e.what();
      }
    }
    EXPECT_NE(what.find("no space left"), std::string::npos);
    EXPECT_GT(acknowledged.size(), 1U);
    EXPECT_EQ(store.count_episodes({}), static_cast<std::int64_t>(acknowledged.size()));
    EXPECT_EQ(error_of([&] {
                store.commit({"", "", {{a_case("s", "t", "x", std::string(60000, 'y'))}, {}}, {}});
              }).fault(),
              Fault::io);
    EXPECT_EQ(store.latest_version("s"), 0U);
    EXPECT_TRUE(verify(store).empty());
  }
  Store store(path);
  for (const auto& id : acknowledged) EXPECT_TRUE(store.episode(id).has_value());
  store.append(an_episode("", "later"));
  EXPECT_TRUE(verify(store).empty());
}

TEST(Durability, GarbageIsNotAStore) {
  Folder folder;
  const auto path = folder / "s.db";
  std::ofstream(path) << std::string(20000, 'g');
  const Error e = error_of([&] { Store store(path); });
  EXPECT_EQ(e.fault(), Fault::corrupt);
  EXPECT_NE(std::string(e.what()).find("s.db"), std::string::npos);
  EXPECT_EQ(bytes_of(path), std::string(20000, 'g'));
  EXPECT_EQ(error_of([&] { Store store(folder.path()); }).fault(), Fault::usage);
  StoreOptions no_create;
  no_create.create = false;
  EXPECT_EQ(error_of([&] { Store store(folder / "none.db", no_create); }).fault(), Fault::not_found);
}

TEST(Durability, ATruncatedOrDamagedFileIsToldNeverBelieved) {
  Folder folder;
  const auto path = folder / "s.db";
  {
    Store store(path);
    fill(store);
  }
  const std::string whole = bytes_of(path);
  ASSERT_GT(whole.size(), 50000U);
  for (const std::size_t size :
       {std::size_t{50}, whole.size() / 3, whole.size() - 4096, whole.size() - 100}) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    std::string what;
    try {
      Store store(path);
      for (const auto& problem : verify(store)) what += problem;
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::corrupt) << e.what();
      what = e.what();
    }
    EXPECT_FALSE(what.empty()) << size;
  }
  // One page after another overwritten: an error or a problem found, never a crash.
  int told = 0, pages = 0;
  for (std::size_t page = 4096; page + 4096 <= whole.size(); page += 4096, ++pages) {
    std::string bad = whole;
    for (std::size_t i = 0; i < 4096; ++i) bad[page + i] = static_cast<char>(hash64("x", page + i));
    std::ofstream(path, std::ios::binary) << bad;
    try {
      Store store(path);
      told += verify(store).empty() ? 0 : 1;
    } catch (const Error& e) {
      EXPECT_NE(e.fault(), Fault::internal) << e.what();
      ++told;
    }
  }
  EXPECT_EQ(told, pages);
}

TEST(Durability, AnOtherSqliteFileIsLeftAlone) {
  Folder folder;
  const auto path = folder / "s.db";
  store_detail::Db(path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0)
      .script("CREATE TABLE theirs(x)");
  const std::string before = bytes_of(path);
  const Error e = error_of([&] { Store store(path); });
  EXPECT_EQ(e.fault(), Fault::corrupt);
  EXPECT_NE(std::string(e.what()).find("not one of Hone's"), std::string::npos);
}

TEST(Durability, AReadOnlyFolderIsAnErrorForWritersAndFineForReaders) {
  Folder folder;
  const auto path = folder / "s.db";
  {
    Store store(path);
    store.append(an_episode("", "k"));
  }
  chmod(path.c_str(), 0444);
  chmod(folder.path().c_str(), 0555);
  EXPECT_EQ(in_child([&] {
              // Root is not held by permissions; anybody else is.
              if (geteuid() == 0 && seteuid(65534) != 0) return false;
              Fault writing = Fault::internal;
              try {
                Store store(path);
                store.append(an_episode("", "more"));
              } catch (const Error& e) {
                writing = e.fault();
              }
              Fault making = Fault::internal;
              try {
                Store store(folder / "new.db");
              } catch (const Error& e) {
                making = e.fault();
              }
              StoreOptions read_only;
              read_only.read_only = true;
              const Store store(path, read_only);
              return writing == Fault::io && making == Fault::io && store.count_episodes({}) == 1 &&
                     verify(store).empty();
            }),
            0);
  chmod(folder.path().c_str(), 0755);
}

TEST(Durability, AReadOnlyStoreRefusesToWrite) {
  Folder folder;
  const auto path = folder / "s.db";
  {
    Store store(path);
    fill(store);
  }
  StoreOptions read_only;
  read_only.read_only = true;
  Store store(path, read_only);
  EXPECT_EQ(error_of([&] { store.append(an_episode("", "k")); }).fault(), Fault::io);
  EXPECT_TRUE(verify(store).empty());
  std::ostringstream out;
  export_jsonl(store, out);
  EXPECT_FALSE(out.str().empty());
}

TEST(Durability, TwoProcessesMayWriteAtOnce) {
  Folder folder;
  const auto path = folder / "s.db";
  std::vector<pid_t> children;
  for (int child = 0; child < 3; ++child) {
    const pid_t pid = fork();
    if (pid == 0) {
      try {
        Store store(path);  // they also race to make the file
        for (int i = 0; i < 15; ++i)
          store.append(an_episode("", std::to_string(child) + "/" + std::to_string(i)));
        _exit(0);
      } catch (...) {
        _exit(1);
      }
    }
    children.push_back(pid);
  }
  for (const auto pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  Store store(path);
  EXPECT_EQ(store.count_episodes({}), 45);
  EXPECT_TRUE(verify(store).empty());
}

TEST(Durability, ARunsOwnWritesOutlastALongImport) {
  Folder folder;
  const auto path = folder / "s.db";
  Store holder(path);
  const std::string run = a_run(holder);
  StoreOptions options;
  options.busy_ms = 100;
  Store store(path, options);
  std::optional<store_detail::Transaction> import(std::in_place, holder.impl().db);
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    import.reset();
  });
  EXPECT_NO_THROW(store.append(an_episode(run, "k")));
  ends.join();
  EXPECT_EQ(store.count_episodes({}), 1);
  // What is not a run's waits no longer than before.
  const store_detail::Transaction again(holder.impl().db);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of([&] { erase_episode(store, store.episodes({})[0].id); }).fault(), Fault::conflict);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(Durability, AWriterThatNeverEndsIsAConflictNotAHang) {
  Folder folder;
  const auto path = folder / "s.db";
  Store holder(path);
  store_detail::Transaction open(holder.impl().db);
  StoreOptions impatient;
  impatient.busy_ms = 50;
  Store store(path, impatient);
  EXPECT_EQ(error_of([&] { store.append(an_episode("", "k")); }).fault(), Fault::conflict);
  EXPECT_EQ(store.count_episodes({}), 0);
}

TEST(RunLock, IsHeldByOneProcessAndNamedAndGoesWithIt) {
  Folder folder;
  Store store(folder / "s.db");
  const std::string run = a_run(store, "r");
  a_run(store, "other");
  {
    const RunLock lock = store.lock_run(run);
    const Error e = error_of([&] { (void)store.lock_run(run); });
    EXPECT_EQ(e.fault(), Fault::conflict);
    EXPECT_NE(std::string(e.what()).find("process " + std::to_string(getpid())), std::string::npos);
    const RunLock another = store.lock_run("other");
    EXPECT_EQ(in_child([&] {
                try {
                  Store mine(folder / "s.db");
                  (void)mine.lock_run(run);
                } catch (const Error& x) {
                  return x.fault() == Fault::conflict;
                }
                return false;
              }),
              0);
  }
  {
    const RunLock again = store.lock_run(run);
  }
  // A killed holder leaves nothing behind that binds.
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    Store mine(folder / "s.db");
    const RunLock lock = mine.lock_run(run);
    if (write(ready[1], "x", 1) == 1) pause();
    _exit(1);
  }
  char x = 0;
  ASSERT_EQ(read(ready[0], &x, 1), 1);
  EXPECT_NE(std::string(error_of([&] { (void)store.lock_run(run); }).what()).find(std::to_string(pid)),
            std::string::npos);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  const RunLock taken = store.lock_run(run);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(error_of([&] { (void)store.lock_run("no run"); }).fault(), Fault::not_found);
}

}  // namespace
}  // namespace hone
