#include "agents/neighbours.h"

#include <gtest/gtest.h>

#include <cmath>

#include "agents/planted_lessons.h"

namespace hone {
namespace {

std::vector<Recalled> near(const std::vector<Planted>& planted) {
  std::vector<Recalled> out;
  for (const auto& p : planted) out.push_back({p.lesson, p.similarity, p.similarity});
  return out;
}

const std::vector<std::string> abc{"a", "b", "c"};

TEST(NeighbourVote, SharesAreWeightsOfCosineToThePower) {
  // By hand: power 2, weights a = 0.8^2 + 0.5^2 = 0.89, b = 0.6^2 = 0.36, sum 1.25.
  const auto votes = neighbour_vote(abc, near({planted_case("1", "t", {"a"}, 0.8), planted_case("2", "t", {"c", "b"}, 0.6), planted_case("3", "t", {"a"}, 0.5)}),
                                    {.power = 2.0, .smoothing = 0.3});
  EXPECT_NEAR(std::exp(votes[0]), 0.7 * 0.89 / 1.25 + 0.1, 1e-12);
  EXPECT_NEAR(std::exp(votes[1]), 0.7 * 0.36 / 1.25 + 0.1, 1e-12);
  EXPECT_NEAR(std::exp(votes[2]), 0.1, 1e-12);
}

TEST(NeighbourVote, BouncedActionsCountAgainstOnlyWhenAsked) {
  const auto neighbours = near({planted_case("1", "t", {"c", "b"}, 0.5), planted_case("2", "t", {"a"}, 0.25, false)});
  const auto plain = neighbour_vote(abc, neighbours, {.smoothing = 0.3});
  EXPECT_NEAR(plain[0], plain[2], 1e-12);
  const auto negative = neighbour_vote(abc, neighbours, {.smoothing = 0.3, .bounced = 2.0});
  EXPECT_NEAR(negative[0], plain[0] - 2.0 * 0.25, 1e-12);
  EXPECT_NEAR(negative[1], plain[1], 1e-12);
  EXPECT_NEAR(negative[2], plain[2] - 2.0 * 0.5, 1e-12);
}

TEST(NeighbourVote, NobodyToVoteMeansEvenShares) {
  for (const auto& neighbours : {near({}), near({planted_case("1", "t", {"elsewhere"}, 0.9)}), near({planted_case("1", "t", {"a"}, -0.2)}),
                                 near({planted_insight("i", "text")})}) {
    const auto votes = neighbour_vote(abc, neighbours, {});
    for (const double v : votes) EXPECT_NEAR(v, std::log(1.0 / 3.0), 1e-12);
  }
}

}  // namespace
}  // namespace hone
