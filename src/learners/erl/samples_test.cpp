// What is trained: which tokens, in which context, with which reward, and what that does to the loss.
#include "learners/erl/samples.h"

#include <cmath>

#include "learners/erl/erl_test_kit.h"
#include "learners/erl/update.h"
#include "learners/grpo/grpo.h"
#include "objective/advantage.h"

namespace hone {
namespace {

using namespace erl_test;
using erl::Role;

// A task's tries with these second scores.
std::vector<erl::Tried> tried(const std::vector<double>& second, const std::vector<std::string>& actions = {"blue", "green"}) {
  std::vector<erl::Tried> out;
  Recorder policy;
  Scripted tools(policy);
  for (std::size_t i = 0; i < second.size(); ++i) {
    Trial trial;
    trial.task = tasks(1)[0], trial.group = "box/0/0/0", trial.attempt = static_cast<int>(i);
    erl::Tried& t = out.emplace_back();
    t.first = played(trial, {{"red"}, i == 1 ? 0.5 : 0.0, "no"});
    Request request;
    request.prompt = {{"system", "Reflect."}, {"user", "record"}};
    t.reflection = tools.generate(std::span(&request, 1))[0];
    trial.notes = {"the long rule that nobody shall read again: first blue, then green"};
    t.second = played(trial, {actions, second[i], ""});
  }
  return out;
}

std::vector<std::size_t> of_role(const erl::Samples& s, Role role) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < s.roles.size(); ++i)
    if (s.roles[i] == role) out.push_back(i);
  return out;
}

// Advantage of each sample of a role (one number: it is the same at every token).
std::vector<double> advantages_of(const erl::Samples& s, Role role, const ErlConfig& config) {
  const auto all = objective::advantages(s.samples, config.objective);
  std::vector<double> out;
  for (const auto i : of_role(s, role)) {
    for (const double a : all.of[i]) EXPECT_EQ(a, all.of[i][0]);
    out.push_back(all.of[i].at(0));
  }
  return out;
}

TEST(ErlSamples, ADistilledTryIsTheSecondOneUnderTheFirstOnesPrompt) {
  const auto config = small();
  const auto rows = tried({1.0, 1.0});
  const auto s = erl::samples_of(rows, config, nullptr);
  const auto distilled = of_role(s, Role::distill), seconds = of_role(s, Role::second);
  ASSERT_EQ(distilled.size(), 2U);
  for (std::size_t k = 0; k < 2; ++k) {
    const TokenSequence &d = s.sequences[distilled[k]], &two = s.sequences[seconds[k]];
    const auto& prompt = rows[k].first.steps[0].did.trace->prompt_ids;
    ASSERT_GT(d.ids.size(), prompt.size());
    EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), d.ids.begin()));
    EXPECT_EQ(std::count(d.trained.begin(), d.trained.begin() + static_cast<std::ptrdiff_t>(prompt.size()), 1), 0);
    EXPECT_EQ(trained_text(d), "blue|green|");
    EXPECT_EQ(trained_text(d), trained_text(two));
    // No eight tokens in a row of the reflection are left.
    const std::string rule = rows[k].second->notes[0], text = text_of(d);
    for (std::size_t i = 0; i + 8 <= rule.size(); ++i) EXPECT_EQ(text.find(rule.substr(i, 8)), std::string::npos) << rule.substr(i, 8);
    EXPECT_NE(text_of(two).find(rule), std::string::npos);
    EXPECT_NE(text.find(initial), std::string::npos);
  }
}

TEST(ErlSamples, PromptsThatEndAlikeAreExchangedAlike) {
  // A reflection that ends as the agent's own first message does: only what differs is exchanged.
  Trial trial;
  trial.task = tasks(1)[0];
  const auto first = played(trial, {});
  trial.notes = {"Now I know.", "Say a button."};
  const auto second = played(trial, {{"blue", "green"}, 1.0, ""});
  const auto d = erl::distilled(first, second);
  ASSERT_EQ(d.size(), 1U);
  EXPECT_EQ(text_of(d[0]).find("Now I know"), std::string::npos);
  EXPECT_NE(text_of(d[0]).find(initial), std::string::npos);
  EXPECT_EQ(trained_text(d[0]), "blue|green|");
}

