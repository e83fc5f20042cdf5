#include "envs/process.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <thread>

namespace hone {
namespace {

std::string source_dir() {
  if (const char* dir = std::getenv("HONE_SOURCE_DIR")) return dir;
  const std::string here = __FILE__;
  return here.substr(0, here.rfind("/src/envs/"));
}

Settings program(std::vector<std::string> command) {
  return {{"command", {std::move(command), true, ""}}, {"timeout_seconds", {{"5"}, false, ""}}};
}
Settings shell(const std::string& script) { return program({"/bin/sh", "-c", script}); }
Settings example() { return program({"python3", source_dir() + "/examples/own_world.py"}); }

// A world in the shell: `answers` after the hello, one per question.
const std::string hello = R"(read -r q; echo '{"name":"w","max_steps":3,"tasks":{"train":[{"id":"1","goal":"g"}],"test":[{"id":"2","goal":"h"}]}}'; )";
Settings scripted(const std::vector<std::string>& answers) {
  std::string script = hello;
  for (const auto& a : answers) script += "read -r q || exit; echo '" + a + "'; ";
  return shell(script + "read -r q");
}

template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ProcessWorld, TheExampleOfTwentyLinesPlays) {
  const auto world = open_process_world(example());
  EXPECT_EQ(world->facts(Split::test).name, "coats");
  EXPECT_EQ(world->facts(Split::test).action_word, "Hook");
  EXPECT_EQ(world->tasks(Split::train).size(), 12U);
  EXPECT_EQ(world->tasks(Split::test).size(), 6U);
  const auto env = world->make(Split::test);
  const auto task = world->tasks(Split::test).at(1);
  EXPECT_EQ(task.goal, "Please fetch the coat of Bob.");
  EXPECT_EQ(task.env, "process");
  EXPECT_EQ(env->reset(task).choices, (std::vector<std::string>{"blue", "green", "red"}));
  auto out = env->step("blue");
  EXPECT_TRUE(out.solved);
  EXPECT_EQ(out.score, 1.0);
  EXPECT_EQ(out.ending, Ending::terminal);
  env->reset(task);
  out = env->step("red");
  EXPECT_FALSE(out.solved);
  EXPECT_EQ(out.next.text, "That is somebody else's.");
}

TEST(ProcessWorld, EpisodesInFlightHaveProgramsOfTheirOwn) {
  const auto world = open_process_world(example());
  const auto tasks = world->tasks(Split::train);
  std::vector<int> right(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < right.size(); ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < tasks.size(); ++i) {
          const auto env = world->make(Split::train);
          env->reset(tasks[(i + 3 * t) % tasks.size()]);
          std::this_thread::yield();
          right[t] += env->step("red").solved;
        }
      });
  }
  for (const int n : right) EXPECT_EQ(n, 4);  // Ann and Dan, asked in two ways
}

TEST(ProcessWorld, ReadsScoresRewardsAndEndings) {
  const auto world = open_process_world(scripted({R"({"text":"start"})", R"({"text":"on","reward":-0.5})", R"({"text":"end","ending":"cut_off","score":0.25})"}));
  const auto env = world->make(Split::train);
  EXPECT_EQ(env->reset(world->tasks(Split::train).at(0)).text, "start");
  auto out = env->step("a");
  EXPECT_EQ(out.reward, -0.5F);
  EXPECT_FALSE(out.ending);
  out = env->step("b\xff");
  EXPECT_EQ(out.ending, Ending::cut_off);
  EXPECT_EQ(out.score, 0.25);
  EXPECT_FALSE(out.solved);
}

TEST(ProcessWorld, SaysWhetherAnActionChangedAnything) {
  const auto world = open_process_world(scripted({R"({"text":"start"})", R"({"text":"a shelf","changed":false})", R"({"text":"taken","changed":true})", R"({"text":"on"})"}));
  const auto env = world->make(Split::train);
  EXPECT_TRUE(env->reset(world->tasks(Split::train).at(0)).changed);
  EXPECT_FALSE(env->step("look").next.changed);
  EXPECT_TRUE(env->step("take").next.changed);
  EXPECT_TRUE(env->step("wait").next.changed) << "a program that does not say";
}

TEST(ProcessWorld, ATaskComesBackAsTheProgramGaveIt) {
  const auto world = open_process_world(shell(R"(read -r q; echo '{"name":"w","tasks":{"train":[{"id":"1","goal":"g","kind":"k","seed":7,"params":{"room":"3"}}]}}'; )"
                                              R"(read -r q; case $q in *'"kind":"k"'*'"seed":7'*'"room":"3"'*) echo '{"text":"as given"}';; *) echo '{"text":"changed"}';; esac; read -r q)"));
  const auto task = world->tasks(Split::train).at(0);
  EXPECT_EQ(task.env, "process");
  EXPECT_EQ(world->make(Split::train)->reset(task).text, "as given");
}

