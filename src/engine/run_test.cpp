#include "engine/run.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/compare.h"
#include "engine/engine_test_kit.h"
#include "engine/report.h"
#include "engine/stored.h"
#include "store/upkeep.h"
#include "wire/sha256.h"

namespace hone {
namespace {

using test::Folder;

Recipe kit(const Folder& scratch, const std::vector<std::string>& set = {}) {
  return parse_recipe(test::desk_yaml(test::write_requests(scratch)), "kit.yaml", set);
}

TEST(Run, GivesResultReportAndTableAndIsShownAgain) {
  Folder scratch;
  const auto recipe = kit(scratch);
  RunOptions options{.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt};
  const auto first = run_recipe(recipe, options);
  for (const char* side : {"baseline", "learned"})
    for (const char* field : {"score", "low", "high", "tasks"}) EXPECT_TRUE(first.result[side].contains(field)) << side << field;
  for (const char* field : {"mean", "low", "high"}) EXPECT_TRUE(first.result["difference"].contains(field));
  EXPECT_EQ(first.result["learned"]["tasks"], 12);
  EXPECT_EQ(first.report["arms"].size(), 3U);
  EXPECT_GE(first.report["curve"].size(), 3U);
  EXPECT_TRUE(std::filesystem::exists(first.report_path));
  const auto again = run_recipe(recipe, options);
  EXPECT_TRUE(again.reused);
  EXPECT_EQ(again.run, first.run);
  EXPECT_EQ(again.result, first.result);
  options.fresh = true;
  const auto fresh = run_recipe(recipe, options);
  EXPECT_NE(fresh.run, first.run);
  EXPECT_EQ(fresh.result["learned"]["score"], first.result["learned"]["score"]);
  const Store store(store_path(options.home));
  EXPECT_EQ(test::canonical(store, first.run), test::canonical(store, fresh.run));
}

// A run stopped after some events, and what going on with it says.
struct Stopped {
  Folder scratch;
  Recipe recipe;
  RunOptions options;
  std::string id;

  explicit Stopped(const std::vector<std::string>& set = {}) : recipe(kit(scratch, set)), options{.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt} {
    std::stop_source source;
    RunOptions first = options;
    first.stop = source.get_token();
    first.listener = [&source, n = 0](const Event&) mutable {
      if (++n == 8) source.request_stop();
    };
    EXPECT_THROW(run_recipe(recipe, first), Error);
    id = Store(store_path(options.home)).runs().at(0).id;
  }
  std::string said() const {
    try {
      return "went on: " + run_recipe(recipe, options).run;
    } catch (const Error& e) {
      EXPECT_EQ(e.fault(), Fault::bad_input);
      return e.what();
    }
  }
};
std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Run, DoesNotGoOnWhenAFileThatTheRecipeNamesChanged) {
  Stopped run;
  const auto file = run.scratch / "requests.csv";
  const std::string before = content(file);
  for (const std::string& after : {before + "please send an extra parcel,metal\n", before.substr(0, before.rfind(',')) + ",metal\n"}) {
    std::ofstream(file) << after;
    const auto said = run.said();
    EXPECT_EQ(said, "run " + run.id + " can't go on: " + file.string() + " changed: its SHA-256 was " + sha256_hex(before) + ", now it is " + sha256_hex(after) +
                        "; put back what was there, or give `hone learn` --fresh for a new run");
  }
  run.options.fresh = true;
  const auto fresh = run_recipe(run.recipe, run.options).run;
  EXPECT_NE(fresh, run.id);
  run.options.fresh = false;
  EXPECT_EQ(run.said(), "went on: " + fresh) << "this run was made of the file as it is now";
  std::ofstream(file) << before;
  EXPECT_EQ(run.said(), "went on: " + run.id) << "the file as it was";
}

TEST(Run, AFinishedRunIsNoHindranceAfterItsFilesChanged) {
  Folder scratch;
  const auto recipe = kit(scratch, {"evaluation.curve=0"});
  const RunOptions options{.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt};
  const auto first = run_recipe(recipe, options).run;
  std::ofstream(scratch / "requests.csv", std::ios::app) << "please send an extra parcel,metal\n";
  try {
    compare_recipes({.home = options.home, .recipes = {recipe}, .seeds = 1, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}});
    ADD_FAILURE() << "evaluated a run of other files";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("run " + first + " was made of other files: " + (scratch / "requests.csv").string() + " changed"), std::string::npos) << e.what();
  }
  EXPECT_NE(run_recipe(recipe, options).run, first);
}

