// Whether it learns what it should from what it should: a lock with 256 codes, one for each of four kinds of task. The prompt tells nothing,
// the world names the code after a failure. The policy is a table of softmax rows, so every number here is exact but for the draws.
#include <cmath>

#include "core/policy_test_kit.h"
#include "learners/erl/erl_test_kit.h"
#include "learners/grpo/grpo.h"

namespace hone {
namespace {

using namespace erl_test;

constexpr int codes = 256, kinds = 4, code_token = 2000, rule_token = 4000;

int secret(int kind) { return (kind * 67 + 41) % codes; }
int kind_of(const std::string& goal) { return goal.at(5) - '0'; }

std::vector<Task> locks(int each) {
  std::vector<Task> out;
  for (int i = 0; i < kinds * each; ++i) {
    Task& t = out.emplace_back();
    t.id = "lock/" + std::to_string(i), t.env = "lock", t.kind = "lock", t.goal = "lock " + std::to_string(i % kinds) + " of door " + std::to_string(i);
  }
  return out;
}

// Number after `word` in `text`, -1 without it.
int number_after(const std::string& text, const std::string& word) {
  const auto at = text.find(word);
  return at == std::string::npos ? -1 : std::stoi(text.substr(at + word.size()));
}

// One row of logits per kind for the agent's own prompt; told "use N" it says N nearly always, whatever it learned.
class Table final : public IdlePolicy {
 public:
  static constexpr double temperature = 0.7, rate = 8.0;
  std::vector<double> row_for(const std::string& prompt) const {
    const int told = number_after(prompt, "use ");
    std::vector<double> row(codes);
    if (told >= 0) row[static_cast<std::size_t>(told)] = 8.0;
    else row = rows_[static_cast<std::size_t>(kind_of(prompt.substr(prompt.find("lock "))))];
    return row;
  }
  static std::vector<double> chances(const std::vector<double>& row) {
    std::vector<double> out;
    double sum = 0.0;
    for (const double l : row) out.push_back(std::exp(l / temperature)), sum += out.back();
    for (double& p : out) p /= sum;
    return out;
  }
  double first_try() const {  // chance that a plain first try is right
    double sum = 0.0;
    for (int k = 0; k < kinds; ++k) sum += chances(rows_[static_cast<std::size_t>(k)])[static_cast<std::size_t>(secret(k))];
    return sum / kinds;
  }

  std::vector<Sampled> sample(std::span<const SampleRequest>) override { throw Error(Fault::internal, "no samples here"); }
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which which) override {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) out.push_back({{static_cast<float>(which == Which::reference ? std::log(1.0 / codes) : logp(s))}, {1.0F}});
    return out;
  }
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions&) override {
    const auto now = score(sequences, 1.0F, Which::current);
    std::vector<std::size_t> which;
    std::vector<SequenceGradient> slopes(sequences.size());
    for (std::size_t i = 0; i < sequences.size(); ++i) which.push_back(i), slopes[i].d_logp.resize(1);
    StepResult result;
    result.loss = loss(which, now, slopes);
    const auto before = rows_;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const std::string prompt = text_of(sequences[i]);
      if (sequences[i].ids.back() >= rule_token || number_after(prompt, "use ") >= 0) continue;  // those rows don't learn
      const auto kind = static_cast<std::size_t>(kind_of(prompt.substr(prompt.find("lock "))));
      const auto p = chances(before[kind]);
      const int said = sequences[i].ids.back() - code_token;
      for (int c = 0; c < codes; ++c) rows_[kind][static_cast<std::size_t>(c)] -= rate * slopes[i].d_logp[0] * ((c == said ? 1.0 : 0.0) - p[static_cast<std::size_t>(c)]) / temperature;
    }
    return result;
  }

 private:
  double logp(const TokenSequence& s) const {
    if (s.ids.back() >= rule_token) return -1.0;
    return std::log(chances(row_for(text_of(s)))[static_cast<std::size_t>(s.ids.back() - code_token)]);
  }
  std::vector<std::vector<double>> rows_ = std::vector<std::vector<double>>(kinds, std::vector<double>(codes));
};

// One token per try and one per reflection.
class Locks final : public Tools {
 public:
  Locks(bool shuffled, std::uint64_t draws) : shuffled_(shuffled), draws_(draws) {}
  Table table;
  std::int64_t tokens = 0;
  double seconds_solved = 0.0, seconds = 0.0;

