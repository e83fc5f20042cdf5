#include "learners/training.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace hone {
namespace {

// tests/reference/trl_curves.py recorded transformers' get_scheduler.
TEST(Training, LearningRatesAreThoseOfTransformers) {
  const char* root = std::getenv("HONE_SOURCE_DIR");
  std::ifstream in(std::string(root == nullptr ? "." : root) + "/tests/reference/trl_curves.json");
  const auto golden = nlohmann::json::parse(in);
  ASSERT_EQ(golden["schedules"].size(), 7U);
  for (const auto& s : golden["schedules"]) {
    const auto name = s["name"].get<std::string>();
    const auto steps = s["steps"].get<std::int64_t>();
    TrainConfig config{.lr = 2.0};
    config.schedule = name == "linear" ? Schedule::linear : name.starts_with("cosine") ? Schedule::cosine : Schedule::constant;
    config.warmup = s["warmup"].get<double>() / static_cast<double>(steps);
    config.min_lr = s["min"].get<double>();
    for (std::int64_t i = 0; i < steps; ++i)
      EXPECT_NEAR(step_options(config, {i, steps}, 1.0F).lr, 2.0 * s["rates"][static_cast<std::size_t>(i)].get<double>(), 1e-10) << s << " step " << i;
  }
}

TEST(Training, AWarmUpThatDoesNotDivideTheStepsIsRoundedUpAndAFallEndsAtItsShare) {
  TrainConfig config{.lr = 1.0, .schedule = Schedule::linear, .warmup = 0.25, .min_lr = 0.5};
  // ceil(0.25 * 10) = 3 steps of warm-up, then seven from 1 towards 0.5.
  EXPECT_DOUBLE_EQ(lr_factor(config, 2, 10), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(lr_factor(config, 3, 10), 1.0);
  EXPECT_DOUBLE_EQ(lr_factor(config, 9, 10), 1.0 - 0.5 * 6.0 / 7.0);
  EXPECT_DOUBLE_EQ(lr_factor(config, 10, 10), 0.5);
  config.warmup = 1.0;
  EXPECT_DOUBLE_EQ(lr_factor(config, 9, 10), 0.9);
}

}  // namespace
}  // namespace hone
