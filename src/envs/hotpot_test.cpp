#include "envs/hotpot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/folder_test_kit.h"
#include "core/reflex.h"
#include "envs/conformance_kit.h"
#include "envs/qa_metrics.h"
#include "envs/titles.h"
#include "envs/unicode.h"
#include "wire/text_file.h"

namespace hone {
namespace {

const std::string fixture = conformance::source_dir() + "/tests/fixtures/hotpot.jsonl";

using test::File;

std::string question(const std::string& id, const std::string& text, const std::string& more = R"("answer":"x","context":[["T",["One."]]])") {
  return R"({"id":")" + id + R"(","question":")" + text + "\"," + more + "}\n";
}

std::string refusal(const std::string& text) {
  try {
    parse_hotpot(text, "q.jsonl");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

// A game with one question of the fixture, by the end of its id.
struct Game {
  explicit Game(const std::string& id, std::initializer_list<std::pair<std::string, std::string>> more = {}) {
    Settings given = conformance::example_settings("hotpot");
    for (const auto& [key, value] : more) given[key] = Setting{{value}, false, ""};
    world = open_hotpot(given);
    for (const auto split : conformance::splits)
      for (const auto& task : world->tasks(split))
        if (task.id.ends_with(id)) {
          env = world->make(split);
          env->reset(task);
        }
    if (env == nullptr) throw Error(Fault::not_found, id);
  }
  std::string operator()(const std::string& action) {
    last = env->step(action);
    return last.next.text;
  }
  std::unique_ptr<World> world;
  std::unique_ptr<Env> env;
  Outcome last;
};

TEST(QaMetrics, AreThoseOfTheReference) {
  std::ifstream in(conformance::source_dir() + "/tests/reference/hotpot_metrics.json");
  const auto cases = wire::Json::parse(in);
  ASSERT_GE(cases.size(), 60U);
  for (const auto& c : cases) {
    const auto said = c["said"].get<std::string>(), right = c["right"].get<std::string>();
    EXPECT_EQ(normalised_answer(said), c["normal"].get<std::string>()) << said;
    EXPECT_EQ(exact_match(said, right), c["exact"].get<bool>()) << said << " | " << right;
    EXPECT_DOUBLE_EQ(answer_f1(said, right), c["f1"].get<double>()) << said << " | " << right;
  }
}

TEST(Unicode, BytesThatAreNoTextBecomeReplacementCharacters) {
  EXPECT_EQ(unicode::lowered(std::string_view("A\xff\xc3")), "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(unicode::encoded(unicode::decoded("a\u00e9\u6771\U0001f600")), "a\u00e9\u6771\U0001f600");
  EXPECT_EQ(unicode::decoded("\U0001f600"), U"\U0001f600");
}

TEST(Titles, AreFoundExactlyThenNormalisedElseTheNearestAreNamed) {
  const Titles titles({"AC DC", "AC/DC", "Édith Piaf", "Arthur's Magazine", "Arthur", "???"});
  EXPECT_EQ(titles.find("AC/DC"), 1U);
  EXPECT_EQ(titles.find("ac-dc"), 0U);
  EXPECT_EQ(titles.find("  ÉDITH   piaf "), 2U);
  EXPECT_EQ(titles.find("???"), 5U);
  EXPECT_EQ(titles.find("!!!"), std::nullopt);
  EXPECT_EQ(titles.find(""), std::nullopt);
  EXPECT_EQ(titles.nearest("arthur's magazin", 5), (std::vector<std::size_t>{3, 4}));
  EXPECT_EQ(titles.nearest("arthur's magazin", 1), (std::vector<std::size_t>{3}));
  EXPECT_TRUE(titles.nearest("zzz", 5).empty());
  EXPECT_TRUE(titles.nearest("", 5).empty());
}

TEST(HotpotAction, ToleratesCaseBlanksAndAMissingBracket) {
  const auto is = [](const char* text, HotpotAction::Kind kind, const char* inside) {
    const auto a = parse_hotpot_action(text);
    EXPECT_EQ(a.kind, kind) << text;
    EXPECT_EQ(a.text, inside) << text;
  };
  is("Search[Velm]", HotpotAction::search, "Velm");
  is("  search [ Velm\n Choir ] ", HotpotAction::search, "Velm Choir");
  is("LOOKUP[born", HotpotAction::lookup, "born");
  is("Finish[a [b] c] and more", HotpotAction::finish, "a [b] c");
  is("Finish[]", HotpotAction::finish, "");
  is("Finish[ ", HotpotAction::finish, "");
  for (const char* bad : {"", "Search", "Search Velm", "Searching[x]", "Think[x]", "[x]", "I Search[x]"}) is(bad, HotpotAction::none, "");
}

TEST(Hotpot, SearchesLooksUpAndFinishes) {
  Game play("b1");
  EXPECT_EQ(play("search[harrow point light]"),
            "Harrow Point Light: Harrow Point Light is a lighthouse on the island of Senna. It was built in 1874 by the engineer Maud Tarrant. The tower is 31 "
            "metres tall and painted in red and white bands. Its lamp was lit with whale oil until 1902. Since 1988 it has worked without a keeper. (first 5 of 7 "
            "sentences)");
  EXPECT_EQ(play("Lookup[KEEPER]"), "(Result 1 / 2) Since 1988 it has worked without a keeper.");
  EXPECT_EQ(play("Lookup[keeper]"), "(Result 2 / 2) A small museum about the keepers opened beside it in 1995.");
  EXPECT_EQ(play("Lookup[keeper]"), "No more results for \"keeper\" in \"Harrow Point Light\".");
  EXPECT_EQ(play("Search[Maud]"), "Could not find \"Maud\". Similar: [\"Maud Tarrant\"] Mentioned in: [\"Harrow Point Light\"]");
  EXPECT_EQ(play("Lookup[tower]"), "(Result 1 / 2) The tower is 31 metres tall and painted in red and white bands.") << "the page found last stays open";
  EXPECT_FALSE(play.last.ending);
  EXPECT_EQ(play("Finish[The OSTWICK.]"), "The answer is right.");
  ASSERT_TRUE(play.last.ending);
  EXPECT_EQ(*play.last.ending, Ending::terminal);
  EXPECT_TRUE(play.last.solved);
  EXPECT_EQ(play.last.score, 1.0);
  EXPECT_EQ(play.last.reward, 1.0F);
}

TEST(Hotpot, ANewPageOrWordStartsLookupAnew) {
  Game play("b1");
  EXPECT_EQ(play("Lookup[born]"), "No page is open: Search[title] comes first.");
  play("Search[Harrow Point Light]");
  play("Lookup[keeper]");
  EXPECT_EQ(play("Lookup[zebra]"), "No sentence of \"Harrow Point Light\" has \"zebra\".");
  EXPECT_EQ(play("Lookup[keeper]"), "(Result 1 / 2) Since 1988 it has worked without a keeper.");
  play("Search[Harrow Point Light]");
  EXPECT_EQ(play("Lookup[keeper]"), "(Result 1 / 2) Since 1988 it has worked without a keeper.");
}

TEST(Hotpot, ASavedStateGoesOnInTheMiddleOfALookup) {
  for (const char* corpus : {"own", "all"}) {
    Game play("b1", {{"corpus", corpus}}), other("c1", {{"corpus", corpus}});
    play("Search[Harrow Point Light]");
    play("Lookup[keeper]");
    MemorySink state;
    dynamic_cast<Savable&>(*play.env).save(state);
    EXPECT_EQ(play("Lookup[keeper]"), "(Result 2 / 2) A small museum about the keepers opened beside it in 1995.");
    EXPECT_EQ(play("Finish[Ostwick]"), "The answer is right.");
    for (Game* game : {&play, &other}) {
      MemorySource source(state.data);
      dynamic_cast<Savable&>(*game->env).load(source);
      EXPECT_EQ((*game)("Lookup[keeper]"), "(Result 2 / 2) A small museum about the keepers opened beside it in 1995.");
      for (int step = 4; step <= 7; ++step) (*game)("Lookup[keeper]");
      ASSERT_TRUE(game->last.ending) << "steps are part of it";
      EXPECT_EQ(*game->last.ending, Ending::cut_off);
    }
    for (std::size_t at = 0; at < state.data.size(); ++at) {  // no other byte is believed without a look
      auto wrong = state.data;
      wrong[at] ^= std::byte{0x41};
      MemorySource source(wrong);
      try {
        dynamic_cast<Savable&>(*other.env).load(source);
      } catch (const Error&) {
      }
    }
  }
}

TEST(Hotpot, APartOfTheAnswerScoresByItsWordsAndIsNotSolved) {
  Game play("c3");
  EXPECT_EQ(play("Finish[the Dornpark of Velm]"), "The answer is wrong.");
  EXPECT_FALSE(play.last.solved);
  EXPECT_DOUBLE_EQ(play.last.score, 0.5);
  EXPECT_EQ(play.last.reward, 0.0F);
  Game yes("c2");
  yes("Finish[yes, they were]");
  EXPECT_EQ(yes.last.score, 0.0);
}

TEST(Hotpot, StepsRunOutAndIllegalActionsCostOne) {
  Game play("c1", {{"max_steps", "4"}});
  EXPECT_EQ(play.world->facts(Split::test).max_steps, 4);
  EXPECT_EQ(play("I would search"), "Not an action: \"I would search\". Write Search[title], Lookup[word] or Finish[answer].");
  EXPECT_EQ(play("Finish[]"), "Nothing stands between the brackets. Write Search[title], Lookup[word] or Finish[answer].");
  EXPECT_EQ(play("Search[qq]"), "Could not find \"qq\". No title is similar.");
  EXPECT_FALSE(play.last.ending);
  EXPECT_NE(play("Search[Merrow]").find("Similar: [\"Merrow (yacht)\""), std::string::npos);
  ASSERT_TRUE(play.last.ending);
  EXPECT_EQ(*play.last.ending, Ending::cut_off);
  EXPECT_EQ(play.last.score, 0.0);
  Game last("c1", {{"max_steps", "1"}});
  last("Finish[Merrow]");
  EXPECT_EQ(*last.last.ending, Ending::terminal);
  EXPECT_TRUE(last.last.solved);
}

TEST(Hotpot, CorpusAllSearchesTheParagraphsOfEveryQuestion) {
  Game own("c1"), all("c1", {{"corpus", "all"}});
  EXPECT_NE(own("Search[Kaltenau]").find("Could not find"), std::string::npos);
  EXPECT_NE(all("Search[Kaltenau]").find("Kaltenau is a village"), std::string::npos);
}

TEST(Hotpot, SettingsSayHowMuchIsShown) {
  Game play("b1", {{"sentences", "0"}, {"similar", "1"}, {"mentions", "0"}});
  EXPECT_NE(play("Search[Harrow Point Light]").find("(all 7 sentences)"), std::string::npos);
  EXPECT_EQ(play("Search[harbour]"), "Could not find \"harbour\". Similar: [\"Brill Harbour\"]");
}

TEST(Hotpot, WhatOnlyStandsInParagraphsIsFoundThere) {
  Game play("b1", {{"mentions", "2"}, {"similar", "0"}});
  EXPECT_EQ(play("Search[WHALE oil]"), "Could not find \"WHALE oil\". Mentioned in: [\"Harrow Point Light\"]");
  EXPECT_EQ(play("Search[river lune]"), "Could not find \"river lune\". Mentioned in: [\"Ostwick\"]");
  EXPECT_EQ(play("Search[was]"), "Could not find \"was\". Mentioned in: [\"Harrow Point Light\", \"Maud Tarrant\"]");
}

TEST(Hotpot, AnswersAreNowhereInTasks) {
  const auto items = parse_hotpot(read_text_file(fixture), "hotpot.jsonl");
  const auto world = open_hotpot(conformance::example_settings("hotpot"));
  std::set<std::string> kinds;
  std::size_t n = 0;
  for (const auto split : conformance::splits)
    for (const auto& task : world->tasks(split)) {
      ++n;
      kinds.insert(task.kind);
      EXPECT_TRUE(task.params.empty());
      EXPECT_EQ(world->make(split)->reset(task).text, "");
      const auto item = std::find_if(items.begin(), items.end(), [&](const auto& i) { return "hotpot/" + i.id == task.id; });
      ASSERT_NE(item, items.end());
      EXPECT_EQ(task.goal, item->question);
    }
  EXPECT_EQ(kinds, (std::set<std::string>{"bridge", "comparison"}));
  EXPECT_EQ(n, 12U);
  Task stranger;
  stranger.id = "hotpot/none of these";
  EXPECT_THROW(world->make(Split::test)->reset(stranger), Error);
}

TEST(HotpotFile, ReadsLinesAndThePublishedListAlike) {
  const std::string one = R"({"_id":"7","question":" Who?\n","answer":"X","type":"bridge","context":[["T",[" One."," Two. "]]]})";
  const std::string other = R"({"id":"7","question":"Who?","answer":"X","type":"bridge","context":{"title":["T"],"sentences":[["One.","Two."]]}})";
  for (const std::string& text : {one, other, "[" + one + "]", "\xEF\xBB\xBF \n[" + other + "\n,\n" + one + "]"}) {
    const auto items = parse_hotpot(text, "q.jsonl");
    ASSERT_EQ(items.size(), 1U) << text;
    EXPECT_EQ(items[0].id, "7");
    EXPECT_EQ(items[0].question, "Who?");
    EXPECT_EQ(items[0].pages.at(0).sentences, (std::vector<std::string>{"One.", "Two."}));
  }
  EXPECT_EQ(parse_hotpot(question("1", "a?"), "q.jsonl").at(0).type, "question");
}

TEST(HotpotFile, EqualQuestionsAndTitlesAreKeptOnceEmptyPagesAreAllowed) {
  const auto items = parse_hotpot(question("1", "Who is the X?") + question("2", "who is X") + question("3", "Other?", R"("answer":"x","context":[["T",[]],["T",["One."]]])"),
                                  "q.jsonl");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[1].id, "3");
  ASSERT_EQ(items[1].pages.size(), 1U);
  EXPECT_TRUE(items[1].pages[0].sentences.empty());
  File file("_empty.jsonl", question("1", "a?", R"("answer":"The The","context":[["T",[]]])"));
  const auto world = open_hotpot(settings({{"questions", file.path}, {"train", "0"}, {"validation", "0"}, {"test", "1"}}));
  const auto env = world->make(Split::test);
  env->reset(world->tasks(Split::test).at(0));
  EXPECT_EQ(env->step("Search[t]").next.text, "T: (no sentences)");
  EXPECT_EQ(env->step("Lookup[a]").next.text, "No sentence of \"T\" has \"a\".");
  const auto out = env->step("Finish[The The]");
  EXPECT_TRUE(out.solved);
  EXPECT_EQ(out.score, 1.0) << "solved is never worth less than 1";
}

TEST(HotpotFile, BadInputGetsOneClearError) {
  const std::string good = question("1", "a?");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"question":"a","answer":"b","context":[["T",[]]]})", "q.jsonl:2: question.id: missing"},
      {question("", "a?"), "q.jsonl:2: question.id: expected an id, got nothing"},
      {question("2", " "), "q.jsonl:2: question.question: expected a question, got nothing"},
      {question("2", "b?", R"("answer":3,"context":[["T",[]]])"), "q.jsonl:2: question.answer: expected a string, got number 3"},
      {question("2", "b?", R"("answer":"","context":[["T",[]]])"), "q.jsonl:2: question.answer: expected an answer, got nothing"},
      {question("2", "b?", R"("answer":"x")"), "q.jsonl:2: question.context: missing"},
      {question("2", "b?", R"("answer":"x","context":[])"), "q.jsonl:2: question.context: expected at least one paragraph, got none"},
      {question("2", "b?", R"("answer":"x","context":{"title":[],"sentences":[]})"), "q.jsonl:2: question.context: expected at least one paragraph"},
      {question("2", "b?", R"("answer":"x","context":"T")"), "q.jsonl:2: question.context: expected an object, got string \"T\""},
      {question("2", "b?", R"("answer":"x","context":[["T"]])"), "q.jsonl:2: question.context[0]: expected a list of a title and its sentences, got array"},
      {question("2", "b?", R"("answer":"x","context":[["T",["a",2]]])"), "q.jsonl:2: question.context[0][1][1]: expected a string, got number 2"},
      {question("2", "b?", R"("answer":"x","context":{"title":["T"],"sentences":[]})"), "q.jsonl:2: question.context.sentences: expected a list for each of 1 titles, got 0"},
      {question("2", "b?", R"("answer":"x","context":{"title":["T",""],"sentences":[[],[]]})"), "q.jsonl:2: question.context.title[1]: expected a title, got nothing"},
      {question("2", "b?", R"("answer":"x","type":1,"context":[["T",[]]])"), "q.jsonl:2: question.type: expected a string, got number 1"},
      {question("1", "b?"), "q.jsonl:2: question.id: expected an id of its own, got \"1\", which another question has"},
      {"7\n", "q.jsonl:2: question: expected an object, got number 7"},
      {"{\"id\n", "q.jsonl:2"},
      {"{\"id\":\"\xff\"}\n", "q.jsonl:2:8: not valid UTF-8"},
      {std::string("\0\n", 2), "q.jsonl:2:1: a NUL byte"},
  };
  for (const auto& [line, message] : bad) EXPECT_NE(refusal(good + line).find(message), std::string::npos) << refusal(good + line) << "\nexpected " << message;
  EXPECT_NE(refusal("[" + question("", "a?") + "]").find("q.jsonl[0]: question.id: expected an id"), std::string::npos);
  EXPECT_NE(refusal("[1").find("q.jsonl"), std::string::npos);
}

