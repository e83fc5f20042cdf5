// The method on a policy that is a table (exgrpo, section 8: items 2 to 10).
#include "learners/exgrpo/exgrpo.h"

#include "learners/exgrpo/exgrpo_test_kit.h"
#include "learners/grpo/grpo.h"

namespace hone {
namespace {

using namespace test;

ExgrpoConfig config_of(int tasks, int group, double lr = 1.0) {
  ExgrpoConfig c;
  c.rounds = 1000, c.tasks = tasks, c.group = group;
  c.train.lr = lr;
  c.objective.entropy_coef = 0.0;
  return c;
}

// Tells the learner a round in which the n-th group solved as many of its fresh tries as `solved` says; replies are all different.
Metrics told(Exgrpo& learner, TablePolicy& policy, TableTools& tools, const std::function<int(const std::string& question, bool replay)>& solved) {
  const Need need = learner.next({});
  std::map<std::string, int> done, wanted;
  std::vector<Episode> episodes;
  for (const auto& trial : need.trials) {
    const int n = done[trial.group]++;
    if (n == 0) wanted[trial.group] = solved(trial.task.id, trial.group.find("/replay/") != std::string::npos);
    episodes.push_back(said(policy, trial, {n % 5, (n + tools.round) % 5}, n < wanted[trial.group]));
  }
  const auto update = learner.learn({.episodes = episodes, .rollout = nullptr}, NothingKnown(), tools);
  ++tools.round;
  return update.metrics;
}

exgrpo::Kept kept_of(TablePolicy& policy, int question, const std::vector<int>& reply) {
  TokenSequence s{{question}, {0}};
  for (const int id : reply) s.ids.push_back(id), s.trained.push_back(1);
  const auto scores = policy.score({&s, 1}, 1.0F, Which::current);
  exgrpo::Kept k;
  k.episode = "kept";
  k.parts.push_back({s, scores[0].logp, {}, false});
  return k;
}

// The stored try of the question among the sequences of the last step.
const TokenSequence* stepped(const TablePolicy& policy, const TokenSequence& s) {
  for (const auto& other : policy.last_sequences)
    if (other.ids == s.ids) return &other;
  return nullptr;
}

// Question 0 with these stored tries, asked for again by the first round.
ExgrpoState with_stored(const ExgrpoConfig& config, std::vector<exgrpo::Kept> kept) {
  ExgrpoState state(config);
  state.mixed = true;
  state.buffer.collect("q0", config.group / 2, std::move(kept));
  return state;
}

TEST(Exgrpo, TheStoredTryThatThePolicyIsNowSurestOfIsReplayed) {
  auto config = config_of(2, 4, 0.0);
  TablePolicy policy(5, 2);
  const auto a = kept_of(policy, 0, {1, 2}), b = kept_of(policy, 0, {2, 1});
  const auto replayed = [&](exgrpo::Pick pick) {
    config.pick = pick;
    TableTools tools(policy);
    Exgrpo learner(config, questions(2), with_stored(config, {a, b}));
    told(learner, policy, tools, [](const std::string&, bool) { return 0; });
    return std::pair(stepped(policy, a.parts[0].sequence) != nullptr, stepped(policy, b.parts[0].sequence) != nullptr);
  };
  // As stored, both were equally likely; what counts is the policy of the round.
  policy.logits(0, 1, 1)[2] = 4.0;
  EXPECT_EQ(replayed(exgrpo::Pick::lowest), std::pair(true, false));
  EXPECT_EQ(replayed(exgrpo::Pick::highest), std::pair(false, true));
  policy.logits(0, 1, 2)[1] = 8.0;
  EXPECT_EQ(replayed(exgrpo::Pick::lowest), std::pair(false, true));
  policy.logits(0, 1, 2)[1] = 4.0;
  EXPECT_EQ(replayed(exgrpo::Pick::lowest), std::pair(true, false)) << "of two alike the first";
  // Twice as long at the same entropy per token: a mean does not see it, a sum does.
  TablePolicy flat(5, 4);
  auto config4 = config_of(2, 4, 0.0);
  for (const bool sum : {false, true}) {
    config4.entropy_of = sum ? exgrpo::EntropyOf::sum : exgrpo::EntropyOf::mean;
    const auto longer = kept_of(flat, 0, {1, 2, 1, 2}), shorter = kept_of(flat, 0, {1, 2});
    TableTools tools(flat);
    Exgrpo learner(config4, questions(2), with_stored(config4, {longer, shorter}));
    told(learner, flat, tools, [](const std::string&, bool) { return 0; });
    EXPECT_EQ(stepped(flat, longer.parts[0].sequence) != nullptr, !sum);
  }
}

TEST(Exgrpo, RatiosAreToTheLogProbabilitiesOfWhenItWasPlayed) {
  auto config = config_of(2, 4, 40.0);
  config.start_above = -1.0;
  config.rounds = 6;
  config.train.sequences_per_step = 3;  // several steps a round: the current policy is not the one of the round's start
  TablePolicy policy(5, 2);
  TableTools tools(policy);
  Exgrpo learner(config, questions(2));
  const auto half = [](const std::string&, bool replay) { return replay ? 1 : 2; };
  told(learner, policy, tools, half);
  // Collected before the round's steps, with what was recorded in play: as long as the reply.
  ASSERT_EQ(learner.state().buffer.tries(), 4U);
  TablePolicy first(5, 2);
  for (const char* q : {"q0", "q1"})
    for (const auto& k : learner.state().buffer.kept(q)) {
      const auto now = first.score({&k.parts[0].sequence, 1}, 1.0F, Which::current);
      ASSERT_EQ(k.parts[0].logp.size(), 2U);
      for (std::size_t t = 0; t < 2; ++t) EXPECT_NEAR(k.parts[0].logp[t], now[0].logp[t], 1e-6) << "w = 1 at collection";
    }
  // In one step of all sequences: each replayed token pulls with A beta w / (w + beta)^2 of its own w.
  auto one = config_of(2, 4, 0.0);
  std::vector<exgrpo::Kept> stored = learner.state().buffer.kept("q0");
  stored.resize(1);
  Exgrpo again(one, questions(2), with_stored(one, stored));
  told(again, policy, tools, [](const std::string&, bool) { return 0; });
  const auto* at = stepped(policy, stored[0].parts[0].sequence);
  ASSERT_NE(at, nullptr);
  const auto i = static_cast<std::size_t>(at - policy.last_sequences.data());
  const double n = static_cast<double>(policy.last_sequences.size()) * 2.0;  // sequences times longest reply
  double moved = 0.0;
  for (std::size_t t = 0; t < 2; ++t) {
    const double w = std::exp(static_cast<double>(policy.last_scores[i].logp[t]) - static_cast<double>(stored[0].parts[0].logp[t]));
    moved += std::abs(w - 1.0);
    EXPECT_NEAR(policy.last_gradients[i].d_logp[t], -0.75 * 0.1 * w / ((w + 0.1) * (w + 0.1)) / n, 1e-6);
  }
  EXPECT_GT(moved, 0.05) << "the policy has not moved: the test would hold for any ratio";
}

// The pull of a replayed token, and of a fresh one beside it, times the number that all are divided by; ratio w for both.
struct Pulls {
  double replayed, fresh;
};
Pulls pulls(double w, const std::function<void(ExgrpoConfig&)>& change = {}) {
  auto config = config_of(2, 8, 0.0);
  if (change) change(config);
  TablePolicy policy(5, 2);
  auto kept = kept_of(policy, 0, {4, 1});
  for (auto& l : kept.parts[0].logp) l -= static_cast<float>(std::log(w));
  TableTools tools(policy);
  Exgrpo learner(config, questions(2), with_stored(config, {kept}));
  told(learner, policy, tools, [](const std::string&, bool) { return 0; });
  const double n = static_cast<double>(policy.last_sequences.size()) * 2.0;
  Pulls out{0.0, 0.0};
  for (std::size_t i = 0; i < policy.last_sequences.size(); ++i) {
    const double pull = -policy.last_gradients[i].d_logp[0] * n;
    if (policy.last_sequences[i].ids == kept.parts[0].sequence.ids) out.replayed = pull;
    else if (pull != 0.0) out.fresh = pull;  // the other question's group failed as a whole
  }
  return out;
}

TEST(Exgrpo, AReplayedTokenPullsLessTheMoreThePolicyHasTakenItUp) {
  constexpr double advantage = 0.875;  // one of eight
  EXPECT_NEAR(pulls(1.0).replayed, 0.0826446 * advantage, 1e-5);
  EXPECT_NEAR(pulls(0.1).replayed, 0.25 * advantage, 1e-5);
  EXPECT_NEAR(pulls(10.0).replayed, 0.0098030 * advantage, 1e-5);
  EXPECT_NEAR(pulls(10.0).fresh, -0.125, 1e-6);
}

TEST(Exgrpo, EachSwitchChangesOneThing) {
  const auto same = pulls(10.0);
  const auto unshaped = pulls(10.0, [](ExgrpoConfig& c) { c.shaping = false; });
  EXPECT_NEAR(unshaped.replayed, 10.0 * 0.875, 1e-4);
  EXPECT_FLOAT_EQ(static_cast<float>(unshaped.fresh), static_cast<float>(same.fresh));
  const auto uncorrected = pulls(10.0, [](ExgrpoConfig& c) { c.correction = false; });
  EXPECT_NEAR(uncorrected.replayed, 0.0826446 * 0.875, 1e-5);
  EXPECT_FLOAT_EQ(static_cast<float>(uncorrected.fresh), static_cast<float>(same.fresh));
  EXPECT_EQ(pulls(10.0, [](ExgrpoConfig& c) { c.replay = 0.0; }).replayed, 0.0);
  // A pick at random leaves the policy unasked before the step; uniform questions keep the rest.
  const auto random = pulls(10.0, [](ExgrpoConfig& c) { c.pick = exgrpo::Pick::random; });
  EXPECT_FLOAT_EQ(static_cast<float>(random.replayed), static_cast<float>(same.replayed));
  const auto uniform = pulls(10.0, [](ExgrpoConfig& c) { c.buffer.questions = exgrpo::Questions::uniform; });
  EXPECT_FLOAT_EQ(static_cast<float>(uniform.replayed), static_cast<float>(same.replayed));
  // The trainer's log-probabilities instead of the player's, where these differ.
  for (const bool scored : {false, true}) {
    auto config = config_of(1, 4, 0.0);
    config.start_above = -1.0;
    if (scored) config.recorded = exgrpo::Recorded::scored;
    TablePolicy policy(5, 2);
    TableTools tools(policy);
    Exgrpo learner(config, questions(1));
    const auto need = learner.next({});
    std::vector<Episode> episodes;
    for (std::size_t i = 0; i < need.trials.size(); ++i) {
      episodes.push_back(said(policy, need.trials[i], {static_cast<int>(i), 0}, i == 0));
      episodes.back().steps[0].did.trace->logp[0] -= 0.5F;  // as a sampler of lower precision might
    }
    learner.learn({.episodes = episodes, .rollout = nullptr}, NothingKnown(), tools);
    ASSERT_EQ(learner.state().buffer.tries(), 1U);
    EXPECT_NEAR(learner.state().buffer.kept("q0")[0].parts[0].logp[0], -std::log(5.0) - (scored ? 0.0 : 0.5), 1e-6);
  }
}

TEST(Exgrpo, FreshTriesAreClippedBeforeReplayBeginsAndNotAfter) {
  // Two steps of one sequence each: in the second the solved try's ratio is far from 1.
  const auto last_pull = [](bool mixed, bool clip_fresh) {
    auto config = config_of(1, 2, 6.0);
    config.start_above = mixed ? -1.0 : 1.0;
    config.clip_fresh = clip_fresh;
    config.train.epochs = 3;
    TablePolicy policy(5, 2);
    TableTools tools(policy);
    Exgrpo learner(config, questions(1));
    const auto need = learner.next({});
    const std::vector<Episode> episodes{said(policy, need.trials[0], {1, 1}, true), said(policy, need.trials[1], {2, 2}, false)};
    learner.learn({.episodes = episodes, .rollout = nullptr}, NothingKnown(), tools);
    const auto solved = static_cast<std::size_t>(policy.last_sequences[0].ids[1] == 1 ? 0 : 1);
    const double w = std::exp(static_cast<double>(policy.last_scores[solved].logp[0]) + std::log(5.0));
    EXPECT_GT(w, 1.2) << "the ratio never left the clip range";
    return std::pair(w, -policy.last_gradients[solved].d_logp[0] * 4.0);
  };
  EXPECT_EQ(last_pull(false, false).second, 0.0);
  const auto [w, pull] = last_pull(true, false);
  EXPECT_NEAR(pull, 0.5 * w, 1e-4) << "A w without a plateau";
  EXPECT_EQ(last_pull(true, true).second, 0.0);
}

TEST(Exgrpo, AdvantagesAreToTheMeanOfTheGroupTheStoredTryIncluded) {
  const auto p = pulls(1.0, [](ExgrpoConfig& c) { c.shaping = false; });
  EXPECT_NEAR(p.replayed, 0.875, 1e-6);  // no standard deviation anywhere
  EXPECT_NEAR(p.fresh, -0.125, 1e-6);
  // Seven fresh successes: nothing to learn, and done with for good.
  auto config = config_of(2, 8, 1.0);
  TablePolicy policy(5, 2);
  const auto kept = kept_of(policy, 0, {1, 1});
  TableTools tools(policy);
  Exgrpo learner(config, questions(2), with_stored(config, {kept}));
  EXPECT_EQ(learner.state().buffer.size(), 1U);
  told(learner, policy, tools, [](const std::string& q, bool) { return q == "q0" ? 8 : 0; });
  for (const auto& g : policy.last_gradients)
    for (const float d : g.d_logp) EXPECT_EQ(d, 0.0F);
  EXPECT_TRUE(learner.state().buffer.is_retired("q0"));
  EXPECT_EQ(learner.state().buffer.size(), 0U);
}

TEST(Exgrpo, ReplayBeginsAfterARoundAboveTheThreshold) {
  for (const bool latch : {true, false}) {
    auto config = config_of(25, 4, 0.0);
    config.latch = latch;
    TablePolicy policy(5, 2);
    TableTools tools(policy);
    Exgrpo learner(config, questions(25));
    int n = 0, most = 35;
    const auto some = [&](const std::string&, bool) { return std::min(3, std::max(0, most - 3 * n++)); };  // `most` of 100 tries
    for (int round = 0; round < 6; ++round, n = 0) {
      const auto metrics = told(learner, policy, tools, some);
      EXPECT_DOUBLE_EQ(metrics.at("pass_rate"), 0.35);
      EXPECT_FALSE(learner.state().mixed) << "0.35 is not above 0.35";
      EXPECT_EQ(learner.state().buffer.size(), 0U);
    }
    most = 36;
    told(learner, policy, tools, some);
    EXPECT_TRUE(learner.state().mixed);
    EXPECT_EQ(learner.state().buffer.size(), 0U) << "what was before is not stored";
    n = 0;
    const auto first = told(learner, policy, tools, some);
    EXPECT_EQ(first.at("replayed"), 0.0);
    EXPECT_EQ(learner.state().buffer.size(), 12U);
    told(learner, policy, tools, [](const std::string&, bool) { return 0; });
    EXPECT_EQ(learner.state().mixed, latch);
  }
}

TEST(Exgrpo, ARoundIsHalfReplayWhenThereIsEnough) {
  const auto config = config_of(128, 8, 0.0);
  for (const int stored : {1000, 10}) {
    TablePolicy policy(5, 2);
    TableTools tools(policy);
    ExgrpoState state(config);
    state.mixed = true;
    for (int q = 0; q < stored; ++q) state.buffer.collect("q" + std::to_string(q), 1 + q % 7, {kept_of(policy, q, {1, 1})});
    for (int q = 1000; q < 1500; ++q) state.buffer.retire("q" + std::to_string(q));
    Exgrpo learner(config, questions(2000), std::move(state));
    const int replay = std::min(stored, 64), fresh = 128 - replay;
    const auto need = learner.next({});
    EXPECT_EQ(need.trials.size(), static_cast<std::size_t>(replay * 7 + fresh * 8));
    std::map<std::string, int> groups;
    for (const auto& t : need.trials) {
      ++groups[t.group];
      EXPECT_TRUE(t.group.find("/replay/") == std::string::npos || t.task.seed < 1000U) << "retired";
    }
    EXPECT_EQ(groups.size(), 128U);
    // Asked again, the same; played, one stored try in each group that asked for it.
    const auto again = learner.next({});
    ASSERT_EQ(again.trials.size(), need.trials.size());
    for (std::size_t i = 0; i < need.trials.size(); ++i) EXPECT_EQ(again.trials[i].group, need.trials[i].group);
    const auto metrics = told(learner, policy, tools, [](const std::string&, bool) { return 0; });
    EXPECT_EQ(metrics.at("replayed"), replay);
    EXPECT_EQ(policy.last_sequences.size(), 128U * 8U);
  }
}

TEST(Exgrpo, QuestionsThatReplayDisplacesAreDrawnLaterOrPassedOver) {
  for (const bool all : {false, true}) {
    auto config = config_of(4, 2, 0.0);
    config.draw = all ? exgrpo::Draw::all : exgrpo::Draw::needed;
    TablePolicy policy(5, 2);
    TableTools tools(policy);
    ExgrpoState state(config);
    state.mixed = true;
    for (int q = 0; q < 4; ++q) state.buffer.collect("q" + std::to_string(q), 1, {kept_of(policy, q, {1, 1})});
    Exgrpo learner(config, questions(40), std::move(state));
    told(learner, policy, tools, [](const std::string&, bool) { return 0; });
    EXPECT_EQ(learner.state().at, all ? 4U : 2U);
  }
}

TEST(Exgrpo, SolvedQuestionsLeaveTheOrderWhenItIsDealtAnew) {
  auto config = config_of(4, 2, 0.0);
  config.spare = 3;
  TablePolicy policy(5, 2);
  TableTools tools(policy);
  Exgrpo learner(config, questions(12));
  const auto even = [](const std::string& q, bool) { return std::stoi(q.substr(1)) % 2 == 0 ? 2 : 0; };
  for (int i = 0; i < 3; ++i) told(learner, policy, tools, even);
  EXPECT_EQ(learner.state().buffer.retired(), 6U);
  told(learner, policy, tools, even);
  EXPECT_EQ(learner.state().order.size(), 6U);
  for (const auto t : learner.state().order) EXPECT_EQ(t % 2, 1U);
  for (int i = 0; i < 3; ++i) told(learner, policy, tools, [](const std::string&, bool) { return 2; });
  EXPECT_EQ(learner.state().buffer.retired(), 12U);
  EXPECT_EQ(learner.state().order.size(), 6U) << "it is short already: all stay, solved or not";
}

std::vector<std::byte> bytes_of(const Savable& s) {
  MemorySink sink;
  s.save(sink);
  return sink.data;
}

TEST(Exgrpo, SavedAndLoadedItGoesOnBitByBit) {
  auto config = config_of(4, 4, 30.0);
  config.start_above = -1.0;
  config.train.sequences_per_step = 8;
  const Judge judge = [](int question, const std::vector<int>& reply) { return reply[1] == question % 3; };
  TablePolicy policy(3, 2);
  TableTools tools(policy);
  Exgrpo learner(config, questions(6));
  for (int i = 0; i < 3; ++i) play_round(learner, policy, tools, judge);
  ASSERT_GT(learner.state().buffer.size(), 1U);
  TablePolicy other_policy = policy;
  TableTools other_tools(other_policy);
  other_tools.round = tools.round;
  Exgrpo other(config, questions(6));
  const auto saved = bytes_of(learner);
  MemorySource source(saved);
  other.load(source);
  double replayed = 0.0;
  for (int i = 0; i < 3; ++i) {
    const auto one = play_round(learner, policy, tools, judge), two = play_round(other, other_policy, other_tools, judge);
    EXPECT_EQ(one, two) << "losses and all that was counted, round " << i;
    EXPECT_EQ(bytes_of(learner), bytes_of(other));
    EXPECT_EQ(bytes_of(policy), bytes_of(other_policy));
    replayed += one.at("replayed");
  }
  EXPECT_GT(replayed, 0.0) << "nothing was replayed: nothing is proved";
  Exgrpo fewer(config, questions(2));
  MemorySource wrong(saved);
  EXPECT_THROW(fewer.load(wrong), Error);
}

TEST(Exgrpo, WithoutReplayItIsGrpoWithoutClip) {
  auto config = config_of(4, 4, 30.0);
  config.start_above = -1.0, config.replay = 0.0;
  config.train.sequences_per_step = 6, config.train.epochs = 2;
  config.objective.entropy_coef = 0.01;
  GrpoConfig plain;
  plain.rounds = config.rounds, plain.tasks = 4, plain.group = 4;
  plain.train = config.train;
  plain.objective = config.objective;
  plain.objective.surrogate = objective::Surrogate::no_clip;
  TablePolicy one(3, 2), two(3, 2), clipped(3, 2);
  TableTools tools_one(one), tools_two(two), tools_clipped(clipped);
  Exgrpo learner(config, questions(8));
  Grpo grpo(plain, questions(8));
  plain.objective.surrogate = objective::Surrogate::ppo_clip;
  Grpo with_clip(plain, questions(8));
  for (int round = 0; round < 5; ++round) {
    const Need need = learner.next({});
    std::vector<Episode> episodes;
    for (std::size_t i = 0; i < need.trials.size(); ++i)
      episodes.push_back(said(one, need.trials[i], {static_cast<int>(i) % 3, static_cast<int>(i + static_cast<std::size_t>(round)) % 3}, i % 4 == 1 || i % 7 == 0));
    const Experience experience{.episodes = episodes, .rollout = nullptr};
    learner.learn(experience, NothingKnown(), tools_one);
    grpo.learn(experience, NothingKnown(), tools_two);
    with_clip.learn(experience, NothingKnown(), tools_clipped);
    ++tools_one.round, ++tools_two.round, ++tools_clipped.round;
    EXPECT_EQ(bytes_of(one), bytes_of(two)) << round;
  }
  EXPECT_NE(bytes_of(one), bytes_of(clipped)) << "clipping made no difference: the steps are too small to tell";
}

TEST(Exgrpo, FaultsAndCapsAreNoExperience) {
  auto config = config_of(2, 4, 1.0);
  config.start_above = -1.0;
  TablePolicy policy(5, 2);
  TableTools tools(policy);
  Exgrpo learner(config, questions(2));
  const Need need = learner.next({});
  std::vector<Episode> episodes;
  for (std::size_t i = 0; i < need.trials.size(); ++i) {
    episodes.push_back(said(policy, need.trials[i], {static_cast<int>(i) % 5, 1}, i < 3));
    if (i == 3) episodes.back().ending = Ending::fault, episodes.back().steps.clear();
  }
  learner.learn({.episodes = episodes, .rollout = nullptr}, NothingKnown(), tools);
  EXPECT_FALSE(learner.state().buffer.is_retired(need.trials[0].task.id)) << "three of four, the fourth broke: not all were solved";
  EXPECT_EQ(learner.state().buffer.bucket(need.trials[0].task.id), 3);
  const auto before = bytes_of(learner);
  learner.next({});
  learner.learn({}, NothingKnown(), tools);
  EXPECT_EQ(bytes_of(learner), before);
}

TEST(Exgrpo, WhatDoesNotFitIsRefused) {
  const auto refusal = [](const Settings& s) -> std::string {
    try {
      const LearnerEntry* entry = nullptr;
      for (const auto* e : learner_catalog())
        if (e->name == "exgrpo") entry = e;
      entry->make(s, questions(1));
    } catch (const Error& e) {
      return e.what();
    }
    return "made";
  };
  EXPECT_EQ(refusal({}), "made");
  EXPECT_EQ(refusal(settings({{"preset", "dr_grpo"}})), "made");
  EXPECT_NE(refusal(settings({{"preset", "grpo_original"}})).find("kl_where"), std::string::npos);
  EXPECT_NE(refusal(settings({{"old_logp", "sampler"}})).find("old_logp"), std::string::npos);
  EXPECT_NE(refusal(settings({{"preset", "dr_grop"}})).find("dr_grpo"), std::string::npos);
  EXPECT_NE(refusal(settings({{"group", "1"}})).find("group"), std::string::npos);
  EXPECT_NE(refusal(settings({{"pick", "lowset"}})).find("lowest"), std::string::npos);
}

}  // namespace
}  // namespace hone
