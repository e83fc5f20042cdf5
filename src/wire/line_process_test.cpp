#include "wire/line_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "core/folder_test_kit.h"

namespace hone::wire {
namespace {

LineProcessConfig shell(const std::string& script) {
  LineProcessConfig c;
  c.command = {"/bin/sh", "-c", script};
  c.timeout_seconds = c.start_seconds = 5.0;
  return c;
}

// What the first question brings: the answer, or the error's text.
std::string outcome(const LineProcessConfig& config, const std::string& what = "hello") {
  try {
    LineProcess p(config);
    return dump(p.ask({{"do", what}}));
  } catch (const Error& e) {
    return e.what();
  }
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(LineProcess, AnswersLineByLine) {
  LineProcess p(shell("while read -r line; do printf '{\"got\":%s}\\n' \"$line\"; done"));
  EXPECT_EQ(dump(p.ask({{"do", "a"}})), R"({"got":{"do":"a"}})");
  EXPECT_EQ(dump(p.ask({{"do", "b\n"}})), R"({"got":{"do":"b\n"}})");
  EXPECT_TRUE(p.alive());
}

TEST(LineProcess, SaysWhyAProgramCantBeStarted) {
  LineProcessConfig c;
  EXPECT_TRUE(has(outcome(c), "expected a program"));
  c.command = {"no-such-program-anywhere --flag"};
  EXPECT_TRUE(has(outcome(c), "program 'no-such-program-anywhere --flag' can't be started: No such file"))
      << outcome(c);
  c = shell("true");
  c.cwd = "/no/such/folder";
  EXPECT_TRUE(has(outcome(c), "in '/no/such/folder' can't be started")) << outcome(c);
}

TEST(LineProcess, CrashTellsStatusAndLastWords) {
  const auto text = outcome(shell("read -r line; echo one >&2; echo two >&2; exit 3"));
  EXPECT_TRUE(has(text, "asked 'hello', ended with status 3 without an answer; its last words: one\ntwo"))
      << text;
  EXPECT_TRUE(has(outcome(shell("read -r line; kill -9 $$")), "was killed by signal 9"));
  EXPECT_TRUE(has(outcome(shell("exit 0")), "ended with status 0"));
}

TEST(LineProcess, TimeOutIsNotAHang) {
  auto c = shell("read -r line; echo thinking >&2; sleep 60");
  c.start_seconds = 0.2;
  const auto before = std::chrono::steady_clock::now();
  const auto text = outcome(c);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(3));
  EXPECT_TRUE(has(text, "gave no answer within 0.2 s; its last words: thinking")) << text;
}

TEST(LineProcess, GarbageIsNamed) {
  EXPECT_TRUE(
      has(outcome(shell("read -r line; echo Hello there")), "answered with what is no JSON: 'Hello there'"));
  EXPECT_TRUE(
      has(outcome(shell("read -r line; echo '[1]'")), "answered '[1]' where a JSON object was expected"));
  EXPECT_TRUE(has(outcome(shell("read -r line; echo")), "no JSON: ''"));
  EXPECT_TRUE(has(outcome(shell("read -r line; printf '{\"a\":\"\\377\"}\\n'")), "no JSON"));
  EXPECT_TRUE(has(outcome(shell("read -r line; printf '{\"a\":1}'")), "without an answer"));
}

TEST(LineProcess, FloodsAreStopped) {
  auto c = shell("read -r line; yes '{}'");
  EXPECT_TRUE(has(outcome(c), "wrote more than one line")) << outcome(c);
  c = shell("read -r line; cat /dev/zero");
  c.max_line_bytes = 100000;
  EXPECT_TRUE(has(outcome(c), "a line of more than 100000 bytes")) << outcome(c);
  c = shell("yes complaint >&2 & read -r line; echo '{}'; wait");
  EXPECT_EQ(outcome(c), "{}");  // noise on standard error does no harm
}

TEST(LineProcess, WhatItSaysUnaskedIsAnErrorAtTheNextQuestion) {
  LineProcess p(shell("read -r line; echo '{\"n\":1}'; sleep 0.05; echo '{\"n\":2}'; read -r line"));
  EXPECT_EQ(dump(p.ask({{"do", "a"}})), R"({"n":1})");
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  try {
    p.ask({{"do", "b"}});
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_TRUE(has(e.what(), "had written a line that nobody asked for: '{\"n\":2}")) << e.what();
  }
}

TEST(LineProcess, ItsOwnErrorIsPassedOnAndItLivesOn) {
  LineProcess p(shell("while read -r line; do echo '{\"error\":\"no such task\"}'; done"));
  for (int i = 0; i < 2; ++i) {
    try {
      p.ask({{"do", "reset"}});
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_TRUE(has(e.what(), "says at 'reset': no such task")) << e.what();
    }
  }
  EXPECT_TRUE(p.alive());
}

TEST(LineProcess, AfterAFailureEveryCallSaysSo) {
  LineProcess p(shell("exit 7"));
  EXPECT_THROW(p.ask({{"do", "a"}}), Error);
  EXPECT_FALSE(p.alive());
  try {
    p.ask({{"do", "b"}});
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_TRUE(has(e.what(), "is no longer there: ended with status 7")) << e.what();
  }
}

TEST(LineProcess, LargeQuestionsAndAnswersCrossWithoutDeadlock) {
  auto c = shell("exec cat");
  c.max_line_bytes = 10'000'000;
  LineProcess p(c);
  const Json big = {{"do", "echo"}, {"text", std::string(3'000'000, 'x')}};
  // cat answers while it is still being written to; that is allowed as long as its line ends after ours.
  EXPECT_EQ(p.ask(big)["text"].get<std::string>().size(), 3'000'000U);
}

TEST(LineProcess, ChildrenAreKilledWithIt) {
  const test::Folder folder;
  const auto file = folder / "pid";
  {
    auto c = shell("sleep 600 & echo $! > '" + file.string() + "'; read -r line; echo '{}'; wait");
    LineProcess p(c);
    p.ask({{"do", "a"}});
  }
  pid_t child = 0;
  std::ifstream(file) >> child;
  ASSERT_GT(child, 0);
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    // A killed orphan may stay as a zombie until init takes it: then its state is Z.
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string number, name, state;
    gone = !(stat >> number >> name >> state) || state == "Z";
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(gone);
}

TEST(LineProcess, AProgramThatClosedItsInputDoesNotKillUs) {
  auto c = shell("exec <&-; sleep 0.2; exit 5");
  const auto text = outcome(c);
  EXPECT_TRUE(has(text, "ended with status 5")) << text;
}

TEST(TakeAnswer, WaitsForAWholeLineAndTakesOne) {
  std::string buffer = "{\"a\"";
  std::size_t searched = 0;
  EXPECT_FALSE(take_answer(buffer, searched, true, 100));
  buffer += ":1}\n";
  EXPECT_EQ(take_answer(buffer, searched, true, 100), "{\"a\":1}");
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(searched, 0U);
}

TEST(TakeAnswer, RefusesTooMuchTooEarlyAndTooLong) {
  const auto complaint = [](std::string buffer, bool heard) -> std::string {
    std::size_t searched = 0;
    try {
      take_answer(buffer, searched, heard, 8);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(complaint("1\n2", true), "wrote more than one line: '1' and then '2'");
  EXPECT_EQ(complaint("1\n", false), "wrote a line before it had read what was asked: '1\n'");
  EXPECT_EQ(complaint("123456789", true), "wrote a line of more than 8 bytes");
  EXPECT_EQ(complaint("123456789\n", true), "wrote a line of more than 8 bytes");
  EXPECT_EQ(complaint("12345678\n", true), "");
}

}  // namespace
}  // namespace hone::wire
