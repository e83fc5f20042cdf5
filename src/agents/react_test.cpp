#include "agents/react.h"

#include <gtest/gtest.h>

#include <cmath>

#include "agents/planted_lessons.h"
#include "models/scripted.h"

namespace hone {
namespace {

const WorldFacts desk{.name = "desk", .role = "You route requests.", .action_help = "Name one queue.", .task_word = "Request",
                      .action_word = "Queue", .max_steps = 5, .failure_reasons = {}};
const Observation abc{"", {"a", "b", "c"}, {}};

std::string all_text(std::span<const Message> messages) {
  std::string out;
  for (const auto& m : messages) out += m.content + "\n";
  return out;
}

Brief brief_of(const std::string& goal, const Lessons* lessons = nullptr) {
  Brief b;
  b.task = {.id = "desk/1", .env = "desk", .kind = "route", .goal = goal, .seed = 1, .params = {}};
  b.world = &desk;
  b.lessons.lessons = lessons;
  b.rng = Rng(7);
  return b;
}

// log P by table: choice name -> value; `prior` where the prompt has the content-free "N/A".
ScriptedModel::ChoiceFunction table(std::map<std::string, double> content, std::map<std::string, double> prior = {}) {
  return [=](const ChoiceRequest& r, std::size_t i) {
    const bool free = all_text(r.prompt).find("Request: N/A") != std::string::npos;
    return (free ? prior : content).at(r.choices[i]);
  };
}
std::string no_chat(std::span<const Message>, const Sampling&) { throw Error(Fault::internal, "chat was not expected"); }

Move one_move(ScriptedModel& model, const Settings& given, const Brief& brief, const Observation& seen = abc) {
  const auto agent = make_react(given, {&model, &model});
  agent->begin(brief);
  return agent->act(seen);
}

TEST(React, TakesTheBestCalibratedChoice) {
  ScriptedModel model(no_chat, table({{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}, {{"a", -0.5}, {"b", -2.5}, {"c", -2.0}}));
  const auto calibrated = one_move(model, {}, brief_of("x"));
  EXPECT_EQ(calibrated.action, "b");  // -1.5 + 2.5 = 1 beats -0.5 and -1
  EXPECT_EQ(calibrated.choice, 1);
  EXPECT_NEAR(calibrated.preference[1] - calibrated.preference[0], 1.5, 1e-12);
  double sum = 0.0;
  for (const double p : calibrated.preference) sum += std::exp(p);
  EXPECT_NEAR(sum, 1.0, 1e-12);
  EXPECT_EQ(one_move(model, settings({{"calibrate", "never"}}), brief_of("x")).action, "a");
}

// A server that only says which choice it takes.
class Picker final : public ChoiceModel {
 public:
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override {
    asked_without_content = asked_without_content || requests[0].content_free.has_value();
    return {Score{.logp = {std::log(0.025), std::log(0.95), std::log(0.025)}, .prior = {}, .tokens = {1, 1, 1}, .usage = {}}};
  }
  bool asked_without_content = false;
};

TEST(React, TakesTheScoresAsTheyAreFromAModelWithoutPrior) {
  Picker picker;
  const auto agent = make_react({}, {nullptr, &picker});
  agent->begin(brief_of("x"));
  const Move move = agent->act(abc);
  EXPECT_TRUE(picker.asked_without_content);
  EXPECT_EQ(move.action, "b");
  EXPECT_NEAR(move.preference[1], std::log(0.95), 1e-12);
}

TEST(React, CalibratesByHalfWhereCasesAreShown) {
  PlantedLessons lessons({planted_case("1", "seen before", {"c"}, 0.9)});
  ScriptedModel model(no_chat, [](const ChoiceRequest& r, std::size_t i) {
    const std::string text = all_text(r.prompt);
    EXPECT_NE(text.find("seen before"), std::string::npos);  // the cases stay in the content-free prompt
    const std::map<std::string, double> content{{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}, prior{{"a", -0.5}, {"b", -2.5}, {"c", -2.0}};
    return (text.find("Request: N/A") != std::string::npos ? prior : content).at(r.choices[i]);
  });
  const auto move = one_move(model, {}, brief_of("x", &lessons));
  EXPECT_NEAR(move.preference[1] - move.preference[0], (-1.5 + 0.5 * 2.5) - (-1.0 + 0.5 * 0.5), 1e-12);
  const auto raw = one_move(model, settings({{"calibrate", "without_cases"}}), brief_of("x", &lessons));
  EXPECT_NEAR(raw.preference[1] - raw.preference[0], -0.5, 1e-12);
}

TEST(React, NearestCasesAreShownNearestLastAndAccountedFor) {
  PlantedLessons lessons({planted_case("far", "far task", {"a"}, 0.1), planted_case("near", "near task", {"b"}, 0.9),
                          planted_case("mid", "mid task", {"c"}, 0.5), planted_case("failed", "failed task", {"a"}, 1.0, false)});
  ScriptedModel model(no_chat, table({{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}));
  const auto move = one_move(model, settings({{"cases", "2"}, {"calibrate", "never"}}), brief_of("x", &lessons));
  const std::string prompt = all_text(model.record().at(0).prompt);
  const auto near = prompt.find("Request: near task\nQueue: b"), mid = prompt.find("Request: mid task\nQueue: c");
  ASSERT_NE(near, std::string::npos) << prompt;
  ASSERT_NE(mid, std::string::npos) << prompt;
  EXPECT_LT(mid, near);
  EXPECT_EQ(prompt.find("far task"), std::string::npos);
  EXPECT_EQ(prompt.find("failed task"), std::string::npos);
  ASSERT_EQ(move.lessons.size(), 2U);
  EXPECT_EQ(move.lessons[0].lesson, "near");
  EXPECT_EQ(move.lessons[0].how, LessonUse::used);
  EXPECT_EQ(move.lessons[0].similarity, 0.9);
  const auto query = lessons.queries().at(0);
  EXPECT_EQ(query.text, "x");
  EXPECT_EQ(query.overfetch, 4);
  EXPECT_EQ(query.filter.not_tasks, std::vector<std::string>{"desk/1"});
  EXPECT_EQ(query.filter.kind, "route");
}

// A model that succeeds only if what was learned is in its prompt: 100 % with it, 0 % without.
TEST(React, WhatIsRecalledReachesTheModel) {
  PlantedLessons lessons({planted_case("1", "the blue widget hums", {"b"}, 0.9), planted_insight("2", "Widgets go to b.")});
  ScriptedModel model(no_chat, [](const ChoiceRequest& r, std::size_t i) {
    const std::string text = all_text(r.prompt);
    const bool knows = text.find("blue widget hums\nQueue: b") != std::string::npos && text.find("1. Widgets go to b.") != std::string::npos;
    return r.choices[i] == (knows ? "b" : "a") ? -0.1 : -3.0;
  });
  EXPECT_EQ(one_move(model, settings({{"calibrate", "never"}}), brief_of("x", &lessons)).action, "b");
  for (const Settings& off : {settings({{"cases", "0"}}), settings({{"recall_key", "none"}}), settings({{"insights", "false"}})}) {
    auto given = off;
    given["calibrate"] = {{"never"}, false, ""};
    EXPECT_EQ(one_move(model, given, brief_of("x", &lessons)).action, "a");
  }
}

TEST(React, WithheldLessonsAreReplacedByNothing) {
  PlantedLessons lessons({planted_case("1", "near task", {"b"}, 0.9), planted_case("2", "next task", {"c"}, 0.8), planted_insight("3", "An insight.")});
  ScriptedModel model(no_chat, table({{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}));
  auto brief = brief_of("x", &lessons);
  brief.lessons.withheld = {"1", "3"};
  const auto move = one_move(model, settings({{"cases", "1"}, {"vote", "1"}, {"calibrate", "never"}}), brief);
  const std::string prompt = all_text(model.record().at(0).prompt);
  EXPECT_EQ(prompt.find("near task"), std::string::npos);
  EXPECT_EQ(prompt.find("next task"), std::string::npos);  // not the next one in its place
  EXPECT_EQ(prompt.find("An insight"), std::string::npos);
  std::map<std::string, LessonUse::How> how;
  for (const auto& use : move.lessons) how[use.lesson] = use.how;
  EXPECT_EQ(how.at("1"), LessonUse::withheld);
  EXPECT_EQ(how.at("3"), LessonUse::withheld);
  EXPECT_EQ(how.at("2"), LessonUse::used);  // by the vote, which sees more neighbours than the prompt
}

TEST(React, WithholdsAtTheGivenRateAndTheSameOnesForTheSameGenerator) {
  std::vector<Planted> many;
  for (int i = 0; i < 400; ++i) many.push_back(planted_case("id" + std::to_string(i), "task " + std::to_string(i), {"b"}, 0.5));
  PlantedLessons lessons(many);
  ScriptedModel model(no_chat, table({{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}));
  auto brief = brief_of("x", &lessons);
  brief.lessons.withhold_rate = 0.25;
  const auto given = settings({{"cases", "400"}, {"calibrate", "never"}});
  const auto first = one_move(model, given, brief), again = one_move(model, given, brief);
  int withheld = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    withheld += first.lessons.at(i).how == LessonUse::withheld;
    EXPECT_EQ(first.lessons.at(i).how, again.lessons.at(i).how);
  }
  EXPECT_NEAR(withheld, 100, 30);  // 3.5 standard deviations
}

TEST(React, TheVoteIsBlendedIn) {
  PlantedLessons lessons({planted_case("1", "t", {"c"}, 1.0)});
  ScriptedModel model(no_chat, table({{"a", std::log(0.7)}, {"b", std::log(0.2)}, {"c", std::log(0.1)}}));
  const auto given = settings({{"vote", "2"}, {"vote_smoothing", "0.3"}, {"calibrate", "never"}, {"cases", "0"}});
  const auto move = one_move(model, given, brief_of("x", &lessons));
  EXPECT_EQ(move.action, "c");
  EXPECT_NEAR(move.preference[0], std::log(0.7) + 2 * std::log(0.1), 1e-12);
  EXPECT_NEAR(move.preference[2], std::log(0.1) + 2 * std::log(0.8), 1e-12);
  auto text_only = given;
  text_only.erase("vote");
  EXPECT_EQ(one_move(model, text_only, brief_of("x", &lessons)).action, "a");
}

TEST(React, ExplorationPrefersQueuesSeldomTried) {
  PlantedLessons lessons({planted_case("1", "t", {"a", "b"}, 0.5), planted_case("2", "t", {"a"}, 0.5, false)});
  ScriptedModel model(no_chat, table({{"a", std::log(0.5)}, {"b", std::log(0.3)}, {"c", std::log(0.2)}}));
  const auto given = settings({{"explore", "2"}, {"calibrate", "never"}, {"cases", "0"}});
  const auto move = one_move(model, given, brief_of("x", &lessons));
  // By hand: 3 tries in all, a 2, b 1, c 0: bonus 2 * sqrt(ln 4 / (1 + n)).
  EXPECT_NEAR(move.preference[0], std::log(0.5) + 2 * std::sqrt(std::log(4.0) / 3), 1e-12);
  EXPECT_NEAR(move.preference[2], std::log(0.2) + 2 * std::sqrt(std::log(4.0)), 1e-12);
  EXPECT_EQ(move.action, "c");
}

TEST(React, SamplesAtATemperature) {
  ScriptedModel model(no_chat, table({{"a", std::log(0.6)}, {"b", std::log(0.3)}, {"c", std::log(0.1)}}));
  const auto agent = make_react(settings({{"calibrate", "never"}}), {&model, &model});
  std::map<std::string, int> taken;
  for (std::uint64_t i = 0; i < 600; ++i) {
    auto brief = brief_of("x");
    brief.sampling.temperature = 1.0F;
    brief.rng = Rng(i);
    agent->begin(brief);
    ++taken[agent->act(abc).action];
  }
  EXPECT_NEAR(taken["a"], 360, 45);  // about 4 standard deviations
  EXPECT_NEAR(taken["b"], 180, 45);
  EXPECT_NEAR(taken["c"], 60, 30);
}

TEST(React, RemembersWhatBouncedAndListsTheSameChoices) {
  ScriptedModel model(no_chat, table({{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}));
  const auto agent = make_react(settings({{"calibrate", "never"}, {"format", "chat"}, {"list_choices", "true"}}), {&model, &model});
  agent->begin(brief_of("x"));
  EXPECT_EQ(agent->act(abc).action, "a");
  EXPECT_EQ(agent->act({"Bounced: a is not the right queue.", {"b", "c"}, {}}).action, "b");
  const auto calls = model.record();
  EXPECT_EQ(calls[0].prompt[0].content, calls[1].prompt[0].content);
  EXPECT_NE(calls[1].prompt[1].content.find("Request: x\nQueue: a\nBounced: a is not the right queue."), std::string::npos)
      << calls[1].prompt[1].content;
  EXPECT_EQ(calls[1].choices, (std::vector<std::string>{"b", "c"}));
}

TEST(React, NewChoicesAreNamedBesideTheStep) {
  ScriptedModel model(no_chat, [](const ChoiceRequest&, std::size_t i) { return -static_cast<double>(i); });
  const auto agent = make_react(settings({{"calibrate", "never"}, {"format", "chat"}, {"list_choices", "true"}}), {&model, &model});
  agent->begin(brief_of("x"));
  agent->act(abc);
  agent->act({"A new room.", {"d", "e"}, {}});
  const auto last = model.record().at(1).prompt;
  EXPECT_EQ(last[0].content.find("Queue is one of"), std::string::npos);
  EXPECT_NE(last[1].content.find("\nChoices: d, e"), std::string::npos);
}

TEST(React, ThinksOneLineBeforeChoosing) {
  ScriptedModel model([](std::span<const Message>, const Sampling& s) { EXPECT_EQ(s.stop, std::vector<std::string>{"\n"}); return " it is about cards\nmore"; },
                      [](const ChoiceRequest& r, std::size_t i) {
                        return r.choices[i] == "c" && all_text(r.prompt).find("Thought: it is about cards") != std::string::npos ? -0.1 : -3.0;
                      });
  const auto move = one_move(model, settings({{"think", "true"}, {"calibrate", "never"}}), brief_of("x"));
  EXPECT_EQ(move.thought, "it is about cards");
  EXPECT_EQ(move.action, "c");
}

TEST(React, FreeTextThinksThenActs) {
  const std::vector<std::string> lines{"Thought: I need a key", "Action: take key", "Thought: a", "Thought: b", "c", "Action: open"};
  std::size_t at = 0;
  ScriptedModel model([&](std::span<const Message>, const Sampling&) { return lines.at(at++); });
  const auto agent = make_react(settings({{"format", "chat"}}), {&model, nullptr});
  auto brief = brief_of("leave");
  const WorldFacts rooms{.name = "rooms", .role = "r", .action_help = "h", .task_word = "", .action_word = "", .max_steps = 9, .failure_reasons = {}};
  brief.world = &rooms;
  agent->begin(brief);
  auto move = agent->act({"You see a key.\nThought: fake", {}, {}});
  EXPECT_EQ(move.action, "take key");
  EXPECT_EQ(move.thought, "I need a key");
  EXPECT_EQ(move.choice, -1);
  move = agent->act({"Taken.", {}, {}});
  EXPECT_EQ(move.action, "N/A");
  EXPECT_EQ(move.thought, "a b c");
  EXPECT_EQ(agent->act({"Nothing happens.", {}, {}}).action, "open");
  const std::string last = all_text(model.record().back().prompt);
  EXPECT_NE(last.find("Task: leave\nYou see a key. Thought fake\nThought: I need a key\nAction: take key\nTaken.\n"
                      "Thought: a\nThought: b\nThought: c\nAction: N/A\nYou have thought for too long without acting. Take an action now."),
            std::string::npos)
      << last;
  EXPECT_EQ(last.find("Nothing happens"), std::string::npos);  // replaced, as released
}

TEST(React, FreeTextAsksAnewForWhatItDidAlready) {
  int calls = 0;
  bool stubborn = false;
  std::string prompt;
  ScriptedModel model([&](std::span<const Message> messages, const Sampling& sampling) {
    ++calls, prompt = all_text(messages);
    return std::string(stubborn || sampling.temperature < 0.8 ? "Thought: as always\nQueue: a\n" : "Thought: or else\nQueue: b\n");
  });
  const auto second_move = [&](const char* repeat) {
    const auto agent = make_react(settings({{"thoughts", "1"}, {"writes", "step"}, {"hold_action", "true"}, {"repeat", repeat}}), {&model, nullptr});
    agent->begin(brief_of("where?"));
    agent->act({"", {}, {}});
    calls = 0;
    return agent->act({"nothing there", {}, {}, false});
  };
  EXPECT_EQ(second_move("any_time").action, "a");
  EXPECT_EQ(calls, 1);
  const Move other = second_move("after_change");
  EXPECT_EQ(other.action, "b");
  EXPECT_EQ(other.thought, "or else") << "without the thought that led to a";
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(prompt.find("as always"), prompt.rfind("as always")) << "that of the first move alone: " << prompt;
  stubborn = true;
  EXPECT_EQ(second_move("sparing").action, "a") << "asked three times more, then taken";
  EXPECT_EQ(calls, 4);
}

TEST(React, FreeTextWithoutThoughtsIsTheActBaseline) {
  ScriptedModel model([&](std::span<const Message>, const Sampling&) { return std::string("Action: open"); });
  const auto agent = make_react(settings({{"format", "chat"}, {"thoughts", "0"}, {"hold_action", "true"}}), {&model, nullptr});
  auto brief = brief_of("leave");
  const WorldFacts rooms{.name = "rooms", .role = "r", .action_help = "h", .task_word = "", .action_word = "", .max_steps = 1, .failure_reasons = {}};
  brief.world = &rooms;
  agent->begin(brief);
  const auto move = agent->act({"You see a key.", {}, {}});
  EXPECT_EQ(move.action, "open");
  EXPECT_EQ(move.thought, "");
  const auto call = model.record().at(0);
  EXPECT_EQ(all_text(call.prompt).find("Thought"), std::string::npos);
  EXPECT_NE(all_text(call.prompt).find("You have at most 1 step. You write one line, the action to take:\nAction: the action"), std::string::npos);
  EXPECT_EQ(call.sampling.grammar, R"(root ::= "Action: " [^\n]+)");
  EXPECT_FALSE(call.sampling.hold);
  EXPECT_EQ(call.sampling.stop, (std::vector<std::string>{"\n"}));
}

TEST(React, FreeTextHoldsOnlyTheLastLineOfAStepToAnAction) {
  const std::vector<std::string> lines{"so", "Thought: well", "Action: open"};
  std::size_t at = 0;
  ScriptedModel model([&](std::span<const Message>, const Sampling&) { return lines.at(at++); });
  const auto move = one_move(model, settings({{"thoughts", "2"}, {"hold_action", "true"}}), brief_of("leave"), {"", {}, {}});
  EXPECT_EQ(move.action, "open");
  EXPECT_EQ(move.thought, "so well");
  const auto calls = model.record();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].sampling.grammar + calls[1].sampling.grammar, "");
  EXPECT_EQ(calls[2].sampling.grammar, R"(root ::= "Queue: " [^\n]+)");
}

TEST(React, AWholeStepInOneCallEndsAtItsFirstAction) {
  const std::vector<std::string> replies{"Thought: first\n\nThought: second\nQueue: open\nThought: never read\nQueue: shut",
                                         "Thought: only\nThought: thoughts", "Queue: shut", "a\nb\nc\nd\nQueue: too late", "e"};
  std::size_t at = 0;
  ScriptedModel model([&](std::span<const Message>, const Sampling&) { return replies.at(at++); });
  const auto agent = make_react(settings({{"thoughts", "2"}, {"writes", "step"}, {"hold_action", "true"}, {"line_tokens", "50"}}), {&model, nullptr});
  agent->begin(brief_of("leave"));
  auto move = agent->act({"", {}, {}});
  EXPECT_EQ(move.action, "open");
  EXPECT_EQ(move.thought, "first second");
  auto call = model.record().at(0);
  EXPECT_EQ(call.sampling.grammar, R"(root ::= ("Thought: " [^\n]+ "\n"){0,2} "Queue: " [^\n]+)");
  EXPECT_EQ(call.sampling.max_tokens, 150);
  EXPECT_EQ(call.sampling.stop, (std::vector<std::string>{"\nRequest:", "\nObservation"}));
  move = agent->act({"Next.", {}, {}});  // no action came: it is asked for by itself
  EXPECT_EQ(move.action, "shut");
  EXPECT_EQ(move.thought, "only thoughts");
  EXPECT_EQ(model.record().at(2).sampling.max_tokens, 50);
  move = agent->act({"Next.", {}, {}});
  EXPECT_EQ(move.action, "N/A") << "three lines a step and one more";
  EXPECT_EQ(move.thought, "a b c e");
}

TEST(React, FewestThoughtsAreHeldByTheGrammarOrRefused) {
  ScriptedModel model([&](std::span<const Message>, const Sampling&) { return std::string("Thought: a\nThought: b\nQueue: c"); });
  const auto given = [](const char* least, const char* writes) {
    return settings({{"thoughts", "4"}, {"least_thoughts", least}, {"writes", writes}, {"hold_action", "true"}});
  };
  EXPECT_EQ(one_move(model, given("2", "step"), brief_of("leave"), {"", {}, {}}).action, "c");
  EXPECT_EQ(model.record().at(0).sampling.grammar, R"(root ::= ("Thought: " [^\n]+ "\n"){2,4} "Queue: " [^\n]+)");
  EXPECT_THROW(make_react(given("5", "step"), {&model, nullptr}), Error);
  EXPECT_THROW(make_react(given("2", "line"), {&model, nullptr}), Error);
}

TEST(React, RecallKeysAskForTheRightText) {
  struct Wanted {
    const char* key;
    std::vector<std::pair<RecallKey, std::string>> queries;
  };
  for (const Wanted& w : std::vector<Wanted>{
           {"task", {{RecallKey::task, "goal"}}},
           {"thought", {{RecallKey::thought, "hm"}}},
           {"action", {{RecallKey::action, "go"}}},
           {"step", {{RecallKey::step, "Thought: hm\nQueue: go\nThere."}}},
           {"task_thought", {{RecallKey::task, "goal"}, {RecallKey::thought, "hm"}}},
           {"rotation", {{RecallKey::task, "goal"}, {RecallKey::thought, "hm"}, {RecallKey::step, "Thought: hm\nQueue: go\nThere."}}},
           {"none", {}},
       }) {
    PlantedLessons lessons({planted_case("1", "t", {"a"}, 0.9)});
    int at = 0;
    ScriptedModel model([&](std::span<const Message>, const Sampling&) { return at++ == 0 ? "Thought: hm" : "Action: go"; });
    const auto agent = make_react(settings({{"recall_key", w.key}}), {&model, nullptr});
    agent->begin(brief_of("goal", &lessons));
    agent->act({"Start.", {}, {}});
    agent->act({"There.", {}, {}});
    std::vector<std::pair<RecallKey, std::string>> asked;
    for (const auto& q : lessons.queries()) asked.emplace_back(q.key, q.text);
    EXPECT_EQ(asked, w.queries) << w.key;
  }
}

// Among choices too: the thought of this very move is what is recalled by, and the case it finds is in the prompt that decides.
TEST(React, AThoughtRecallsBeforeTheChoiceIsMade) {
  PlantedLessons lessons({planted_case("1", "t", {"a"}, 0.9)});
  std::string scored;
  ScriptedModel model([](std::span<const Message>, const Sampling&) { return std::string("it is about a"); },
                      [&](const ChoiceRequest& request, std::size_t) {
                        scored.clear();
                        for (const auto& m : request.prompt) scored += m.content + "\n";
                        return -1.0;
                      });
  const auto agent = make_react(settings({{"recall_key", "thought"}, {"think", "true"}, {"calibrate", "never"}}), {&model, &model});
  agent->begin(brief_of("goal", &lessons));
  const auto move = agent->act({"Start.", {"a", "b"}, {}});
  ASSERT_EQ(lessons.queries().size(), 1U);
  EXPECT_EQ(lessons.queries()[0].key, RecallKey::thought);
  EXPECT_EQ(lessons.queries()[0].text, "it is about a");
  ASSERT_EQ(move.lessons.size(), 1U);
  EXPECT_EQ(move.lessons[0].how, LessonUse::used);
  EXPECT_NE(scored.find("Queue: a"), std::string::npos) << scored;
}

TEST(React, LongCasesArePassedOver) {
  PlantedLessons lessons({planted_case("long", "many many many many many many words", {"a"}, 0.9), planted_case("short", "few words", {"b"}, 0.5)});
  ScriptedModel model(no_chat, table({{"a", -1.0}, {"b", -1.5}, {"c", -3.0}}));
  const auto move = one_move(model, settings({{"cases", "1"}, {"case_token_limit", "6"}, {"calibrate", "never"}}), brief_of("x", &lessons));
  ASSERT_EQ(move.lessons.size(), 2U);
  EXPECT_EQ(move.lessons[0].how, LessonUse::offered);
  EXPECT_EQ(move.lessons[1].how, LessonUse::used);
  EXPECT_EQ(move.lessons[1].lesson, "short");
}

TEST(React, SaysWhatItNeeds) {
  ScriptedModel model(no_chat);
  EXPECT_THROW(make_react({}, {}), Error);
  EXPECT_THROW(make_react(settings({{"think", "true"}}), {nullptr, &model}), Error);
  EXPECT_THROW(make_react(settings({{"case", "3"}}), {&model, &model}), Error);
  const auto agent = make_react({}, {&model, nullptr});
  agent->begin(brief_of("x"));
  EXPECT_THROW(agent->act(abc), Error);
}

}  // namespace
}  // namespace hone
