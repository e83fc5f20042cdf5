#include "engine/stats.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace hone {

namespace {

constexpr double kZ95 = 1.959963984540054;

double mean_of(std::span<const double> values) {
  double sum = 0.0;
  for (double v : values) sum += v;
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

bool is_binary(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0.0 || v == 1.0; });
}

double log_choose(int n, int k) { return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0); }

std::vector<double> differences(std::span<const double> baseline, std::span<const double> learned) {
  if (baseline.size() != learned.size())
    throw Error(Fault::internal, "paired comparison needs the same tasks on both sides: got " + std::to_string(baseline.size()) +
                                     " and " + std::to_string(learned.size()));
  std::vector<double> d(baseline.size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = learned[i] - baseline[i];
  return d;
}

Interval percentile(std::span<const double> values, Rng rng, int resamples) {
  std::vector<double> means(static_cast<std::size_t>(resamples));
  for (double& m : means) {
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[rng.below(values.size())];
    m = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  auto at = [&](double q) { return means[static_cast<std::size_t>(q * static_cast<double>(means.size() - 1) + 0.5)]; };
  return {mean_of(values), at(0.025), at(0.975), static_cast<int>(values.size())};
}

}  // namespace

MeanError mean_and_error(std::span<const double> values) {
  MeanError out{mean_of(values), 0.0, static_cast<int>(values.size())};
  if (out.n < 2) return out;
  double squares = 0.0;
  for (const double v : values) squares += (v - out.mean) * (v - out.mean);
  out.error = std::sqrt(squares / (out.n - 1) / out.n);
  return out;
}

Interval wilson(int successes, int n) {
  if (n == 0) return {};
  const double p = static_cast<double>(successes) / n, z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
  const double half = kZ95 * std::sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n)) / (1.0 + z2 / n);
  return {p, std::max(0.0, centre - half), std::min(1.0, centre + half), n};
}

Interval bootstrap_mean(std::span<const double> values, Rng rng, int resamples) {
  if (values.empty()) return {};
  const bool alike = std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
  if (alike && is_binary(values)) return wilson(values[0] == 1.0 ? static_cast<int>(values.size()) : 0, static_cast<int>(values.size()));
  return percentile(values, rng, resamples);
}

Interval bootstrap_difference(std::span<const double> baseline, std::span<const double> learned, Rng rng, int resamples) {
  const auto d = differences(baseline, learned);
  if (d.empty()) return {};
  const bool alike = std::all_of(d.begin(), d.end(), [&](double v) { return v == d[0]; });
  if (!alike || !is_binary(baseline) || !is_binary(learned)) return percentile(d, rng, resamples);
  const int n = static_cast<int>(d.size());
  const double near_one = wilson(n, n).low, near_zero = wilson(0, n).high;
  if (d[0] == 0.0) return {0.0, -near_zero, near_zero, n};
  return d[0] > 0.0 ? Interval{1.0, near_one, 1.0, n} : Interval{-1.0, -1.0, -near_one, n};
}

double mcnemar_exact(int b, int c) {
  const int n = b + c;
  if (n == 0) return 1.0;
  double tail = 0.0;
  for (int k = 0; k <= std::min(b, c); ++k) tail += std::exp(log_choose(n, k) - n * std::log(2.0));
  return std::min(1.0, 2.0 * tail);
}

double permutation_test(std::span<const double> baseline, std::span<const double> learned, Rng rng, int samples) {
  auto d = differences(baseline, learned);
  std::erase(d, 0.0);
  if (d.empty()) return 1.0;
  const double observed = std::abs(mean_of(d)) - 1e-12;
  const bool exact = d.size() <= 20;
  const std::uint64_t draws = exact ? (1ULL << d.size()) : static_cast<std::uint64_t>(samples);
  std::uint64_t extreme = 0;
  for (std::uint64_t s = 0; s < draws; ++s) {
    double sum = 0.0;
    for (std::size_t i = 0; i < d.size(); ++i) {
      const bool flip = exact ? ((s >> i) & 1U) != 0 : (rng.next() >> 63) != 0;
      sum += flip ? -d[i] : d[i];
    }
    if (std::abs(sum / static_cast<double>(d.size())) >= observed) ++extreme;
  }
  // A sampled p counts the observed assignment itself, so that it is never 0 (Phipson and Smyth 2010).
  return exact ? static_cast<double>(extreme) / static_cast<double>(draws)
               : static_cast<double>(extreme + 1) / static_cast<double>(draws + 1);
}

Comparison compare_paired(std::span<const double> baseline, std::span<const double> learned, Rng rng) {
  Comparison out;
  out.difference = bootstrap_difference(baseline, learned, rng.split("difference"));
  if (is_binary(baseline) && is_binary(learned)) {
    int b = 0, c = 0;
    for (std::size_t i = 0; i < baseline.size(); ++i) {
      if (baseline[i] > learned[i]) ++b;
      if (learned[i] > baseline[i]) ++c;
    }
    out.p = mcnemar_exact(b, c);
    out.test = "exact McNemar";
  } else {
    out.p = permutation_test(baseline, learned, rng.split("permutation"));
    out.test = "permutation";
  }
  return out;
}

}  // namespace hone