TEST(HotpotFile, ALineOfTenMegabytesIsReadAndItsPageIsCut) {
  const std::string big(10'000'000, 'y');
  File file("_big.jsonl", question("1", "a?", R"("answer":"x","context":[["T",["y )" + big + R"(","End y."]]])"));
  const auto world = open_hotpot(settings({{"questions", file.path}, {"train", "0"}, {"validation", "0"}, {"test", "1"}}));
  const auto env = world->make(Split::test);
  env->reset(world->tasks(Split::test).at(0));
  const std::string shown = env->step("Search[T]").next.text;
  EXPECT_LT(shown.size(), 5000U);
  EXPECT_TRUE(shown.ends_with(" ... (all 2 sentences)"));
  EXPECT_LT(env->step("Lookup[y]").next.text.size(), 5000U);
  EXPECT_EQ(env->step("Lookup[Y]").next.text, "(Result 2 / 2) End y.");
}

TEST(Hotpot, TooFewQuestionsAndMissingFilesAreSaid) {
  const auto opened = [](std::initializer_list<std::pair<std::string, std::string>> given) -> std::string {
    try {
      open_hotpot(settings(given));
    } catch (const Error& e) {
      return e.what();
    }
    return "opened";
  };
  EXPECT_NE(opened({}).find("field 'questions': expected a file, got none"), std::string::npos);
  EXPECT_NE(opened({{"questions", "/nowhere/q.jsonl"}}).find("/nowhere/q.jsonl: no such file"), std::string::npos);
  EXPECT_NE(opened({{"questions", fixture}}).find("hotpot: expected at least 100 different questions (test, validation and train), got 12"), std::string::npos);
  EXPECT_NE(opened({{"questions", fixture}, {"corpus", "none"}}).find("own"), std::string::npos);
  File two("_two.jsonl", question("1", "a?") + question("2", "b?"));
  EXPECT_NE(opened({{"questions", two.path}, {"fit", "true"}}).find("expected at least 3 different questions"), std::string::npos);
}

}  // namespace
}  // namespace hone
