#include "wire/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/rng.h"
#include "wire/read.h"

namespace hone::wire {
namespace {

Episode full_episode() {
  Episode e;
  e.id = "01890000-0000-7000-8000-000000000001";
  e.run = "r";
  e.key = "learn/3/17";
  e.group = "g";
  e.parent = "p";
  e.attempt = 2;
  e.task = {"t1",
            "desk",
            "billing",
            "Where is \"my\" card?\n",
            std::numeric_limits<std::uint64_t>::max(),
            {{"a", "1"}, {"b", ""}}};
  e.by = {"react cases=3", "sha", "run/fold0", 7, "w"};
  e.notes = {"try another", ""};
  Move move{"pay",
            "I think",
            2,
            {-0.5, 1e-300},
            Trace{{1, 2}, {3}, {-0.1F}, {0.25F}, {}},
            {{"l1", LessonUse::withheld, 0.5}}};
  move.trace->sampling.temperature = 0.7F;
  move.trace->sampling.stop = {"\n"};
  move.trace->sampling.hold = false;
  e.steps = {{{"seen", {"pay", "wait"}, {0.1F, 2.0F}}, move, -1.5F, "sent on"}, {{"", {}, {}}, {}, 0.0F}};
  e.last = {"bounced", {}, {}};
  Generation g{"g1", "k", "reflection", {{"user", "why?"}}, "because", {}, e.by, {}};
  g.usage.calls = 1;
  e.aside = {g};
  e.ending = Ending::fault;
  e.fault = "timed out";
  e.score = 0.1;
  e.solved = true;
  e.feedback = "the card is at \"billing\"";
  e.usage = {3, 100, 50, 20, 1.25, 0.001};
  e.started_ms = 1700000000000;
  e.ended_ms = 1700000001000;
  return e;
}

std::string message_of(const std::string& text) {
  try {
    episode_from_json(parse(text, "f.jsonl:12"), "f.jsonl:12: episode");
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    return e.what();
  }
  return "nothing thrown";
}

TEST(Json, EpisodeReadsBackEqualFieldByField) {
  const Episode e = full_episode();
  const std::string text = dump(to_json(e));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const Episode back = episode_from_json(parse(text, "x"), "x");
  EXPECT_EQ(dump(to_json(back)), text);
  EXPECT_EQ(back.task.seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(back.task.goal, e.task.goal);
  EXPECT_EQ(back.task.params, e.task.params);
  EXPECT_EQ(back.attempt, 2);
  EXPECT_EQ(back.notes, e.notes);
  ASSERT_EQ(back.steps.size(), 2U);
  EXPECT_EQ(back.steps[0].seen.choices, e.steps[0].seen.choices);
  EXPECT_EQ(back.steps[0].seen.features, e.steps[0].seen.features);
  EXPECT_EQ(back.steps[0].did.preference, e.steps[0].did.preference);
  ASSERT_TRUE(back.steps[0].did.trace.has_value());
  EXPECT_EQ(back.steps[0].did.trace->logp, e.steps[0].did.trace->logp);
  EXPECT_EQ(back.steps[0].did.trace->sampling.temperature, 0.7F);
  EXPECT_EQ(back.steps[0].did.trace->sampling.stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(back.steps[0].did.lessons[0].how, LessonUse::withheld);
  EXPECT_EQ(back.steps[0].reward, -1.5F);
  EXPECT_EQ(back.steps[0].comment, "sent on");
  EXPECT_EQ(back.steps[1].comment, "");
  EXPECT_EQ(back.feedback, e.feedback);
  EXPECT_EQ(back.steps[1].did.choice, -1);
  EXPECT_FALSE(back.steps[1].did.trace.has_value());
  EXPECT_EQ(back.aside.at(0).prompt.at(0).content, "why?");
  EXPECT_EQ(back.ending, Ending::fault);
  EXPECT_EQ(back.score, 0.1);
  EXPECT_EQ(back.usage.seconds, 1.25);
  EXPECT_EQ(back.by.lessons, 7U);
}

TEST(Json, EveryFormOfLessonReadsBackEqual) {
  Lesson l;
  l.id = "l";
  l.scope = "s";
  l.keys = {{RecallKey::reflection, "k"}};
  l.evidence = {"e1", "e2"};
  l.parent = "p";
  l.prompt_hash = "h";
  l.created_ms = -5;
  l.what = Insight{"look first", 3};
  const auto again = [](const Lesson& x) { return lesson_from_json(parse(dump(to_json(x)), "x"), "x"); };
  EXPECT_EQ(std::get<Insight>(again(l).what).count, 3);
  EXPECT_EQ(again(l).keys[0].kind, RecallKey::reflection);
  EXPECT_EQ(again(l).created_ms, -5);
  EXPECT_EQ(dump(to_json(again(l))), dump(to_json(l)));
  l.what = Skill{"n", "python", "pass", "d"};
  EXPECT_EQ(std::get<Skill>(again(l).what).code, "pass");
  l.what = Case{"t", "task", "transcript", {"a"}, {"b", "c"}, true};
  EXPECT_EQ(std::get<Case>(again(l).what).actions.size(), 2U);
  EXPECT_TRUE(std::get<Case>(again(l).what).solved);
  l.what = Weights{"b", "a", "llama", "t", Weights::Form::lora};
  EXPECT_EQ(std::get<Weights>(again(l).what).form, Weights::Form::lora);
}

TEST(Json, ErrorsNameTheFieldWhatWasExpectedAndWhatCame) {
  EXPECT_EQ(
      message_of(R"({"task":{"id":"t"},"steps":[{"seen":{"text":"a"},"did":{"action":"b"},"reward":"x"}]})"),
      "f.jsonl:12: episode.steps[0].reward: expected a number, got string \"x\"");
  EXPECT_EQ(message_of(R"({"task":{"id":"t"},"steps":[{"did":{"action":"b"}}]})"),
            "f.jsonl:12: episode.steps[0].seen: missing");
  EXPECT_EQ(message_of(R"({"task":{"id":7}})"),
            "f.jsonl:12: episode.task.id: expected a string, got number 7");
  EXPECT_EQ(message_of(R"({"task":{"id":"t","seed":-1}})"),
            "f.jsonl:12: episode.task.seed: expected a whole number, 0 or more, got number -1");
  EXPECT_EQ(message_of(R"({"task":{"id":"t"},"ending":"won"})"),
            "f.jsonl:12: episode.ending: expected one of terminal, cut_off, fault, got string \"won\"");
  EXPECT_EQ(message_of(R"([1])"), "f.jsonl:12: episode: expected an object, got array");
  EXPECT_EQ(message_of(R"({"task":{"id":"t"},"attempt":3000000000})"),
            "f.jsonl:12: episode.attempt: expected a whole number from -2147483648 to 2147483647, got number "
            "3000000000");
  EXPECT_NE(message_of(R"({"task":)").find("f.jsonl:12: not valid JSON at byte"), std::string::npos);
  EXPECT_EQ(message_of("  "), "f.jsonl:12: expected JSON, got nothing");
}

TEST(Json, UnknownFieldsAreIgnored) {
  EXPECT_EQ(observation_from_json(parse(R"({"text":"a","newer":{"x":1}})", "x"), "x").text, "a");
}

TEST(Json, NestingBombIsRefusedNotFollowed) {
  EXPECT_THROW(parse(std::string(1000000, '['), "x"), Error);
  EXPECT_NO_THROW(parse(std::string(200, '[') + std::string(200, ']'), "x"));
  EXPECT_NO_THROW(parse("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '[') + "\"", "x"));
}

TEST(Json, NumbersThatJsonLacksReadBack) {
  Step s;
  s.reward = -std::numeric_limits<float>::infinity();
  s.did.preference = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
  const Step back = step_from_json(parse(dump(to_json(s)), "x"), "x");
  EXPECT_EQ(back.reward, s.reward);
  EXPECT_TRUE(std::isnan(back.did.preference[0]));
  EXPECT_EQ(back.did.preference[1], s.did.preference[1]);
}

TEST(Json, FloatsAreShortAndExact) {
  EXPECT_EQ(dump(number(0.1F)), "0.1");
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    const auto bits = static_cast<std::uint32_t>(rng.next());
    float value = 0.0F;
    static_assert(sizeof value == sizeof bits);
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const auto back = static_cast<float>(read_double(parse(dump(number(value)), "x"), "x"));
    ASSERT_EQ(std::memcmp(&back, &value, sizeof value), 0) << value;
  }
}

TEST(Json, NulBytesSurviveAndInvalidUtf8IsRepaired) {
  const Observation o{std::string("a\0b", 3) + "\xFF\xC3", {}, {}};
  const Observation back = observation_from_json(parse(dump(to_json(o)), "x"), "x");
  EXPECT_EQ(back.text, std::string("a\0b", 3) + "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8, ValidTextIsUntouchedAndEachBadByteBecomesOneReplacement) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(valid_utf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82"),
            "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82");
  EXPECT_EQ(valid_utf8(""), "");
  EXPECT_EQ(valid_utf8("\x80"), r);
  EXPECT_EQ(valid_utf8("\xC0\xAF"), r + r);                  // overlong
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), r + r + r);          // surrogate
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), r + r + r + r);  // beyond U+10FFFF
  EXPECT_EQ(valid_utf8("a\xE2\x82"), "a" + r + r);           // cut off
  EXPECT_EQ(valid_utf8("\xE2\x82z"), r + r + "z");
}

TEST(Json, MutatedInputThrowsErrorAndNothingElse) {
  const std::string good = dump(to_json(full_episode()));
  Rng rng(7);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int j = 0; j < 3; ++j) bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
    if (rng.below(4) == 0) bad.resize(rng.below(bad.size()));
    try {
      episode_from_json(parse(bad, "x"), "x");
    } catch (const Error& e) {
      ++refused;
      ASSERT_EQ(e.fault(), Fault::bad_input);
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Parse, RefusesObjectsOfTooManyKeysAtOnce) {
  std::string many = "{\"k\":[{}";
  for (int i = 0; i < 9999; ++i) many += ",1";
  many += "]";
  const std::string lists = many + "}";
  EXPECT_EQ(parse(lists, "x")["k"].size(), 10000U);
  for (int i = 0; i < 70000; ++i) many += ",\"key" + std::to_string(i) + "\":1";
  try {
    parse(many + "}", "x");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    EXPECT_NE(std::string(e.what()).find("x: JSON object of more than 10000 keys"), std::string::npos);
  }
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("short"), "short");
  std::string umlauts = "x";
  for (int i = 0; i < 100; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(shortened(umlauts), umlauts.substr(0, 119) + "...");
}

}  // namespace
}  // namespace hone::wire