TEST(ErlSamples, EveryMoveOfAnAgentWithoutHistoryIsExchanged) {
  Trial trial;
  trial.task = tasks(1)[0];
  const auto first = played(trial, {});
  trial.notes = {"a rule"};
  auto second = played(trial, {{"blue", "green"}, 1.0, ""});
  const Bytes tokenizer;
  const std::vector<Message> alone{{"system", "a rule"}, {"user", "lamp 1 is on"}};
  second.steps[1].did.trace->prompt_ids = tokenizer.chat(alone, true);
  const auto d = erl::distilled(first, second);
  ASSERT_EQ(d.size(), 2U);
  for (const auto& s : d) EXPECT_TRUE(text_of(s).starts_with("|" + initial)) << text_of(s);
  second.steps[1].did.trace->prompt_ids = tokenizer.chat(std::vector<Message>{{"user", "who am I"}}, true);
  EXPECT_THROW(erl::distilled(first, second), Error);
}

TEST(ErlSamples, AnAgentWithoutTokenIdsIsRefused) {
  auto rows = tried({1.0});
  for (auto& step : rows[0].first.steps) step.did.trace.reset();
  try {
    erl::samples_of(rows, small(), nullptr);
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("token ids"), std::string::npos) << e.what();
  }
}

TEST(ErlSamples, OneSecondScoreMovesItsRolesAndNoOther) {
  const auto config = small();
  const auto one = erl::samples_of(tried({1.0, 0.0, 0.0}), config, nullptr), two = erl::samples_of(tried({1.0, 1.0, 0.0}), config, nullptr);
  EXPECT_EQ(advantages_of(one, Role::first, config), advantages_of(two, Role::first, config));
  for (const Role role : {Role::reflect, Role::second}) {
    const auto a = advantages_of(one, role, config);
    ASSERT_EQ(a.size(), 3U);
    EXPECT_NEAR(a[0], 1.1547, 1e-4);  // (1 - 1/3) / 0.57735
    EXPECT_NEAR(a[1], -0.57735, 1e-4);
    EXPECT_NEAR(a[2], -0.57735, 1e-4);
    EXPECT_NE(a, advantages_of(two, role, config));
  }
  auto zeros = config;
  zeros.distill_zeros = true;
  EXPECT_EQ(advantages_of(erl::samples_of(tried({1.0, 0.0, 0.0}), zeros, nullptr), Role::distill, zeros), (std::vector<double>{1.0, 0.0, 0.0}));
  EXPECT_EQ(advantages_of(one, Role::distill, config), (std::vector<double>{1.0}));  // those without score are left out
  EXPECT_EQ(advantages_of(erl::samples_of(tried({0.4}), config, nullptr), Role::distill, config), (std::vector<double>{0.4}));
  // Another task's tries change when nothing of theirs does? They don't.
  auto rows = tried({1.0, 0.0});
  auto other = tried({0.0, 1.0});
  for (auto& t : other) t.first.group = "box/1/0/1", rows.push_back(t);
  auto flipped = rows;
  flipped[0].second->score = 0.0;
  const auto before = objective::advantages(erl::samples_of(rows, zeros, nullptr).samples, zeros.objective);
  const auto after = objective::advantages(erl::samples_of(flipped, zeros, nullptr).samples, zeros.objective);
  ASSERT_EQ(before.of.size(), 16U);
  EXPECT_NE(std::vector(before.of.begin(), before.of.begin() + 8), std::vector(after.of.begin(), after.of.begin() + 8));
  EXPECT_EQ(std::vector(before.of.begin() + 8, before.of.end()), std::vector(after.of.begin() + 8, after.of.end()));
}

TEST(ErlSamples, TheReleasedCodesDoubleReflectionMakesALoneOneWorthNothing) {
  auto config = small();
  config.reflect_twice = true;
  const auto s = erl::samples_of(tried({1.0}), config, nullptr);
  EXPECT_EQ(advantages_of(s, Role::reflect, config), (std::vector<double>{0.0, 0.0}));
  EXPECT_NEAR(advantages_of(s, Role::second, config).at(0), 1.0, 1e-5);  // 1 / (1 + 1e-6)
}

