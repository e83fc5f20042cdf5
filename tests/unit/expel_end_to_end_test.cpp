// The items of ExpeL's verification list (docs/verification.csv) that cross rooms: recall, agent and evaluation together.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine_test_kit.h"
#include "store/memory_lessons.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using test::Bench;
using test::Folder;

constexpr const char* kInsight = "Read what the request asks for before routing it.";

// Knows each request's queue by its words, but only acts on it when its prompt holds `key`.
ScriptedModel::ChoiceFunction only_with(const std::string& key) {
  return [key](const ChoiceRequest& request, std::size_t choice) {
    static const std::map<std::string, std::string> words{{"fruit", "apples"}, {"metal", "bolts"}, {"music", "drums"}, {"water", "river"}};
    std::string prompt;
    for (const auto& m : request.prompt) prompt += m.content + "\n";
    const std::string& label = request.choices[choice];
    const std::string task = prompt.substr(prompt.rfind("please send"));
    const bool right = task.find(words.at(label)) != std::string::npos;
    const bool allowed = prompt.find(key) != std::string::npos;
    return right == allowed ? -0.1 : -5.0;
  };
}

struct Fixed {
  Folder scratch;
  Bench bench{scratch};
  explicit Fixed(const std::string& key) {
    find_.emplace([](std::span<const Message>, const Sampling&) { return std::string("x"); }, only_with(key));
  }
  double score(const Lessons* lessons, const Settings& over, const std::string& label) {
    Stage stage = bench.stage(Split::test);
    stage.model = &*find_;
    stage.chooser = &*find_;
    for (const auto& [key, value] : over) stage.agent_settings[key] = value;
    Journal journal((scratch / (label + ".jsonl")).string());
    EvalPlan plan{.run = "r", .label = label, .tasks = bench.world->tasks(Split::test), .lessons = lessons, .lessons_for = {}, .rng = Rng(1), .in_flight = 1};
    return evaluate(stage, plan, journal, {}).score.mean;
  }
  std::optional<ScriptedModel> find_;
};

Lesson insight(const std::string& text) {
  Lesson lesson;
  lesson.id = "insight";
  lesson.env = "desk";
  lesson.what = Insight{text, 2};
  lesson.keys = {{RecallKey::task, text}};
  return lesson;
}

Lesson example(const std::string& id, const std::string& task, const std::string& transcript, const std::string& kind = "route") {
  Lesson lesson;
  lesson.id = id;
  lesson.env = "desk";
  lesson.kind = kind;
  Case c;
  c.task_id = task;
  c.task = task;
  c.transcript = transcript;
  c.actions = {"fruit"};
  c.solved = true;
  lesson.what = c;
  lesson.keys = {{RecallKey::task, task}};
  return lesson;
}

TEST(Expel, CausalityInsight) {
  Fixed f(kInsight);
  const auto lessons = memory_lessons("s", 1, {insight(kInsight)});
  EXPECT_EQ(f.score(lessons.get(), settings({{"insights", "true"}, {"cases", "0"}}), "with"), 1.0);
  EXPECT_EQ(f.score(nullptr, settings({{"insights", "true"}, {"cases", "0"}}), "without"), 0.0);
  EXPECT_EQ(f.score(lessons.get(), settings({{"insights", "false"}, {"cases", "0"}}), "off"), 0.0);
}

TEST(Expel, CausalityExample) {
  Fixed f("a telling example");
  ScriptedEmbedder embedder(256);
  const auto lessons = memory_lessons("s", 1, {example("e", "a telling example", "Queue: fruit")}, &embedder);
  EXPECT_EQ(f.score(lessons.get(), settings({{"cases", "1"}}), "with"), 1.0);
  EXPECT_EQ(f.score(nullptr, settings({{"cases", "1"}}), "without"), 0.0);
  EXPECT_EQ(f.score(lessons.get(), settings({{"cases", "0"}}), "off"), 0.0);
}

