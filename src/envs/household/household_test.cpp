#include "envs/household/household.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/error.h"
#include "core/folder_test_kit.h"
#include "core/reflex.h"
#include "envs/household/house.h"
#include "pddl/search.h"
#include "wire/json.h"

namespace hone {

namespace {

using household::Family;

Settings settings(std::initializer_list<std::pair<std::string, std::string>> given) {
  Settings out;
  for (const auto& [name, value] : given) out[name] = {{value}, false, ""};
  return out;
}

// Plays the planner's plan through the text and returns the last outcome.
Outcome play_plan(const World& world, const Task& task, const HouseholdConfig& config, std::vector<std::string>* said = nullptr) {
  const auto game = household_game(config, task);
  const auto plan = pddl::find_plan(game->grounded(), game->start());
  EXPECT_TRUE(plan) << task.id << ": " << task.goal;
  const auto env = world.make(Split::test);
  Observation seen = env->reset(task);
  Outcome out;
  for (const int a : plan ? plan->actions : std::vector<int>{}) {
    const auto& text = game->text_of(a);
    EXPECT_TRUE(std::find(seen.choices.begin(), seen.choices.end(), text) != seen.choices.end()) << text;
    EXPECT_FALSE(out.ending) << task.id;
    out = env->step(text);
    if (said != nullptr) said->push_back(text), said->push_back(out.next.text);
    seen = out.next;
  }
  return out;
}

TEST(Household, EveryGeneratedTaskIsSolvableWithinItsSteps) {
  HouseholdConfig config;
  const auto world = open_household({});
  std::size_t longest = 0, n = 0;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    for (const auto& task : world->tasks(split)) {
      const auto game = household_game(config, task);
      EXPECT_FALSE(game->won(game->start())) << task.id;
      const auto plan = pddl::find_plan(game->grounded(), game->start());
      ASSERT_TRUE(plan) << task.id << ": " << task.goal;
      longest = std::max(longest, plan->actions.size());
      ++n;
    }
  }
  EXPECT_EQ(n, 120U + 24U + 134U);
  EXPECT_LE(longest, 20U);  // ExpeL's step limit
}

TEST(Household, ThePlanWinsThroughTheText) {
  HouseholdConfig config;
  const auto world = open_household({});
  std::set<std::string> kinds;
  for (const auto& task : world->tasks(Split::test)) {
    if (!kinds.insert(task.kind).second) continue;
    const auto out = play_plan(*world, task, config);
    EXPECT_EQ(out.ending, Ending::terminal) << task.goal;
    EXPECT_TRUE(out.solved) << task.goal;
    EXPECT_EQ(out.score, 1.0);
  }
  EXPECT_EQ(kinds.size(), 6U);
}

TEST(Household, UnseenTasksHaveAlfworldsNumberOfEachFamily) {
  std::map<std::string, int> count;
  for (const auto& task : open_household({})->tasks(Split::test)) ++count[task.kind];
  EXPECT_EQ(count, (std::map<std::string, int>{{"put", 24}, {"look", 18}, {"clean", 31}, {"heat", 23}, {"cool", 21}, {"puttwo", 17}}));
  const auto thirty = household::deal_families(30);
  for (const Family f : household::families) {
    const auto n = std::count(thirty.begin(), thirty.end(), f);
    const double due = 30.0 * household::unseen_counts[static_cast<std::size_t>(f)] / 134;
    EXPECT_LT(std::abs(static_cast<double>(n) - due), 1.0);
  }
}

TEST(Household, SplitsShareNoRoomAndNoTask) {
  const auto world = open_household({});
  std::set<std::string> rooms[3];
  std::set<std::string> ids;
  for (const Split split : {Split::train, Split::validation, Split::test})
    for (const auto& task : world->tasks(split)) {
      EXPECT_TRUE(ids.insert(task.id).second);
      rooms[static_cast<int>(split)].insert(task.params.at("room"));
    }
  for (const auto& room : rooms[2]) {
    EXPECT_TRUE(room.starts_with("unseen-"));
    EXPECT_FALSE(rooms[0].contains(room));
    EXPECT_FALSE(rooms[1].contains(room));
  }
  // The same numbers draw other rooms: no two problems are equal, whatever the split.
  std::set<std::string> openings;
  const auto env = world->make(Split::test);
  for (const auto& room : {"seen-1", "unseen-1"}) {
    Task task = world->tasks(Split::test)[0];
    task.id = room;
    task.kind = "put";
    task.params["room"] = room;
    openings.insert(env->reset(task).text);
  }
  EXPECT_EQ(openings.size(), 2U);
}

TEST(Household, SpeaksAsAlfworldDoes) {
  const std::string domain = [] {
    std::ifstream in(std::string(std::getenv("HONE_SOURCE_DIR")) + "/data/household/household.pddl");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  household::House house;
  house.room = {"kitchen", {{"countertop", 2}, {"countertop", 1}, {"drawer", 1}, {"fridge", 1}, {"microwave", 1}, {"sinkbasin", 1}}};
  house.things = {{"apple", 1, 0}, {"apple", 2, 0}, {"knife", 1, 2}};
  house.family = Family::heat;
  house.thing = "apple";
  house.target = "fridge";
  household::Game game(domain, "household.pddl", problem_text(house), "test", household::Wording::move, household::Offer::all);
  EXPECT_EQ(game.intro(), "You are in the middle of a room. Looking quickly around you, you see a countertop 2, a countertop 1, a drawer 1, a fridge 1, a microwave 1, and a sinkbasin 1.");
  auto state = game.start();
  const auto say = [&](const char* action) { return game.act(action, state).text; };
  EXPECT_EQ(say("look"), game.intro());
  EXPECT_EQ(say("inventory"), "You are not carrying anything.");
  EXPECT_EQ(say("take apple 1 from countertop 2"), "Nothing happens.");
  EXPECT_EQ(say("go to countertop 2"), "You arrive at countertop 2. On the countertop 2, you see a apple 2, and a apple 1.");
  EXPECT_EQ(say("look"), "You are facing the countertop 2. Next to it, you see nothing.");
  EXPECT_EQ(say("examine apple 1"), "There's nothing special about apple 1.");
  EXPECT_EQ(say("> Take  apple 1 from countertop 2."), "You pick up the apple 1 from the countertop 2.");
  EXPECT_EQ(say("take apple 2 from countertop 2"), "Nothing happens.");
  EXPECT_EQ(say("inventory"), "You are carrying: a apple 1.");
  EXPECT_EQ(say("go to fridge 1"), "You arrive at fridge 1. The fridge 1 is closed.");
  EXPECT_EQ(say("move apple 1 to fridge 1"), "Nothing happens.");
  EXPECT_EQ(say("cool apple 1 with fridge 1"), "You cool the apple 1 using the fridge 1.");
  EXPECT_EQ(say("examine apple 1"), "This is a cold apple 1.");
  EXPECT_EQ(say("open fridge 1"), "You open the fridge 1. The fridge 1 is open. In it, you see nothing.");
  EXPECT_EQ(say("go to microwave 1"), "You arrive at microwave 1. The microwave 1 is closed.");
  EXPECT_EQ(say("heat apple 1 with microwave 1"), "You heat the apple 1 using the microwave 1.");
  EXPECT_EQ(say("examine apple 1"), "This is a hot apple 1.");
  EXPECT_FALSE(game.won(state));
  EXPECT_EQ(say("go to sinkbasin 1"), "You arrive at sinkbasin 1. On the sinkbasin 1, you see nothing.");
  EXPECT_EQ(say("clean apple 1 with sinkbasin 1"), "You clean the apple 1 using the sinkbasin 1.");
  EXPECT_EQ(say("examine apple 1"), "This is a hot and clean apple 1.");
  EXPECT_EQ(say("go to fridge 1"), "You arrive at fridge 1. The fridge 1 is open. In it, you see nothing.");
  const auto before = state;
  EXPECT_EQ(say("put apple 1 in fridge 1"), "You move the apple 1 to the fridge 1.");
  EXPECT_TRUE(game.won(state));
  state = before;
  EXPECT_EQ(say("put apple 1 in/on fridge 1"), "You move the apple 1 to the fridge 1.");
  EXPECT_EQ(say("close fridge 1"), "You close the fridge 1.");
  EXPECT_EQ(say("sing"), "Nothing happens.");
  EXPECT_EQ(say(""), "Nothing happens.");
}

TEST(Household, TellsWhatChangedSavesAndGoesBack) {
  HouseholdConfig config;
  const auto world = open_household({});
  const Task task = world->tasks(Split::train)[0];
  const auto env = world->make(Split::train);
  env->reset(task);
  struct Bytes final : Sink, Source {
    std::vector<std::byte> bytes;
    std::size_t at = 0;
    void write(std::span<const std::byte> b) override { bytes.insert(bytes.end(), b.begin(), b.end()); }
    void read(std::span<std::byte> b) override {
      if (at + b.size() > bytes.size()) throw Error(Fault::corrupt, "short");
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), b.size(), b.begin());
      at += b.size();
    }
  };
  const auto game = household_game(config, task);
  const auto plan = pddl::find_plan(game->grounded(), game->start());
  ASSERT_TRUE(plan);
  const auto first = env->step(game->text_of(plan->actions[0]));
  EXPECT_EQ(first.next.changed, !game->text_of(plan->actions[0]).starts_with("go to"));
  Bytes saved;
  dynamic_cast<Savable&>(*env).save(saved);
  const auto one = env->step(game->text_of(plan->actions[1]));
  dynamic_cast<Savable&>(*env).load(saved);
  const auto other = env->step(game->text_of(plan->actions[1]));
  EXPECT_EQ(one.next.text, other.next.text);
  EXPECT_EQ(one.next.choices, other.next.choices);
  EXPECT_FALSE(env->step("look").next.changed);
}

