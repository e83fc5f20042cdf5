#include "learners/expel/expel_test_kit.h"

#include <set>

#include "core/error.h"
#include "learners/folded.h"

namespace hone {
namespace {

using expel_test::count_of;
using expel_test::played;
using expel_test::Practice;
using expel_test::says;
using expel_test::tasks;

// Box i opens at attempt i % 4, attempts counted from 0.
Episode by_number(const Trial& trial) {
  const int n = std::stoi(trial.task.id.substr(4));
  return played(trial, trial.attempt >= n % 4, "button " + std::to_string(trial.attempt));
}
Episode never(const Trial& trial) { return played(trial, false, "left"); }
Episode at_once(const Trial& trial) { return played(trial, true, "right"); }

// Reflections and insights that tell what was in the prompt, so that a wrong prompt makes a wrong lesson.
std::string thoughtful(const Request& request) {
  const std::string prompt = says(request);
  if (request.role == "reflection") return "I saw " + std::to_string(std::hash<std::string>{}(prompt) % 1000) + ".";
  const auto hash = std::hash<std::string>{}(prompt);
  std::string first;
  if (const auto at = prompt.find("CURRENT RULES:\n1. "); at != std::string::npos) first = prompt.substr(at + 18, prompt.find('\n', at + 18) - at - 18);
  std::string out = "ADD 1: Hint " + std::to_string(hash % 5) + " of five.\nREMOVE 1: Hint " + std::to_string(hash / 7 % 5) + " of five.";
  if (!first.empty()) out += "\nAGREE 1: " + first + (hash % 3 == 0 ? "\nEDIT 1: Edited " + std::to_string(hash % 11) + "." : "");
  return out;
}

Practice run_of(int n, std::function<Episode(const Trial&)> play, std::initializer_list<std::pair<std::string, std::string>> set = {}) {
  Practice run;
  run.settings = settings(set);
  run.train = tasks(n);
  run.play = std::move(play);
  run.answer = thoughtful;
  return run;
}

// ---- stage A. expel.md section 10, item 7
TEST(ExpelGather, AnAlwaysFailingTaskGetsFourTriesAndThreeReflections) {
  Practice run = run_of(1, never, {{"insights", "false"}});
  int n = 0;
  run.answer = [&](const Request&) { return "reflection " + std::to_string(++n); };
  run.go();
  ASSERT_EQ(run.trials.size(), 4U);
  const std::vector<std::string> all{"reflection 1", "reflection 2", "reflection 3"};
  for (std::size_t z = 0; z < 4; ++z) {
    ASSERT_EQ(run.trials[z].size(), 1U);
    EXPECT_EQ(run.trials[z][0].attempt, static_cast<int>(z));
    EXPECT_EQ(run.trials[z][0].notes, std::vector<std::string>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(z)));
  }
  EXPECT_EQ(run.calls("reflection").size(), 3U);
  EXPECT_EQ(run.ledger.size(), 3U);
}

TEST(ExpelGather, SuccessAtAttemptOneStopsAndTheNextTaskStartsWithNone) {
  Practice run = run_of(2, [](const Trial& t) { return played(t, t.attempt == 1, "b"); }, {{"round_tasks", "1"}, {"insights", "false"}}).go();
  ASSERT_EQ(run.trials.size(), 4U);
  const std::vector<std::string> order{"box/0", "box/0", "box/1", "box/1"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(run.trials[i].at(0).task.id, order[i]);
    EXPECT_EQ(run.trials[i].at(0).attempt, static_cast<int>(i % 2));
    EXPECT_EQ(run.trials[i].at(0).notes.size(), i % 2);
  }
}

TEST(ExpelGather, AsksForTasksInOrderInGroupsAndRepeatsOnlyTheUnsolved) {
  const Practice run = run_of(5, by_number, {{"round_tasks", "4"}, {"insights", "false"}}).go();
  std::vector<std::vector<std::string>> asked;
  for (const auto& round : run.trials) {
    asked.emplace_back();
    for (const auto& t : round) asked.back().push_back(t.task.id.substr(4));
  }
  EXPECT_EQ(asked, (std::vector<std::vector<std::string>>{{"0", "1", "2", "3"}, {"1", "2", "3"}, {"2", "3"}, {"3"}, {"4"}}));
  const Trial& second = run.trials[1][0];
  EXPECT_EQ(second.group, "box/1");
  EXPECT_EQ(run.episode_names.at(second.parent), "box/1#0");
}

TEST(ExpelGather, RetriesCanBeSwitchedOffAndReflectionsToo) {
  const Practice none = run_of(3, never, {{"retries", "0"}, {"insights", "false"}}).go();
  EXPECT_EQ(none.trials.size(), 1U);
  EXPECT_TRUE(none.ledger.empty());
  const Practice plain = run_of(1, never, {{"reflect", "false"}, {"insights", "false"}}).go();
  EXPECT_EQ(plain.trials.size(), 4U);
  EXPECT_TRUE(plain.ledger.empty());
  EXPECT_TRUE(plain.trials[3][0].notes.empty());
}

TEST(ExpelGather, ReflectionIsOneLineAndAnEmptyOneIsLeftOut) {
  Practice run = run_of(1, never, {{"retries", "2"}, {"reflection_tokens", "33"}, {"insights", "false"}});
  int n = 0;
  run.answer = [&](const Request&) { return ++n == 1 ? " Reflection: press softly.\nAnd more." : "  "; };
  run.go();
  EXPECT_EQ(run.trials[2][0].notes, std::vector<std::string>{"press softly."});
  EXPECT_EQ(run.ledger[0].sampling.stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(run.ledger[0].sampling.max_tokens, 33);
  EXPECT_EQ(run.ledger[0].sampling.temperature, 0.0F);
  EXPECT_NE(says(run.ledger[1]).find("box number 0\nButton: left\nNothing happens.\n\nReflection:"), std::string::npos);
}

TEST(ExpelGather, AFaultIsNoFailureButUsesUpAnAttempt) {
  Practice run = run_of(1, [](const Trial& t) {
    Episode e = played(t, t.attempt == 2, "b");
    if (t.attempt == 0) e.ending = Ending::fault;
    return e;
  }, {{"keep_failures", "true"}}).go();
  EXPECT_EQ(run.calls("reflection").size(), 1U);
  EXPECT_EQ(run.calls("insights").size(), 2U);  // one compare call (not two) and the success
  EXPECT_EQ(run.cases().size(), 2U);
  EXPECT_EQ(run.trials[2][0].notes.size(), 1U);
}

TEST(ExpelCases, AreCommittedRoundByRoundOrAtTheEnd) {
  const Practice stream = run_of(9, by_number, {{"round_tasks", "3"}, {"insights", "false"}}).go();
  const Practice held = run_of(9, by_number, {{"round_tasks", "3"}, {"insights", "false"}, {"stream_cases", "false"}}).go();
  EXPECT_EQ(stream.deltas.front().add.size(), 1U);
  for (std::size_t i = 0; i + 1 < held.deltas.size(); ++i) EXPECT_TRUE(held.deltas[i].add.empty());
  EXPECT_EQ(held.deltas.back().add.size(), 9U);
  EXPECT_EQ(stream.canonical().substr(0, 200), held.canonical().substr(0, 200));  // the same cases in the same order
  EXPECT_EQ(stream.cases().size(), 9U);
  for (const auto& lesson : stream.cases()) {
    EXPECT_TRUE(std::get<Case>(lesson.what).solved);
    EXPECT_EQ(lesson.evidence.size(), 1U);
  }
}

TEST(ExpelCases, FailuresAreKeptOnlyWhenAskedForAndCasesCanBeOff) {
  const Practice kept = run_of(1, never, {{"keep_failures", "true"}, {"keys", "task"}}).go();
  ASSERT_EQ(kept.cases().size(), 4U);
  EXPECT_FALSE(std::get<Case>(kept.cases()[0].what).solved);
  EXPECT_EQ(kept.cases()[0].keys.size(), 1U);
  EXPECT_EQ(run_of(1, never).go().cases().size(), 0U);
  EXPECT_TRUE(run_of(2, at_once, {{"cases", "false"}}).go().cases().empty());
  EXPECT_FALSE(run_of(2, at_once, {{"cases", "false"}}).go().insights().empty());
}

TEST(ExpelCases, RecallWhileGatheringIsAnOptionAndOffUnderTheStrictSplit) {
  const auto sees = [](std::initializer_list<std::pair<std::string, std::string>> set) { return run_of(2, at_once, set).go().trials[0][0].with_lessons; };
  EXPECT_TRUE(sees({}));
  EXPECT_FALSE(sees({{"recall_while_gathering", "false"}}));
  EXPECT_FALSE(sees({{"folds", "2"}}));
  EXPECT_TRUE(sees({{"folds", "2"}, {"retrieval_scope", "all_tasks"}}));
}

// ---- stage B. item 6
TEST(ExpelExtract, CallLedger) {
  // Boxes 0..11 open after n % 4 failures: all solved, 3 * (0 + 1 + 2 + 3) = 18 failures; 12 successes in ceil(12 / 8) = 2 calls.
  const Practice run = run_of(12, by_number).go();
  const auto calls = run.calls("insights");
  ASSERT_EQ(calls.size(), 20U);
  std::size_t next_box = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const bool compare = says(calls[i]).find("THE TRY THAT FAILED") != std::string::npos;
    EXPECT_EQ(compare, i < 18) << i;
    if (!compare) continue;
    const std::string text = says(calls[i]);
    const auto at = text.find("box number ");
    const auto box = static_cast<std::size_t>(std::stoi(text.substr(at + 11)));
    EXPECT_GE(box, next_box);  // ascending order of tasks
    next_box = box;
  }
  EXPECT_EQ(count_of(says(calls[18]) + says(calls[19]), "box number "), 12U);
  EXPECT_EQ(run.metrics.back().at("insights/calls"), 20.0);
}

TEST(ExpelExtract, UnsolvedTasksContributeNothing) {
  const Practice run = run_of(8, [](const Trial& t) { return played(t, t.attempt >= 1 && t.task.kind == "even", "b"); }).go();
  EXPECT_EQ(run.calls("insights").size(), 4U + 1U);
  for (const auto& call : run.calls("insights"))
    for (const int odd : {1, 3, 5, 7}) EXPECT_EQ(says(call).find("box number " + std::to_string(odd)), std::string::npos);
  EXPECT_TRUE(run_of(3, never).go().calls("insights").empty());  // n = 0: no call
}

TEST(ExpelExtract, EveryPromptShowsTheListAfterTheCallBeforeAndNeverACount) {
  Practice run = run_of(6, by_number, {{"operator_names", "agree"}});
  int n = 0;
  const std::vector<std::string> script{"ADD 1: Alpha.\nADD 2: Beta.", "AGREE 2: Beta.", "EDIT 2: Gamma.", "REMOVE 1: Beta.", "nothing to say"};
  run.answer = [&](const Request& r) { return r.role == "insights" ? script[static_cast<std::size_t>(std::min(n++, 4))] : "hm"; };
  run.go();
  const auto calls = run.calls("insights");
  const std::vector<std::string> lists{"1. \n", "1. Alpha.\n2. Beta.\n", "1. Beta.\n2. Alpha.\n", "1. Beta.\n2. Gamma.\n", "1. Gamma.\n2. Beta.\n"};
  ASSERT_GE(calls.size(), 6U);
  for (std::size_t i = 0; i < calls.size(); ++i)
    EXPECT_NE(says(calls[i]).find("CURRENT RULES:\n" + lists[std::min<std::size_t>(i, 4)] + "\n"), std::string::npos) << says(calls[i]);
  EXPECT_EQ(run.insights(), (std::vector<std::string>{"3 Gamma.", "2 Beta."}));
}

TEST(ExpelExtract, CountersNeverAppearInAPrompt) {
  Practice run = run_of(4, by_number, {{"max_insights", "2"}});
  run.answer = [&](const Request& r) -> std::string {
    if (r.role != "insights") return "hm";
    // 7040 votes make a number that could not come from anywhere else.
    std::string out = "ADD 1: Alpha.\nADD 2: Beta.";
    for (int i = 0; i < 7040; ++i) out += "\nUPVOTE 1: Alpha.";
    return out;
  };
  run.go();
  ASSERT_GT(run.calls("insights").size(), 3U);
  EXPECT_EQ(run.insights().front(), "42242 Alpha.");  // 2 + 6 calls' votes, the first of which came before there was a rule
  for (const auto& call : run.calls("insights"))
    for (const char* count : {"7042", "14082", "21122", "28162", "35202", "42242"}) EXPECT_EQ(says(call).find(count), std::string::npos);
}

TEST(ExpelExtract, OneCallARoundAndLessonsNameEvidenceParentAndPrompt) {
  Practice run = run_of(2, by_number);
  int n = 0;
  run.answer = [&](const Request& r) { return r.role == "reflection" ? "hm" : ++n == 1 ? "ADD 1: Alpha." : "UPVOTE 1: Alpha."; };
  run.go();
  ASSERT_EQ(run.calls("insights").size(), 2U);
  const auto& first = run.deltas[run.deltas.size() - 2];
  const auto& second = run.deltas.back();
  ASSERT_EQ(first.add.size(), 1U);
  ASSERT_EQ(second.add.size(), 1U);
  EXPECT_EQ(second.retire, std::vector<std::string>{first.add[0].id});
  EXPECT_EQ(second.add[0].parent, first.add[0].id);
  EXPECT_EQ(first.add[0].prompt_hash.size(), 64U);
  EXPECT_NE(first.add[0].prompt_hash, second.add[0].prompt_hash);  // compare, then successes
  std::vector<std::string> evidence;
  for (const auto& id : second.add[0].evidence) evidence.push_back(run.episode_names.at(id));
  std::sort(evidence.begin(), evidence.end());
  EXPECT_EQ(evidence, (std::vector<std::string>{"box/0#0", "box/1#0", "box/1#1"}));
  EXPECT_EQ(run.insights(), std::vector<std::string>{"3 Alpha."});
}

TEST(ExpelExtract, GarbageLeavesTheListAsItIsAndIsNotRepeated) {
  Practice run = run_of(8, by_number);
  run.answer = [](const Request&) { return "As an assistant I cannot \xff do that: ADD"; };
  run.go();
  EXPECT_EQ(run.calls("insights").size(), 13U);
  EXPECT_TRUE(run.insights().empty());
}

TEST(ExpelExtract, DroppedOperationsAreLogged) {
  Practice run = run_of(1, at_once);
  run.answer = [](const Request&) { return "EDIT 0: Zero.\nADD 1: One.\nADD 1: One."; };
  run.go();
  ASSERT_EQ(run.log.size(), 2U);
  EXPECT_EQ(run.log[0], "insights: dropped EDIT 'Zero.': no rule has that number");
  EXPECT_EQ(run.log[1], "insights: dropped ADD 'One.': the same text came twice in one reply");
  EXPECT_EQ(run.metrics.back().at("insights/dropped"), 2.0);
}

TEST(ExpelExtract, ConstrainedCallsCarryAGrammarOfTheListShown) {
  Practice run = run_of(2, by_number, {{"insight_tokens", "77"}});
  run.answer = [](const Request&) { return "ADD 1: Alpha."; };
  run.go();
  const auto calls = run.calls("insights");
  EXPECT_EQ(calls[0].sampling.grammar.find("UPVOTE"), std::string::npos);
  EXPECT_NE(calls[1].sampling.grammar.find("(\"UPVOTE\" | \"DOWNVOTE\") \" 1: Alpha.\""), std::string::npos);
  EXPECT_EQ(calls[0].sampling.max_tokens, 77);
  EXPECT_TRUE(calls[0].sampling.stop.empty());
  Practice free = run_of(2, by_number, {{"constrain", "false"}}).go();
  for (const auto& call : free.ledger) EXPECT_TRUE(call.sampling.grammar.empty());
}

TEST(ExpelExtract, CanBeCappedOrSwitchedOff) {
  EXPECT_EQ(run_of(12, by_number, {{"insight_calls", "5"}}).go().calls("insights").size(), 5U);
  const Practice off = run_of(12, by_number, {{"insights", "false"}}).go();
  EXPECT_TRUE(off.calls("insights").empty());
  EXPECT_EQ(off.cases().size(), 12U);
}

// ---- item 10, the extraction half
TEST(ExpelExtract, ShuffledOutcomesChangeTheList) {
  // The model names the button of the try it is told succeeded.
  const auto names_the_button = [](const Request& r) -> std::string {
    if (r.role != "insights") return "hm";
    const std::string text = says(r);
    const auto at = text.find("Button: ", text.find("THE TRY THAT SUCCEEDED"));
    return at == std::string::npos ? "" : "ADD 1: Press " + text.substr(at + 8, text.find('\n', at) - at - 8) + ".";
  };
  // Every task is tried four times; three tries press another button and fail. Then the same tries with outcomes dealt anew.
  const auto stored = [](std::uint64_t shuffle) {
    std::vector<Episode> out;
    for (const auto& task : tasks(10)) {
      std::vector<int> solved{0, 0, 0, 1};
      if (shuffle != 0) Rng(shuffle).split(task.id).shuffle(solved);
      for (int z = 0; z < 4; ++z) {
        Trial trial;
        trial.task = task;
        trial.attempt = z;
        out.push_back(played(trial, solved[static_cast<std::size_t>(z)] == 1, std::string(1, static_cast<char>('A' + z))));
      }
    }
    return out;
  };
  const auto learned = [&](std::uint64_t shuffle) {
    Practice run;
    run.answer = names_the_button;
    run.stored = stored(shuffle);
    return run.go().insights();
  };
  EXPECT_EQ(learned(0), std::vector<std::string>{"2 Press D."});
  EXPECT_EQ(learned(0), learned(0));
  EXPECT_NE(learned(1), learned(0));
}

// ---- stored episodes
TEST(ExpelStored, AsksForNothingThenExtractsFromWhatItIsTold) {
  Practice played_run = run_of(6, by_number);
  std::vector<Episode> stored;
  played_run.play = [&](const Trial& t) {
    stored.push_back(by_number(t));
    return stored.back();
  };
  played_run.go();
  Practice run;
  run.answer = thoughtful;
  run.stored = stored;
  run.go();
  for (const auto& round : run.trials) EXPECT_TRUE(round.empty());
  EXPECT_EQ(run.cases().size(), 6U);
  EXPECT_EQ(run.calls("insights").size(), played_run.calls("insights").size());
  EXPECT_EQ(run.insights(), played_run.insights());  // the same experience teaches the same
  EXPECT_TRUE(run.calls("reflection").empty());
}

TEST(ExpelStored, TheOptionAsksForNothingEvenWithTrainingTasks) {
  Practice run = run_of(3, at_once, {{"from_store", "true"}});
  Trial trial;
  trial.task = tasks(1)[0];
  run.stored = {played(trial, false, "x"), played(trial, true, "y"), played(trial, true, "z")};
  run.stored[0].task.id = run.stored[1].task.id = run.stored[2].task.id = "";  // an imported chat
  run.go();
  EXPECT_TRUE(run.trials[0].empty());
  EXPECT_EQ(run.cases().size(), 2U);  // every success; recall shows the shortest of a task
  EXPECT_EQ(run.calls("insights").size(), 2U);
}

TEST(ExpelStored, NoEpisodesEmptyDelta) {
  Practice run;
  run.go();
  ASSERT_EQ(run.deltas.size(), 1U);
  EXPECT_TRUE(run.deltas[0].add.empty());
  EXPECT_TRUE(run.deltas[0].retire.empty());
  EXPECT_TRUE(run.metrics[0].empty());
  EXPECT_TRUE(run.ledger.empty());
}

// ---- folds. item 8, the strict split
std::set<std::string> task_ids(const std::vector<Lesson>& cases) {
  std::set<std::string> out;
  for (const auto& lesson : cases) out.insert(std::get<Case>(lesson.what).task_id);
  return out;
}

TEST(ExpelFolds, TheStrictSplitNeverHoldsACaseOrEvidenceOfAnEvalFoldTask) {
  const Practice run = run_of(16, by_number, {{"folds", "2"}}).go();
  const auto& folded = dynamic_cast<const Folded&>(*run.learner);
  EXPECT_EQ(folded.folds(), 2);
  std::map<std::string, int> held_out;
  for (const auto& task : run.train) {
    const std::string scope = folded.scope_for(task);
    ++held_out[scope];
    const auto seen = task_ids(run.cases(scope));
    EXPECT_FALSE(seen.contains(task.id)) << task.id;
    for (const auto& lesson : run.ever) {
      if (lesson.scope != scope) continue;
      for (const auto& id : lesson.evidence) EXPECT_NE(run.episode_names.at(id).substr(0, task.id.size() + 1), task.id + "#");
    }
  }
  EXPECT_EQ(held_out, (std::map<std::string, int>{{"fold0", 8}, {"fold1", 8}}));
  EXPECT_EQ(run.cases("fold0").size() + run.cases("fold1").size(), 16U);
  EXPECT_EQ(run.cases().size(), 16U);
  EXPECT_TRUE(run.insights().empty());  // one list per fold, none of all
  EXPECT_FALSE(run.insights("fold0").empty());
  EXPECT_NE(run.insights("fold0"), run.insights("fold1"));
}

TEST(ExpelFolds, PromptsOfAFoldShowItsOwnTasksAndListOnly) {
  const Practice run = run_of(16, by_number, {{"folds", "2"}}).go();
  const auto& folded = dynamic_cast<const Folded&>(*run.learner);
  std::size_t calls = 0;
  for (const auto& call : run.calls("insights")) {
    ++calls;
    for (const auto& task : run.train) {
      if (folded.scope_for(task) != "fold" + call.key.substr(9, 1)) continue;
      EXPECT_EQ(says(call).find(task.goal + "\n"), std::string::npos) << call.key << " " << task.goal;
    }
  }
  EXPECT_GT(calls, 20U);
}

TEST(ExpelFolds, AllTasksGivesEveryFoldEveryCase) {
  const Practice run = run_of(10, at_once, {{"folds", "2"}, {"retrieval_scope", "all_tasks"}}).go();
  EXPECT_EQ(task_ids(run.cases("fold0")).size(), 10U);
  EXPECT_EQ(task_ids(run.cases("fold1")).size(), 10U);
}

TEST(ExpelFolds, WithoutFoldsEveryTaskUsesTheRunsOwnScope) {
  const Practice run = run_of(4, at_once).go();
  EXPECT_EQ(dynamic_cast<const Folded&>(*run.learner).scope_for(run.train[0]), "");
  const Practice folds = run_of(4, at_once, {{"folds", "2"}}).go();
  EXPECT_EQ(dynamic_cast<const Folded&>(*folds.learner).scope_for(Task{"a test task", "", "", "", 0, {}}), "");
}

// ---- resume, independence, budget
TEST(ExpelResume, SavedAndLoadedAtAnyRoundGivesTheSame) {
  const std::initializer_list<std::pair<std::string, std::string>> variants[] = {
      {{"round_tasks", "3"}},
      {{"round_tasks", "3"}, {"folds", "2"}, {"keep_failures", "true"}},
      {{"round_tasks", "3"}, {"stream_cases", "false"}, {"insight_calls", "4"}},
  };
  for (const auto& variant : variants) {
    const Practice undisturbed = run_of(7, by_number, variant).go();
    const std::string expected = undisturbed.canonical();
    ASSERT_GT(undisturbed.rounds, 8);
    for (int at = 0; at <= undisturbed.rounds; ++at) {
      Practice run = run_of(7, by_number, variant);
      run.save_before_round = at;
      EXPECT_EQ(run.go().canonical(), expected) << at;
    }
    Practice always = run_of(7, by_number, variant);
    always.save_before_round = -2;
    EXPECT_EQ(always.go().canonical(), expected);
  }
}

TEST(ExpelResume, InvalidTextSurvivesASaveUnchanged) {
  const auto dirty = [](const Trial& t) {
    Episode e = by_number(t);
    e.steps[0].did.action += "\xff\xc3";
    e.steps[0].did.thought = "\xf0 hm";
    return e;
  };
  Practice undisturbed = run_of(5, dirty, {{"stream_cases", "false"}}), always = run_of(5, dirty, {{"stream_cases", "false"}});
  always.save_before_round = -2;
  undisturbed.answer = always.answer = [](const Request& r) { return r.role == "insights" ? "ADD 1: \xff rule." : "plan \xff"; };
  EXPECT_EQ(always.go().canonical(), undisturbed.go().canonical());
}

TEST(ExpelResume, RefusesADamagedOrForeignCheckpoint) {
  Practice run = run_of(7, by_number).go();
  MemorySink sink;
  run.learner->save(sink);
  Practice fewer = run_of(6, by_number);
  auto other = fewer.make();
  MemorySource source(sink.data);
  EXPECT_THROW(other->load(source), Error);
  Practice folds = run_of(7, by_number, {{"folds", "2"}});
  other = folds.make();
  MemorySource again(sink.data);
  EXPECT_THROW(other->load(again), Error);
  for (const char* text : {"", "{}", "[1]", "{\"expel\":2}", "not json"}) {
    MemorySink bad;
    put_text(bad, text);
    MemorySource bad_source(bad.data);
    try {
      run.make()->load(bad_source);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::corrupt) << text;
    }
  }
}