TEST(Expel, EvaluationIsPure) {
  Folder scratch;
  Bench bench(scratch);
  const auto run = bench.new_run();
  bench.learn_into(run);
  const auto before = content_hash(bench.store);
  const auto known = bench.store.snapshot(scope_of(run), std::nullopt, &bench.embedder);
  Journal journal((scratch / "e.jsonl").string());
  EvalPlan plan{.run = run, .label = "test", .tasks = bench.world->tasks(Split::test), .lessons = known.get(), .lessons_for = {}, .rng = Rng(1), .in_flight = 2};
  const auto chats = bench.model.calls();
  const auto result = evaluate(bench.stage(Split::test), plan, journal, {});
  EXPECT_EQ(content_hash(bench.store), before);
  for (const auto& e : result.episodes) {
    EXPECT_EQ(e.attempt, 0);
    EXPECT_TRUE(e.notes.empty());
    EXPECT_EQ(e.steps.size(), 1U);  // one try
  }
  EXPECT_EQ(bench.model.calls() - chats, static_cast<std::int64_t>(result.episodes.size()));  // one choice each, no reflection
}

// Each switch takes exactly its own block out of the prompt.
TEST(Expel, SwitchesDifferInOnePromptBlock) {
  Fixed f("never");
  ScriptedEmbedder embedder(256);
  const auto lessons = memory_lessons("s", 1, {insight(kInsight), example("e", "a telling example", "Queue: fruit")}, &embedder);
  auto prompt_with = [&](const char* insights, const char* cases) {
    f.score(lessons.get(), settings({{"insights", insights}, {"cases", cases}}), std::string("p") + insights + cases);
    std::string text;
    const auto prompt = f.find_->record().back().prompt;  // record() is a copy
    for (const auto& m : prompt) text += m.content + "\n";
    return text;
  };
  const auto full = prompt_with("true", "1"), insights_only = prompt_with("true", "0"), recall_only = prompt_with("false", "1");
  auto has = [](const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has(full, kInsight) && has(full, "a telling example"));
  EXPECT_TRUE(has(insights_only, kInsight) && !has(insights_only, "a telling example"));
  EXPECT_TRUE(!has(recall_only, kInsight) && has(recall_only, "a telling example"));
  const std::string task = full.substr(full.rfind("please send"));
  EXPECT_TRUE(has(insights_only, task) && has(recall_only, task));
}

// Vectors planted by hand: ranking must equal the inner product, and the rules of section 4.5 decide what may come back.
class Planted final : public Embedder {
 public:
  const ModelFacts& facts() const override { return facts_; }
  int dimensions() const override { return 2; }
  void embed(std::span<const std::string_view> texts, std::span<float> out) override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const double degrees = std::strtod(std::string(texts[i]).c_str(), nullptr);  // the text is its angle
      out[2 * i] = static_cast<float>(std::cos(degrees * 3.14159265358979 / 180.0));
      out[2 * i + 1] = static_cast<float>(std::sin(degrees * 3.14159265358979 / 180.0));
    }
  }

 private:
  ModelFacts facts_{.name = "planted", .artifact_sha = "planted", .architecture = "", .context = 10, .parameters = 0};
};

TEST(Expel, RetrievalFollowsTheRules) {
  Planted embedder;
  const auto lessons = memory_lessons("s", 1,
                                      {example("far", "60", "x"), example("near", "10", "x"), example("self", "0", "x"), example("long", "20", "a longer transcript"),
                                       example("short", "20", "short"), example("other kind", "5", "x", "other")},
                                      &embedder);
  RecallQuery query{.text = "0", .k = 3, .by = RecallBy::dense, .filter = {}};
  query.filter.env = "desk";
  query.filter.kind = "route";
  query.filter.not_tasks = {"0"};
  const auto found = lessons->recall(query);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].lesson.id, "near");
  EXPECT_EQ(found[1].lesson.id, "short");  // of the two successes of task "20" the shorter one
  EXPECT_EQ(found[2].lesson.id, "far");
  EXPECT_NEAR(found[0].similarity, std::cos(10 * 3.14159265358979 / 180.0), 1e-6);
  EXPECT_NEAR(found[2].similarity, 0.5, 1e-6);
}

}  // namespace
}  // namespace hone
