// A policy small enough to be a table, and a round played with it: what the method does can be read off its gradients.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "core/learner.h"

namespace hone::test {

// Logits by (question, place in the reply, token before): [vocab] each. A sequence is {question, reply...}; steps are plain gradient
// descent, so what a token's log-probability was worth is what moves its logits.
class TablePolicy final : public Policy {
 public:
  explicit TablePolicy(int vocab, int length) : vocab_(vocab), length_(length) {}

  std::vector<double>& logits(int question, int place, int before) {
    auto& row = table_[{question, place, before}];
    if (row.empty()) row.assign(static_cast<std::size_t>(vocab_), 0.0);
    return row;
  }

  std::vector<Sampled> sample(std::span<const SampleRequest> requests) override {
    std::vector<Sampled> out;
    for (const auto& r : requests) {
      Rng rng(r.sampling.seed);
      Sampled s;
      int before = -1;
      for (int t = 0; t < length_; ++t) {
        const auto p = probabilities(r.prompt[0], t, before, r.sampling.temperature);
        double at = rng.uniform();
        int token = 0;
        while (token + 1 < vocab_ && at >= p[static_cast<std::size_t>(token)]) at -= p[static_cast<std::size_t>(token++)];
        s.ids.push_back(token);
        s.logp.push_back(static_cast<float>(std::log(p[static_cast<std::size_t>(token)])));
        s.entropy.push_back(static_cast<float>(entropy(p)));
        before = token;
      }
      out.push_back(std::move(s));
    }
    return out;
  }

  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float temperature, Which) override {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) {
      SequenceScores scores;
      walk(s, [&](int t, int before, int token) {
        const auto p = probabilities(s.ids[0], t, before, temperature);
        scores.logp.push_back(static_cast<float>(std::log(p[static_cast<std::size_t>(token)])));
        scores.entropy.push_back(static_cast<float>(entropy(p)));
      });
      out.push_back(std::move(scores));
    }
    ++scored;
    return out;
  }

  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions& options) override {
    const auto scores = score(sequences, options.temperature, Which::current);
    std::vector<std::size_t> which(sequences.size());
    std::vector<SequenceGradient> gradients(sequences.size());
    for (std::size_t i = 0; i < which.size(); ++i) {
      which[i] = i;
      gradients[i].d_logp.resize(scores[i].logp.size());
      gradients[i].d_entropy.resize(scores[i].logp.size());
    }
    StepResult result;
    result.loss = loss(which, scores, gradients);
    auto changed = table_;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      std::size_t n = 0;
      walk(sequences[i], [&](int t, int before, int token) {
        const auto p = probabilities(sequences[i].ids[0], t, before, options.temperature);
        logits(sequences[i].ids[0], t, before);
        auto& row = changed[{sequences[i].ids[0], t, before}];
        if (row.empty()) row.assign(static_cast<std::size_t>(vocab_), 0.0);
        const double h = entropy(p), d_logp = gradients[i].d_logp[n], d_entropy = gradients[i].d_entropy.empty() ? 0.0 : gradients[i].d_entropy[n];
        for (std::size_t v = 0; v < p.size(); ++v)
          row[v] -= options.lr / options.temperature * (d_logp * ((static_cast<int>(v) == token) - p[v]) - d_entropy * p[v] * (std::log(p[v]) + h));
        ++n;
      });
    }
    table_ = std::move(changed);
    last_sequences.assign(sequences.begin(), sequences.end());
    last_scores = scores;
    last_gradients = gradients;
    ++steps;
    return result;
  }
  void keep_reference() override {}
  std::vector<PolicyWeight> weights(WeightSet) override { return {}; }
  void read(const std::string&, std::span<float>) override {}
  void weights_changed() override {}
  void save(Sink& sink) const override {
    for (const auto& [key, row] : table_) {
      put(sink, key);
      for (const double l : row) put(sink, l);
    }
  }
  void load(Source&) override {}

  int steps = 0, scored = 0;
  std::vector<TokenSequence> last_sequences;
  std::vector<SequenceScores> last_scores;
  std::vector<SequenceGradient> last_gradients;

 private:
  std::vector<double> probabilities(int question, int t, int before, double temperature) {
    std::vector<double> p = logits(question, t, before);
    double sum = 0.0;
    for (auto& l : p) sum += l = std::exp(l / temperature);
    for (auto& l : p) l /= sum;
    return p;
  }
  static double entropy(const std::vector<double>& p) {
    double h = 0.0;
    for (const double x : p) h -= x * std::log(x);
    return h;
  }
  template <class F>
  static void walk(const TokenSequence& s, F f) {
    int t = 0, before = -1;
    for (std::size_t i = 1; i < s.ids.size(); ++i)
      if (s.trained[i] != 0) f(t++, before, s.ids[i]), before = s.ids[i];
  }

  struct Key {
    int question, place, before;
    auto operator<=>(const Key&) const = default;
  };
  int vocab_, length_;
  std::map<Key, std::vector<double>> table_;
};