TEST(Household, TheStepsRunOutAndRepeatsMayEndIt) {
  const auto world = open_household(settings({{"max_steps", "3"}, {"train_steps", "5"}, {"stop_on_repeat", "true"}}));
  const auto count = [&](Split split, bool same) {
    const auto env = world->make(split);
    env->reset(world->tasks(split)[0]);
    for (int i = 1;; ++i)
      if (const auto out = env->step(same || i % 2 == 0 ? "look" : "inventory"); out.ending) return std::pair(i, *out.ending);
  };
  EXPECT_EQ(count(Split::test, false), std::pair(3, Ending::cut_off));
  EXPECT_EQ(count(Split::train, false), std::pair(5, Ending::cut_off));
  EXPECT_EQ(count(Split::test, true), std::pair(2, Ending::terminal));
  EXPECT_EQ(world->facts(Split::train).max_steps, 5);
  EXPECT_EQ(world->facts(Split::validation).max_steps, 3);
  EXPECT_EQ(world->facts(Split::test).max_steps, 3);
  EXPECT_EQ(open_household(settings({{"max_steps", "7"}}))->facts(Split::train).max_steps, 7);
}

TEST(Household, MostPlacesBoundsARoomAndKeepsItsKinds) {
  for (const auto& kind : household::tables().rooms)
    for (std::uint64_t i = 0; i < 50; ++i) {
      const auto all = draw_room(kind, 0, Rng(i)), few = draw_room(kind, 14, Rng(i));
      std::set<std::string> kinds_all, kinds_few;
      for (const auto& p : all.places) kinds_all.insert(p.kind);
      for (const auto& p : few.places) kinds_few.insert(p.kind);
      EXPECT_EQ(kinds_all, kinds_few);
      EXPECT_LE(few.places.size(), std::max<std::size_t>(14, kinds_all.size()));
    }
}

