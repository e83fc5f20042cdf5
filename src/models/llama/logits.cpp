#include "models/llama/logits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace hone::llama {
namespace {

constexpr std::size_t lanes = 16;

// exp for x <= 0 without a call, so that loops over it vectorise: 2^n times a degree 6 polynomial of the rest (minimax
// on [-ln2/2, ln2/2]); relative error about 2e-7; 0 below -87.
inline float fast_exp(float x) {
  const float bounded = x < -87.0F ? -87.0F : x;
  const float scaled = bounded * 1.44269504F;
  const float n = static_cast<float>(static_cast<int>(scaled - 0.5F));
  const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const auto power = std::bit_cast<float>(static_cast<std::int32_t>((static_cast<int>(n) + 127) << 23));
  return x < -87.0F ? 0.0F : p * power;
}

float maximum(std::span<const float> row) {
  std::array<float, lanes> best;
  best.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + lanes <= row.size(); i += lanes)
    for (std::size_t k = 0; k < lanes; ++k) best[k] = row[i + k] > best[k] ? row[i + k] : best[k];
  for (; i < row.size(); ++i) best[0] = std::max(best[0], row[i]);
  return *std::max_element(best.begin(), best.end());
}

}  // namespace

double log_sum_exp(std::span<const float> row) {
  if (row.empty()) return -std::numeric_limits<double>::infinity();
  const float top = maximum(row);
  if (!std::isfinite(top)) return top;
  std::array<float, lanes> block{};
  double sum = 0.0;
  // Lanes are emptied into the double now and then, so that single precision has few terms to lose bits over.
  constexpr std::size_t stretch = lanes * 64;
  std::size_t i = 0;
  while (i + lanes <= row.size()) {
    const std::size_t end = std::min(i + stretch, row.size() - row.size() % lanes);
    block.fill(0.0F);
    for (; i < end; i += lanes)
      for (std::size_t k = 0; k < lanes; ++k) block[k] += fast_exp(row[i + k] - top);
    for (const float b : block) sum += b;
  }
  for (; i < row.size(); ++i) sum += fast_exp(row[i] - top);
  return top + std::log(sum);
}

RowFacts row_facts(std::span<const float> row) {
  RowFacts facts;
  facts.log_sum = log_sum_exp(row);
  if (!std::isfinite(facts.log_sum)) return facts;
  const float top = maximum(row);
  const double log_z = facts.log_sum - top;
  std::array<float, lanes> block{};
  double mean = 0.0;  // sum of exp(x - top) (x - top), then over the normaliser
  constexpr std::size_t stretch = lanes * 64;
  std::size_t i = 0;
  const auto term = [top](float x) {
    const float d = std::max(x - top, -87.0F);
    return fast_exp(d) * d;
  };
  while (i + lanes <= row.size()) {
    const std::size_t end = std::min(i + stretch, row.size() - row.size() % lanes);
    block.fill(0.0F);
    for (; i < end; i += lanes)
      for (std::size_t k = 0; k < lanes; ++k) block[k] += term(row[i + k]);
    for (const float b : block) mean += b;
  }
  for (; i < row.size(); ++i) mean += term(row[i]);
  facts.entropy = std::max(0.0, log_z - mean / std::exp(log_z));
  return facts;
}

double log_probability(std::span<const float> row, std::span<const int> entries, double log_sum) {
  if (entries.empty()) return -std::numeric_limits<double>::infinity();
  double top = -std::numeric_limits<double>::infinity();
  for (const int e : entries) top = std::max(top, static_cast<double>(row[e]));
  if (!std::isfinite(top)) return -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  for (const int e : entries) sum += std::exp(row[e] - top);
  return top + std::log(sum) - log_sum;
}

int argmax(std::span<const float> row) {
  const float top = maximum(row);
  for (std::size_t i = 0; i < row.size(); ++i)
    if (row[i] == top) return static_cast<int>(i);
  return 0;
}

}  // namespace hone::llama