class TableTools final : public Tools {
 public:
  explicit TableTools(Policy& policy) : policy_(policy) {}
  std::vector<Generation> generate(std::span<const Request>) override { return {}; }
  std::vector<Episode> play(std::span<const Trial>) override { return {}; }
  int count_tokens(std::string_view) override { return 0; }
  Policy* policy() override { return &policy_; }
  Rng rng(std::string_view label) override { return Rng(7).split(static_cast<std::uint64_t>(round)).split(label); }
  bool report(std::string_view, const Metrics&) override { return false; }
  int round = 0;

 private:
  Policy& policy_;
};

struct NothingKnown final : Lessons {
  std::string scope() const override { return {}; }
  std::uint64_t version() const override { return 0; }
  std::vector<Recalled> recall(const RecallQuery&) const override { return {}; }
  std::vector<Lesson> all(const LessonFilter&) const override { return {}; }
};

inline LearnerContext questions(int n, std::uint64_t seed = 1) {
  LearnerContext c{.train = {}, .world = {}, .batch = nullptr, .nets = nullptr, .rng = Rng(seed)};
  for (int i = 0; i < n; ++i)
    c.train.push_back({.id = "q" + std::to_string(i), .env = "table", .kind = "q", .goal = "", .seed = static_cast<std::uint64_t>(i), .params = {}});
  return c;
}

// A try at the question with this reply, solved or not; log-probabilities as the policy has them now.
inline Episode said(TablePolicy& policy, const Trial& trial, const std::vector<int>& reply, bool solved) {
  const int question = static_cast<int>(trial.task.seed);
  TokenSequence s{{question}, {0}};
  for (const int id : reply) s.ids.push_back(id), s.trained.push_back(1);
  const auto scores = policy.score({&s, 1}, trial.sampling.temperature, Which::current);
  Episode e;
  e.id = trial.group + "#" + std::to_string(trial.attempt);
  e.group = trial.group;
  e.task = trial.task;
  e.solved = solved;
  e.score = solved ? 1.0 : 0.0;
  Move move;
  for (const int id : reply) move.action += std::to_string(id) + " ";
  move.trace = Trace{{question}, reply, scores[0].logp, scores[0].entropy, trial.sampling};
  e.steps.push_back({{}, std::move(move), 0.0F, {}});
  return e;
}

using Judge = std::function<bool(int question, const std::vector<int>& reply)>;

// A round: what the learner asks for, sampled from the policy and judged, told to it.
inline Metrics play_round(Learner& learner, TablePolicy& policy, TableTools& tools, const Judge& judge, double* pass = nullptr) {
  const Need need = learner.next({});
  std::vector<Episode> episodes;
  double solved = 0.0;
  for (std::size_t i = 0; i < need.trials.size(); ++i) {
    const Trial& trial = need.trials[i];
    SampleRequest request{{static_cast<int>(trial.task.seed)}, trial.sampling, {}};
    request.sampling.seed = Rng(99).split(static_cast<std::uint64_t>(tools.round)).split(i).next();
    const auto sampled = policy.sample({&request, 1});
    const bool right = judge(static_cast<int>(trial.task.seed), sampled[0].ids);
    solved += right;
    episodes.push_back(said(policy, trial, sampled[0].ids, right));
  }
  if (pass != nullptr) *pass = solved / static_cast<double>(episodes.size());
  const auto update = learner.learn({.episodes = episodes, .rollout = nullptr}, NothingKnown(), tools);
  ++tools.round;
  return update.metrics;
}

}  // namespace hone::test
