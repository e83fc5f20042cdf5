#include "learners/trajectory.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

Step move(std::vector<int> prompt, std::vector<int> said, int most = 100) {
  Trace trace;
  trace.prompt_ids = std::move(prompt);
  trace.ids = std::move(said);
  trace.logp.assign(trace.ids.size(), -0.5F);
  trace.sampling.max_tokens = most;
  Step step;
  step.did.trace = trace;
  return step;
}

TEST(Trajectory, AConversationThatOnlyGrowsIsOneSequence) {
  Episode e;
  e.steps = {move({1, 2}, {3, 4}), move({1, 2, 3, 4, 9, 9}, {5}), {}};
  const auto t = trajectories(e);
  ASSERT_EQ(t.size(), 1U);
  EXPECT_EQ(t[0].sequence.ids, (std::vector<int>{1, 2, 3, 4, 9, 9, 5}));
  EXPECT_EQ(t[0].sequence.trained, (std::vector<std::uint8_t>{0, 0, 1, 1, 0, 0, 1}));
  EXPECT_EQ(t[0].logp.size(), 3U);
  EXPECT_FALSE(t[0].truncated);
}

TEST(Trajectory, APromptThatChangedBeginsANewOne) {
  Episode e;
  e.steps = {move({1, 2}, {3, 4}, 2), move({1, 2, 8}, {5})};
  const auto t = trajectories(e);
  ASSERT_EQ(t.size(), 2U);
  EXPECT_EQ(t[1].sequence.ids, (std::vector<int>{1, 2, 8, 5}));
  EXPECT_TRUE(t[0].truncated);
}

TEST(Trajectory, LogProbsThatDoNotCoverEveryTokenAreLeftOut) {
  Episode e;
  e.steps = {move({1}, {2, 3})};
  e.steps[0].did.trace->logp = {-1.0F};
  EXPECT_TRUE(trajectories(e)[0].logp.empty());
}

}  // namespace
}  // namespace hone
