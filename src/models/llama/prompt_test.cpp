#include "models/llama/prompt.h"

#include <gtest/gtest.h>

#include "models/llama/canonical.h"

namespace hone::llama {
namespace {

TEST(CutPoints, FollowMessageBoundariesThatAreFarEnoughApart) {
  EXPECT_EQ(cut_points(100, std::vector<int>{40, 60, 97}), (std::vector<int>{40, 97, 100}));
  EXPECT_EQ(cut_points(40, std::vector<int>{37}), (std::vector<int>{37, 40}));
  EXPECT_EQ(cut_points(10, std::vector<int>{}), (std::vector<int>{10}));
}

TEST(CutPoints, ALongRestIsCutBeforeItsLastToken) {
  EXPECT_EQ(cut_points(500, std::vector<int>{}), (std::vector<int>{499, 500}));
  EXPECT_EQ(cut_points(500, std::vector<int>{100, 120}), (std::vector<int>{100, 499, 500}));
}

TEST(CutPoints, ALongerConversationBeginsWithTheSamePieces) {
  const std::vector<int> before = cut_points(203, std::vector<int>{50, 120, 200});
  const std::vector<int> after = cut_points(303, std::vector<int>{50, 120, 200, 260, 300});
  for (std::size_t i = 0; i + 1 < before.size(); ++i) EXPECT_EQ(before[i], after[i]);
}

TEST(Defused, BreaksControlNamesAndLosesNothing) {
  const std::vector<std::string> names{"<|end|>", "[INST]"};
  const std::string text = "a <|end|> b [INST][INST] <<|end|>|end|> c";
  const std::vector<std::string> parts = split_at_marker(defused(text, names));
  std::string joined;
  for (const std::string& p : parts) {
    for (const std::string& n : names) EXPECT_EQ(p.find(n), std::string::npos) << p;
    joined += p;
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(parts.size(), 5U);
}

TEST(Defused, AMarkerInTheTextCantHideAName) {
  const std::vector<std::string> names{"<|end|>"};
  const std::string marker = "\xEF\xB7\x90";
  for (const std::string& p : split_at_marker(defused("<|" + marker + "end|>", names))) EXPECT_EQ(p.find("<|end|>"), std::string::npos);
}

TEST(Defused, OrdinaryTextIsOnePart) {
  const std::vector<std::string> names{"<|end|>"};
  EXPECT_EQ(split_at_marker(defused("x < y | z", names)), (std::vector<std::string>{"x < y | z"}));
}

TEST(ChoiceGap, IsOneBlankWhereWordsNeedOne) {
  EXPECT_EQ(choice_gap("Queue:", false), " ");
  EXPECT_EQ(choice_gap("Queue: ", false), "");
  EXPECT_EQ(choice_gap("Queue:\n", false), "");
  EXPECT_EQ(choice_gap("route(", false), "");
  EXPECT_EQ(choice_gap("{\"queue\": \"", false), "");
  EXPECT_EQ(choice_gap("", false), "");
  EXPECT_EQ(choice_gap("assistant", true), "");
}

Pieces pieces(std::vector<llama_token> tokens, std::vector<int> cuts) { return {std::move(tokens), std::move(cuts)}; }

TEST(CommonPieces, CountsWholeEqualPiecesOnly) {
  const Pieces a = pieces({1, 2, 3, 4, 5}, {2, 5});
  EXPECT_EQ(common_pieces(a, a), 2);
  EXPECT_EQ(common_pieces(a, pieces({1, 2, 3, 4, 6}, {2, 5})), 1);
  EXPECT_EQ(common_pieces(a, pieces({1, 2, 3, 4, 5}, {3, 5})), 0) << "the same tokens cut elsewhere were computed otherwise";
  EXPECT_EQ(common_pieces(a, pieces({1, 2, 3, 4, 5, 6}, {2, 6})), 1);
  EXPECT_EQ(common_pieces(a, {}), 0);
}

}  // namespace
}  // namespace hone::llama