TEST(Run, FromBeforeFilesWereNotedGoesOn) {
  Stopped run;
  Store(store_path(run.options.home)).set_meta(run.id, "{}");
  EXPECT_EQ(run.said(), "went on: " + run.id);
}

TEST(Run, NotesFilesAndFoldersThatSettingsName) {
  Folder scratch;
  std::filesystem::create_directories(scratch / "games" / "deep");
  std::ofstream(scratch / "games" / "deep" / "a") << "1";
  std::ofstream(scratch / "example.jsonl") << "2";
  Recipe recipe;
  recipe.env.settings["test_games"] = {{(scratch / "games").string()}, true, ""};
  recipe.env.settings["command"] = {{(scratch / "example.jsonl").string()}, true, ""};
  recipe.agent.settings["word"] = {{scratch.path().string()}, false, ""};
  recipe.transfer_examples = (scratch / "example.jsonl").string();
  const auto before = named_files(recipe);
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(before.at(recipe.transfer_examples), sha256_hex("2"));
  std::ofstream(scratch / "games" / "deep" / "a") << "3";
  EXPECT_NE(named_files(recipe).at((scratch / "games").string()), before.at((scratch / "games").string()));
}

TEST(Run, SaysThatAServersUnkeptRepliesMayNotRepeat) {
  Folder scratch;
  const auto why = [&](const std::vector<std::string>& set) {
    const Recipe recipe = kit(scratch, set);
    return Opened(recipe).unrepeatable();
  };
  const std::string server = "model=http://127.0.0.1:1/v1#m";  // opened by name, not asked
  EXPECT_NE(why({server, "model.cache=false"}).find("http://127.0.0.1:1/v1#m"), std::string::npos);
  EXPECT_EQ(why({server}), "");
  EXPECT_EQ(why({server, "model.cache=false", "deterministic=false"}), "");
  EXPECT_EQ(why({"model.cache=false"}), "") << "a script";
}

TEST(Run, EvaluationLeavesStoreAndModelAsTheyWere) {
  Folder scratch;
  const auto recipe = kit(scratch);
  const auto home = scratch / "home";
  run_recipe(recipe, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  const auto hash = [&] { return content_hash(Store(store_path(home), {.create = false, .read_only = true})); };
  const auto before = hash();
  const auto result = compare_recipes({.home = home, .recipes = {recipe}, .seeds = 1, .run = {}, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}});
  EXPECT_EQ(result.rows.size(), 3U);
  EXPECT_EQ(result.store_hash_before, result.store_hash_after);
  EXPECT_EQ(before, hash());
  const auto early = compare_recipes({.home = home, .recipes = {recipe}, .seeds = 1, .run = {}, .version = 0, .tasks = 0, .listener = {}, .stop = {}});
  EXPECT_LE(early.rows[2].score.mean, result.rows[2].score.mean);
  EXPECT_THROW(compare_recipes({.home = home, .recipes = {recipe}, .seeds = 2, .run = {}, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}}), Error);
}

