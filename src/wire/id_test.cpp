#include "wire/id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

namespace hone {
namespace {

TEST(Id, IsAVersion7UuidOfNow) {
  const std::string id = new_id();
  EXPECT_TRUE(is_id(id)) << id;
  const auto ms = std::stoll(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  EXPECT_NEAR(static_cast<double>(ms), static_cast<double>(now), 60000.0);
  EXPECT_FALSE(is_id(""));
  EXPECT_FALSE(is_id("01890000-0000-4000-8000-000000000001"));
  EXPECT_FALSE(is_id("01890000-0000-7000-8000-00000000000G"));
}

TEST(Id, RisesWithinAProcessAndNeverRepeatsAcrossThreads) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 20000; ++i) mine.push_back(new_id());
    });
  for (auto& t : threads) t.join();
  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 80000U);
}

}  // namespace
}  // namespace hone
