#include "envs/toy.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace hone {
namespace {

TEST(Toy, EachColoursKeyIsAlwaysInItsOwnRoom) {
  const auto world = make_toy_world({.rooms = 5, .people = 3, .max_steps = 2, .choices = true});
  std::map<std::string, std::string> room_of;
  std::set<std::string> ids, rooms;
  for (const auto split : {Split::train, Split::validation, Split::test}) {
    EXPECT_EQ(world->tasks(split).size(), 15U);
    for (const auto& task : world->tasks(split)) {
      EXPECT_TRUE(ids.insert(task.id).second);
      const auto [it, fresh] = room_of.emplace(task.params.at("colour"), toy_answer(task));
      EXPECT_EQ(it->second, toy_answer(task));
      rooms.insert(it->second);
    }
  }
  EXPECT_EQ(rooms.size(), 5U);
}

TEST(Toy, TheRightRoomSolvesAndWrongOnesUseUpSteps) {
  for (const bool choices : {true, false}) {
    const auto world = make_toy_world({.rooms = 4, .people = 1, .max_steps = 2, .choices = choices});
    const auto task = world->tasks(Split::train).at(0);
    const auto env = world->make(Split::train);
    EXPECT_EQ(env->reset(task).choices.size(), choices ? 4U : 0U);
    auto out = env->step("go " + toy_answer(task));
    EXPECT_TRUE(out.solved);
    EXPECT_EQ(out.ending, Ending::terminal);
    env->reset(task);
    EXPECT_FALSE(env->step("dance").ending);
    out = env->step("go nowhere");
    EXPECT_EQ(out.ending, Ending::cut_off);
    EXPECT_FALSE(out.solved);
  }
}

}  // namespace
}  // namespace hone