TEST(ErlSamples, RepliesAreTokenisedAgainFromTheirText) {
  class Pairs final : public Tokenizer {  // reads "bl" as one token, which the sampler had written as two
   public:
    int size() const override { return 2000; }
    SpecialTokens special() const override { return bytes_.special(); }
    std::vector<int> encode(std::string_view text, bool control) const override {
      std::vector<int> out;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "bl") out.push_back(300), ++i;
        else out.push_back(bytes_.encode(text.substr(i, 1), control)[0]);
      }
      return out;
    }
    std::string decode(std::span<const int> ids, bool control) const override { return bytes_.decode(ids, control); }
    std::vector<int> chat(std::span<const Message> m, bool open) const override { return bytes_.chat(m, open); }

   private:
    Bytes bytes_;
  };
  auto config = small();
  config.distill_tokens = erl::DistillTokens::again;
  const Pairs tokenizer;
  const auto rows = tried({1.0});
  const auto s = erl::samples_of(rows, config, &tokenizer);
  const auto& d = s.sequences[of_role(s, Role::distill).at(0)];
  EXPECT_EQ(std::count(d.ids.begin(), d.ids.end(), 300), 1);
  EXPECT_EQ(s.samples[of_role(s, Role::distill)[0]].tokens, 10);  // "blue" is three now, "green" five, two ends
  EXPECT_EQ(std::count(d.ids.begin(), d.ids.end(), Bytes::end), 5);  // of the system, of two user turns, of two replies
}

struct Stepped {
  double loss = 0.0;
  std::vector<SequenceGradient> gradients;
};
Stepped step(erl::Samples samples, const ErlConfig& config, double old_logp, const std::function<double(int)>& now) {
  Recorder policy;
  policy.before = [=](int) { return old_logp; };
  policy.now = now;
  Scripted tools(policy);
  erl::step_weights(samples, config, {}, policy, tools);
  return {policy.losses.at(0), policy.gradients.at(0)};
}

erl::Samples only(const erl::Samples& s, Role role) {
  erl::Samples out;
  for (const auto i : of_role(s, role)) {
    out.roles.push_back(role);
    out.sequences.push_back(s.sequences[i]);
    out.samples.push_back(s.samples[i]);
  }
  return out;
}

ErlConfig without_kl() {
  auto config = small();
  config.objective.kl_where = objective::KlWhere::none;
  config.objective.kl_coef = 0.0;
  config.train.epochs = 2;  // so that the old policy is scored
  config.distill_zeros = true;
  return config;
}

TEST(ErlLoss, ADistilledSuccessIsMaximumLikelihoodUnderTheAgentsOwnPrompt) {
  const auto config = without_kl();
  const auto good = step(only(erl::samples_of(tried({1.0}), config, nullptr), Role::distill), config, -1.0, [](int) { return -1.0; });
  ASSERT_EQ(good.gradients.at(0).d_logp.size(), 11U);  // blue, green and their ends
  for (const float g : good.gradients[0].d_logp) EXPECT_FLOAT_EQ(g, -1.0F);  // of the summed negative log-likelihood
  const auto bad = step(only(erl::samples_of(tried({0.0}), config, nullptr), Role::distill), config, -1.0, [](int) { return -1.0; });
  for (const float g : bad.gradients.at(0).d_logp) EXPECT_EQ(g, 0.0F);
  // Beyond the upper bound (1.28) nothing pulls any more; just below it does.
  const auto far = step(only(erl::samples_of(tried({1.0}), config, nullptr), Role::distill), config, -1.0, [](int) { return -1.0 + std::log(1.3); });
  for (const float g : far.gradients.at(0).d_logp) EXPECT_EQ(g, 0.0F);
  const auto near = step(only(erl::samples_of(tried({1.0}), config, nullptr), Role::distill), config, -1.0, [](int) { return -1.0 + std::log(1.27); });
  for (const float g : near.gradients.at(0).d_logp) EXPECT_NEAR(g, -1.27F, 1e-5);
}

TEST(ErlLoss, LikelihoodWithAWeightIsTheOtherWayToDistill) {
  auto config = without_kl();
  config.distill = erl::Distill::sft;
  config.distill_weight = 0.5;
  config.distill_zeros = false;
  const auto s = step(only(erl::samples_of(tried({0.4}), config, nullptr), Role::distill), config, -1.0, [](int) { return -3.0; });
  EXPECT_NEAR(s.loss, 0.5 * 11 * 3.0, 1e-5);  // 1(r2 > 0) and no ratio
  for (const float g : s.gradients.at(0).d_logp) EXPECT_FLOAT_EQ(g, -0.5F);
}

