// The statistics of every reported score: means with percentile-bootstrap intervals, paired differences, exact tests.
// Scores are in [0, 1]; pairs are the same task played by two agents. Resampling is seeded, so a report repeats.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"

namespace hone {

struct Interval {
  double mean = 0.0, low = 0.0, high = 0.0;  // 95 %
  int n = 0;
};

// Percentile bootstrap of the mean (Efron 1979), `resamples` draws with replacement. n = 0 gives all zeros. A sample without
// variance would get an interval of width zero, which claims too much: for 0/1 scores that are all alike the Wilson interval is used.
Interval bootstrap_mean(std::span<const double> values, Rng rng, int resamples = 10000);

// Bootstrap of the mean of learned[i] - baseline[i]; the pairs are resampled. 0/1 scores whose differences are all alike get the
// Wilson interval of the share of pairs that differ: n equal pairs do not show that no pair ever differs.
Interval bootstrap_difference(std::span<const double> baseline, std::span<const double> learned, Rng rng, int resamples = 10000);

// Mean and its standard error: sample deviation (n - 1) / sqrt(n); 0 for fewer than two values.
struct MeanError {
  double mean = 0.0, error = 0.0;
  int n = 0;
};
MeanError mean_and_error(std::span<const double> values);

// Wilson score interval of a proportion, 95 % (Wilson 1927).
Interval wilson(int successes, int n);

// Exact two-sided McNemar test: b pairs won only by the first, c only by the second; p under Binomial(b + c, 1/2).
double mcnemar_exact(int b, int c);

// Two-sided sign-flip permutation test of mean(learned - baseline) = 0. Exact for up to 20 differing pairs, sampled beyond.
double permutation_test(std::span<const double> baseline, std::span<const double> learned, Rng rng, int samples = 20000);

struct Comparison {
  Interval difference;  // learned - baseline
  double p = 1.0;
  const char* test = "";  // "exact McNemar" for 0/1 scores, else "permutation"
};
Comparison compare_paired(std::span<const double> baseline, std::span<const double> learned, Rng rng);

}  // namespace hone
