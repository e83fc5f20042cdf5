// The bridge with a stand-in for Gymnasium (tests/fixtures/gymnasium_stub); the real packages are in tests/acceptance/gymnasium.py.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <thread>

#include "core/folder_test_kit.h"
#include "envs/conformance_kit.h"

namespace hone {

long allocations_so_far();

namespace {

const EnvEntry& entry() {
  for (const EnvEntry* e : env_catalog())
    if (e->name == "gymnasium") return *e;
  throw Error(Fault::internal, "the catalogue has no gymnasium");
}

std::unique_ptr<BatchWorld> open(const std::vector<std::pair<std::string, std::vector<std::string>>>& more) {
  Settings given = conformance::example_settings("gymnasium");
  for (const auto& [name, values] : more) given[name] = {values, name == "kwargs" || name == "infos" || name == "python", ""};
  return entry().open_batch(given);
}

struct Play {
  Play(const BatchWorld& world, int slots, Autoreset mode = Autoreset::same_step) : env(world.make({.slots = slots, .autoreset = mode})), n(static_cast<std::size_t>(slots)) {
    const auto all_tasks = world.tasks(Split::train);
    tasks.assign(all_tasks.begin(), all_tasks.begin() + slots);
    all.resize(n);
    std::iota(all.begin(), all.end(), 0);
    obs.resize(n * env->spec().observation.bytes()), final_obs.resize(obs.size());
    reward.resize(n), info.resize(n * env->spec().infos.size());
    terminated.resize(n), truncated.resize(n), fault.resize(n);
    env->reset(all, tasks, out());
  }
  Buffers out() { return {obs, final_obs, reward, terminated, truncated, fault, info}; }
  void step(std::int32_t action = 1) {
    const std::vector<std::int32_t> actions(n, action);
    env->send(all, std::as_bytes(std::span(actions)));
    env->recv(out(), static_cast<int>(n));
  }
  float at(std::size_t slot, std::size_t i) const {
    float v = 0;
    std::memcpy(&v, obs.data() + (slot * 3 + i) * sizeof v, sizeof v);
    return v;
  }
  std::unique_ptr<BatchEnv> env;
  std::size_t n;
  std::vector<Task> tasks;
  std::vector<int> all;
  std::vector<std::byte> obs, final_obs;
  std::vector<float> reward, info;
  std::vector<std::uint8_t> terminated, truncated, fault;
};

template <class F>
std::string said_by(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

struct Marker : test::File {  // a file whose presence makes the stand-in misbehave once
  Marker() : File("marker", "x") {}
};

std::size_t open_files() { return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator{})); }

TEST(Bridge, ASlotsEpisodesDoNotDependOnTheNumberOfWorkers) {
  const auto one = open({{"workers", {"1"}}}), three = open({{"workers", {"3"}}});
  Play a(*one, 5), b(*three, 5);
  for (int t = 0; t < 200; ++t) {
    a.step(t % 3), b.step(t % 3);
    ASSERT_EQ(a.obs, b.obs) << t;
    ASSERT_EQ(a.reward, b.reward);
    ASSERT_EQ(a.terminated, b.terminated);
  }
}

TEST(Bridge, AWorkerThatEndsIsAFaultOfItsSlotsAndStartsAnew) {
  for (const char* trouble : {"exit", "raise", "kill"}) {
    const Marker marker;
    const auto world = open({{"workers", {"2"}}, {"kwargs", {std::string("trouble=") + trouble, "only_if=" + marker.path}}});
    Play play(*world, 4);
    play.step(), play.step();
    play.step();  // the first of either worker to come takes the marker away
    const int faults = std::accumulate(play.fault.begin(), play.fault.end(), 0);
    EXPECT_EQ(faults, 2) << trouble;
    EXPECT_TRUE(play.fault[0] == play.fault[1] && play.fault[2] == play.fault[3]);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(play.at(i, 1), play.fault[i] != 0 ? 0.0F : 3.0F) << "a slot that failed is at its next episode's start";
    play.step();
    EXPECT_EQ(play.fault, (std::vector<std::uint8_t>{0, 0, 0, 0}));
  }
}

TEST(Bridge, AFaultWithoutAutoresetWaitsForReset) {
  const Marker marker;
  const auto world = open({{"workers", {"1"}}, {"kwargs", {"trouble=exit", "only_if=" + marker.path}}});
  Play play(*world, 1, Autoreset::disabled);
  play.step(), play.step(), play.step();
  EXPECT_EQ(play.fault[0], 1);
  EXPECT_THROW(play.step(), Error);
  play.env->reset(play.all, play.tasks, play.out());
  play.step();
  EXPECT_EQ(play.at(0, 1), 1.0F);
}

TEST(Bridge, AWorkerThatHangsIsEndedAfterTheTimeOut) {
  const Marker marker;
  const auto world = open({{"workers", {"1"}}, {"timeout_s", {"0.2"}}, {"kwargs", {"trouble=hang", "only_if=" + marker.path}}});
  Play play(*world, 2);
  play.step(), play.step();
  const auto before = std::chrono::steady_clock::now();
  play.step();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  EXPECT_EQ(play.fault, (std::vector<std::uint8_t>{1, 1}));
  play.step();
  EXPECT_EQ(play.fault, (std::vector<std::uint8_t>{0, 0}));
}

TEST(Bridge, ThreeFailuresWithoutAStepAreOneErrorWithTheLastWords) {
  const auto never = open({{"workers", {"1"}}, {"kwargs", {"trouble=reset"}}});
  const std::string said = said_by([&] { Play play(*never, 1); });
  EXPECT_NE(said.find("failed 3 times without a step in between: it ended with status 1; its last words: "), std::string::npos) << said;
  EXPECT_NE(said.find("no floor to walk on"), std::string::npos) << said;
  const auto at_once = open({{"workers", {"1"}}, {"kwargs", {"trouble=kill", "at=1"}}});
  Play play(*at_once, 1);
  play.step(), play.step();
  EXPECT_NE(said_by([&] { play.step(); }).find("was killed by signal 9"), std::string::npos);
}

TEST(Bridge, AnObservationOfAnotherShapeIsAnErrorThatNamesBoth) {
  const auto world = open({{"kwargs", {"trouble=shape"}}});
  Play play(*world, 2);
  play.step(), play.step();
  EXPECT_EQ(said_by([&] { play.step(); }), "gymnasium: 'Walk-v0', slot 0: expected an observation of shape (3,), got (4,)");
  play.env->reset(play.all, play.tasks, play.out());  // goes on
  play.step();
}

TEST(Bridge, WhatCannotBeMadeIsOneError) {
  EXPECT_NE(said_by([] { open({{"kwargs", {"space=tuple"}}}); }).find("gymnasium: observation space Tuple(Discrete(2)): expected Discrete or Box"), std::string::npos);
  EXPECT_NE(said_by([] { open({{"id", {"Swim-v0"}}}); }).find("'Swim-v0' can't be made: ValueError: no world Swim-v0"), std::string::npos);
  EXPECT_NE(said_by([] { open({{"id", {""}}}); }).find("field 'id': expected the name of a world"), std::string::npos);
  EXPECT_NE(said_by([] { open({{"kwargs", {"trouble"}}}); }).find("field 'kwargs': expected name=value, got 'trouble'"), std::string::npos);
  EXPECT_NE(said_by([] { open({{"python", {"/no/such/python"}}}); }).find("field 'python': '/no/such/python' can't be started"), std::string::npos);
  EXPECT_NE(said_by([] { open({{"python", {"python3", "-S", "-I"}}}); }).find("can't import gymnasium"), std::string::npos);
  EXPECT_NE(said_by([] { open({{"kwargs", {"max_episode_steps=0"}}}); }).find("no limit of steps of its own"), std::string::npos);
}

TEST(Bridge, InfosAreThoseOfTheStepAndScoresAreScaled) {
  const auto world = open({{"infos", {"place", "nothing"}}});
  Play play(*world, 1);
  play.step(2);
  EXPECT_EQ(play.info[0], play.at(0, 0));
  EXPECT_EQ(play.info[1], 0.0F);
  EXPECT_EQ(world->score(1.0, 9), 0.5);  // the stand-in's reward_threshold is 2
  EXPECT_EQ(open({{"score_min", {"-1"}}, {"score_max", {"1"}}})->score(0.5, 9), 0.75);
}

TEST(Bridge, LeavesNothingBehind) {
  const auto world = open({{"infos", {"pid"}}, {"workers", {"2"}}});
  const std::size_t before = open_files();
  std::vector<pid_t> pids;
  {
    Play play(*world, 2);
    play.step();
    for (const float pid : play.info) pids.push_back(static_cast<pid_t>(pid));
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_NE(pids[0], pids[1]);
  for (const pid_t pid : pids) EXPECT_EQ(kill(pid, 0), -1) << "a worker is still there";
}

TEST(Bridge, WorkersEndWhenTheirParentIsKilledEvenInAStep) {
  const Marker marker;
  const auto world = open({{"infos", {"pid"}}, {"workers", {"1"}}, {"kwargs", {"trouble=hang", "at=2", "only_if=" + marker.path}}});
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    Play play(*world, 1);
    play.step();
    const auto worker = static_cast<pid_t>(play.info[0]);
    if (write(ends[1], &worker, sizeof worker) != sizeof worker) _exit(1);
    play.step();  // hangs
    _exit(0);
  }
  pid_t worker = 0;
  ASSERT_EQ(read(ends[0], &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  while (std::filesystem::exists(marker.path)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(kill(worker, 0), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ends[0]), close(ends[1]);
  const auto gone = [&] {  // ended; whoever adopts orphans here may take its time to reap
    std::ifstream stat("/proc/" + std::to_string(worker) + "/stat");
    std::string text;
    std::getline(stat, text);
    return text.empty() || text.find(") Z") != std::string::npos;
  };
  for (int i = 0; i < 400 && !gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(gone());
}

TEST(Bridge, AStepAllocatesNothing) {
  const auto world = open({{"workers", {"2"}}, {"kwargs", {"max_episode_steps=10"}}});
  Play play(*world, 4);
  const std::vector<std::int32_t> actions(4, 1);
  const auto step = [&] {
    play.env->send(play.all, std::as_bytes(std::span(actions)));
    play.env->recv(play.out(), 4);
  };
  step();
  const long before = allocations_so_far();
  for (int t = 0; t < 50; ++t) step();
  EXPECT_EQ(allocations_so_far(), before);
}

}  // namespace
}  // namespace hone
