#include "models/llama/logits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/rng.h"

namespace hone::llama {
namespace {

long double exact_log_sum(const std::vector<float>& row) {
  long double top = -std::numeric_limits<long double>::infinity(), sum = 0.0L;
  for (const float x : row) top = std::max<long double>(top, x);
  for (const float x : row) sum += std::exp(static_cast<long double>(x) - top);
  return top + std::log(sum);
}

long double exact_entropy(const std::vector<float>& row) {
  const long double z = exact_log_sum(row);
  long double h = 0.0L;
  for (const float x : row) h -= std::exp(static_cast<long double>(x) - z) * (static_cast<long double>(x) - z);
  return h;
}

TEST(Logits, HandWorkedRow) {
  const std::vector<float> row{0.0F, std::log(3.0F)};  // probabilities 1/4 and 3/4
  EXPECT_NEAR(log_sum_exp(row), std::log(4.0), 1e-6);
  EXPECT_NEAR(row_facts(row).entropy, 0.25 * std::log(4.0) + 0.75 * std::log(4.0 / 3.0), 1e-6);
  const std::vector<int> second{1}, both{0, 1};
  EXPECT_NEAR(log_probability(row, second, log_sum_exp(row)), std::log(0.75), 1e-6);
  EXPECT_NEAR(log_probability(row, both, log_sum_exp(row)), 0.0, 1e-6);
  EXPECT_EQ(argmax(row), 1);
}

TEST(Logits, AgreeWithLongDoublesOnManyRows) {
  Rng rng(3);
  for (const std::size_t size : {1U, 7U, 16U, 17U, 1000U, 49152U}) {
    for (const double spread : {0.1, 3.0, 30.0}) {
      std::vector<float> row(size);
      for (float& x : row) x = static_cast<float>(rng.normal() * spread + 5.0);
      EXPECT_NEAR(log_sum_exp(row), static_cast<double>(exact_log_sum(row)), 2e-6) << size << " " << spread;
      EXPECT_NEAR(row_facts(row).entropy, static_cast<double>(exact_entropy(row)), 5e-5) << size << " " << spread;
      EXPECT_EQ(row_facts(row).log_sum, log_sum_exp(row));
    }
  }
}

TEST(Logits, UniformRowHasTheLogOfItsSizeAsEntropy) {
  const std::vector<float> row(4096, -2.5F);
  EXPECT_NEAR(row_facts(row).entropy, std::log(4096.0), 1e-5);
}

TEST(Logits, ImpossibleEntriesDoNoHarm) {
  const float never = -std::numeric_limits<float>::infinity();
  const std::vector<float> row{never, 1.0F, never, 1.0F};
  EXPECT_NEAR(log_sum_exp(row), 1.0 + std::log(2.0), 1e-6);
  EXPECT_NEAR(row_facts(row).entropy, std::log(2.0), 1e-6);
  EXPECT_EQ(argmax(row), 1) << "the lowest index among equals";
  const std::vector<int> none{0, 2};
  EXPECT_EQ(log_probability(row, none, 1.0), -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace hone::llama
