// What every listed method must keep, found by walking the catalogue and driven by the engine itself.
#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "models/policy_module.h"

namespace hone {
namespace {

using test::Folder;

// Methods that can run here: those that train weights need libhone_nn.so.
std::vector<const LearnerEntry*> methods() {
  std::vector<const LearnerEntry*> out;
  const std::string why = why_no_policy();
  for (const LearnerEntry* method : learner_catalog())
    if ((!method->trains && !method->nets) || why.empty()) out.push_back(method);
  return out;
}

// Whether a method learns from tries; the others from a file or from what they write.
bool plays(const LearnerEntry& method) { return method.name != "sft" && method.name != "dpo" && method.name != "developmental"; }

// A small run of this method: the scripted desk for the deliberate tempo, the grid for the reflex one.
Recipe small_run(const Folder& scratch, const LearnerEntry& method, const std::vector<std::string>& set = {}) {
  const std::string name(method.name);
  if (name == "developmental") {
    auto recipe = "name: kit\nenv: {name: desk, requests: " + test::write_requests(scratch).string() +
                  ", train: 4, validation: 4, test: 4, train_tries: 1, eval_tries: 1}\nagent: {name: chat, hold: true}\n"
                  "model: {name: tiny, width: 16, layers: 1, heads: 2, context: 1024, batch: 4}\nembedder: none\nmethod: {name: developmental, written_by: hand, judge: rules, "
                  "fields: two, train: 8, unseen: 4, batch: 4, length_tolerance: 1, mean_length_tolerance: 1, sft_passes: 1, dpo_passes: 2, lr: 0.001}\nevaluation: {curve: 1}\n";
    return parse_recipe(recipe, "kit.yaml", set);
  }
  if (!plays(method)) {
    std::ofstream data(scratch / "data.jsonl");
    for (const char* queue : {"fruit", "metal", "music", "water"})
      data << R"({"prompt": "send )" << queue << R"(", "completion": " )" << queue << R"(", "chosen": " )" << queue << R"(", "rejected": " nothing"})" << '\n';
    data.close();
    auto recipe = "name: kit\nenv: {name: desk, requests: " + test::write_requests(scratch).string() +
                  ", train: 4, validation: 4, test: 4, train_tries: 1, eval_tries: 1}\nagent: {name: chat, hold: true}\n"
                  "model: {name: tiny, width: 16, layers: 1, heads: 2, context: 512, batch: 4}\nembedder: none\nmethod: {name: " + name +
                  ", data: " + (scratch / "data.jsonl").string() + ", passes: 4, lr: 0.001, sequences_per_step: 2}\nevaluation: {curve: 1}\n";
    return parse_recipe(recipe, "kit.yaml", set);
  }
  if (method.trains) {
    const std::string more = name == "grpo" ? "group: 2" : name == "exgrpo" ? "group: 3, start_above: -1" : name == "erl" ? "group: 2, prompts: brief, reflect_tokens: 8" : "tries: 2";
    auto recipe = "name: kit\nenv: {name: desk, requests: " + test::write_requests(scratch).string() +
                  ", train: 24, validation: 4, test: 4, train_tries: 1, eval_tries: 1}\nagent: {name: chat, hold: true}\n"
                  "model: {name: tiny, width: 16, layers: 1, heads: 2, context: 512, batch: 4}\nembedder: none\nmethod: {name: " + name +
                  ", rounds: 4, tasks: 2, " + more + ", lr: 0.001}\nevaluation: {curve: 1}\n";
    return parse_recipe(recipe, "kit.yaml", set);
  }
  if (name == "icm")
    return parse_recipe("name: kit\nenv: {name: maze, map: three_rooms, limit_tics: 40, train: 8, validation: 2, test: 2, evaluation_repeat: 4}\nslots: 4\n"
                        "method: {name: icm, steps: 256, rollout: 8, round: 2}\n", "kit.yaml", set);
  if (name == "poke")
    return parse_recipe("name: kit\nenv: {name: poke, pixels: 16, episode: 5, train: 8, validation: 2, test: 2}\nslots: 8\n"
                        "method: {name: poke, pokes: 80, rollout: 5, collect: 40, updates: 6, round: 2, batch: 4, features: 8, hidden: 8}\n", "kit.yaml", set);
  if (method.tempo == Tempo::reflex) return parse_recipe("name: kit\nenv: gridworld\nmethod: " + name + "\n", "kit.yaml", set);
  std::string yaml = test::desk_yaml(test::write_requests(scratch));
  const auto from = yaml.find("method: "), to = yaml.find('\n', from);
  yaml.replace(from, to - from, "method: " + name);
  return parse_recipe(yaml, "kit.yaml", set);
}

RunOptions at(const std::filesystem::path& home, Listener listener = {}, std::stop_token stop = {}) {
  return {.home = home, .listener = std::move(listener), .stop = std::move(stop), .fresh = false, .from_store = std::nullopt};
}

std::string canonical_of(const std::filesystem::path& home, const std::string& run) {
  const Store store(store_path(home), {.create = false, .read_only = true});
  return test::canonical(store, run);
}

TEST(MethodConformance, EveryListedMethodSaysWhatItIs) {
  ASSERT_FALSE(learner_catalog().empty());
  for (const LearnerEntry* method : learner_catalog()) {
    EXPECT_FALSE(method->summary.empty()) << method->name;
    EXPECT_FALSE(method->citation.empty()) << method->name;
    for (const auto& field : method->fields()) EXPECT_FALSE(field.doc.empty()) << method->name << "." << field.name;
  }
}

TEST(MethodConformance, MethodsThatTrainWeightsAreTested) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << "methods that train weights are left out: " << why;
}

TEST(MethodConformance, UnknownSettingsAreRefusedByName) {
  Folder scratch;
  for (const LearnerEntry* method : methods()) {
    try {
      run_recipe(small_run(scratch, *method, {"method.no_such_setting=1"}), at(scratch / "home"));
      ADD_FAILURE() << method->name;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("no_such_setting"), std::string::npos) << method->name << ": " << e.what();
    }
  }
}

