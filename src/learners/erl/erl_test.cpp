// The loop: who reflects, who tries again, what each of them is told, what is remembered.
#include "learners/erl/erl.h"

#include "learners/erl/erl_test_kit.h"
#include "learners/erl/reflect.h"

namespace hone {
namespace {

using namespace erl_test;

std::string said(const Request& r) {
  std::string out;
  for (const auto& m : r.prompt) out += m.content + "\n";
  return out;
}

bool holds(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

int count_of(const Update& u, const char* role) { return static_cast<int>(u.metrics.at(std::string("samples/") + role)); }

TEST(ErlLoop, OnlyTriesBelowTauAreReflectedOn) {
  Bench good;
  const auto solved = good.round([](const Trial&) { return Script{{"red"}, 1.0, ""}; });
  EXPECT_TRUE(good.tools.requests.empty());
  EXPECT_TRUE(good.tools.trials.empty());
  EXPECT_EQ(count_of(solved, "first"), 3);
  EXPECT_EQ(count_of(solved, "reflect") + count_of(solved, "second") + count_of(solved, "distill"), 0);

  for (const double score : {0.0, 0.5}) {
    Bench bad;
    const auto update = bad.round([&](const Trial&) { return Script{{"red"}, score, "No."}; });
    EXPECT_EQ(bad.tools.requests.size(), 3U) << score;
    EXPECT_EQ(bad.tools.trials.size(), 3U);
    for (const char* role : {"first", "reflect", "second", "distill"}) EXPECT_EQ(count_of(update, role), 3) << role << " at " << score;
  }

  Bench mixed;
  mixed.round([](const Trial& t) { return Script{{"red"}, t.attempt == 1 ? 0.0 : 1.0, ""}; });
  ASSERT_EQ(mixed.tools.trials.size(), 1U);
  EXPECT_EQ(mixed.tools.trials[0].attempt, 1);
  EXPECT_EQ(mixed.tools.trials[0].parent, mixed.firsts[1].id);

  auto open = small();
  open.gate = false;
  Bench all(open);
  all.round([](const Trial&) { return Script{{"red"}, 1.0, ""}; });
  EXPECT_EQ(all.tools.trials.size(), 3U);
}

TEST(ErlLoop, TriesThatBrokeAreNotReflectedOnAndHaveNoReward) {
  Bench bench;
  const Need need = bench.learner.next({});
  for (const auto& t : need.trials) bench.firsts.push_back(played(t, {}));
  bench.firsts[0].ending = Ending::fault;
  Experience experience;
  experience.episodes = bench.firsts;
  const auto update = bench.learner.learn(experience, bench.none, bench.tools);
  EXPECT_EQ(bench.tools.trials.size(), 2U);
  EXPECT_NEAR(update.metrics.at("rewards_missing"), 1.0 / 9.0, 1e-9);  // of three first tries and twice three that followed
}

TEST(ErlLoop, ASecondTryIsToldTheReflectionAndNothingOfTheFirstTry) {
  Bench bench;
  bench.tools.reflect = [](const Request&) { return std::string("The lamp tells. <PROMPT>\npress blue when a lamp is on </Prompt> <prompt>not this</prompt>"); };
  bench.round([](const Trial&) { return Script{{"crimson", "scarlet"}, 0.25, "The bell did not ring."}; });
  for (const auto& e : bench.tools.seconds) {
    const std::string context = Bytes().decode(e.steps[0].did.trace->prompt_ids, true);
    EXPECT_TRUE(holds(context, "press blue when a lamp is on\nSay a button.")) << context;
    for (const char* not_told : {"crimson", "scarlet", "0.25", "bell", "You know nothing", "not this", "The lamp tells"}) EXPECT_FALSE(holds(context, not_told)) << not_told;
  }
}

TEST(ErlLoop, AReflectionIsShownActionsRewardFeedbackAndAfterASuccessTheStoredText) {
  Bench bench;
  const auto first = [](const Trial&) { return Script{{"crimson", "scarlet"}, 0.25, "The bell did not ring."}; };
  bench.round(first);
  for (const auto& r : bench.tools.requests) {
    const auto text = said(r);
    for (const char* told : {"crimson", "scarlet", "0.25", "The bell did not ring.", "it clicks", "lamp 1 is on", "box number 0"}) EXPECT_TRUE(holds(text, told)) << told;
    EXPECT_TRUE(holds(text, initial)) << text;
    EXPECT_FALSE(holds(text, "press blue first"));
    EXPECT_TRUE(r.sampling.logprobs);
    EXPECT_EQ(r.prompt.size(), 2U);
  }
  bench.tools.requests.clear();
  bench.round(first);
  ASSERT_EQ(bench.tools.requests.size(), 3U);
  for (const auto& r : bench.tools.requests) {
    EXPECT_TRUE(holds(said(r), "press blue first"));
    EXPECT_FALSE(holds(said(r), initial));
  }
  // What was remembered reaches the second try only through the reflection.
  bench.tools.reflect = [](const Request&) { return std::string("<prompt>other</prompt>"); };
  bench.tools.seconds.clear();
  bench.round(first);
  for (const auto& e : bench.tools.seconds) EXPECT_FALSE(holds(Bytes().decode(e.steps[0].did.trace->prompt_ids, true), "press blue first"));
}

TEST(ErlLoop, OnlySuccessfulReflectionsAreRemembered) {
  Bench bench;
  bench.tools.second = [](const Trial&) { return Script{{"blue"}, 0.9, ""}; };
  bench.round();
  EXPECT_FALSE(bench.learner.memory().at(0).has_value());
  bench.tools.second = [](const Trial& t) { return Script{{"blue"}, t.attempt == 1 ? 1.0 : 0.0, ""}; };
  bench.tools.reflect = [](const Request& r) { return "<prompt>rule of " + r.key + "</prompt>"; };
  bench.round();
  EXPECT_EQ(bench.learner.memory().at(0), "rule of reflect/1");
  // Two successes: the last in order stays.
  bench.tools.second = [](const Trial& t) { return Script{{"blue"}, t.attempt < 2 ? 1.0 : 0.0, ""}; };
  bench.round();
  EXPECT_EQ(bench.learner.memory().at(0), "rule of reflect/1");
  bench.tools.second = [](const Trial&) { return Script{}; };
  bench.round();
  EXPECT_EQ(bench.learner.memory().at(0), "rule of reflect/1");
}

TEST(ErlLoop, WithoutMemoryEveryReflectionIsShownTheAgentsOwnFirstMessage) {
  auto config = small();
  config.memory = 0;
  Bench bench(config);
  for (int i = 0; i < 3; ++i) bench.round();
  ASSERT_EQ(bench.tools.requests.size(), 9U);
  for (const auto& r : bench.tools.requests) EXPECT_TRUE(holds(said(r), initial));
}

TEST(ErlLoop, AReflectionThatCannotBeReadChangesNothingAndIsTrained) {
  Bench bench;
  bench.tools.reflect = [](const Request&) { return std::string("I have no idea <prompt>"); };
  const auto update = bench.round();
  EXPECT_EQ(update.metrics.at("reflect/parsed"), 0.0);
  EXPECT_EQ(count_of(update, "reflect"), 3);
  ASSERT_EQ(bench.tools.trials.size(), 3U);
  for (const auto& t : bench.tools.trials) EXPECT_EQ(t.notes, (std::vector<std::string>{initial, "Say a button."}));
  EXPECT_EQ(bench.learner.memory().at(0), initial);  // its try did well: the text that it was given
}

TEST(ErlLoop, WithoutReflectionTheSecondTryIsToldTheRecordAndNothingIsKept) {
  auto config = small();
  config.reflect = false;
  Bench bench(config);
  const auto update = bench.round([](const Trial&) { return Script{{"crimson"}, 0.0, "The bell did not ring."}; });
  EXPECT_TRUE(bench.tools.requests.empty());
  EXPECT_EQ(count_of(update, "reflect"), 0);
  EXPECT_EQ(count_of(update, "distill"), 3);
  for (const auto& e : bench.tools.seconds) {
    const std::string context = Bytes().decode(e.steps[0].did.trace->prompt_ids, true);
    EXPECT_TRUE(context.starts_with("|" + initial));
    for (const char* told : {"crimson", "The bell did not ring.", "Use it to do better"}) EXPECT_TRUE(holds(context, told)) << told;
  }
  EXPECT_EQ(bench.learner.memory().size(), 0U);
}

TEST(ErlLoop, SecondTriesMayBeToldTheReflectionAfterTheFirstMessage) {
  auto config = small(1);
  config.placement = erl::Placement::append;
  config.remind = false;
  Bench bench(config);
  bench.round();
  EXPECT_EQ(bench.tools.trials.at(0).notes, (std::vector<std::string>{initial, "press blue first"}));
}

TEST(ErlLoop, RecordsThatAreTooLongAreLeftOut) {
  auto config = small();
  config.reflect_prompt_max = 50;
  Bench bench(config);
  const auto update = bench.round();
  EXPECT_EQ(update.metrics.at("reflect/dropped"), 3.0);
  EXPECT_TRUE(bench.tools.trials.empty());
  EXPECT_EQ(count_of(update, "first"), 3);
}

TEST(ErlLoop, AnAgentThatReadsAnotherFirstMessageIsRefused) {
  auto config = small();
  config.system = "Open it.";
  Bench bench(config);
  try {
    bench.round();
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    EXPECT_TRUE(holds(e.what(), "Open it.") && holds(e.what(), "system")) << e.what();
  }
}

TEST(ErlLoop, ACheckpointHoldsRoundAndMemory) {
  auto config = small();
  config.memory = 2;
  Bench one(config), two(config);
  one.round();
  MemorySink sink;
  one.learner.save(sink);
  MemorySource source(sink.data);
  two.learner.load(source);
  EXPECT_EQ(two.learner.memory().at(0), one.learner.memory().at(0));
  EXPECT_EQ(two.learner.memory().filled(), one.learner.memory().filled());
  const auto a = one.learner.next({}), b = two.learner.next({});
  ASSERT_EQ(a.trials.size(), b.trials.size());
  EXPECT_EQ(a.trials[0].group, b.trials[0].group);
  MemorySource again(sink.data);
  Bench other(small());
  EXPECT_THROW(other.learner.load(again), Error);  // one slot, the checkpoint has two
}

TEST(ErlMemory, SlotsQueueUpAndKeepWhatTheirOwnTriesBrought) {
  erl::Memory memory(3);
  std::vector<std::size_t> taken;
  for (int i = 0; i < 7; ++i) taken.push_back(memory.take());
  EXPECT_EQ(taken, (std::vector<std::size_t>{0, 1, 2, 0, 1, 2, 0}));
  memory.keep({{0, "a", 0.2, "early"}, {2, "b", 0.1, "two"}, {0, "c", 0.1, "late"}}, erl::Pick::last, Rng(1));
  EXPECT_EQ(memory.at(0), "late");
  EXPECT_FALSE(memory.at(1).has_value());
  EXPECT_EQ(memory.at(2), "two");
  memory.keep({{0, "a", 0.2, "early"}, {0, "c", 0.1, "late"}}, erl::Pick::best_group, Rng(1));
  EXPECT_EQ(memory.at(0), "early");
  std::map<std::string, int> drawn;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    memory.keep({{0, "a", 0.2, "early"}, {0, "c", 0.1, "late"}}, erl::Pick::random, Rng(seed));
    ++drawn[*memory.at(0)];
  }
  EXPECT_GT(drawn["early"], 60);
  EXPECT_GT(drawn["late"], 60);
}

TEST(ErlMemory, SuccessMayMeanTauMoreThanTauOrBetterThanBefore) {
  using erl::StoreWhen;
  EXPECT_TRUE(erl::worth_keeping(StoreWhen::success, 0.0, 1.0, 1.0));
  EXPECT_FALSE(erl::worth_keeping(StoreWhen::success, 0.0, 0.9, 1.0));
  EXPECT_FALSE(erl::worth_keeping(StoreWhen::strict, 0.0, 1.0, 1.0));
  EXPECT_TRUE(erl::worth_keeping(StoreWhen::strict, 0.0, 0.6, 0.5));
  EXPECT_TRUE(erl::worth_keeping(StoreWhen::improvement, 0.2, 0.3, 1.0));
  EXPECT_FALSE(erl::worth_keeping(StoreWhen::improvement, 0.3, 0.3, 1.0));
}

TEST(ErlReflect, TheFirstBlockCountsInAnyCaseAndNothingElse) {
  EXPECT_EQ(erl::parse_reflection("x <prompt> a\nb </prompt> <prompt>c</prompt>"), "a\nb");
  EXPECT_EQ(erl::parse_reflection("<Prompt>A</PROMPT>"), "A");
  EXPECT_FALSE(erl::parse_reflection("<prompt>a").has_value());
  EXPECT_FALSE(erl::parse_reflection("a</prompt>").has_value());
  EXPECT_FALSE(erl::parse_reflection("<prompt>  \n </prompt>").has_value());
  EXPECT_FALSE(erl::parse_reflection("").has_value());
}

TEST(ErlReflect, TheGridPromptAsksForBothSections) {
  Trial trial;
  trial.task = tasks(1)[0];
  const auto prompt = erl::reflection_prompt("base", {}, played(trial, {}), world(), erl::Style::grid);
  EXPECT_TRUE(holds(prompt[0].content, "<game_rules>") && holds(prompt[0].content, "<strategy>"));
  EXPECT_TRUE(holds(prompt[1].content, "<prompt>"));
}

}  // namespace
}  // namespace hone