// Counts of the real floor plans (ALFWorld's layouts) hold the counts of ours. Skipped where the data are not there.
TEST(Household, RoomsAreAsLargeAsRealOnes) {
  const std::filesystem::path folder = std::filesystem::path(std::getenv("HONE_SOURCE_DIR")) / "../shared/data/alfworld/layouts";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
  const std::pair<const char*, int> kinds[] = {{"kitchen", 0}, {"livingroom", 200}, {"bedroom", 300}, {"bathroom", 400}};
  for (std::size_t k = 0; k < 4; ++k) {
    const auto& kind = household::tables().rooms[k];
    ASSERT_EQ(kind.name, kinds[k].first);
    std::map<std::string, std::multiset<int>> real;
    std::map<std::string, double> ours;
    for (int i = 1; i <= 30; ++i) {
      std::ifstream in(folder / ("FloorPlan" + std::to_string(kinds[k].second + i) + "-openable.json"));
      ASSERT_TRUE(in);
      const auto json = wire::Json::parse(in);
      std::map<std::string, int> count;
      for (const auto& [id, pose] : json.items()) {
        std::string name = id.substr(0, id.find('|'));
        for (auto& c : name) c = static_cast<char>(std::tolower(c));
        if (id.find("SinkBasin") != std::string::npos) name = "sinkbasin";
        if (id.find("BathtubBasin") != std::string::npos) name = "bathtubbasin";
        ++count[name];
      }
      for (const auto& [place, n] : kind.places) real[place].insert(count[place]);
    }
    constexpr int draws = 3000;
    for (std::uint64_t s = 0; s < draws; ++s)
      for (const auto& p : draw_room(kind, 0, Rng(s).split("check")).places) ours[p.kind] += 1.0 / draws;
    for (const auto& [place, counts] : kind.places) {
      // Places that the layouts list by name only, without counting them.
      static const std::set<std::string> uncounted{"garbagecan", "coffeemachine", "toaster", "stoveburner", "laundryhamper", "handtowelholder", "towelholder", "toiletpaperhanger"};
      if (uncounted.contains(place)) continue;
      std::multiset<int> table;
      for (const auto& c : counts)
        for (int i = 0; i < c.weight; ++i) table.insert(c.number);
      EXPECT_EQ(table, real[place]) << kind.name << " " << place;
      double mean = 0;
      for (const int n : real[place]) mean += n / 30.0;
      EXPECT_NEAR(ours[place], mean, 0.15 * mean + 0.1) << kind.name << " " << place;
    }
  }
}