TEST(MethodConformance, SameSeedSameBytesAndEveryLessonNamesEvidenceThatIsThere) {
  Folder scratch;
  for (const LearnerEntry* method : methods()) {
    const std::string name(method->name);
    const auto recipe = small_run(scratch, *method);
    const auto one = scratch / (name + "1"), two = scratch / (name + "2");
    const auto first = run_recipe(recipe, at(one)).run, second = run_recipe(recipe, at(two)).run;
    EXPECT_EQ(canonical_of(one, first), canonical_of(two, second)) << name;
    const Store store(store_path(one));
    const auto lessons = store.lessons({.scope = std::nullopt, .run = first});
    EXPECT_FALSE(lessons.empty()) << name << " learned nothing";
    for (const auto& l : lessons) {
      EXPECT_EQ(l.lesson.learner, name);
      EXPECT_TRUE(method->tempo == Tempo::reflex || !plays(*method) || !l.lesson.evidence.empty()) << name << ": " << l.lesson.id;
      for (const auto& id : l.lesson.evidence) EXPECT_TRUE(store.episode(id).has_value()) << name << ": " << id;
    }
  }
}

TEST(MethodConformance, StoppedAfterAnyOfTheFirstRoundsItGoesOnToTheSameBytes) {
  Folder scratch;
  for (const LearnerEntry* method : methods()) {
    const std::string name(method->name);
    const auto recipe = small_run(scratch, *method);
    const auto whole = scratch / (name + "whole");
    const std::string expected = canonical_of(whole, run_recipe(recipe, at(whole)).run);
    for (int rounds = 1; rounds <= 3; ++rounds) {
      const auto home = scratch / (name + std::to_string(rounds));
      std::stop_source stop;
      int seen = 0;
      const auto listener = [&](const Event& e) {
        if (e.kind == "round" && ++seen == rounds) stop.request_stop();
      };
      std::string run;
      try {
        run = run_recipe(recipe, at(home, listener, stop.get_token())).run;  // shorter than that many rounds
      } catch (const Error& e) {
        EXPECT_EQ(e.fault(), Fault::interrupted) << name << ": " << e.what();
        run = run_recipe(recipe, at(home)).run;
      }
      EXPECT_EQ(canonical_of(home, run), expected) << name << " stopped after round " << rounds;
    }
  }
}

