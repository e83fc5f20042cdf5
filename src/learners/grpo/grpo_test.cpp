// What a round does beside the objective: when it corrects for a sampler that differs, and what it plays again.
#include "learners/grpo/grpo.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/policy_test_kit.h"

namespace hone {
namespace {

// Says of every trained token that it is `apart` less likely than the sampler said (-0.5), and takes no step.
class Still final : public IdlePolicy {
 public:
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which) override {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) {
      const auto n = static_cast<std::size_t>(std::count(s.trained.begin(), s.trained.end(), 1));
      out.push_back({std::vector<float>(n, -0.5F - apart), std::vector<float>(n, 1.0F)});
    }
    return out;
  }
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions&) override {
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < sequences.size(); ++i) which.push_back(i);
    const auto scores = score(sequences, 1.0F, Which::current);
    std::vector<SequenceGradient> gradients(which.size());
    trained = sequences.size();
    return {.loss = loss(which, scores, gradients)};
  }
  float apart = 0.0F;
  std::size_t trained = 0;
};

// A try of a group: one move of two tokens. Groups without variance are all lost.
Episode tried(const std::string& group, int attempt, bool varies) {
  Trace trace;
  trace.prompt_ids = {1, 2};
  trace.ids = {3, 4};
  trace.logp = {-0.5F, -0.5F};
  trace.sampling.max_tokens = 10;
  Step step;
  step.did.trace = trace;
  Episode e;
  e.group = group;
  e.steps = {step};
  e.score = varies && attempt == 0 ? 1.0 : 0.0;
  return e;
}

class NoLessons final : public Lessons {
 public:
  std::string scope() const override { return "none"; }
  std::uint64_t version() const override { return 0; }
  std::vector<Lesson> all(const LessonFilter&) const override { return {}; }
  std::vector<Recalled> recall(const RecallQuery&) const override { return {}; }
};

class Kit final : public Tools {
 public:
  std::vector<Generation> generate(std::span<const Request>) override { return {}; }
  std::vector<Episode> play(std::span<const Trial> trials) override {
    played.push_back(static_cast<int>(trials.size()));
    std::vector<Episode> out;
    std::set<std::string> groups;
    for (const auto& t : trials) {
      groups.insert(t.group);
      out.push_back(tried(t.group, t.attempt, groups.size() <= vary));
    }
    return out;
  }
  int count_tokens(std::string_view) override { return 0; }
  Policy* policy() override { return &still; }
  Rng rng(std::string_view) override { return Rng(4); }
  bool report(std::string_view message, const Metrics&) override {
    said.emplace_back(message);
    return false;
  }
  Still still;
  std::vector<int> played;
  std::size_t vary = 1;  // so many groups of each further call have variance
  std::vector<std::string> said;
};

std::unique_ptr<Learner> made(std::initializer_list<std::pair<std::string, std::string>> given) {
  static const std::vector<Task> tasks = [] {
    std::vector<Task> out(6);
    for (std::size_t i = 0; i < out.size(); ++i) out[i].id = "t" + std::to_string(i);
    return out;
  }();
  for (const LearnerEntry* entry : learner_catalog())
    if (entry->name == "grpo") return entry->make(settings(given), {.train = tasks, .world = {}, .batch = nullptr, .rng = Rng(1)});
  throw Error(Fault::not_found, "grpo");
}

// Tries of one round, in whose first `vary` groups one is solved.
Update round(Learner& learner, Kit& kit, std::size_t vary, std::int64_t left = -1) {
  std::vector<Episode> episodes;
  std::set<std::string> groups;
  for (const auto& t : learner.next({.round = 0, .last_call = false, .episodes_left = left}).trials) {
    groups.insert(t.group);
    episodes.push_back(tried(t.group, t.attempt, groups.size() <= vary));
  }
  return learner.learn({episodes, nullptr}, NoLessons(), kit);
}

TEST(Grpo, ASamplerThatDiffersIsCorrectedForFromTheNextRoundOn) {
  for (const auto& [choice, apart, expected] : {std::tuple{"auto", 0.02F, std::vector<double>{0, 1, 1}}, std::tuple{"auto", 0.005F, std::vector<double>{0, 0, 0}},
                                                std::tuple{"off", 0.02F, std::vector<double>{0, 0, 0}}, std::tuple{"on", 0.005F, std::vector<double>{1, 1, 1}}}) {
    for (const char* epochs : {"1", "2"}) {  // one step in a round, whose old policy is the current one, and two
      auto learner = made({{"tasks", "2"}, {"group", "3"}, {"correct_mismatch", choice}, {"epochs", epochs}});
      Kit kit;
      for (int r = 0; r < 3; ++r) {
        kit.still.apart = r == 1 && apart > 0.01F ? 0.0F : apart;  // once is enough
        const auto metrics = round(*learner, kit, 2).metrics;
        EXPECT_EQ(metrics.at("mismatch_corrected"), expected[static_cast<std::size_t>(r)]) << choice << " " << apart << " round " << r;
        EXPECT_NEAR(metrics.at("mismatch_mean"), kit.still.apart, 1e-6);
        EXPECT_NEAR(metrics.at("mismatch_weight"), metrics.at("mismatch_corrected") > 0.0 ? std::exp(-kit.still.apart) : 1.0, 1e-6);
        if (r == 0) {  // remembered by a resumed run
          MemorySink sink;
          learner->save(sink);
          learner = made({{"tasks", "2"}, {"group", "3"}, {"correct_mismatch", choice}, {"epochs", epochs}});
          MemorySource source(sink.data);
          learner->load(source);
        }
      }
      EXPECT_EQ(std::count_if(kit.said.begin(), kit.said.end(), [](const auto& s) { return s.find("truncated importance sampling") != std::string::npos; }),
                expected[1] > expected[0] ? 1 : 0);
    }
  }
}

TEST(Grpo, GroupsWithoutVarianceAreReplacedUntilThereAreEnoughOrTheLimitIsReached) {
  const auto with = [](const char* most) { return made({{"tasks", "4"}, {"group", "3"}, {"zero_var", "resample"}, {"resamples", most}}); };
  Kit kit;  // three of four say nothing; each further call mends one
  auto metrics = round(*with("3"), kit, 1).metrics;
  EXPECT_EQ(kit.played, (std::vector<int>{9, 6, 3}));
  EXPECT_EQ(kit.still.trained, 12U);
  EXPECT_EQ(metrics.at("groups_resampled"), 6.0);
  Kit short_of;
  round(*with("2"), short_of, 1);
  EXPECT_EQ(short_of.played, (std::vector<int>{9, 6}));
  EXPECT_EQ(short_of.still.trained, 9U);
  Kit none;
  round(*with("3"), none, 4);
  EXPECT_TRUE(none.played.empty());
  Kit capped;  // 12 tries asked for and 8 left: room for two groups, and then for none
  round(*with("3"), capped, 1, 20);
  EXPECT_EQ(capped.played, (std::vector<int>{6}));
  Kit dropped;
  round(*made({{"tasks", "4"}, {"group", "3"}, {"zero_var", "drop"}}), dropped, 1);
  EXPECT_TRUE(dropped.played.empty());
  EXPECT_EQ(dropped.still.trained, 3U);
}

}  // namespace
}  // namespace hone
