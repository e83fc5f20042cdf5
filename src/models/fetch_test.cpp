// The two transports of fetch.h against a hub on this machine.
#include "models/pull_test_kit.h"

namespace hone {
namespace {

TEST(FetchFromHub, GetsTheFileAndCountsItsBytes) {
  const Folder folder;
  const std::string content = some_bytes(300000);
  Hub hub(content);
  std::int64_t last = 0;
  fetch_from_hub(hub.request(), folder.path() / "f.part", [&](std::int64_t n) {
    EXPECT_GE(n, last);
    last = n;
  });
  EXPECT_EQ(read_file(folder.path() / "f.part"), content);
  EXPECT_EQ(last, 300000);
}

TEST(FetchFromHub, GoesOnWhereALostConnectionStopped) {
  const Folder folder;
  const std::string content = some_bytes(3000000);
  Hub hub(content);
  hub.cut_after = 1000000;
  const fs::path part = folder.path() / "f.part";
  EXPECT_EQ(error_of([&] { fetch_from_hub(hub.request(), part, [](std::int64_t) {}); }).fault(), Fault::unavailable);
  const auto kept = fs::file_size(part);
  EXPECT_GT(kept, 0U);
  EXPECT_LE(kept, 1000000U);
  fetch_from_hub(hub.request(), part, [](std::int64_t) {});
  EXPECT_EQ(read_file(part), content);
  EXPECT_TRUE(hub.ranges.contains("bytes=" + std::to_string(kept) + "-"));
}

TEST(FetchFromHub, RefusesAFileThatAnnouncesAnotherHash) {
  const Folder folder;
  Hub hub("content");
  hub.announced = std::string(64, 'a');
  const Error e = error_of([&] { fetch_from_hub(hub.request(), folder.path() / "f.part", [](std::int64_t) {}); });
  EXPECT_EQ(e.fault(), Fault::corrupt);
  EXPECT_NE(std::string(e.what()).find(hub.announced), std::string::npos);
}

TEST(FetchFromHub, SaysWhyItCant) {
  const Folder folder;
  Hub hub("content");
  HubRequest absent = hub.request();
  absent.path = "/owner/name/resolve/main/absent";
  const Error gone = error_of([&] { fetch_from_hub(absent, folder.path() / "f.part", [](std::int64_t) {}); });
  EXPECT_EQ(gone.fault(), Fault::unavailable);
  EXPECT_NE(std::string(gone.what()).find("404"), std::string::npos) << gone.what();
  HubRequest nobody = hub.request();
  nobody.base = "http://127.0.0.1:1";
  EXPECT_EQ(error_of([&] { fetch_from_hub(nobody, folder.path() / "f.part", [](std::int64_t) {}); }).fault(), Fault::unavailable);
}

TEST(FetchFromHub, StopsWhenTheCallerSaysSo) {
  const Folder folder;
  Hub hub(some_bytes(3000000));
  const auto stop = [](std::int64_t n) {
    if (n > 100) throw Error(Fault::interrupted, "enough");
  };
  EXPECT_EQ(error_of([&] { fetch_from_hub(hub.request(), folder.path() / "f.part", stop); }).fault(), Fault::interrupted);
}

TEST(RunProgram, TellsHowItEnded) {
  const Folder folder;
  const fs::path log = folder.path() / "log";
  EXPECT_EQ(run_program({"sh", "-c", "exit 3"}, log, [] {}).exit_code, 3);
  EXPECT_EQ(run_program({"sh", "-c", "echo why >&2; exit 1"}, log, [] {}).last_lines, "why");
  EXPECT_EQ(run_program({"/absent/program"}, log, [] {}).exit_code, 127);
  EXPECT_THROW(run_program({"sleep", "60"}, log, [] { throw Error(Fault::interrupted, "enough"); }), Error);
}

}  // namespace
}  // namespace hone
