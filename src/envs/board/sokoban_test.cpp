#include "envs/board/sokoban.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/folder_test_kit.h"
#include "envs/conformance_kit.h"
#include "wire/json.h"
#include "wire/text_file.h"

namespace hone {

long allocations_so_far();  // allocations_test.cpp

namespace {

using namespace board;

std::string refusal(const Settings& given) {
  try {
    open_sokoban(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "opened";
}

std::string refused_level(const std::string& text) {
  try {
    read_levels(text, "levels.txt");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

using test::File;

// The slow, obvious search: whole levels as text, no pruning, over push() only. Fewest moves, or -1.
int brute_force(const Warehouse& start, int limit) {
  std::map<std::string, int> depth{{to_text(start), 0}};
  std::deque<Warehouse> open{start};
  while (!open.empty()) {
    const Warehouse w = open.front();
    open.pop_front();
    const int d = depth[to_text(w)];
    if (w.solved()) return d;
    if (d == limit) continue;
    for (const Direction direction : directions) {
      Warehouse next = w;
      push(next, direction);
      if (depth.emplace(to_text(next), d + 1).second) open.push_back(next);
    }
  }
  return -1;
}

TEST(Sokoban, PushesAsGymSokobanDoes) {
  std::ifstream in(conformance::source_dir() + "/tests/reference/sokoban.json");
  const auto reference = wire::Json::parse(in);
  int steps = 0, solved = 0;
  for (const auto& walk : reference) {
    Warehouse w = read_level(walk["level"].get<std::string>(), "recorded");
    EXPECT_EQ(to_text(w), walk["level"].get<std::string>());
    for (const auto& step : walk["steps"]) {
      const Push did = push(w, directions[step[0].get<std::size_t>()]);
      std::vector<int> boxes;
      for (int c = 0; c < w.cells(); ++c)
        if ((w.at(c) & Warehouse::box) != 0) boxes.push_back(c);
      ASSERT_EQ(did != Push::nothing, step[1].get<int>() != 0);
      ASSERT_EQ(w.player, step[2].get<int>());
      ASSERT_EQ(boxes, step[3].get<std::vector<int>>());
      ASSERT_EQ(w.solved(), step[4].get<int>() != 0);
      ++steps, solved += w.solved();
    }
  }
  EXPECT_GE(steps, 1500);
  EXPECT_GE(solved, 4);
}

TEST(Sokoban, TheSolverFindsWhatBruteForceFinds) {
  Rng rng(11);
  Solver solver;
  int solvable = 0, hopeless = 0;
  for (int i = 0; i < 120; ++i) {
    const Warehouse w = draw_warehouse(5 + i % 2, 1 + i % 2, rng);
    const int fewest = brute_force(w, 9);
    const auto way = solver.solve(w, 9);
    ASSERT_EQ(way ? static_cast<int>(way->size()) : -1, fewest) << to_text(w);
    if (!way) {
      ++hopeless;
      continue;
    }
    ++solvable;
    EXPECT_LE(least_moves(w), fewest);
    Warehouse played = w;
    for (const Direction d : *way) push(played, d);
    EXPECT_TRUE(played.solved());
  }
  EXPECT_GE(solvable, 20);
  EXPECT_GE(hopeless, 20);
  const auto level = read_level("########\n#@ $  .#\n########", "corridor");
  EXPECT_EQ(solver.solve(level, 60)->size(), 4U);
  EXPECT_FALSE(solver.solve(level, 3));
  EXPECT_FALSE(solver.solve(read_level("#####\n#$  #\n#@ .#\n#####", "corner"), 60));
  EXPECT_THROW(solver.solve(read_level("########\n#@ $  .#\n#      #\n########", "room"), 60, 3), Error);
}

TEST(Sokoban, EveryGeneratedTaskIsSolvableAndSplitsShareNoLevel) {
  SokobanConfig config;
  const auto splits = make_sokoban(config);
  EXPECT_EQ(splits.train.size(), 1000U);
  std::set<std::string> texts;
  std::set<int> sizes;
  Solver solver;
  for (const auto* levels : {&splits.train, &splits.validation, &splits.test})
    for (const auto& [name, w] : *levels) {
      EXPECT_TRUE(texts.insert(to_text(w)).second);
      EXPECT_EQ(to_text(read_level(to_text(w), "again")), to_text(w));
      sizes.insert(w.rows);
      Warehouse played = w;
      const auto way = solver.solve(w, 8);
      ASSERT_TRUE(way);
      for (const Direction d : *way) push(played, d);
      EXPECT_TRUE(played.solved());
    }
  EXPECT_EQ(sizes, (std::set<int>{6, 7, 8}));
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(brute_force(splits.test[i].warehouse, 8), static_cast<int>(solver.solve(splits.test[i].warehouse, 8)->size()));
  config.splits.train = 1100;
  EXPECT_EQ(to_text(make_sokoban(config).test[99].warehouse), to_text(splits.test[99].warehouse)) << "more training tasks leave the test as it is";
}

TEST(Sokoban, MoreBoxesAndLongerSolutions) {
  SokobanConfig config;
  config.boxes = 4;
  config.max_solution = 24;
  config.play.max_steps = 40;
  config.splits = {.train = 3, .validation = 1, .test = 2, .fit = false, .split_seed = 3};
  Solver solver;
  for (const auto& [name, w] : make_sokoban(config).train) {
    EXPECT_EQ(w.astray, 4);
    EXPECT_LE(solver.solve(w, 24).value().size(), 24U);
  }
}

TEST(Sokoban, TellsATryAsThePaperDoes) {
  File file("levels.txt", "; a\n######\n#@$ .#\n#    #\n######\n\n; b\n#######\n#@$. *#\n#######\n\n; c\n#####\n#+$ #\n#####\n");
  const auto world = open_sokoban({{"levels", {{file.path}, true, ""}}, {"train", {{"1"}, false, ""}}, {"validation", {{"1"}, false, ""}}, {"test", {{"1"}, false, ""}}});
  EXPECT_EQ(world->facts(Split::train).max_steps, 120);
  std::map<std::string, Task> tasks;
  for (const auto split : conformance::splits)
    for (const auto& t : world->tasks(split)) tasks[t.params.at("level").substr(t.params.at("level").find('#'))] = t;
  ASSERT_EQ(tasks.size(), 3U);
  const auto env = world->make(Split::test);
  EXPECT_EQ(env->reset(tasks["#a"]).text,
            "Step 0\n E \t E \t E \t E \t E \t E \t\n E \t A \t B \t D \t C \t E \t\n E \t D \t D \t D \t D \t E \t\n E \t E \t E \t E \t E \t E \t\nNot solved yet: say your next move. 120 moves left.");
  auto out = env->step("Up");
  EXPECT_EQ(out.comment, "no movement");
  EXPECT_FALSE(out.next.changed);
  EXPECT_EQ(env->step("Right").comment, "pushed a box; not solved");
  EXPECT_EQ(env->step("3").comment, "pushed a box; solved");
  env->reset(tasks["#a"]);
  EXPECT_EQ(env->step("Down").comment, "moved; not solved");
  env->reset(tasks["#b"]);
  out = env->step("```Right```");
  EXPECT_TRUE(out.solved);
  EXPECT_NE(out.next.text.find(" E \t D \t A \t b \t D \t b \t E \t\n"), std::string::npos);
  EXPECT_EQ(out.feedback, "Solved. 0 moves without effect, 0 of them in a row at the end. Last move: Right. At the end every box is on a goal. Reward 1.00 after 1 step.");
  EXPECT_NE(env->reset(tasks["#c"]).text.find(" E \t a \t B \t D \t E \t\n"), std::string::npos);
  for (int i = 0; i < 120; ++i) out = env->step(i < 118 ? "Left" : "Right");
  EXPECT_EQ(*out.ending, Ending::cut_off);
  EXPECT_EQ(out.feedback, "Not solved: the limit of 120 moves was reached. 119 moves without effect, 1 of them in a row at the end. Last move: Right. At the end one box is on no goal. "
                          "Reward 0.00 after 120 steps.");
}

TEST(Sokoban, HiddenRulesNameNothing) {
  for (const char* symbols : {"abstract", "random"}) {
    const auto world = open_sokoban(settings({{"symbols", symbols}, {"train", "50"}, {"validation", "0"}, {"test", "1"}}));
    const auto& f = world->facts(Split::train);
    std::string read = f.role + f.action_help + f.task_word + f.action_word;
    for (const auto& reason : f.failure_reasons) read += reason;
    const auto env = world->make(Split::train);
    for (const auto& task : world->tasks(Split::train)) {
      read += task.goal + env->reset(task).text;
      for (std::size_t i = 0; i < 8; ++i) {
        const auto out = env->step(name_of(directions[(i * 7 + 1) % 4]));
        read += out.next.text;
        if (out.ending) break;
      }
    }
    for (const char* sign : {" # \t", " @ \t", " $ \t", " . \t", " * \t", " + \t", " - \t"}) EXPECT_EQ(read.find(sign), std::string::npos) << sign;
    for (const char* word : {"box", "push", "wall", "goal", "floor", "player"}) EXPECT_EQ(read.find(word), std::string::npos) << word;
  }
  EXPECT_NE(open_sokoban(settings({{"rules", "told"}, {"symbols", "plain"}}))->facts(Split::train).role.find("Bring every box $ onto a goal ."), std::string::npos);
}

TEST(Sokoban, BareMovesDoNotAllocate) {
  const auto splits = make_sokoban({});
  Rng rng(3);
  const long before = allocations_so_far();
  int solved = 0;
  for (int again = 0; again < 20; ++again)
    for (const auto& level : splits.train) {
      Warehouse w = level.warehouse;
      for (int i = 0; i < 8 && !w.solved(); ++i) push(w, directions[rng.below(4)]);
      solved += w.solved();
    }
  EXPECT_EQ(allocations_so_far() - before, 0);
  EXPECT_GT(solved, 0);
}

// The real levels of Boxoban, where they are beside the repository.
TEST(Sokoban, ReadsBoxobansLevels) {
  const std::string folder = conformance::source_dir() + "/../shared/data/boxoban";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent: no Boxoban levels to read";
  for (const char* file : {"medium_valid_000.txt", "unfiltered_valid_000.txt"}) {
    const auto levels = read_levels(read_text_file(folder + "/" + file), file);
    ASSERT_EQ(levels.size(), 1000U);
    EXPECT_EQ(levels[999].name, std::string(file) + "#999");
    for (const auto& [name, w] : levels) {
      EXPECT_EQ(w.rows * 100 + w.columns, 1010);
      EXPECT_EQ(w.astray, 4) << name;
    }
  }
  // One small enough to be solved here; its solution is played.
  const auto levels = read_levels(read_text_file(folder + "/unfiltered_valid_000.txt"), "u");
  Solver solver;
  const auto way = solver.solve(levels[0].warehouse, 200, 5'000'000);
  ASSERT_TRUE(way);
  Warehouse w = levels[0].warehouse;
  for (const Direction d : *way) push(w, d);
  EXPECT_TRUE(w.solved());
  const auto world = open_sokoban({{"levels", {{folder}, true, ""}}});
  EXPECT_EQ(world->tasks(Split::train).size(), 1000U);
}

TEST(Sokoban, BadLevelsGetOneClearError) {
  const std::string good = "; 0\n#####\n#@$.#\n#####\n\n";
  EXPECT_EQ(refused_level(good), "accepted");
  EXPECT_EQ(refused_level("; 0\r\n#####\r\n#@$.#\r\n#####\r\n"), "accepted");
  const std::vector<std::pair<std::string, std::string>> bad{
      {"; 1\n#####\n#@$x#\n#####\n", "levels.txt:8: expected # @ + $ * . or a blank, got 'x'"},
      {"; 1\n#####\n# $.#\n#####\n", "levels.txt:7: expected one player (@ or +), got 0"},
      {"; 1\n######\n#@@$.#\n######\n", "levels.txt:7: expected one player (@ or +), got 2"},
      {"; 1\n######\n#@$$.#\n######\n", "levels.txt:7: expected as many boxes as goals, at least one, got 2 and 1"},
      {"; 1\n####\n#@ #\n####\n", "levels.txt:7: expected as many boxes as goals, at least one, got 0 and 0"},
      {"; 1\n####\n#@*#\n####\n", "levels.txt:7: this level is solved already"},
      {"; 1\n#####\n#@$.\n#####\n", "levels.txt:7: the player can leave this level: its wall is open"},
      {"; 1\n####\n#@$.#\n", "levels.txt:7: expected a level of 3 to 20 rows and columns, got 2 by 5"},
      {"; 1\n" + std::string(21, '#') + "\n#@$.#\n#####\n", "levels.txt:7: expected a level of 3 to 20 rows and columns, got 3 by 21"},
  };
  for (const auto& [text, message] : bad) EXPECT_NE(refused_level(good + text).find(message), std::string::npos) << refused_level(good + text) << "\nexpected " << message;
  File none("levels.txt", "\n\n");
  EXPECT_NE(refusal({{"levels", {{none.path}, true, ""}}}).find("holds no level"), std::string::npos);
  EXPECT_NE(refusal({{"levels", {{"/nowhere/l.txt"}, true, ""}}}).find("/nowhere/l.txt: no such file"), std::string::npos);
  File three("levels.txt", good + "; 1\n#####\n#@ $.#\n######\n");
  EXPECT_NE(refusal({{"levels", {{three.path}, true, ""}}}).find("sokoban: expected at least"), std::string::npos);
}

TEST(Sokoban, MisuseIsNamed) {
  EXPECT_NE(refusal(settings({{"min_size", "8"}, {"max_size", "6"}})).find("expected min_size at most max_size, got 8 and 6"), std::string::npos);
  EXPECT_NE(refusal(settings({{"min_size", "4"}, {"boxes", "2"}})).find("min_size 4 has 4 cells inside, too few"), std::string::npos);
  EXPECT_NE(refusal(settings({{"max_solution", "9"}})).find("expected max_solution at most max_steps (a task must be solvable), got 9 and 8"), std::string::npos);
  EXPECT_NE(refusal(settings({{"min_size", "4"}, {"max_size", "4"}})).find("different levels found with these settings"), std::string::npos);
  EXPECT_NE(refusal(settings({{"fit", "true"}})).find("fit is for levels from files"), std::string::npos);
}

// A saved state that names no level is refused, whatever its bytes are.
TEST(Sokoban, SpoiltStatesAreRefusedOrPlayed) {
  const auto world = open_sokoban(settings({{"train", "4"}, {"validation", "0"}, {"test", "1"}}));
  const auto env = world->make(Split::train);
  env->reset(world->tasks(Split::train).at(0));
  auto& savable = dynamic_cast<Savable&>(*env);
  MemorySink state;
  savable.save(state);
  Rng rng(9);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    auto bytes = state.data;
    const std::size_t at = rng.below(bytes.size() < 100 ? bytes.size() : i % 2 == 0 ? 100 : bytes.size());
    bytes[at] = static_cast<std::byte>(rng.below(256));
    MemorySource source(bytes);
    try {
      savable.load(source);
      for (std::size_t s = 0; s < 8; ++s)
        if (env->step(name_of(directions[(s * 3 + at) % 4])).ending) break;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace hone