  Episode one(const Trial& t) {
    Episode e = played(t, {{"?"}, 0.0, ""});
    Trace& trace = *e.steps[0].did.trace;
    const auto p = Table::chances(table.row_for(Bytes().decode(trace.prompt_ids, true)));
    double at = draws_.uniform();
    int said = 0;
    while (said + 1 < codes && (at -= p[static_cast<std::size_t>(said)]) >= 0.0) ++said;
    trace.ids = {code_token + said};
    trace.logp = {static_cast<float>(std::log(p[static_cast<std::size_t>(said)]))};
    const int kind = kind_of(t.task.goal);
    e.solved = said == secret(kind);
    e.score = e.solved ? 1.0 : 0.0;
    e.feedback = "The code was " + std::to_string(secret(shuffled_ ? (kind + 1) % kinds : kind)) + ".";
    ++tokens;
    return e;
  }
  std::vector<Generation> generate(std::span<const Request> asked) override {
    std::vector<Generation> out;
    for (const auto& r : asked) {
      const int code = number_after(r.prompt[1].content, "The code was ");
      Generation& g = out.emplace_back();
      g.text = "<prompt>use " + std::to_string(code) + "</prompt>";
      g.trace.prompt_ids = tokenizer_.chat(r.prompt, true);
      g.trace.ids = {rule_token + code};
      g.trace.sampling = r.sampling;
      ++tokens;
    }
    return out;
  }
  std::vector<Episode> play(std::span<const Trial> asked) override {
    std::vector<Episode> out;
    for (const auto& t : asked) out.push_back(one(t)), seconds += 1.0, seconds_solved += out.back().score;
    return out;
  }
  int count_tokens(std::string_view text) override { return static_cast<int>(text.size()); }
  Policy* policy() override { return &table; }
  const Tokenizer* tokenizer() override { return &tokenizer_; }
  Rng rng(std::string_view label) override { return Rng(7).split(label); }
  bool report(std::string_view, const Metrics&) override { return false; }

 private:
  bool shuffled_;
  Bytes tokenizer_;
  Rng draws_;
};

struct Result {
  double first = 0.0, second = 0.0;
  std::int64_t tokens = 0;
};
void learn(Learner& learner, Locks& tools) {
  const NoLessons none;
  for (Need need = learner.next({}); !need.done; need = learner.next({})) {
    std::vector<Episode> firsts;
    for (const auto& t : need.trials) firsts.push_back(tools.one(t));
    Experience experience;
    experience.episodes = firsts;
    learner.learn(experience, none, tools);
  }
}

// Mean of five runs that differ in their draws.
template <class Method, class Config>
Result learned(const Config& config, bool shuffled = false) {
  Result mean;
  for (std::uint64_t draws = 1; draws <= 5; ++draws) {
    Locks tools(shuffled, draws);
    Method method(config, {.train = locks(8), .world = world(), .batch = nullptr, .rng = Rng(3)});
    learn(method, tools);
    mean.first += tools.table.first_try() / 5.0;
    mean.second += tools.seconds > 0.0 ? tools.seconds_solved / tools.seconds / 5.0 : 0.0;
    mean.tokens += tools.tokens;
  }
  return mean;
}

Result with_erl(const std::function<void(ErlConfig&)>& change = {}, bool shuffled = false) {
  ErlConfig c;
  c.objective = objective::preset("erl").config;
  c.rounds = 20, c.tasks = 8, c.group = 4;
  if (change) change(c);
  return learned<Erl>(c, shuffled);
}

Result with_grpo(int group) {
  GrpoConfig c;
  c.objective = objective::preset("erl").config;
  c.rounds = 20, c.tasks = 8, c.group = group, c.temperature = 0.7;
  return learned<Grpo>(c);
}

TEST(ErlSignal, WhatTheWorldSaysOfFailuresReachesPlainFirstTriesAndRewardAloneDoesNot) {
  const Result erl = with_erl(), plain = with_grpo(7);
  std::cout << "first tries: erl " << erl.first << " (" << erl.tokens << " tokens), grpo " << plain.first << " (" << plain.tokens << " tokens)\n";
  EXPECT_GE(plain.tokens, erl.tokens);
  EXPECT_GT(erl.first, 0.8);
  EXPECT_LT(plain.first, erl.first - 0.5);
}

TEST(ErlSignal, WithoutDistillingFirstTriesStayAtChanceWhileSecondOnesAreRight) {
  const Result r = with_erl([](ErlConfig& c) { c.distill = erl::Distill::none; });
  EXPECT_LT(r.first, 0.05);
  EXPECT_GT(r.second, 0.95);
}

TEST(ErlSignal, FeedbackOfOtherTasksTeachesNothing) {
  const Result r = with_erl({}, true);
  EXPECT_LT(r.first, 0.05);
  EXPECT_LT(r.second, 0.05);
}

}  // namespace
}  // namespace hone
