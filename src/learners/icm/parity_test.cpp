// Returns and the slopes of actor and critic against PyTorch's autograd on a recorded rollout (tests/reference/icm_parity.py), and on a case
// of two by two worked by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "learners/icm/returns.h"

namespace hone {
namespace {

using nlohmann::json;

constexpr double tolerance = 1e-5;  // of the largest number of an array

template <class T>
void in_rows(const json& rows, std::vector<T>& out) {
  if (!rows.is_array()) return out.push_back(static_cast<T>(rows.get<double>()));
  for (const json& row : rows) in_rows(row, out);
}
template <class T>
std::vector<T> numbers(const json& rows) {
  std::vector<T> out;
  in_rows(rows, out);
  return out;
}

void expect_near(std::span<const float> got, const json& rows, const char* what) {
  const auto expected = numbers<double>(rows);
  ASSERT_EQ(got.size(), expected.size()) << what;
  double largest = 0.0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(static_cast<double>(got[i]), expected[i], tolerance * largest) << what << " " << i;
}

TEST(IcmParity, ReturnsAndActorLossesOfPyTorch) {
  const char* root = std::getenv("HONE_SOURCE_DIR");
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests/reference/icm_parity.json");
  const json all = json::parse(in), &e = all.at("cases").at("actor");
  const auto logits = numbers<float>(e.at("logits")), values = numbers<float>(e.at("values")), reward = numbers<float>(e.at("reward")), last = numbers<float>(e.at("last"));
  const auto ended = numbers<std::uint8_t>(all.at("ended")), counts = numbers<std::uint8_t>(all.at("counts"));
  const auto actions = numbers<int>(all.at("actions"));
  const Returns returns = returns_of(reward, values, ended, last, all.at("slots").get<int>(), all.at("gamma").get<double>(), all.at("lambda").get<double>());
  expect_near(returns.advantage, e.at("advantage"), "advantage");
  expect_near(returns.target, e.at("target"), "target");
  for (const bool ppo : {false, true}) {
    const json& expected = e.at(ppo ? "ppo" : "a2c");
    const auto old = ppo ? numbers<float>(expected.at("old")) : std::vector<float>(values.size());
    const ActorLoss loss{.value_weight = all.at("value_weight").get<double>(), .entropy_weight = all.at("entropy_weight").get<double>(), .clip = ppo ? all.at("clip").get<double>() : 0.0};
    std::vector<float> d_logits(logits.size()), d_values(values.size());
    const ActorReport report = actor_slopes({logits, values, actions, returns.advantage, returns.target, old, counts}, loss, d_logits, d_values);
    const auto near = [&](double got, const char* what) { EXPECT_NEAR(got, expected.at(what).get<double>(), tolerance * std::abs(expected.at(what).get<double>())) << what << (ppo ? " ppo" : ""); };
    near(report.policy, "policy"), near(report.value, "value"), near(report.entropy, "entropy");
    EXPECT_EQ(report.clipped > 0.0, ppo);
    expect_near(d_logits, expected.at("d_logits"), "d_logits");
    expect_near(d_values, expected.at("d_values"), "d_values");
  }
}

// Two steps of two actions. Probabilities 1/4, 3/4, then 1/2, 1/2; taken 1, then 0, with advantages 1 and -2.
//   policy -(ln 3/4 - 2 ln 1/2) / 2; value ((1/2)^2 + 1^2) / 2; entropy (H(1/4) + ln 2) / 2.
TEST(IcmParity, TwoByTwoByHand) {
  const std::vector<float> logits{0.0F, static_cast<float>(std::log(3.0)), 0.0F, 0.0F}, values{0.5F, 1.0F}, advantage{1.0F, -2.0F}, target{1.0F, 0.0F}, old(2);
  const std::vector<int> actions{1, 0};
  const std::vector<std::uint8_t> counts{1, 1};
  std::vector<float> d_logits(4), d_values(2);
  const ActorReport r = actor_slopes({logits, values, actions, advantage, target, old, counts}, {.value_weight = 0.5, .entropy_weight = 0.0, .clip = 0.0}, d_logits, d_values);
  EXPECT_NEAR(r.policy, -0.549306, 1e-6);
  EXPECT_NEAR(r.value, 0.625, 1e-6);
  EXPECT_NEAR(r.entropy, 0.627741, 1e-6);
  // Policy: -A (done - p) / 2; value: 0.5 (V - R) / 2, since the loss has half the square.
  const std::vector<double> of_logits{0.125, -0.125, 0.5, -0.5}, of_values{-0.125, 0.25};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(d_logits[i], of_logits[i], 1e-6);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(d_values[i], of_values[i], 1e-6);
}

}  // namespace
}  // namespace hone
