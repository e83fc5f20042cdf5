#include "models/llama/generation.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "models/llama/engine.h"
#include "models/llama/worker.h"

namespace hone::llama {
namespace {

TEST(FinishedText, CutsAnUnfinishedCharacterAndRepairsTheRest) {
  EXPECT_EQ(finished_text("abc"), "abc");
  EXPECT_EQ(finished_text("ab\xC3"), "ab");
  EXPECT_EQ(finished_text("ab\xE2\x82"), "ab");
  EXPECT_EQ(finished_text("ab\xF0\x9F\x99"), "ab");
  EXPECT_EQ(finished_text("ab\xE2\x82\xAC"), "ab\xE2\x82\xAC");
  EXPECT_EQ(finished_text("a\xFF""b"), "a\xEF\xBF\xBD""b");
  EXPECT_EQ(finished_text(""), "");
  EXPECT_EQ(finished_text("\xF0"), "");
}

Sampling changed(void (*change)(Sampling&)) {
  Sampling s;
  change(s);
  return s;
}

Fault fault_of(void (*change)(Sampling&)) {
  try {
    const Sampling s = changed(change);
    check_sampling(s);
  } catch (const Error& e) {
    return e.fault();
  }
  return Fault::internal;
}

TEST(CheckSampling, RefusesWhatNoModelCanDo) {
  EXPECT_EQ(fault_of([](Sampling&) {}), Fault::internal) << "the defaults are fine";
  EXPECT_EQ(fault_of([](Sampling& s) { s.temperature = -1.0F; }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.temperature = std::numeric_limits<float>::quiet_NaN(); }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.top_k = -1; }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.top_p = 0.0F; }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.min_p = 1.5F; }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.max_tokens = 0; }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.stop = {""}; }), Fault::bad_input);
  EXPECT_EQ(fault_of([](Sampling& s) { s.grammar = "root ::= \"a\"", s.json_schema = "{}"; }), Fault::bad_input);
}

TEST(CheckRoom, NamesBothNumbers) {
  try {
    check_room(5000, 4096, "m");
    FAIL();
  } catch (const Error& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("5000"), std::string::npos);
    EXPECT_NE(text.find("4096"), std::string::npos);
  }
  check_room(4096, 4096, "m");
  EXPECT_THROW(check_room(std::int64_t{100} + std::numeric_limits<int>::max(), 4096, "m"), Error) << "a prompt and the largest max_tokens";
}

TEST(BatchShare, StopsAtTheTokenAndAtTheOutputLimit) {
  std::vector<Item> silent(1000, Item{0, 0, {0}, false}), loud(1000, Item{0, 0, {0}, true});
  EXPECT_EQ(batch_share(silent), static_cast<std::size_t>(batch_tokens));
  EXPECT_EQ(batch_share(loud), static_cast<std::size_t>(batch_outputs));
  EXPECT_EQ(batch_share(std::span(loud).first(3)), 3U);
}

TEST(Worker, ReturnsResultsAndErrorsToTheirCallers) {
  Worker worker;
  std::vector<std::thread> threads;
  std::atomic<int> sum{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) sum += worker.run([=] { return i; });
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(sum, 50 * 28);
  EXPECT_THROW(worker.run([]() -> int { throw Error(Fault::io, "no"); }), Error);
  EXPECT_EQ(worker.run([] { return 3; }), 3);
}

}  // namespace
}  // namespace hone::llama
