// The logistic function without overflow, with slopes.
#pragma once

#include <cmath>

namespace hone::objective {

inline double sigmoid(double x) { return x >= 0.0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x)); }
inline double log_sigmoid(double x) { return x >= 0.0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x)); }

// A function's value and its slopes by its two arguments.
struct Slope2 {
  double value = 0.0, by_c = 0.0, by_r = 0.0;
};

}  // namespace hone::objective