TEST(ErlLoss, WhatTheWorldSaidIsNeverTrainedAndEveryWordOfTheAgentIs) {
  const auto config = without_kl();
  const auto samples = erl::samples_of(tried({1.0, 0.0, 0.0}), config, nullptr);
  const auto by_id = [](int id) { return -1.0 - 0.001 * (id % 17); };
  const double loss = step(samples, config, -1.0, by_id).loss;
  for (const Role role : {Role::first, Role::reflect, Role::second, Role::distill}) {
    const auto at = of_role(samples, role).at(0);
    ASSERT_GT(std::count(samples.sequences[at].trained.begin(), samples.sequences[at].trained.end(), 1), 0);
    for (std::size_t i = 0; i < samples.sequences[at].ids.size(); ++i) {
      auto other = samples;
      other.sequences[at].ids[i] += 1;
      const double now = step(other, config, -1.0, by_id).loss;
      if (samples.sequences[at].trained[i] != 0) EXPECT_NE(now, loss) << erl::name_of(role) << " token " << i;
      else EXPECT_EQ(now, loss) << erl::name_of(role) << " token " << i;
    }
  }
  // Turns of the world between moves are there, as context.
  const auto& second = samples.sequences[of_role(samples, Role::second)[0]];
  EXPECT_NE(text_of(second).find("lamp 1 is on"), std::string::npos);
  EXPECT_EQ(trained_text(second), "blue|green|");
}

TEST(ErlLoss, FirstTriesMayBeSteppedBeforeTheRest) {
  auto config = small();
  config.order = erl::Order::first_then_rest;
  Bench bench(config);
  bench.round();
  ASSERT_EQ(bench.policy.stepped.size(), 2U);
  for (const auto& s : bench.policy.stepped[0]) EXPECT_EQ(trained_text(s), "red|");
  EXPECT_EQ(bench.policy.stepped[1].size(), 9U);
  Bench together;
  together.round();
  ASSERT_EQ(together.policy.stepped.size(), 1U);
  EXPECT_EQ(together.policy.stepped[0].size(), 12U);
}

TEST(ErlLoss, AllOfItOffItIsPlainGrpo) {
  auto config = small(10);
  config.tau = 0.0;  // every first try is good enough
  config.train.epochs = 2;
  config.train.sequences_per_step = 4;
  const auto first = [](const Trial& t) { return Script{{t.attempt % 3 == 0 ? "red" : "green"}, t.attempt % 3 == 0 ? 1.0 : 0.0, ""}; };
  const auto by_id = [](int id) { return -1.0 - 0.01 * (id % 7); };
  Bench bench(config);
  bench.policy.now = by_id;
  bench.round(first);
  EXPECT_TRUE(bench.tools.trials.empty());

  GrpoConfig plain;
  plain.preset = "erl";
  plain.rounds = 4, plain.tasks = 1, plain.group = 10, plain.temperature = 0.7;
  plain.objective = config.objective;
  plain.train = config.train;
  Recorder policy;
  policy.now = by_id;
  Scripted tools(policy);
  Grpo grpo(plain, {.train = tasks(1), .world = world(), .batch = nullptr, .rng = Rng(1)});
  std::vector<Episode> episodes;
  for (const auto& t : grpo.next({}).trials) episodes.push_back(played(t, first(t)));
  Experience experience;
  experience.episodes = episodes;
  grpo.learn(experience, bench.none, tools);
  ASSERT_EQ(policy.losses.size(), 6U);
  ASSERT_EQ(bench.policy.losses.size(), 6U);
  for (std::size_t i = 0; i < policy.losses.size(); ++i) {
    EXPECT_NEAR(bench.policy.losses[i], policy.losses[i], 1e-12) << i;
    ASSERT_EQ(bench.policy.gradients[i].size(), policy.gradients[i].size());
    for (std::size_t k = 0; k < policy.gradients[i].size(); ++k) EXPECT_EQ(bench.policy.gradients[i][k].d_logp, policy.gradients[i][k].d_logp);
  }
  EXPECT_NE(policy.losses[0], 0.0);
}

}  // namespace
}  // namespace hone