TEST(Run, TheAgentOfferedIsTheBestOnValidationEvenIfItIsTheBaseline) {
  const auto row = [](ArmRole role, bool lessons, std::optional<double> validation) {
    ArmResult out;
    out.arm.role = role;
    out.arm.lessons = lessons;
    if (validation) out.validation.emplace().score.mean = *validation;
    return out;
  };
  const auto chosen = [](std::vector<ArmResult> rows) { return offered(rows) == nullptr ? -1 : static_cast<int>(offered(rows) - rows.data()); };
  const auto before = ArmRole::baseline, after = ArmRole::learned, other = ArmRole::other;
  EXPECT_EQ(chosen({row(before, false, 0.5), row(after, true, 0.2)}), 0);
  EXPECT_EQ(chosen({row(before, false, 0.5), row(after, true, 0.5), row(other, true, 0.5)}), 1);
  EXPECT_EQ(chosen({row(before, false, 0.5), row(after, true, 0.6), row(other, true, 0.7)}), 2);
  EXPECT_EQ(chosen({row(before, false, {}), row(after, true, {}), row(other, true, {})}), 1);
  EXPECT_EQ(chosen({}), -1);
}

TEST(Run, TheCurveMeasuresNoRoundTwice) {
  Folder scratch;
  const auto recipe = kit(scratch, {"env.train=8", "evaluation.curve=8", "evaluation.changes=0"});  // two rounds of four tasks
  const auto run = run_recipe(recipe, {.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  std::vector<int> at;
  for (const auto& point : run.report["curve"]) at.push_back(point["tasks_seen"]);
  EXPECT_EQ(at, (std::vector<int>{0, 4, 8}));
}

TEST(Run, TokensMoneyAndReflexEpisodesAreCappedToo) {
  Folder scratch;
  const auto ended_by = [&](const Recipe& recipe) {
    const auto run = run_recipe(recipe, {.home = scratch / recipe.name, .listener = {}, .stop = {}, .fresh = true, .from_store = std::nullopt});
    return run.report["run"]["ended_by"].get<std::string>();
  };
  EXPECT_EQ(ended_by(kit(scratch)), "");
  EXPECT_EQ(ended_by(kit(scratch, {"budget.tokens=1"})), "tokens");
  EXPECT_EQ(ended_by(kit(scratch, {"prices.prompt=1e6", "budget.money=1"})), "money");
  EXPECT_EQ(ended_by(parse_recipe("env: gridworld\nmethod: tabular_q\nbudget: {episodes: 10}\n", "grid.yaml")), "episodes");
}

TEST(Run, AnEstimateCountsWhatTheCapsAllow) {
  Folder scratch;
  const auto free = estimate_run(kit(scratch), {}), capped = estimate_run(kit(scratch, {"budget.episodes=3"}), {});
  EXPECT_EQ(free.train_tasks, 24);
  EXPECT_EQ(free.episodes, 24);
  EXPECT_EQ(capped.episodes, 3);
  EXPECT_GT(free.tokens, capped.tokens);
  EXPECT_EQ(free.evaluation_tasks, 3 * (12 + 8) + 3 * 8);  // three arms on test and validation, three points of the curve
  EXPECT_EQ(estimate_run(parse_recipe("env: gridworld\nmethod: tabular_q\n", "grid.yaml"), {}).tokens, 0);
  EXPECT_FALSE(std::filesystem::exists(scratch / "home"));
}

TEST(Run, EvalPairsTheSameTasksOnlyAndAveragesSeedsTaskByTask) {
  Folder scratch;
  const auto recipe = kit(scratch), other = kit(scratch, {"env.split_seed=7", "name=other"});
  const auto second = kit(scratch, {"seed=2"});
  const auto home = scratch / "home";
  for (const auto* r : {&recipe, &other, &second}) run_recipe(*r, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  const auto both = compare_recipes({.home = home, .recipes = {recipe, other}, .seeds = 1, .run = {}, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}});
  ASSERT_EQ(both.rows.size(), 6U);
  EXPECT_STRNE(both.rows[1].against_first.test, "");
  EXPECT_STREQ(both.rows[4].against_first.test, "") << "other tasks are no pairs";
  const auto seeds = compare_recipes({.home = home, .recipes = {recipe}, .seeds = 2, .run = {}, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}});
  EXPECT_EQ(seeds.rows[1].scores.size(), 12U) << "twelve tasks, whatever the number of seeds";
  EXPECT_EQ(seeds.rows[1].seeds, 2);
}

TEST(Run, EvalPlaysTheLessonsOfANamedRunWithOtherAgents) {
  Folder scratch;
  const auto recipe = kit(scratch);
  const auto home = scratch / "home";
  const auto run = run_recipe(recipe, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  const auto of = [&](const Recipe& r, const std::string& id, int seeds = 1) {
    return compare_recipes({.home = home, .recipes = {r}, .seeds = seeds, .run = id, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}});
  };
  const auto own = of(recipe, {}), named = of(recipe, run.run.substr(0, 20));
  ASSERT_EQ(named.rows.size(), own.rows.size());
  for (std::size_t i = 0; i < own.rows.size(); ++i) EXPECT_EQ(named.rows[i].scores, own.rows[i].scores) << own.rows[i].arm;
  const auto without = of(kit(scratch, {"arms=[{name: before, role: baseline, lessons: false}, {name: vote, role: learned, agent: vote, lessons: false}]"}), run.run);
  EXPECT_LT(without.rows[1].score.mean, own.rows[2].score.mean) << "what the run's own arm of this name scored with lessons must not be taken";
  EXPECT_THROW(of(recipe, run.run, 2), Error);
  EXPECT_THROW(of(recipe, "nowhere"), Error);
  EXPECT_THROW(of(kit(scratch, {"env.split_seed=7"}), run.run), Error) << "its test tasks are among those learned from";
}

TEST(Run, EvalSeesWhatWasErasedSince) {
  Folder scratch;
  const auto recipe = kit(scratch);
  const auto home = scratch / "home";
  const auto run = run_recipe(recipe, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  const CompareOptions options{.home = home, .recipes = {recipe}, .seeds = 1, .run = {}, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}};
  const double before = compare_recipes(options).rows[2].score.mean;
  {
    Store store(store_path(home));
    for (const auto& e : store.episodes({.run = run.run})) erase_episode(store, e.id);
  }
  const auto after = compare_recipes(options);
  EXPECT_LT(after.rows[2].score.mean, before);
  EXPECT_THROW(run_recipe(recipe, {.home = home, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt}), Error);
}

// Each training task is evaluated once, with what was learned from the other folds: its lessons are of its own fold's scope.
TEST(Run, FoldsEvaluateEveryTrainingTaskWithTheLessonsOfTheOthers) {
  Folder scratch;
  const auto recipe = kit(scratch, {"method.folds=2", "env.validation=0", "arms=[{name: before, role: baseline, lessons: false}, {name: vote, role: learned, agent: vote, k: 1}]"});
  const auto run = run_recipe(recipe, {.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  std::map<std::string, double> scores;
  for (const auto& arm : run.report["arms"]) {
    EXPECT_EQ(arm["faults"], 0) << arm;
    EXPECT_EQ(arm["tasks"], 24);
    EXPECT_EQ(arm["folds"]["n"], 2);
    scores[arm["name"]] = arm["folds"]["mean"];
  }
  EXPECT_GT(scores["vote"], scores["before"]);
  Journal journal((scratch / "home" / "runs" / run.run / "evaluation.jsonl").string());
  const Store store(store_path(scratch / "home"));
  std::set<std::string> scopes;
  int recalled = 0;
  for (const auto& e : store.episodes({.run = run.run, .key_prefix = "learn/"})) {
    const auto played = journal.find("test/vote/" + e.task.id);
    ASSERT_TRUE(played.has_value()) << e.task.id;
    EXPECT_EQ(played->steps.size(), 1U) << "one try";
    scopes.insert(played->by.scope);
    for (const auto& step : played->steps)
      for (const auto& use : step.did.lessons) {
        const auto lesson = store.lesson(use.lesson);
        ASSERT_TRUE(lesson.has_value());
        EXPECT_EQ(lesson->lesson.scope, played->by.scope);
        EXPECT_NE(std::get<Case>(lesson->lesson.what).task_id, e.task.id);
        ++recalled;
      }
  }
  EXPECT_EQ(scopes, (std::set<std::string>{run.run + "/fold0", run.run + "/fold1"}));
  EXPECT_GT(recalled, 0);
  EXPECT_THROW(compare_recipes({.home = scratch / "home", .recipes = {recipe}, .seeds = 1, .run = {}, .version = std::nullopt, .tasks = 0, .listener = {}, .stop = {}}), Error);
}

TEST(Stored, ChatsBecomeEpisodesOfThisWorldAndEvaluationTasksStayOut) {
  Folder scratch;
  test::Bench bench(scratch);
  const auto train = bench.world->tasks(Split::train), exam = bench.world->tasks(Split::test);
  Episode chat;
  chat.task = {.id = "abc", .env = "chat", .kind = "", .goal = "my chat", .seed = 0, .params = {}};
  Episode copied = chat, played, leaked, foreign;
  copied.task.goal = exam[0].goal;  // the text of a test task, brought in from outside
  played.task = train[0];
  leaked.task = exam[1];
  foreign.task = {.id = "g", .env = "gridworld", .kind = "grid", .goal = "go", .seed = 0, .params = {}};
  const Stored stored = experience_from({chat, copied, played, leaked, foreign}, *bench.world);
  ASSERT_EQ(stored.episodes.size(), 2U);
  EXPECT_EQ(stored.episodes[0].task.env, "desk");
  EXPECT_EQ(stored.episodes[0].task.kind, train[0].kind);
  EXPECT_EQ(stored.episodes[1].task.id, train[0].id);
  ASSERT_EQ(stored.warnings.size(), 3U);
  EXPECT_NE(stored.warnings[0].find("1 of 5 stored episodes come from outside"), std::string::npos);
  EXPECT_NE(stored.warnings[2].find("2 of 5 stored episodes are tries at tasks that this run is evaluated on"), std::string::npos);
  EXPECT_THROW(experience_from({foreign, leaked}, *bench.world), Error);
}

TEST(Run, ReflexMethodsShareTheRun) {
  Folder scratch;
  const auto recipe = parse_recipe("env: gridworld\nmethod: tabular_q\n", "grid.yaml");
  const auto run = run_recipe(recipe, {.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  EXPECT_GT(run.result["learned"]["score"].get<double>(), run.result["baseline"]["score"].get<double>() + 0.3);
  const Store store(store_path(scratch / "home"));
  const auto lessons = store.lessons({.run = run.run});
  ASSERT_EQ(lessons.size(), 1U);
  EXPECT_TRUE(store.artifact(std::get<Weights>(lessons[0].lesson.what).artifact_sha).has_value());
}

TEST(Run, MistakesAreNamedBeforeAnythingIsSpent) {
  Folder scratch;
  auto error_of = [&](const std::string& yaml) -> std::string {
    try {
      run_recipe(parse_recipe(yaml, "bad.yaml"), {.home = scratch / "home", .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error_of("env: dask\nmethod: expel\n").find("did you mean 'desk'?"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expell\n").find("did you mean 'expel'?"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nagent: {name: react, cases: -1}\nmodel: scripted:echo\nembedder: scripted:8\n").find("bad.yaml:3: field 'cases'"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nmodel: smollm\n").find("bad.yaml:3: field 'model'"), std::string::npos);
  EXPECT_NE(error_of("name: ../up\nenv: desk\nmethod: expel\n").find("bad.yaml:1: field 'name'"), std::string::npos);
  EXPECT_NE(error_of("env: desk\nmethod: expel\nmodel: {name: scripted:echo, deterministic: false}\n").find("belongs to the recipe itself"), std::string::npos);
  EXPECT_NE(error_of("env: {name: desk, trys: 3}\nmethod: expel\n").find("bad.yaml:1: unknown setting 'trys'"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(scratch / "home"));
}

TEST(Report, HostileTextStaysText) {
  const std::string page = report_html({{"title", "</script><img src=x onerror=alert(1)>"}});
  EXPECT_EQ(page.find("</script><img"), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>"), std::string::npos);
}

}  // namespace
}  // namespace hone
