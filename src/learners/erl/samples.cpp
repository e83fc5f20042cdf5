#include "learners/erl/samples.h"

#include <algorithm>

#include "learners/trajectory.h"

namespace hone::erl {

namespace {

std::size_t common_end(const std::vector<int>& a, const std::vector<int>& b) {
  return static_cast<std::size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin());
}

const std::vector<int>& first_prompt(const Episode& e) {
  for (const auto& step : e.steps)
    if (step.did.trace && !step.did.trace->prompt_ids.empty()) return step.did.trace->prompt_ids;
  throw Error(Fault::bad_input, "erl: a try at " + excerpt(e.task.id) + " has no token ids: its agent must keep them, as chat does");
}

int trained_of(const TokenSequence& s) { return static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)); }

class Collect {
 public:
  explicit Collect(const ErlConfig& config) : config_(config) {}

  void tries(Role role, const Episode& e, const std::string& group) {
    for (auto& t : trajectories(e)) {
      objective::Sample s = sample(role, group, t.sequence);
      s.truncated = t.truncated;
      if (e.ending != Ending::fault) s.reward = e.score;  // a try that broke is not a bad try
      s.logp_roll = std::move(t.logp);
      s.entropy = std::move(t.entropy);
      add(role, std::move(s), std::move(t.sequence));
    }
  }

  void reflection(const Generation& g, const Episode& second, const std::string& group) {
    TokenSequence sequence{g.trace.prompt_ids, std::vector<std::uint8_t>(g.trace.prompt_ids.size())};
    sequence.ids.insert(sequence.ids.end(), g.trace.ids.begin(), g.trace.ids.end());
    sequence.trained.resize(sequence.ids.size(), 1);
    objective::Sample s = sample(Role::reflect, group, sequence);
    s.truncated = static_cast<int>(g.trace.ids.size()) >= g.trace.sampling.max_tokens;
    if (second.ending != Ending::fault) s.reward = second.score;
    if (g.trace.logp.size() == g.trace.ids.size()) s.logp_roll = g.trace.logp;
    if (g.trace.entropy.size() == g.trace.ids.size()) s.entropy = g.trace.entropy;
    add(Role::reflect, std::move(s), std::move(sequence));
  }

  void distilled(const Episode& first, const Episode& second, const std::string& group, const Tokenizer* tokenizer) {
    if (second.ending == Ending::fault || (second.score <= 0.0 && !config_.distill_zeros)) return;
    for (auto& sequence : erl::distilled(first, second)) {
      if (config_.distill_tokens == DistillTokens::again) sequence = tokenised_again(sequence, *tokenizer);
      objective::Sample s = sample(Role::distill, group, sequence);
      s.reward = second.score;
      s.weight = config_.distill_weight;
      s.own.adv = objective::Advantage::raft;
      if (config_.distill == Distill::sft) {
        s.own.surrogate = objective::Surrogate::reinforce;
        s.reward = second.score > 0.0 ? 1.0 : 0.0;
      }
      add(Role::distill, std::move(s), std::move(sequence));
    }
  }

  Samples out;

 private:
  objective::Sample sample(Role role, const std::string& group, const TokenSequence& sequence) const {
    objective::Sample s;
    s.group = group + "/" + name_of(role);
    s.tokens = trained_of(sequence);
    return s;
  }
  void add(Role role, objective::Sample s, TokenSequence sequence) {
    if (s.tokens == 0) return;
    out.roles.push_back(role);
    out.samples.push_back(std::move(s));
    out.sequences.push_back(std::move(sequence));
  }

  const ErlConfig& config_;
};

}  // namespace

const char* name_of(Role role) {
  switch (role) {
    case Role::first: return "first";
    case Role::reflect: return "reflect";
    case Role::second: return "second";
    case Role::distill: return "distill";
  }
  return "?";
}

std::vector<TokenSequence> distilled(const Episode& first, const Episode& second) {
  const auto &own = first_prompt(first), &told = first_prompt(second);
  const std::size_t same = common_end(own, told);
  const std::vector<int> to(own.begin(), own.end() - static_cast<std::ptrdiff_t>(same)), from(told.begin(), told.end() - static_cast<std::ptrdiff_t>(same));
  std::vector<TokenSequence> out;
  for (const auto& t : trajectories(second)) {
    const TokenSequence& s = t.sequence;
    const auto start = static_cast<std::ptrdiff_t>(from.size());
    if (s.ids.size() < from.size() || !std::equal(from.begin(), from.end(), s.ids.begin()) || std::count(s.trained.begin(), s.trained.begin() + start, 1) > 0)
      throw Error(Fault::bad_input, "erl: a part of the second try at " + excerpt(second.task.id) + " does not begin with what the agent was told");
    TokenSequence& d = out.emplace_back(TokenSequence{to, std::vector<std::uint8_t>(to.size())});
    d.ids.insert(d.ids.end(), s.ids.begin() + start, s.ids.end());
    d.trained.insert(d.trained.end(), s.trained.begin() + start, s.trained.end());
  }
  return out;
}

TokenSequence tokenised_again(const TokenSequence& sequence, const Tokenizer& tokenizer) {
  TokenSequence out;
  for (std::size_t at = 0; at < sequence.ids.size();) {
    std::size_t end = at;
    while (end < sequence.ids.size() && sequence.trained[end] == sequence.trained[at]) ++end;
    std::vector<int> ids(sequence.ids.begin() + static_cast<std::ptrdiff_t>(at), sequence.ids.begin() + static_cast<std::ptrdiff_t>(end));
    if (sequence.trained[at] != 0) {
      const bool ended = ids.back() == tokenizer.special().end;
      if (ended) ids.pop_back();
      ids = tokenizer.encode(tokenizer.decode(ids, false), false);
      if (ended) ids.push_back(tokenizer.special().end);
    }
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.trained.resize(out.ids.size(), sequence.trained[at]);
    at = end;
  }
  return out;
}

Samples samples_of(const std::vector<Tried>& tried, const ErlConfig& config, const Tokenizer* tokenizer) {
  if (config.distill_tokens == DistillTokens::again && tokenizer == nullptr) throw Error(Fault::unavailable, "erl: distill_tokens: again needs the model's tokenizer");
  Collect collect(config);
  for (const Tried& t : tried) {
    const std::string& group = t.first.group;
    collect.tries(Role::first, t.first, group);
    if (!t.second) continue;
    for (int i = 0; t.reflection && i < (config.reflect_twice ? 2 : 1); ++i) collect.reflection(*t.reflection, *t.second, group);
    collect.tries(Role::second, *t.second, group);
    if (config.distill != Distill::none) collect.distilled(t.first, *t.second, group, tokenizer);
  }
  return std::move(collect.out);
}

}  // namespace hone::erl