// Everything that training may carry along: adapters, a moving average, a learning rate that changes.
TEST(MethodConformance, AdaptersAverageAndScheduleComeBackToTheSameModel) {
  Folder scratch;
  const auto model_of = [](const std::filesystem::path& home, const std::string& run) {
    std::ifstream in(home / "runs" / run / "model/model.gguf", std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  };
  int seen = 0;
  for (const LearnerEntry* method : methods()) {
    if (method->name != "sft" && method->name != "grpo") continue;
    ++seen;
    const std::string name(method->name);
    const auto recipe = small_run(scratch, *method, {"model.lora_rank=2", "method.ema=0.5", "method.schedule=cosine", "method.warmup=0.25", "method.min_lr=0.1"});
    const auto whole = scratch / (name + "whole"), broken = scratch / (name + "broken");
    const std::string run = run_recipe(recipe, at(whole)).run;
    EXPECT_TRUE(std::filesystem::exists(whole / "runs" / run / "model/adapter/adapter_config.json"));
    std::stop_source stop;
    int rounds = 0;
    const auto listener = [&](const Event& e) {
      if (e.kind == "round" && ++rounds == 2) stop.request_stop();
    };
    EXPECT_THROW(run_recipe(recipe, at(broken, listener, stop.get_token())), Error);
    const std::string again = run_recipe(recipe, at(broken)).run;
    EXPECT_EQ(canonical_of(broken, again), canonical_of(whole, run)) << name;
    ASSERT_FALSE(model_of(whole, run).empty());
    EXPECT_EQ(model_of(broken, again), model_of(whole, run)) << name;
  }
  if (seen == 0) GTEST_SKIP() << why_no_policy();
}

// Steps filled by tokens: what is packed together does not depend on where a run was stopped.
TEST(MethodConformance, PackedStepsComeBackToTheSameBytes) {
  Folder scratch;
  int seen = 0;
  for (const LearnerEntry* method : methods()) {
    if (method->name != "sft" && method->name != "dpo") continue;
    ++seen;
    const std::string name(method->name);
    // Rows of 17 or 18 tokens, pairs of two more: three rows or two pairs to a step.
    const auto recipe = small_run(scratch, *method, {"method.max_length=30", name == "sft" ? "method.tokens_per_step=60" : "method.tokens_per_step=80", "method.schedule=linear"});
    const auto whole = scratch / (name + "whole"), broken = scratch / (name + "broken");
    const std::string run = run_recipe(recipe, at(whole)).run;
    for (const auto& m : Store(store_path(whole), {.create = false, .read_only = true}).metrics(run)) {
      if (m.name == "steps") {
        EXPECT_EQ(m.value, 2.0);
      }
    }
    std::stop_source stop;
    int rounds = 0;
    const auto listener = [&](const Event& e) {
      if (e.kind == "round" && ++rounds == 2) stop.request_stop();
    };
    EXPECT_THROW(run_recipe(recipe, at(broken, listener, stop.get_token())), Error);
    EXPECT_EQ(canonical_of(broken, run_recipe(recipe, at(broken)).run), canonical_of(whole, run)) << name;
    try {
      run_recipe(small_run(scratch, *method, {"method.max_length=30", "method.tokens_per_step=29"}), at(scratch / (name + "small")));
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("tokens_per_step: expected 0 or at least"), std::string::npos) << e.what();
    }
  }
  if (seen == 0) GTEST_SKIP() << why_no_policy();
}

TEST(MethodConformance, ACapEndsItWithWhatWasLearned) {
  Folder scratch;
  for (const LearnerEntry* method : methods()) {
    if (!plays(*method)) continue;
    const std::string name(method->name);
    const auto run = run_recipe(small_run(scratch, *method, {"budget.episodes=6"}), at(scratch / name));
    EXPECT_EQ(run.report["run"]["ended_by"], "episodes") << name;
    EXPECT_EQ(Store(store_path(scratch / name)).run(run.run)->status, RunStatus::finished) << name;
  }
}

TEST(MethodConformance, WithoutTrainingTasksItEndsAtOnce) {
  Folder scratch;
  for (const LearnerEntry* method : methods()) {
    if (method->tempo == Tempo::reflex || !plays(*method)) continue;
    const std::string name(method->name);
    const auto run = run_recipe(small_run(scratch, *method, {"env.train=0"}), at(scratch / name));
    EXPECT_EQ(run.report["lessons"].size(), 0U) << name;
  }
}

}  // namespace
}  // namespace hone
