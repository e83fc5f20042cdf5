// The desk's requests as data/desk/README.md describes them; tests/acceptance/desk_data_test.cpp looks at their meaning.
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>

#include "embedded/desk_data.h"
#include "envs/requests.h"

namespace hone {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

const std::vector<LabelledText>& requests() {
  static const auto rows = parse_requests(desk_data("requests.csv"), "requests.csv", {});
  return rows;
}

TEST(DeskData, HasTwentyFourQueuesOfAboutFortyRequestsEach) {
  std::map<std::string, int> per_queue;
  for (const auto& r : requests()) ++per_queue[r.label];
  EXPECT_EQ(per_queue.size(), 24U);
  for (const auto& [queue, count] : per_queue) {
    EXPECT_GE(count, 38) << queue;
    EXPECT_LE(count, 42) << queue;
  }
}

TEST(DeskData, QueuesAreTheDescribedOnesOfOneToThreePlainWordsAndDifferentFirstWords) {
  std::set<std::string> queues, described, first;
  for (const auto& r : requests()) queues.insert(r.label);
  for (const auto& d : parse_requests(desk_data("queues.csv"), "queues.csv", {.text = "description", .label = "label"})) {
    EXPECT_FALSE(words_of(d.text).empty()) << d.label;
    EXPECT_TRUE(described.insert(d.label).second) << d.label;
  }
  EXPECT_EQ(queues, described);
  for (const std::string& q : queues) {
    const auto words = words_of(q);
    EXPECT_LE(words.size(), 3U) << q;
    std::string plain;
    for (const std::string& w : words) plain += (plain.empty() ? "" : " ") + w;
    EXPECT_EQ(q, plain) << "small letters and single spaces";
    EXPECT_TRUE(first.insert(words.at(0)).second) << q;
  }
}

// Of six words five pairs share one ("when i try to sign in"), of seven none: no request is another one with a word changed.
TEST(DeskData, NoTwoRequestsShareSevenWordsInARow) {
  constexpr std::ptrdiff_t run = 7;
  std::map<std::vector<std::string>, std::size_t> seen;
  for (std::size_t i = 0; i < requests().size(); ++i) {
    const auto words = words_of(requests()[i].text);
    EXPECT_GE(words.size(), 5U) << requests()[i].text;
    for (auto at = words.begin(); words.end() - at >= run; ++at) {
      const auto [there, fresh] = seen.try_emplace({at, at + run}, i);
      EXPECT_TRUE(fresh || there->second == i) << requests()[there->second].text << " / " << requests()[i].text;
    }
  }
}

}  // namespace
}  // namespace hone
