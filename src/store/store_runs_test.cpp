#include <cmath>
#include <limits>

#include "store/test_support.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

TEST(Runs, AreFoundByIdNameAndPrefix) {
  Store store(":memory:");
  const std::string id = a_run(store);
  const RunInfo run = store.find_run("first");
  EXPECT_EQ(run.id, id);
  EXPECT_EQ(run.seed, 18446744073709551615ULL);
  EXPECT_EQ(run.recipe_yaml, "env: desk\n");
  EXPECT_EQ(run.status, RunStatus::running);
  EXPECT_EQ(store.find_run(id.substr(0, 20)).id, id);
  EXPECT_EQ(store.run(id)->name, "first");
  EXPECT_FALSE(store.run("nothing").has_value());
  EXPECT_EQ(error_of([&] { store.find_run("zzz"); }).fault(), Fault::not_found);
  EXPECT_EQ(error_of([&] { a_run(store, id); }).fault(), Fault::conflict);
}

TEST(Runs, AnAmbiguousPrefixIsRefusedAndTheNewestOfANameWins) {
  Store store(":memory:");
  RunInfo run;
  run.name = "x";
  for (const char* id : {"abc1", "abc2"}) {
    run.id = id;
    run.created_ms += 10;
    store.create_run(run);
  }
  EXPECT_EQ(store.find_run("x").id, "abc2");
  EXPECT_EQ(error_of([&] { store.find_run("abc"); }).fault(), Fault::usage);
  EXPECT_EQ(store.find_run("abc1").id, "abc1");
  EXPECT_EQ(store.runs().size(), 2U);
}

TEST(Runs, AnIdNamesOneFolderUnderTheHomeAndNothingElse) {
  Store store(":memory:");
  EXPECT_EQ(run_folder("/home/x", "import/chats"), "/home/x/runs/import/chats");
  EXPECT_EQ(run_folder("/home/x", "0190-ab"), "/home/x/runs/0190-ab");
  for (const std::string id : {"../../victim", "/etc", "a/b", ".", "..", "import/..", "import/a/b", "import/", "import",
                               "import//etc"}) {
    EXPECT_EQ(error_of([&] { run_folder("/home/x", id); }).fault(), Fault::bad_input) << id;
    EXPECT_EQ(error_of([&] { a_run(store, id); }).fault(), Fault::bad_input) << id;
  }
  EXPECT_FALSE(valid_run_id(""));
  EXPECT_FALSE(valid_run_id(std::string("..\0x", 4)));
  EXPECT_FALSE(valid_run_id(std::string(201, 'x')));
  EXPECT_TRUE(store.runs().empty());
}

TEST(Runs, StatusMetaRecordsAndMetricsAreKept) {
  Store store(":memory:");
  const std::string id = a_run(store);
  store.set_status(id, RunStatus::finished);
  store.set_meta(id, R"({"note":"x"})");
  EXPECT_EQ(store.run(id)->status, RunStatus::finished);
  EXPECT_EQ(store.run(id)->meta, R"({"note":"x"})");
  EXPECT_EQ(error_of([&] { store.set_meta(id, "{"); }).fault(), Fault::bad_input);
  EXPECT_EQ(error_of([&] { store.set_status("none", RunStatus::failed); }).fault(), Fault::not_found);
  store.put_record(id, "report", R"({"score":1})");
  store.put_record(id, "report", R"({"score":2})");
  EXPECT_EQ(store.record(id, "report"), R"({"score":2})");
  EXPECT_FALSE(store.record(id, "none").has_value());
  EXPECT_EQ(store.records(id).size(), 1U);
  EXPECT_EQ(error_of([&] { store.put_record("none", "k", "1"); }).fault(), Fault::not_found);
  store.append_metric(id, {1, "score", 0.5});
  store.append_metrics(id, 2, {{"a", 1.0}, {"b", std::numeric_limits<double>::quiet_NaN()}});
  const auto metrics = store.metrics(id);
  ASSERT_EQ(metrics.size(), 3U);
  EXPECT_EQ(metrics[0], (Metric{1, "score", 0.5}));
  EXPECT_EQ(metrics[1].name, "a");
  EXPECT_TRUE(std::isnan(metrics[2].value));
}

TEST(Runs, RemovingOneTakesAllOfItAndNothingElse) {
  Store store(":memory:");
  const std::string keep = a_run(store, "keep");
  const std::string kept_episode = store.append(an_episode(keep, "e"));
  const std::string before = content_hash(store);
  const std::string gone = a_run(store, "gone");
  const std::string episode = store.append(an_episode(gone, "e"));
  store.append(gone, Generation{"", "g", "reflection", {}, "text", {}, {}, {}}, episode);
  store.append_metric(gone, {0, "m", 1.0});
  store.put_record(gone, "k", "1");
  Lesson lesson = an_insight("gone/fold0", "look twice");
  lesson.evidence = {episode};
  store.commit({gone, "learn/1", {{lesson}, {}}, Checkpoint{1, {std::byte{1}}, ""}});
  const Erased erased = store.remove_run(gone);
  EXPECT_EQ(erased.episodes, std::vector<std::string>{episode});
  EXPECT_EQ(erased.lessons.size(), 1U);
  EXPECT_EQ(erased.generations.size(), 1U);
  EXPECT_FALSE(store.run(gone).has_value());
  EXPECT_TRUE(store.scopes().empty());
  EXPECT_TRUE(store.episode(kept_episode).has_value());
  EXPECT_EQ(content_hash(store), before);
  EXPECT_TRUE(verify(store).empty());
}

TEST(Runs, ARunThatOthersRestOnIsRemovedOnlyWithThem) {
  Store store(":memory:");
  const std::string from = a_run(store, "from");
  const std::string other = a_run(store, "other");
  const std::string episode = store.append(an_episode(from, "e"));
  Lesson lesson = an_insight("other", "look twice");
  lesson.evidence = {episode};
  store.commit({other, "learn/1", {{lesson}, {}}, {}});
  EXPECT_EQ(error_of([&] { store.remove_run(from); }).fault(), Fault::conflict);
  EXPECT_TRUE(store.run(from).has_value());
  EXPECT_EQ(store.remove_run(from, true).lessons.size(), 1U);
  EXPECT_TRUE(store.lessons({}).empty());
  EXPECT_TRUE(store.run(other).has_value());
}

TEST(Artifacts, AreKeptByHashAndCounted) {
  Store store(":memory:");
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{255}, std::byte{7}};
  const std::string sha = store.put_artifact(bytes);
  EXPECT_EQ(store.put_artifact(bytes), sha);
  EXPECT_EQ(store.artifact(sha), bytes);
  EXPECT_FALSE(store.artifact("none").has_value());
  EXPECT_EQ(store.artifact_references(sha), 0);
  Lesson lesson;
  lesson.scope = "s";
  lesson.what = Weights{"base", sha, "llama", "tok", Weights::Form::lora};
  store.commit({"", "", {{lesson}, {}}, {}});
  Episode e = an_episode("", "");
  e.by.weights = sha;
  store.append(e);
  EXPECT_EQ(store.artifact_references(sha), 2);
  EXPECT_EQ(store.artifact(store.put_artifact({}))->size(), 0U);
}

}  // namespace
}  // namespace hone