TEST(ExpelDeterminism, RandomIdsDoNotMatter) {
  const auto canonical = [](const char* prefix, bool fall, const char* folds) {
    Practice run = run_of(9, by_number, {{"folds", folds}, {"keep_failures", "true"}});
    run.id_prefix = prefix;
    run.ids_fall = fall;
    return run.go().canonical();
  };
  for (const char* folds : {"1", "3"}) {
    EXPECT_EQ(canonical("e", false, folds), canonical("z", false, folds));
    EXPECT_EQ(canonical("e", false, folds), canonical("e", true, folds));
  }
}

TEST(ExpelBudget, TheLastCallFinishesWithWhatThereIs) {
  const auto make = [] { return run_of(12, by_number, {{"round_tasks", "4"}, {"folds", "2"}, {"stream_cases", "false"}}); };
  const Practice whole = make().go();
  ASSERT_GT(whole.rounds, 20);
  for (int at = 0; at < whole.rounds; ++at) {
    Practice run = make();
    run.last_call_in_round = at;
    run.go();
    ASSERT_EQ(run.asked.size(), static_cast<std::size_t>(at) + 1);
    EXPECT_EQ(run.asked.back(), at == 0 ? 0U : run.asked[run.asked.size() - 2]) << "a model call in the last round, " << at;
    // Every case of the rounds before is there, in its fold too.
    std::size_t solved = 0;
    for (const auto& round : run.trials)
      for (const auto& t : round) solved += by_number(t).solved ? 1 : 0;
    EXPECT_EQ(run.cases().size(), solved) << at;
    EXPECT_EQ(run.cases("fold0").size() + run.cases("fold1").size(), solved) << at;
    if (at > 0) {
      EXPECT_EQ(run.asked[run.asked.size() - 2], whole.asked[static_cast<std::size_t>(at) - 1]);
    }
  }
}

