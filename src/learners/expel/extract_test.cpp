#include "learners/expel/extract.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace hone::expel {
namespace {

using Sizes = std::vector<std::size_t>;

// ---- expel.md section 10, item 5
TEST(Chunks, SizesOfTheSpecification) {
  EXPECT_EQ(chunk_sizes(9, 8), (Sizes{5, 4}));
  EXPECT_EQ(chunk_sizes(17, 8), (Sizes{6, 6, 5}));
  EXPECT_EQ(chunk_sizes(20, 8), (Sizes{7, 7, 6}));
  EXPECT_EQ(chunk_sizes(13, 4), (Sizes{4, 4, 4, 1}));
  EXPECT_EQ(chunk_sizes(21, 5), (Sizes{5, 5, 5, 5, 1}));
  EXPECT_EQ(chunk_sizes(8, 8), (Sizes{8}));
  EXPECT_EQ(chunk_sizes(1, 8), (Sizes{1}));
  EXPECT_EQ(chunk_sizes(0, 8), Sizes{});  // no pointless call
}

TEST(Chunks, NeverLoseOrOverfill) {
  for (std::size_t n = 0; n <= 60; ++n)
    for (std::size_t limit = 1; limit <= 12; ++limit) {
      const auto sizes = chunk_sizes(n, limit);
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), n);
      for (const auto size : sizes) EXPECT_TRUE(size >= 1 && size <= limit) << n << " " << limit;
    }
}

TaskRecord record(const std::string& tries) {  // 'f' a failure, 's' a success
  TaskRecord out;
  for (const char c : tries) {
    out.tries.push_back({"", c == 's', {}});
    out.solved = out.solved || c == 's';
    out.failures += c == 'f' ? 1 : 0;
  }
  return out;
}

Sizes everything(std::size_t n) {
  Sizes out(n);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

TEST(Plan, ComparesEveryFailureOfSolvedTasksFirstInOrder) {
  const std::vector<TaskRecord> records{record("s"), record("ffs"), record("ffff"), record("fs")};
  const auto calls = plan_calls(records, everything(4), 8, Rng(1));
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_EQ(calls[0], (InsightCall{true, {{1, 2}, {1, 0}}}));
  EXPECT_EQ(calls[1], (InsightCall{true, {{1, 2}, {1, 1}}}));
  EXPECT_EQ(calls[2], (InsightCall{true, {{3, 1}, {3, 0}}}));
  EXPECT_FALSE(calls[3].compare);
  EXPECT_EQ(calls[3].shown.size(), 3U);
}

TEST(Plan, EverySuccessIsInExactlyOneChunk) {
  std::vector<TaskRecord> records;
  for (int i = 0; i < 40; ++i) records.push_back(record(i % 4 == 0 ? "ff" : i % 4 == 1 ? "s" : "fs"));
  const auto calls = plan_calls(records, everything(40), 8, Rng(5));
  std::set<std::size_t> seen;
  Sizes sizes;
  bool successes_began = false;
  for (const auto& call : calls) {
    EXPECT_FALSE(call.compare && successes_began);
    if (call.compare) continue;
    successes_began = true;
    sizes.push_back(call.shown.size());
    for (const auto& s : call.shown) {
      EXPECT_TRUE(seen.insert(s.task).second) << s.task;
      EXPECT_TRUE(records[s.task].tries[s.attempt].solved);
    }
  }
  EXPECT_EQ(seen.size(), 30U);
  EXPECT_EQ(sizes, chunk_sizes(30, 8));
}

TEST(Plan, SuccessesAreShuffledByTheGenerator) {
  const std::vector<TaskRecord> records(20, record("s"));
  const auto one = plan_calls(records, everything(20), 8, Rng(1));
  EXPECT_EQ(one, plan_calls(records, everything(20), 8, Rng(1)));
  EXPECT_NE(one, plan_calls(records, everything(20), 8, Rng(2)));
}

TEST(Plan, NothingSolvedNothingAsked) {
  EXPECT_TRUE(plan_calls(std::vector<TaskRecord>{record("ff"), record("f")}, everything(2), 8, Rng(1)).empty());
  EXPECT_TRUE(plan_calls({}, {}, 8, Rng(1)).empty());
}

TEST(Plan, OnlyTheTasksOfTheFoldTakePart) {
  const std::vector<TaskRecord> records{record("fs"), record("fs"), record("fs")};
  const auto calls = plan_calls(records, Sizes{0, 2}, 8, Rng(1));
  ASSERT_EQ(calls.size(), 3U);
  for (const auto& call : calls)
    for (const auto& s : call.shown) EXPECT_NE(s.task, 1U);
}

TEST(Plan, ACapPicksAtEvenDistancesWithBothEnds) {
  std::vector<InsightCall> calls;
  for (std::size_t i = 0; i < 10; ++i) calls.push_back({true, {{i, 0}}});
  const auto picked = [&](int cap) {
    Sizes out;
    for (const auto& call : evenly(calls, cap)) out.push_back(call.shown[0].task);
    return out;
  };
  EXPECT_EQ(picked(0), everything(10));
  EXPECT_EQ(picked(10), everything(10));
  EXPECT_EQ(picked(4), (Sizes{0, 3, 6, 9}));
  EXPECT_EQ(picked(2), (Sizes{0, 9}));
  EXPECT_EQ(picked(1), (Sizes{9}));
}

}  // namespace
}  // namespace hone::expel
