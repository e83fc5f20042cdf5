// Which stories become pairs (developmental_support, sections 2.5 and 6, items 7 and 11).
#include "learners/developmental/pairs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/folder_test_kit.h"
#include "learners/developmental/developmental_test_kit.h"

namespace hone::developmental {
namespace {

using test::lived;

int words(std::string_view text) { return static_cast<int>(std::count(text.begin(), text.end(), ' ')) + 1; }

Story with_lengths(const std::string& id, int first, int last) {
  Story s = lived(id);
  const auto answer = [](int n) {
    std::string out = "Action: Yes.\nReason:";
    for (int i = 0; i < n - 2; ++i) out += " word";
    return out;
  };
  s.first = answer(first);
  s.last = answer(last);
  return s;
}

TEST(DevelopmentalPairs, ADilemmaLikeAnUnseenOneIsNotTrained) {
  Story train = lived("a"), unseen = lived("b", true);
  train.situation.scenario = unseen.situation.scenario + " It rains.";
  EXPECT_GT(overlap13(train.situation.scenario, unseen.situation.scenario), 0.5);
  const std::vector<Story> stories{train, unseen, lived("c")};
  const auto selected = select_pairs(stories, test::small(), words);
  EXPECT_EQ(selected.counts.at("dropped/like_an_unseen_one"), 1.0);
  ASSERT_EQ(selected.train.size(), 1U);
  EXPECT_EQ(selected.train[0].story->situation.id, "c");
  EXPECT_EQ(selected.unseen.size(), 1U);
}

TEST(DevelopmentalPairs, OverlapOfThirteenLetters) {
  EXPECT_DOUBLE_EQ(overlap13("abcdefghijklm", "ABCDEFGHIJKLM"), 1.0);
  EXPECT_DOUBLE_EQ(overlap13("abcdefghijklmn", "abcdefghijklmo"), 1.0 / 3.0);  // two strings each, one of them common
  EXPECT_DOUBLE_EQ(overlap13("abc", "abc"), 0.0);                               // shorter than thirteen
  EXPECT_DOUBLE_EQ(overlap13("a  b\ncdefghijklm", "a b cdefghijklm"), 1.0);
}

TEST(DevelopmentalPairs, LengthsMatchWithinAPairAndOnAverage) {
  Config config = test::small();
  config.length_tolerance = 0.2;
  config.mean_length_tolerance = 0.05;
  std::vector<Story> stories{with_lengths("a", 20, 20), with_lengths("b", 20, 30), with_lengths("c", 20, 23), with_lengths("d", 20, 23), with_lengths("e", 21, 20)};
  const auto selected = select_pairs(stories, config, words);
  // b is a third longer. Then the means differ by (20+23+23+20) / (20+20+20+21) - 1 = 5.8 %: c goes, and 63 to 61 is 3.2 %.
  EXPECT_EQ(selected.counts.at("dropped/length"), 2.0);
  ASSERT_EQ(selected.train.size(), 3U);
  EXPECT_NEAR(selected.counts.at("length/mean_difference"), 2.0 / 63.0, 1e-12);
  config.mean_length_tolerance = 1.0;
  EXPECT_EQ(select_pairs(stories, config, words).train.size(), 4U);
}

TEST(DevelopmentalPairs, DelexicalisedAtMostAFifthSaysTheWords) {
  Config config = test::small();
  std::vector<Story> stories;
  for (int i = 0; i < 12; ++i) {
    Story s = with_lengths("d" + std::to_string(i), 10, 10);
    if (i < 8) s.last.replace(s.last.size() - 4, 4, "dignity");
    stories.push_back(s);
  }
  EXPECT_EQ(select_pairs(stories, config, words).train.size(), 12U);
  config.variant = Variant::delexicalised;
  const auto selected = select_pairs(stories, config, words);
  EXPECT_EQ(selected.train.size(), 5U);  // four without and one with
  EXPECT_EQ(selected.counts.at("dropped/words"), 7.0);
}

TEST(DevelopmentalPairs, SwappedTurnsChosenAndRejectedAndNothingElse) {
  const Story s = lived();
  const Pair pair{&s, 1, 1};
  const auto right = row_of(pair, Fields::two, false), swapped = row_of(pair, Fields::two, true);
  EXPECT_EQ(right.chosen.completion[0].content, s.last);
  EXPECT_EQ(right.rejected.completion[0].content, s.first);
  EXPECT_EQ(swapped.chosen.completion[0].content, s.first);
  EXPECT_EQ(swapped.rejected.completion[0].content, s.last);
  EXPECT_EQ(swapped.chosen.prompt[0].content, right.chosen.prompt[0].content);
  EXPECT_EQ(right.chosen.prompt.size(), 1U) << "no system turn";
}

TEST(DevelopmentalPairs, FilesAreReadByTheMethodsThatTakeFiles) {
  const hone::test::Folder folder;
  const std::vector<Story> stories{lived("a"), lived("b", true)};
  const auto config = test::small();
  const auto selected = select_pairs(stories, config, words);
  write_records(folder.path().string(), stories, {}, {});
  write_pairs(folder.path().string(), selected, config, true, {false});
  const auto pairs = read_preference_rows((folder / "dpo.jsonl").string());
  ASSERT_EQ(pairs.size(), 1U);
  EXPECT_EQ(pairs[0].chosen.completion[0].content, stories[0].last);
  EXPECT_EQ(read_preference_rows((folder / "unseen.jsonl").string()).at(0).rejected.completion[0].content, stories[1].first);
  EXPECT_TRUE(read_training_rows((folder / "sft.jsonl").string()).at(0).every_turn);
  const auto line = [&](const char* name) {
    std::ifstream in(folder / name);
    std::string text;
    std::getline(in, text);
    return wire::parse(text, name);
  };
  EXPECT_EQ(line("dpo.meta.jsonl")["stage_chosen"], 6);
  EXPECT_EQ(line("dpo.meta.jsonl")["stage_rejected"], 2);
  EXPECT_EQ(line("dpo.meta.jsonl")["checked"], "machine_validated");
  EXPECT_EQ(wire::dump(line("dpo.meta.jsonl")["from"]), wire::dump(provenance(stories[0])));
  write_pairs(folder.path().string(), selected, config, false, {false});
  EXPECT_TRUE(line("dpo.meta.jsonl")["stage_chosen"].is_null()) << "no stage is claimed";
  EXPECT_EQ(line("records.jsonl")["kind"], "dilemma");
}

}  // namespace
}  // namespace hone::developmental
