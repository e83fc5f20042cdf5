#include "envs/desk.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/folder_test_kit.h"
#include "core/reflex.h"
#include "core/rng.h"

namespace hone {
namespace {

using test::File;

// `queues` queues with `each` requests: "q2 request 7" belongs to "queue_2".
std::string small_csv(int queues, int each) {
  std::string out = "text,label\n";
  for (int q = 0; q < queues; ++q)
    for (int i = 0; i < each; ++i) out += "q" + std::to_string(q) + " request " + std::to_string(i) + ",queue_" + std::to_string(q) + "\n";
  return out;
}

DeskSplits small_splits(DeskConfig config, int queues = 4, int each = 10) {
  return split_desk(parse_requests(small_csv(queues, each), "small.csv", {}), {}, config);
}

DeskConfig small_config() {
  DeskConfig c;
  c.train = 16;
  c.validation = 8;
  c.test = 12;
  return c;
}

std::string refusal(const Settings& given) {
  try {
    open_desk(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

const std::string& label_of(const DeskSplits& s, Split split, const std::string& id) {
  for (const auto& item : s.of(split))
    if (item.task.id == id) return item.label;
  throw Error(Fault::not_found, id);
}

TEST(DeskSplits, AreDisjointStratifiedAndTheSameEveryTime) {
  const auto a = small_splits(small_config()), b = small_splits(small_config());
  std::set<std::string> ids;
  for (const auto split : {Split::train, Split::validation, Split::test}) {
    std::map<std::string, int> per_queue;
    ASSERT_EQ(a.of(split).size(), b.of(split).size());
    for (std::size_t i = 0; i < a.of(split).size(); ++i) {
      EXPECT_EQ(a.of(split)[i].task.id, b.of(split)[i].task.id);
      EXPECT_TRUE(ids.insert(a.of(split)[i].task.id).second);
      ++per_queue[a.of(split)[i].label];
    }
    for (const auto& [queue, n] : per_queue) EXPECT_EQ(n, static_cast<int>(a.of(split).size()) / 4) << queue;
  }
  EXPECT_EQ(ids.size(), 36U);
  auto other = small_config();
  other.split_seed = 2;
  const auto c = small_splits(other);
  EXPECT_NE(a.test[0].task.id + a.test[1].task.id + a.test[2].task.id, c.test[0].task.id + c.test[1].task.id + c.test[2].task.id);
}

TEST(DeskSplits, TestRequestsDoNotDependOnHowMuchIsTrained) {
  auto more = small_config();
  more.train = 20;
  const auto a = small_splits(small_config()), b = small_splits(more);
  for (std::size_t i = 0; i < a.test.size(); ++i) EXPECT_EQ(a.test[i].task.id, b.test[i].task.id);
  for (std::size_t i = 0; i < a.train.size(); ++i) EXPECT_EQ(a.train[i].task.id, b.train[i].task.id);
}

TEST(DeskSplits, EqualTextsNeverCrossSplits) {
  std::string csv = small_csv(2, 3);
  for (int i = 0; i < 3; ++i) csv += "\"Q0  REQUEST, " + std::to_string(i) + "!\",queue_1\n";  // the same but for case and signs
  DeskConfig c;
  c.test = 6;
  c.train = c.validation = 0;
  const auto s = split_desk(parse_requests(csv, "x.csv", {}), {}, c);
  EXPECT_EQ(s.test.size(), 6U);
  EXPECT_EQ(s.test.size(), static_cast<std::size_t>(std::count_if(s.test.begin(), s.test.end(), [](const DeskItem& i) {
              return i.task.goal[0] == 'q';  // the first of equal ones was kept
            })));
  c.train = 1;
  EXPECT_THROW(split_desk(parse_requests(csv, "x.csv", {}), {}, c), Error);
}

TEST(DeskSplits, FitMakesAllThreeSmallerInProportionAndOnlyWhenNeeded) {
  DeskConfig config = small_config();
  const auto as_asked = small_splits(config);
  config.fit = true;
  EXPECT_EQ(small_splits(config).train.size(), as_asked.train.size());
  config.train = 320, config.validation = 24, config.test = 100;  // 444 asked for, 40 there
  const auto fitted = small_splits(config);
  EXPECT_EQ(fitted.test.size(), 9U);  // floor(100 * 40 / 444)
  EXPECT_EQ(fitted.validation.size(), 2U);
  EXPECT_EQ(fitted.train.size(), 28U);
  EXPECT_THROW(small_splits(config, 3, 3), Error);  // nine requests are no desk
}

TEST(DeskSplits, TwoDesksByQueueOffsetShareNoQueue) {
  auto c = small_config();
  c.queues = 2;
  c.train = c.validation = c.test = 4;
  const auto first = small_splits(c);
  c.queue_offset = 2;
  const auto second = small_splits(c);
  std::set<std::string> all(first.queues.begin(), first.queues.end());
  all.insert(second.queues.begin(), second.queues.end());
  EXPECT_EQ(all.size(), 4U);
  c.queue_offset = 3;
  EXPECT_THROW(small_splits(c), Error);
}

TEST(DeskSplits, ShuffledLabelsPermuteTheTrainingLabelsOnly) {
  auto c = small_config();
  const auto plain = small_splits(c);
  c.shuffle_labels = true;
  const auto shuffled = small_splits(c);
  std::multiset<std::string> before, after;
  int moved = 0;
  for (std::size_t i = 0; i < plain.train.size(); ++i) {
    EXPECT_EQ(plain.train[i].task.id, shuffled.train[i].task.id);
    before.insert(plain.train[i].label);
    after.insert(shuffled.train[i].label);
    moved += plain.train[i].label != shuffled.train[i].label;
  }
  EXPECT_EQ(before, after);
  EXPECT_GT(moved, 4);
  for (const auto& item : plain.test) EXPECT_EQ(item.label, label_of(shuffled, Split::test, item.task.id));
}

TEST(DeskSplits, SeparateTestFileKeepsItsTextsOutOfTraining) {
  const auto rows = parse_requests(small_csv(4, 10), "a.csv", {});
  const std::vector<LabelledText> test_rows(rows.begin(), rows.begin() + 20);  // all of them in both files
  DeskConfig c;
  c.test = 20;
  c.validation = 4;
  c.train = 16;
  const auto s = split_desk(rows, test_rows, c);
  std::set<std::string> ids;
  for (const auto split : {Split::train, Split::validation, Split::test})
    for (const auto& item : s.of(split)) EXPECT_TRUE(ids.insert(item.task.id).second);
  EXPECT_EQ(ids.size(), 40U);
  c.train = 17;
  EXPECT_THROW(split_desk(rows, test_rows, c), Error);
}

TEST(Desk, BouncesThenSolvesAndNeverOffersABouncedQueueAgain) {
  File file("all.csv", small_csv(4, 10));
  const auto world = open_desk(settings({{"requests", file.path}, {"train", "16"}, {"validation", "8"}, {"test", "12"}}));
  EXPECT_EQ(world->facts(Split::train).max_steps, 5);
  EXPECT_EQ(world->facts(Split::validation).max_steps, 1);
  EXPECT_EQ(world->facts(Split::test).max_steps, 1);
  const auto task = world->tasks(Split::train).at(0);
  const std::string right = "queue " + task.goal.substr(1, 1);
  const auto env = world->make(Split::train);
  auto seen = env->reset(task);
  ASSERT_EQ(seen.choices.size(), 4U);
  std::string wrong = seen.choices[0] == right ? seen.choices[1] : seen.choices[0];
  auto out = env->step(wrong);
  EXPECT_EQ(out.next.text, "Bounced: " + wrong + " is not the right queue.");
  EXPECT_FALSE(out.ending);
  EXPECT_EQ(out.next.choices.size(), 3U);
  EXPECT_EQ(std::count(out.next.choices.begin(), out.next.choices.end(), wrong), 0);
  out = env->step(wrong);
  EXPECT_NE(out.next.text.find("has bounced already"), std::string::npos);
  EXPECT_EQ(out.next.choices.size(), 3U);
  out = env->step("\xff nonsense\n");
  EXPECT_NE(out.next.text.find("is not a queue"), std::string::npos);
  std::string loose = "QUEUE_" + right.substr(6);
  out = env->step(loose);
  ASSERT_TRUE(out.ending);
  EXPECT_EQ(*out.ending, Ending::terminal);
  EXPECT_TRUE(out.solved);
  EXPECT_EQ(out.score, 1.0);
  EXPECT_EQ(out.reward, 1.0F);
}

TEST(Desk, TriesRunOutEarlierInEvaluation) {
  File file("all.csv", small_csv(4, 10));
  const auto world = open_desk(settings({{"requests", file.path}, {"train", "16"}, {"validation", "8"}, {"test", "12"}, {"train_tries", "2"}}));
  for (const auto& [split, tries] : {std::pair{Split::train, 2}, std::pair{Split::test, 1}}) {
    const auto env = world->make(split);
    env->reset(world->tasks(split).at(0));
    for (int i = 1; i <= tries; ++i) {
      const auto out = env->step("nowhere");
      EXPECT_EQ(out.ending.has_value(), i == tries);
      if (out.ending) {
        EXPECT_EQ(*out.ending, Ending::cut_off);
        EXPECT_EQ(out.score, 0.0);
        EXPECT_FALSE(out.solved);
      }
    }
  }
}

TEST(Desk, ATrainingTaskCanBePlayedByTheRulesOfEvaluationAndStrangersAreRefused) {
  const auto world = open_desk({});
  const auto env = world->make(Split::test);
  const auto seen = env->reset(world->tasks(Split::train).at(0));
  const auto first = env->step(seen.choices.at(0));
  EXPECT_TRUE(first.ending.has_value()) << "one try";
  Task stranger = world->tasks(Split::train).at(0);
  stranger.id = "desk/of another desk";
  EXPECT_THROW(env->reset(stranger), Error);
}

TEST(Desk, BuiltInSetHasTwentyFourQueuesAndTheDefaultSplits) {
  const auto world = open_desk(settings({{"describe", "true"}}));
  EXPECT_EQ(world->tasks(Split::train).size(), 200U);
  EXPECT_EQ(world->tasks(Split::validation).size(), 60U);
  EXPECT_EQ(world->tasks(Split::test).size(), 100U);
  const auto env = world->make(Split::test);
  const auto seen = env->reset(world->tasks(Split::test).at(0));
  EXPECT_EQ(seen.choices.size(), 24U);
  EXPECT_TRUE(std::is_sorted(seen.choices.begin(), seen.choices.end()));
  for (const auto& queue : seen.choices) EXPECT_NE(world->facts(Split::test).role.find("\n" + queue + ": "), std::string::npos);
}

TEST(Desk, LabelIsNowhereInWhatTheAgentGets) {
  // Requests that don't contain their queue's name by themselves, so that any occurrence is a leak.
  File file("all.csv", small_csv(4, 10));
  const auto world = open_desk(settings({{"requests", file.path}, {"train", "16"}, {"validation", "8"}, {"test", "12"}}));
  for (const auto split : {Split::train, Split::validation, Split::test})
    for (const auto& task : world->tasks(split)) {
      EXPECT_TRUE(task.params.empty());
      EXPECT_EQ(task.kind, "route");
      EXPECT_EQ((task.id + task.kind + task.goal + task.env).find("queue"), std::string::npos);
      EXPECT_EQ(world->make(split)->reset(task).text, "");
    }
}

TEST(Desk, ReadsJsonLines) {
  std::string jsonl = "\xEF\xBB\xBF";
  for (int i = 0; i < 8; ++i)
    jsonl += "{\"id\":" + std::to_string(i) + ",\"question\":\"line\\nbreak " + std::to_string(i) + "\",\"team\":\"team_" +
             std::to_string(i % 2) + "\"}\r\n\n";
  File file("all.jsonl", jsonl);
  const auto world = open_desk(settings({{"requests", file.path}, {"text_field", "question"}, {"label_field", "team"},
                                         {"train", "4"}, {"validation", "2"}, {"test", "2"}}));
  EXPECT_EQ(world->make(Split::test)->reset(world->tasks(Split::test).at(0)).choices, (std::vector<std::string>{"team 0", "team 1"}));
  File bad("_bad.jsonl", "{\"text\":\"a\",\"label\":\"b\"}\n{\"text\":\"a\",\"label\":3}\n");
  EXPECT_NE(refusal(settings({{"requests", bad.path}})).find("_bad.jsonl:2: label: expected a string, got number"), std::string::npos);
  File broken("_broken.jsonl", "{\"text\":\"a\",\"label\":\"b\"}\n{\"text\n");
  EXPECT_NE(refusal(settings({{"requests", broken.path}})).find("_broken.jsonl:2"), std::string::npos);
}

TEST(Desk, BadInputGetsOneClearError) {
  File wrong_field("_field.csv", "text,category\nhello,a\n");
  EXPECT_NE(refusal(settings({{"requests", wrong_field.path}})).find("_field.csv:1: unknown field 'label'"), std::string::npos);
  File empty_label("_label.csv", "text,label\nhello,a\nhi, _ \n");
  EXPECT_NE(refusal(settings({{"requests", empty_label.path}})).find("_label.csv:3: field 'label': expected the name of a queue"), std::string::npos);
  EXPECT_NE(refusal(settings({{"requests", "/nowhere/at/all.csv"}})).find("/nowhere/at/all.csv: no such file"), std::string::npos);
  EXPECT_NE(refusal(settings({{"requests", "/"}})).find("got a directory"), std::string::npos);
  File small("_small.csv", small_csv(4, 10));
  EXPECT_NE(refusal(settings({{"requests", small.path}})).find("expected at least 360 different requests (test, validation and train), got 40; set train"),
            std::string::npos);
  File one("_one.csv", small_csv(1, 10));
  EXPECT_NE(refusal(settings({{"requests", one.path}, {"train", "1"}})).find("at least 2 queues"), std::string::npos);
  EXPECT_NE(refusal(settings({{"trian", "5"}})).find("did you mean 'train'"), std::string::npos);
  EXPECT_NE(refusal(settings({{"requests", small.path}, {"describe", "true"}, {"train", "1"}, {"validation", "1"}, {"test", "1"}}))
                .find("needs `descriptions`"), std::string::npos);
}

TEST(Desk, LabelsAreShownWithoutUnderscores) {
  EXPECT_EQ(shown_label("reverted_card_payment?"), "reverted card payment?");
  EXPECT_EQ(shown_label(" \t a__b\n"), "a b");
  EXPECT_EQ(normalised("Where's my  CARD??"), "where s my card");
  EXPECT_NE(normalised("???"), normalised("!!!"));
}

TEST(Desk, WhoLearnsMayBeToldTheQueueOfATrainingRequestAndOfNoOther) {
  const File file("_feedback.csv", small_csv(4, 10));
  const auto said = [&](const char* feedback, Split split) {
    const auto world = open_desk(settings({{"requests", file.path}, {"train", "16"}, {"validation", "4"}, {"test", "8"}, {"train_tries", "1"}, {"feedback", feedback}}));
    std::vector<std::pair<std::string, std::string>> out;  // queue by the request's own text, what was said
    for (const auto& task : world->tasks(split)) {
      const std::string queue = std::string("queue ") + task.goal[1];
      const auto env = world->make(split);
      env->reset(task);
      const Outcome wrong = env->step(queue == "queue 0" ? "queue 1" : "queue 0");
      EXPECT_TRUE(wrong.ending.has_value());
      EXPECT_EQ(wrong.next.text.find(queue), std::string::npos);  // who acts is not told
      out.emplace_back(queue, wrong.feedback);
      env->reset(task);
      EXPECT_EQ(env->step(queue).feedback, "");
    }
    return out;
  };
  for (const auto& [queue, text] : said("none", Split::train)) EXPECT_EQ(text, "");
  for (const auto& [queue, text] : said("queue", Split::train)) EXPECT_EQ(text, "It was for " + queue + ".");
  for (const Split split : {Split::validation, Split::test})
    for (const auto& [queue, text] : said("queue", split)) EXPECT_EQ(text, "");
  int right = 0;
  for (const auto& [queue, text] : said("other", Split::train)) {
    EXPECT_TRUE(text.starts_with("It was for queue ")) << text;
    right += text == "It was for " + queue + ".";
  }
  EXPECT_LT(right, 12);  // one in four by chance
}

TEST(Desk, AStateOfAnotherDeskIsRefused) {
  const File file("_savable.csv", small_csv(4, 10));
  const auto open = [&](const char* tries) { return open_desk(settings({{"requests", file.path}, {"train", "8"}, {"validation", "4"}, {"test", "4"}, {"train_tries", tries}})); };
  const auto three = open("3"), one = open("1");
  const auto env = three->make(Split::train), small = one->make(Split::train);
  env->reset(three->tasks(Split::train)[0]);
  MemorySink state;
  dynamic_cast<Savable&>(*env).save(state);
  MemorySource source(state.data);
  EXPECT_THROW(dynamic_cast<Savable&>(*small).load(source), Error);
}

}  // namespace
}  // namespace hone
