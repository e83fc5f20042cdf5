// What is stored and what is drawn (exgrpo, section 8: items 1, 2, 8).
#include "learners/exgrpo/buffer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "learners/exgrpo/exgrpo.h"

namespace hone::exgrpo {
namespace {

Kept kept(std::vector<int> reply, int born = 0) {
  Kept k;
  k.born = born;
  Trajectory t;
  t.sequence = {{100}, {0}};
  for (const int id : reply) {
    t.sequence.ids.push_back(id);
    t.sequence.trained.push_back(1);
    t.logp.push_back(-1.0F);
    k.said = k.said * 31 + static_cast<std::uint64_t>(id);
  }
  k.parts.push_back(std::move(t));
  return k;
}

// Questions "k/i", so many in each of the buckets 1 .. 7.
Buffer filled(const std::vector<int>& sizes, const BufferConfig& config = {}) {
  Buffer b(config, 8);
  for (std::size_t k = 0; k < sizes.size(); ++k)
    for (int i = 0; i < sizes[k]; ++i) b.collect(std::to_string(k + 1) + "/" + std::to_string(i), static_cast<int>(k) + 1, {kept({i})});
  return b;
}

std::vector<double> shares(const Buffer& b, int draws) {
  std::vector<double> n(8, 0.0);
  for (int i = 0; i < draws; ++i) n[static_cast<std::size_t>(b.bucket(b.draw(1, Rng(5).split(static_cast<std::uint64_t>(i))).at(0)))] += 1.0;
  for (auto& x : n) x /= draws;
  return n;
}

double chi_square(const std::vector<double>& share, const std::vector<double>& expected, int draws) {
  double sum = 0.0;
  for (std::size_t k = 1; k <= 7; ++k) sum += draws * (share[k] - expected[k]) * (share[k] - expected[k]) / expected[k];
  return sum;
}

// Section 3's table, written out from the normal density: exp(-(k - 4)^2 / 2), k = 1 .. 7, over their sum.
std::vector<double> published() {
  const double e1 = std::exp(-0.5), e2 = std::exp(-2.0), e3 = std::exp(-4.5), sum = 1.0 + 2.0 * (e1 + e2 + e3);
  return {0.0, e3 / sum, e2 / sum, e1 / sum, 1.0 / sum, e1 / sum, e2 / sum, e3 / sum};
}

constexpr double unlikely = 27.86;  // chi-square, 6 degrees of freedom: exceeded once in 10,000

TEST(ExgrpoBuffer, QuestionsAreDrawnByTheNormalCurveOfTheirSolvedTries) {
  const auto expected = published();
  const double printed[] = {.0044, .0540, .2420, .3991, .2420, .0540, .0044};
  for (int k = 1; k <= 7; ++k) EXPECT_NEAR(expected[static_cast<std::size_t>(k)], printed[k - 1], 5.1e-5);
  constexpr int draws = 100000;
  const auto even = shares(filled({5, 5, 5, 5, 5, 5, 5}), draws);
  EXPECT_LT(chi_square(even, expected, draws), unlikely);
  // How many questions a bucket holds does not matter.
  EXPECT_LT(chi_square(shares(filled({5000, 5, 5, 5, 5, 5, 5}), draws), expected, draws), unlikely);
  // Shares of the group as units are nearly flat, and so another distribution.
  BufferConfig flat;
  flat.questions = Questions::accuracy;
  const auto other = shares(filled({5, 5, 5, 5, 5, 5, 5}, flat), draws);
  EXPECT_GT(chi_square(other, expected, draws), 1000 * unlikely);
  for (std::size_t k = 1; k <= 7; ++k) EXPECT_NEAR(other[k], 1.0 / 7.0, 0.01);
  // Over questions, not buckets.
  BufferConfig uniform;
  uniform.questions = Questions::uniform;
  EXPECT_NEAR(shares(filled({90, 0, 0, 10}, uniform), 20000)[1], 0.9, 0.01);
}

TEST(ExgrpoBuffer, EmptyBucketsLeaveTheirShareToTheOthers) {
  const auto w = bucket_weights({}, 8, {0, 1, 0, 0, 0, 3, 0, 0, 0});
  EXPECT_NEAR(w[1], std::exp(-4.5) / (std::exp(-4.5) + std::exp(-0.5)), 1e-12);
  EXPECT_NEAR(w[1] + w[5], 1.0, 1e-12);
  // Far from the middle of a large group the curve is 0 in double; there it still says which is nearer.
  std::vector<std::size_t> far(201, 0);
  far[1] = far[2] = 1;
  const auto tail = bucket_weights({}, 200, far);
  EXPECT_NEAR(tail[1] + tail[2], 1.0, 1e-12);
  EXPECT_GT(tail[2], 0.999);
}

TEST(ExgrpoBuffer, NoQuestionTwiceInARound) {
  const auto b = filled({50, 50, 50, 1, 50, 50, 50});
  int of_four = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    auto drawn = b.draw(64, Rng(3).split(i));
    ASSERT_EQ(drawn.size(), 64U);
    const auto fours = std::count_if(drawn.begin(), drawn.end(), [&](const std::string& q) { return b.bucket(q) == 4; });
    EXPECT_LE(fours, 1);
    of_four += static_cast<int>(fours);
    std::sort(drawn.begin(), drawn.end());
    EXPECT_EQ(std::unique(drawn.begin(), drawn.end()), drawn.end());
  }
  EXPECT_GT(of_four, 450);  // it is the likeliest bucket
  EXPECT_EQ(filled({2, 0, 0, 3}).draw(64, Rng(1)).size(), 5U);
  EXPECT_TRUE(Buffer({}, 8).draw(64, Rng(1)).empty());
}

TEST(ExgrpoBuffer, AQuestionIsInTheBucketOfItsLatestGroupAndInNoOther) {
  Buffer b({}, 8);
  b.collect("q", 3, {kept({1}), kept({2}), kept({3})});
  EXPECT_EQ(b.bucket("q"), 3);
  b.collect("q", 5, {kept({2}), kept({4})});
  EXPECT_EQ(b.bucket("q"), 5);
  EXPECT_EQ(b.size(), 1U);
  EXPECT_EQ(b.kept("q").size(), 4U) << "the same tokens are stored once";
  std::size_t found = 0;
  for (std::uint64_t i = 0; i < 100; ++i) found += b.draw(8, Rng(i)).size();
  EXPECT_EQ(found, 100U) << "it stood in two buckets";
  b.collect("q", 0, {});
  EXPECT_EQ(b.bucket("q"), 5) << "a group without a solved try leaves it";
  b.retire("q");
  b.purge(3);
  EXPECT_EQ(b.bucket("q"), 0);
  EXPECT_EQ(b.tries(), 0U);
  EXPECT_TRUE(b.draw(8, Rng(1)).empty());
  b.collect("q", 4, {kept({9})});  // drawn as a fresh question until the order is dealt anew
  b.purge(4);
  EXPECT_EQ(b.size(), 0U) << "retired is for ever";
}

TEST(ExgrpoBuffer, LimitsAndOtherChoices) {
  BufferConfig config;
  config.most = 2, config.max_age = 3, config.unsolved = Unsolved::exclude, config.same = Same::text;
  Buffer b(config, 8);
  b.collect("q", 2, {kept({1}, 0), kept({2}, 0), kept({3}, 1)});
  ASSERT_EQ(b.kept("q").size(), 2U);
  EXPECT_EQ(b.kept("q")[0].parts[0].sequence.ids[1], 2) << "the newest stay";
  auto same = kept({3}, 2);
  same.parts[0].sequence.ids.push_back(7);  // other tokens, the same words
  same.parts[0].sequence.trained.push_back(1);
  b.collect("q", 3, {same});
  EXPECT_EQ(b.kept("q").size(), 2U);
  b.collect("q", 0, {});
  EXPECT_EQ(b.bucket("q"), 0);
  EXPECT_TRUE(b.draw(1, Rng(1)).empty());
  b.collect("q", 1, {});
  EXPECT_EQ(b.bucket("q"), 1) << "solved again";
  b.purge(3);
  EXPECT_EQ(b.kept("q").size(), 1U) << "three rounds old";
  b.purge(4);
  EXPECT_EQ(b.size(), 0U);
  b.collect("moves without token ids", 3, {Kept{}});
  EXPECT_EQ(b.size(), 0U);
}

TEST(ExgrpoBuffer, SavedAndLoadedItIsTheSame) {
  auto b = filled({3, 0, 2, 4});
  b.retire("3/1");
  b.purge(1);
  b.collect("4/0", 0, {});
  MemorySink once, twice;
  b.save(once);
  Buffer other({}, 8);
  other.collect("something else", 1, {kept({1})});
  MemorySource source(once.data);
  other.load(source);
  other.save(twice);
  EXPECT_EQ(once.data, twice.data);
  EXPECT_EQ(other.draw(4, Rng(8)), b.draw(4, Rng(8)));
  EXPECT_TRUE(other.is_retired("3/1"));
  EXPECT_EQ(other.bucket("4/2"), 4);
  for (const std::size_t cut : {once.data.size() - 1, once.data.size() / 2, std::size_t{3}}) {
    MemorySource part(std::span(once.data).first(cut));
    EXPECT_THROW(Buffer({}, 8).load(part), Error) << cut;
  }
  const auto refused = [](const MemorySink& sink) -> std::string {
    MemorySource in(sink.data);
    try {
      Buffer({}, 8).load(in);
    } catch (const Error& e) {
      return e.what();
    }
    return "loaded";
  };
  MemorySink none;  // one question in bucket 3, no tries, nothing retired
  put(none, std::uint64_t{1});
  put_text(none, "q");
  put(none, 3);
  put(none, std::uint64_t{0});
  put(none, std::uint64_t{0});
  EXPECT_NE(refused(none).find("question q: expected stored tries in bucket 3"), std::string::npos) << refused(none);
  Buffer odd({}, 8);
  auto without = kept({1, 2});
  without.parts[0].logp.pop_back();
  odd.collect("q", 2, {without});
  MemorySink uneven;
  odd.save(uneven);
  EXPECT_NE(refused(uneven).find("2 trained, 1 log-probabilities"), std::string::npos) << refused(uneven);
  MemorySource smaller(once.data);
  try {
    Buffer({}, 3).load(smaller);
    ADD_FAILURE() << "bucket 4 in a group of 3";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::corrupt);
    EXPECT_NE(std::string(e.what()).find("expected a bucket below 3"), std::string::npos) << e.what();
  }
}

TEST(ExgrpoBuffer, TheEntropyOfATryIsPerToken) {
  const std::vector<SequenceScores> one{{{-1.0F, -3.0F}, {0.5F, 1.5F}}}, twice{{{-1.0F, -3.0F, -1.0F, -3.0F}, {0.5F, 1.5F, 0.5F, 1.5F}}};
  const std::vector<SequenceScores> parts{one[0], one[0]};  // a try of two trajectories
  EXPECT_DOUBLE_EQ(entropy_of(EntropyOf::mean, one), 1.0);
  EXPECT_DOUBLE_EQ(entropy_of(EntropyOf::mean, twice), 1.0) << "length must not matter";
  EXPECT_DOUBLE_EQ(entropy_of(EntropyOf::mean, parts), 1.0);
  EXPECT_DOUBLE_EQ(entropy_of(EntropyOf::sum, twice), 2.0 * entropy_of(EntropyOf::sum, one));
  EXPECT_DOUBLE_EQ(entropy_of(EntropyOf::nll, twice), 2.0);
  EXPECT_NEAR(entropy_of(EntropyOf::perplexity, parts), std::exp(2.0), 1e-12);
}

}  // namespace
}  // namespace hone::exgrpo
