#include "envs/board/frozenlake.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "envs/conformance_kit.h"
#include "wire/json.h"

namespace hone {

long allocations_so_far();  // allocations_test.cpp

namespace {

using namespace board;

std::string refusal(std::initializer_list<std::pair<std::string, std::string>> given) {
  try {
    open_frozenlake(settings(given));
  } catch (const Error& e) {
    return e.what();
  }
  return "opened";
}

std::string refused_map(std::string_view map) {
  try {
    read_lake(map, "lake.txt");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

// A plain walk on `map`, the letters of Gymnasium.
struct Walk {
  explicit Walk(std::string_view map) : lake(read_lake(map, "test")), at(lake.start) {}
  void go(Direction move) { at = beside(at, move, lake.size, lake.size); }
  Lake lake;
  int at;
};

TEST(FrozenLake, StepsAsGymnasiumDoes) {
  std::ifstream in(conformance::source_dir() + "/tests/reference/frozen_lake.json");
  const auto reference = wire::Json::parse(in);
  std::size_t moves_seen = 0;
  for (const auto& walk : reference["walks"]) {
    Walk w(walk["map"].get<std::string>());
    for (const auto& [action, state, reward, ended] : walk["steps"].get<std::vector<std::tuple<int, int, double, bool>>>()) {
      w.go(directions[static_cast<std::size_t>(action)]);
      ASSERT_EQ(w.at, state);
      ASSERT_EQ(w.at == w.lake.goal ? 1.0 : 0.0, reward);
      ASSERT_EQ(w.at == w.lake.goal || w.lake.is_hole(w.at), ended);
      ++moves_seen;
    }
  }
  EXPECT_GE(moves_seen, 400U);
  EXPECT_EQ(reference["maps"]["4x4"], std::string(lake_4x4));
  EXPECT_EQ(reference["maps"]["8x8"], std::string(lake_8x8));
}

// Gymnasium's table: in every state that is not an end, for every action, the next states in thirds. Ours: each of the three draws of
// slipped(), found by trying.
TEST(FrozenLake, SlipsAsGymnasiumsTableSays) {
  std::ifstream in(conformance::source_dir() + "/tests/reference/frozen_lake.json");
  const auto reference = wire::Json::parse(in);
  for (const auto& [name, table] : reference["slippery"].items()) {
    const Lake lake = read_lake(name == "4x4" ? lake_4x4 : lake_8x8, name);
    std::size_t rows = 0;
    for (const auto& row : table) {
      const int state = row[0], action = row[1];
      std::map<int, int> thirds, wanted;
      for (const int next : row[2]) ++wanted[next];
      for (std::uint64_t turn = 3; turn <= 5; ++turn) ++thirds[beside(state, directions[(static_cast<std::uint64_t>(action) + turn) % 4], lake.size, lake.size)];
      EXPECT_EQ(thirds, wanted) << name << " " << state << " " << action;
      ++rows;
    }
    EXPECT_EQ(rows, name == "4x4" ? 44U : 212U);
  }
  Rng rng(5);
  for (const Direction asked : directions) {  // the draw: a third each, and never backwards
    std::map<Direction, int> went;
    for (int i = 0; i < 9000; ++i) ++went[slipped(asked, rng)];
    const auto at = static_cast<std::size_t>(asked) - 1;
    for (const std::size_t turn : {3U, 0U, 1U}) EXPECT_NEAR(went[directions[(at + turn) % 4]], 3000, 190);  // more than 4 standard deviations
    EXPECT_EQ(went.size(), 3U);
  }
}

// Every layout of every split: another one, and with a way within the bound (slow, obvious search: relax until nothing changes).
TEST(FrozenLake, EveryTaskIsSolvableAndSplitsShareNoLayout) {
  FrozenLakeConfig config;
  const auto splits = make_lakes(config);
  EXPECT_EQ(splits.train.size(), 1000U);
  std::set<std::string> texts;
  std::set<int> sizes;
  for (const auto* lakes : {&splits.train, &splits.validation, &splits.test})
    for (const Lake& lake : *lakes) {
      EXPECT_TRUE(texts.insert(to_text(lake)).second);
      EXPECT_EQ(to_text(read_lake(to_text(lake), "again")), to_text(lake));
      sizes.insert(lake.size);
      std::vector<int> d(static_cast<std::size_t>(lake.cells()), 1000);
      d[static_cast<std::size_t>(lake.goal)] = 0;
      for (bool changed = true; changed;) {
        changed = false;
        for (int cell = 0; cell < lake.cells(); ++cell)
          for (const Direction move : directions) {
            const int next = beside(cell, move, lake.size, lake.size);
            if (lake.is_hole(cell) || d[static_cast<std::size_t>(next)] + 1 >= d[static_cast<std::size_t>(cell)]) continue;
            d[static_cast<std::size_t>(cell)] = d[static_cast<std::size_t>(next)] + 1;
            changed = true;
          }
      }
      EXPECT_LE(d[static_cast<std::size_t>(lake.start)], 6);
      EXPECT_EQ(d[static_cast<std::size_t>(lake.start)], shortest_path(lake));
    }
  EXPECT_EQ(sizes, (std::set<int>{2, 3, 4, 5, 6, 7, 8, 9}));
  config.splits.train = 1500;
  const auto more = make_lakes(config);
  for (std::size_t i = 0; i < splits.test.size(); ++i) EXPECT_EQ(to_text(more.test[i]), to_text(splits.test[i])) << "more training tasks leave the test as it is";
  EXPECT_EQ(to_text(more.train[999]), to_text(splits.train[999]));
  EXPECT_FALSE(shortest_path(read_lake("SHF\nHFF\nFFG", "walled in")));
}

Task start_task(const World& world) { return world.tasks(Split::test).at(0); }

TEST(FrozenLake, TellsATryAsThePaperDoes) {
  const auto world = open_frozenlake(settings({{"map", "4x4"}, {"max_steps", "6"}, {"train", "4"}, {"validation", "2"}, {"test", "4"}}));
  const auto env = world->make(Split::test);
  const auto seen = env->reset(start_task(*world));
  EXPECT_EQ(seen.text, "Step 0\n A \t D \t D \t D \t\n D \t C \t D \t C \t\n D \t D \t D \t C \t\n C \t D \t D \t B \t\nNot solved yet: say your next move. 6 moves left.");
  EXPECT_EQ(seen.choices, (std::vector<std::string>{"Left", "Down", "Right", "Up"}));
  auto out = env->step("Up");
  EXPECT_FALSE(out.next.changed);
  EXPECT_EQ(out.comment, "no movement");
  EXPECT_NE(out.next.text.find("\nYour last move changed nothing.\nNot solved yet: say your next move. 5 moves left."), std::string::npos);
  out = env->step("fly");
  EXPECT_FALSE(out.next.changed);
  EXPECT_NE(out.next.text.find("There was no move in your last action"), std::string::npos);
  EXPECT_EQ(out.comment, "no movement: not a move");
  out = env->step("I go ```2```");
  EXPECT_TRUE(out.next.changed);
  EXPECT_EQ(out.comment, "moved to a safe tile");
  EXPECT_EQ(out.feedback, "");
  out = env->step("right");
  EXPECT_EQ(*out.ending, Ending::terminal);
  EXPECT_FALSE(out.solved);
  EXPECT_EQ(out.next.text, "Step 4\n D \t D \t D \t D \t\n D \t X \t D \t C \t\n D \t D \t D \t C \t\n C \t D \t D \t B \t\nThe game is over, not solved.");
  EXPECT_TRUE(out.next.choices.empty());
  EXPECT_EQ(out.comment, "fell into a hole; the game ended");
  EXPECT_EQ(out.feedback, "Not solved: the game ended. 2 moves without effect, 0 of them in a row at the end. Last move: Right. At the end the agent is in a hole. Reward 0.00 after 4 steps.");
  EXPECT_THROW(env->step("Up"), Error);

  env->reset(start_task(*world));
  for (const char* move : {"Down", "Down", "Right", "Down", "Right"}) out = env->step(move);
  EXPECT_FALSE(out.ending);
  out = env->step("Right");
  EXPECT_TRUE(out.solved);
  EXPECT_EQ(out.score, 1.0);
  EXPECT_EQ(out.reward, 1.0F);
  EXPECT_NE(out.next.text.find(" C \t D \t D \t ✓ \t\nSolved."), std::string::npos);
  EXPECT_EQ(out.feedback, "Solved. 0 moves without effect, 0 of them in a row at the end. Last move: Right. At the end the agent is on the goal. Reward 1.00 after 6 steps.");

  env->reset(start_task(*world));
  for (int i = 0; i < 6; ++i) out = env->step("Left");
  EXPECT_EQ(*out.ending, Ending::cut_off);
  EXPECT_EQ(out.feedback, "Not solved: the limit of 6 moves was reached. 6 moves without effect, 6 of them in a row at the end. Last move: Left. At the end the agent is on a "
                          "safe tile, not on the goal. Reward 0.00 after 6 steps.");
}

TEST(FrozenLake, FreeTextOffersNoChoices) {
  const auto world = open_frozenlake(settings({{"free", "true"}}));
  const auto env = world->make(Split::train);
  EXPECT_TRUE(env->reset(world->tasks(Split::train).at(0)).choices.empty());
  EXPECT_NE(world->facts(Split::train).action_help.find("```"), std::string::npos);
}

// What an agent reads (facts, task, board) neither names what a sign means nor uses the usual letters.
TEST(FrozenLake, HiddenRulesNameNothing) {
  for (const char* symbols : {"abstract", "random"}) {
    const auto world = open_frozenlake(settings({{"symbols", symbols}, {"train", "50"}, {"validation", "0"}, {"test", "1"}}));
    const auto& f = world->facts(Split::train);
    std::string read = f.role + f.action_help + f.task_word + f.action_word;
    for (const auto& reason : f.failure_reasons) read += reason;
    const auto env = world->make(Split::train);
    for (const auto& task : world->tasks(Split::train)) {
      const std::string first = env->reset(task).text;
      std::string text = first;
      for (int i = 0; i < 8; ++i) {
        const auto out = env->step(name_of(directions[static_cast<std::size_t>(i * 7 + 1) % 4]));
        text += out.next.text;
        if (out.ending) break;
      }
      for (const char* sign : {" P \t", " S \t", " F \t", " H \t", " G \t"}) EXPECT_EQ(text.find(sign), std::string::npos) << text;
      read += task.goal + text;
    }
    for (const char* word : {"hole", "goal", "ice", "lake", "frozen", "safe", "agent", "reach"}) EXPECT_EQ(read.find(word), std::string::npos) << word;
  }
  const auto told = open_frozenlake(settings({{"rules", "told"}, {"symbols", "plain"}, {"slippery", "true"}}));
  EXPECT_NE(told->facts(Split::train).role.find("You are P and must reach G. F is ice"), std::string::npos);
  EXPECT_NE(told->facts(Split::train).role.find("a third of your moves"), std::string::npos);
  EXPECT_EQ(told->tasks(Split::train).at(0).goal, "Reach the goal.");
}

TEST(FrozenLake, RandomSignsComeFromTheirSeed) {
  std::set<Signs> different;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Signs plain{"P", "G", "H", "F", "X", "*"};
    const auto signs = make_signs(Symbols::random, plain, plain, seed, "frozenlake");
    EXPECT_EQ(signs, make_signs(Symbols::random, plain, plain, seed, "frozenlake"));
    EXPECT_EQ(std::set<std::string>(signs.begin(), signs.end()).size(), 6U);
    for (const auto& s : signs) EXPECT_EQ(std::find(plain.begin(), plain.end(), s), plain.end());
    different.insert(signs);
  }
  EXPECT_GT(different.size(), 45U);
}

TEST(FrozenLake, AMapsTasksAreItsStartCells) {
  const auto world = open_frozenlake(settings({{"map", "8x8"}, {"slippery", "true"}, {"fit", "true"}}));
  EXPECT_EQ(world->facts(Split::train).max_steps, 200);
  std::set<std::string> ids;
  std::size_t n = 0;
  for (const auto split : conformance::splits)
    for (const auto& task : world->tasks(split)) ids.insert(task.id), ++n;
  EXPECT_EQ(ids.size(), n);
  EXPECT_GE(n, 50U);
  EXPECT_LE(n, 53U);
  const auto env = world->make(Split::test);
  EXPECT_TRUE(env->reset(start_task(*world)).text.starts_with("Step 0\n A \t"));
  EXPECT_NE(refusal({{"map", "4x4"}}).find("expected at least 1200 cells to start from (test, validation and train), got 11; set"), std::string::npos);
}

// The same task slips the same way, another one another way.
TEST(FrozenLake, SlippingRepeatsWithItsTask) {
  const auto world = open_frozenlake(settings({{"map", "8x8"}, {"slippery", "true"}, {"fit", "true"}}));
  const auto play = [&](const Task& task) {
    const auto env = world->make(Split::test);
    std::string out = env->reset(task).text;
    for (int i = 0; i < 200; ++i) {
      const auto next = env->step("Right");
      out += next.next.text;
      if (next.ending) break;
    }
    return out;
  };
  EXPECT_EQ(play(start_task(*world)), play(start_task(*world)));
  EXPECT_NE(play(world->tasks(Split::train).at(0)), play(world->tasks(Split::train).at(1)));
}

TEST(FrozenLake, BareMovesDoNotAllocate) {
  const auto splits = make_lakes({});
  Rng rng(3);
  const long before = allocations_so_far();
  int ends = 0;
  for (const Lake& lake : splits.train) {
    int at = lake.start;
    for (int i = 0; i < 8 && at != lake.goal && !lake.is_hole(at); ++i) at = beside(at, slipped(directions[rng.below(4)], rng), lake.size, lake.size);
    ends += at == lake.goal;
  }
  EXPECT_EQ(allocations_so_far() - before, 0);
  EXPECT_GT(ends, 0);
}

TEST(FrozenLake, MisuseIsNamed) {
  EXPECT_NE(refusal({{"min_size", "5"}, {"max_size", "4"}}).find("expected min_size at most max_size, got 5 and 4"), std::string::npos);
  EXPECT_NE(refusal({{"min_frozen", "0.9"}}).find("min_frozen at most max_frozen"), std::string::npos);
  EXPECT_NE(refusal({{"max_path", "9"}}).find("expected max_path at most max_steps (a task must be solvable), got 9 and 8"), std::string::npos);
  EXPECT_NE(refusal({{"max_size", "2"}}).find("different layouts found with these settings, 1000 + 100 + 100 were asked for"), std::string::npos);
  EXPECT_NE(refusal({{"map", "8x8"}, {"max_steps", "13"}, {"fit", "true"}}).find("the shortest way of this map takes 14 moves, max_steps is 13"), std::string::npos);
  EXPECT_NE(refusal({{"fit", "true"}}).find("fit is for the maps"), std::string::npos);
  EXPECT_NE(refused_map("SF\nFGF").find("lake.txt: row 2: expected a square, 2 rows of as many tiles"), std::string::npos);
  EXPECT_NE(refused_map("SF").find("lake.txt: row 1: expected a square"), std::string::npos);
  EXPECT_NE(refused_map("SF\nFG\nFF").find("lake.txt: row 3: expected a square"), std::string::npos);
  EXPECT_NE(refused_map("SF\nFX").find("row 2: expected S, F, H or G, got 'X'"), std::string::npos);
  EXPECT_NE(refused_map("SF\nFF").find("expected one S and one G, got 1 and 0"), std::string::npos);
  EXPECT_NE(refused_map("").find("expected 2 to 16 tiles, got 0"), std::string::npos);
  const auto world = open_frozenlake({});
  const auto env = world->make(Split::train);
  EXPECT_THROW(env->step("Up"), Error);
  EXPECT_THROW(env->reset({.id = "frozenlake/none", .env = "frozenlake", .kind = {}, .goal = {}, .seed = 0, .params = {}}), Error);
}

TEST(BoardMoves, AreReadFromText) {
  const std::vector<std::pair<std::string, Direction>> cases{
      {"Left", Direction::left}, {" down\n", Direction::down}, {"RIGHT", Direction::right}, {"4", Direction::up}, {"1", Direction::left}, {"```up```", Direction::up},
      {"I think ```Left``` no, ```\nDown\n```", Direction::down}, {"```Left``` then ```", Direction::left}, {"```3``` is best", Direction::right},
      {"Left or ```jump```", Direction::none}, {"go left", Direction::none}, {"5", Direction::none}, {"0", Direction::none}, {"", Direction::none}, {"``````", Direction::none},
      {"```Up``` ```", Direction::up}, {"```", Direction::none}, {"Up```", Direction::none}, {"12", Direction::none}, {"none", Direction::none}, {"```Left```Up```Down```", Direction::down}};
  for (const auto& [text, move] : cases) EXPECT_EQ(read_move(text), move) << text;
}

}  // namespace
}  // namespace hone