TEST(ExpelSettings, AreCheckedByNameAndRange) {
  const auto failure = [](std::initializer_list<std::pair<std::string, std::string>> set) -> std::string {
    try {
      run_of(1, at_once, set).make();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(failure({{"retrys", "1"}}).find("retries"), std::string::npos);
  EXPECT_NE(failure({{"retries", "-1"}}), "");
  EXPECT_NE(failure({{"keys", "tasks"}}).find("task"), std::string::npos);
  EXPECT_NE(failure({{"strict_parity", "true"}}).find("operator_names"), std::string::npos);
  EXPECT_EQ(failure({{"strict_parity", "true"}, {"operator_names", "agree"}}), "");
  EXPECT_FALSE(learner_expel.fields().empty());
}

TEST(ExpelProtocol, RefusesEpisodesItDidNotAskFor) {
  Practice run = run_of(2, at_once);
  auto learner = run.make();
  std::vector<Request> ledger;
  std::vector<std::string> log;
  expel_test::FakeTools tools(thoughtful, ledger, log);
  expel_test::NoLessons known;
  const Need need = learner->next({});
  ASSERT_EQ(need.trials.size(), 2U);
  std::vector<Episode> wrong{at_once(need.trials[1]), at_once(need.trials[0])}, few{at_once(need.trials[0])};
  EXPECT_THROW(learner->learn({.episodes = wrong}, known, tools), Error);
  EXPECT_THROW(run.make()->learn({.episodes = few}, known, tools), Error);
}

}  // namespace
}  // namespace hone
