// For the tests of this room: samples out of a few numbers, and slopes by finite differences.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "objective/policy_loss.h"

namespace hone::objective::test {

inline Sample sample(std::string group, int tokens, std::optional<double> reward = {}) {
  Sample s;
  s.group = std::move(group), s.tokens = tokens, s.reward = reward;
  return s;
}

// All tokens have the same lp_old, ratio and advantage.
struct Even {
  std::vector<Sample> samples;
  std::vector<Scores> scores;
  void add(int tokens, double advantage, double ratio, double old = -1.0) {
    Sample s = sample("g" + std::to_string(samples.size()), tokens);
    s.advantages = {advantage};
    s.logp_old.assign(tokens, static_cast<float>(old));
    samples.push_back(s);
    scores.push_back({std::vector<double>(tokens, static_cast<double>(static_cast<float>(old)) + std::log(ratio)), std::vector<double>(tokens, 0.5)});
  }
};

inline std::vector<std::size_t> all_of(std::size_t n) {
  std::vector<std::size_t> out(n);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

struct Result {
  double loss = 0.0;
  std::vector<Slopes> slopes;
};

template <class Objective>
Result evaluate(Objective& objective, const std::vector<Scores>& scores) {
  Result r;
  r.slopes.resize(scores.size());
  r.loss = objective.evaluate(all_of(scores.size()), scores, r.slopes);
  return r;
}

// Every slope against central differences of the loss; the loss must be smooth within `h`.
template <class Objective>
void expect_slopes(Objective& objective, std::vector<Scores> scores, double h = 1e-5, double tolerance = 1e-6) {
  const Result at = evaluate(objective, scores);
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (const bool entropy : {false, true}) {
      auto& values = entropy ? scores[i].entropy : scores[i].logp;
      const auto& slopes = entropy ? at.slopes[i].entropy : at.slopes[i].logp;
      for (std::size_t t = 0; t < slopes.size(); ++t) {
        const double was = values[t];
        values[t] = was + h;
        const double above = evaluate(objective, scores).loss;
        values[t] = was - h;
        const double below = evaluate(objective, scores).loss;
        values[t] = was;
        EXPECT_NEAR(slopes[t], (above - below) / (2.0 * h), tolerance * std::max(1.0, std::abs(slopes[t]))) << "sample " << i << " token " << t << (entropy ? " entropy" : "");
      }
    }
}

}  // namespace hone::objective::test