TEST(Household, PlaysGamesOfAlfworldsFormat) {
  const test::Folder folder;
  const auto place = folder / "pick_heat_then_place_in_recep-Apple-None-Fridge-10" / "trial_1";
  std::filesystem::create_directories(place);
  const std::string source = std::getenv("HONE_SOURCE_DIR");
  std::ifstream in(source + "/data/household/household.pddl");
  std::string domain(std::istreambuf_iterator<char>(in), {});
  const std::string problem = R"((define (problem p) (:domain alfred)
    (:objects agent1 - agent l0 l1 l2 l3 - location
      Fridge_bar__plus_01 Microwave_bar__minus_00 CounterTop_bar__plus_02 - receptacle
      Apple_bar__plus_00_dot_10 Apple_bar__plus_00_dot_20 - thing
      countertoptype - rtype appletype - otype)
    (:init (atlocation agent1 l0) (= (total-cost) 0)
      (receptacleatlocation Fridge_bar__plus_01 l1) (receptacletype Fridge_bar__plus_01 fridgetype) (openable Fridge_bar__plus_01)
      (receptacleatlocation Microwave_bar__minus_00 l2) (receptacletype Microwave_bar__minus_00 microwavetype)
      (receptacleatlocation CounterTop_bar__plus_02 l3) (receptacletype CounterTop_bar__plus_02 countertoptype)
      (cancontain fridgetype appletype) (cancontain countertoptype appletype)
      (objecttype Apple_bar__plus_00_dot_10 appletype) (inreceptacle Apple_bar__plus_00_dot_10 CounterTop_bar__plus_02) (pickupable Apple_bar__plus_00_dot_10) (heatable Apple_bar__plus_00_dot_10)
      (objecttype Apple_bar__plus_00_dot_20 appletype) (inreceptacle Apple_bar__plus_00_dot_20 CounterTop_bar__plus_02) (pickupable Apple_bar__plus_00_dot_20))
    (:goal (exists (?r - receptacle ?o - thing) (and (heatable ?o) (objecttype ?o appletype) (receptacletype ?r fridgetype) (ishot ?o) (inreceptacle ?o ?r))))
    (:metric minimize (total-cost))))";
  std::ofstream(place / "game.tw-pddl") << wire::Json{{"pddl_domain", domain}, {"pddl_problem", problem}, {"grammar", "\"rhs\": \"Your task is to: heat some apple and put it in fridge.\""}}.dump();
  const auto world = open_household(settings({{"test_games", folder.path().string()}, {"train", "2"}, {"validation", "0"}}));
  ASSERT_EQ(world->tasks(Split::test).size(), 1U);
  const Task task = world->tasks(Split::test)[0];
  EXPECT_EQ(task.kind, "heat");
  EXPECT_EQ(task.goal, "heat some apple and put it in fridge");
  const auto env = world->make(Split::test);
  EXPECT_EQ(env->reset(task).text, "You are in the middle of a room. Looking quickly around you, you see a countertop 1, a fridge 1, and a microwave 1.");
  // As ALFWorld numbers them: the first in the order of the ids gets the highest number.
  EXPECT_EQ(env->step("go to countertop 1").next.text, "You arrive at countertop 1. On the countertop 1, you see a apple 2, and a apple 1.");
  env->step("take apple 2 from countertop 1");
  env->step("go to microwave 1");
  env->step("heat apple 2 with microwave 1");
  env->step("go to fridge 1");
  env->step("open fridge 1");
  EXPECT_TRUE(env->step("move apple 2 to fridge 1").solved);

  std::ofstream(place / "game.tw-pddl") << "{\"pddl_domain\": 3}";
  try {
    open_household(settings({{"test_games", folder.path().string()}}));
    ADD_FAILURE() << "a broken game was taken";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("pddl_domain: expected a text, got number"), std::string::npos) << e.what();
  }
}

TEST(Household, RefusesUnknownFamilies) {
  try {
    open_household(settings({{"families", "heet"}}));
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("heat"), std::string::npos) << e.what();
  }
}

}  // namespace

}  // namespace hone