TEST(ProcessWorld, CutsOffAfterMaxSteps) {
  const std::vector<std::string> answers(5, R"({"text":"on"})");
  auto given = scripted(answers);
  given["max_steps"] = {{"2"}, false, ""};
  const auto world = open_process_world(given);
  EXPECT_EQ(world->facts(Split::test).max_steps, 2);
  const auto env = world->make(Split::train);
  env->reset(world->tasks(Split::train).at(0));
  EXPECT_FALSE(env->step("a").ending);
  EXPECT_EQ(env->step("a").ending, Ending::cut_off);
}

TEST(ProcessWorld, BadAnswersNameProgramAndField) {
  for (const auto& [answer, part] : std::vector<std::pair<std::string, std::string>>{
           {R"({"text":7})", "reset.text: expected a string"},
           {R"({"text":"","choices":["a","a"]})", "reset.choices: expected different texts"},
           {R"({"text":"","choices":[""]})", "reset.choices: expected different texts"},
           {R"({"error":"no"})", "says at 'reset': no"},
           {"garbage", "no JSON"},
       }) {
    const auto world = open_process_world(scripted({answer}));
    const auto text = refusal([&] { world->make(Split::train)->reset(world->tasks(Split::train).at(0)); });
    EXPECT_TRUE(has(text, part) && has(text, "program '/bin/sh")) << text;
  }
  for (const auto& [answer, part] : std::vector<std::pair<std::string, std::string>>{
           {R"({"ending":"won"})", "step.ending: expected terminal or cut_off"},
           {R"({"ending":"terminal","score":1.5})", "step.score: expected 0 to 1"},
           {R"({"ending":"terminal","score":"nan"})", "step.score"},
           {R"({"reward":"inf"})", "step.reward"},
           {R"({"changed":"no"})", "step.changed: expected true or false, got string \"no\""},
           {R"({"changed":0})", "step.changed: expected true or false, got number 0"},
       }) {
    const auto world = open_process_world(scripted({R"({"text":""})", answer}));
    const auto env = world->make(Split::train);
    env->reset(world->tasks(Split::train).at(0));
    const auto text = refusal([&] { env->step("a"); });
    EXPECT_TRUE(has(text, part)) << text;
  }
}

TEST(ProcessWorld, BadHellosAreRefused) {
  EXPECT_TRUE(has(refusal([] { open_process_world({}); }), "command"));
  const auto said = [](const std::string& answer) { return refusal([&] { open_process_world(shell("read -r q; echo '" + answer + "'; read -r q")); }); };
  EXPECT_TRUE(has(said(R"({"name":"w"})"), "hello.tasks")) << said(R"({"name":"w"})");
  EXPECT_TRUE(has(said(R"({"name":"w","tasks":{}})"), "at least one task"));
  EXPECT_TRUE(has(said(R"({"name":"w","tasks":{"train":[{"id":"1"}]}})"), "hello.tasks.train[0].goal"));
  EXPECT_TRUE(has(said(R"({"name":"w","tasks":{"train":[{"id":"1","goal":"g"}],"test":[{"id":"1","goal":"g"}]}})"), "in two splits"));
}

TEST(ProcessWorld, AProgramThatEndsAfterItsLastAnswerIsNoFaultOfTheNextEpisode) {
  const auto world = open_process_world(shell(hello + R"(read -r q; echo '{"text":"t","choices":["a","b"]}'; read -r q; echo '{"text":"","ending":"terminal","solved":true}')"));
  const auto task = world->tasks(Split::train).at(0);
  for (int episode = 0; episode < 3; ++episode) {
    const auto env = world->make(Split::train);
    EXPECT_EQ(env->reset(task).text, "t");
    EXPECT_TRUE(env->step("a").solved);
  }
}

TEST(ProcessWorld, SaysThingsForWhoLearns) {
  const auto world = open_process_world(shell(hello + R"(read -r q; echo '{"text":"t"}'; read -r q; echo '{"text":"","comment":"it moved"}'; read -r q; echo '{"text":"","ending":"terminal","comment":"it fell","feedback":"too fast"}')"));
  const auto env = world->make(Split::train);
  env->reset(world->tasks(Split::train).at(0));
  EXPECT_EQ(env->step("a").comment, "it moved");
  const auto out = env->step("a");
  EXPECT_EQ(out.comment, "it fell");
  EXPECT_EQ(out.feedback, "too fast");
}

TEST(ProcessWorld, AfterACrashTheNextEpisodeGetsANewProgram) {
  // Crashes at the step; every program plays one reset only.
  const auto world = open_process_world(shell(hello + R"(read -r q; echo '{"text":"start"}'; read -r q; exit 3)"));
  for (int i = 0; i < 2; ++i) {
    const auto env = world->make(Split::train);
    env->reset(world->tasks(Split::train).at(0));
    EXPECT_TRUE(has(refusal([&] { env->step("a"); }), "ended with status 3"));
  }
}

}  // namespace
}  // namespace hone
