#include "engine/play.h"

#include <gtest/gtest.h>

#include "wire/json.h"

namespace hone {
namespace {

// What a world says for who learns is kept with the episode, is written down, and reaches no agent: it sees observations only.
TEST(Play, KeepsCommentsAndFeedback) {
  const auto world = find_env("frozenlake").open(settings({{"train", "8"}, {"validation", "0"}, {"test", "0"}}));
  Stage stage;
  stage.world = world.get();
  stage.split = Split::train;
  stage.agent = &find_agent("random");
  int number = 0;
  for (const auto& task : world->tasks(Split::train)) {
    Play how;
    how.key = std::to_string(number);
    how.rng = Rng(7).split(static_cast<std::uint64_t>(number++));
    const Episode episode = play(stage, {.task = task, .group = {}, .parent = {}, .notes = {}, .sampling = {}}, how);
    ASSERT_NE(episode.ending, Ending::fault) << episode.fault;
    for (const auto& step : episode.steps) {
      EXPECT_FALSE(step.comment.empty());
      EXPECT_EQ(step.seen.text.find(step.comment), std::string::npos);
    }
    EXPECT_EQ(episode.feedback.starts_with("Solved."), episode.solved) << episode.feedback;
    EXPECT_NE(episode.feedback.find("after " + std::to_string(episode.steps.size()) + " step"), std::string::npos);
    const Episode back = wire::episode_from_json(wire::to_json(episode), "episode");
    EXPECT_EQ(back.feedback, episode.feedback);
    EXPECT_EQ(back.steps.back().comment, episode.steps.back().comment);
  }
}

}  // namespace
}  // namespace hone
