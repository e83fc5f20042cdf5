// Tests only: a tokenizer of bytes, a policy that writes down what it is asked to learn, tools that play and reflect by heart.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/learner.h"
#include "core/policy_test_kit.h"
#include "learners/erl/erl.h"
#include "learners/erl/samples.h"
#include "objective/presets.h"

namespace hone::erl_test {

class Bytes final : public Tokenizer {
 public:
  static constexpr int role = 1000, end = 1100;  // role: + 0 system, 1 user, 2 assistant
  int size() const override { return 1200; }
  SpecialTokens special() const override { return {.begin = -1, .end = end, .pad = -1}; }
  std::vector<int> encode(std::string_view text, bool) const override {
    std::vector<int> out;
    for (const char c : text) out.push_back(static_cast<unsigned char>(c));
    return out;
  }
  std::string decode(std::span<const int> ids, bool control) const override {
    std::string out;
    for (const int id : ids)
      if (id < 256) out += static_cast<char>(id);
      else if (control) out += '|';
    return out;
  }
  std::vector<int> chat(std::span<const Message> messages, bool open) const override {
    std::vector<int> out;
    for (const auto& m : messages) {
      out.push_back(role + (m.role == "system" ? 0 : m.role == "user" ? 1 : 2));
      for (const int id : encode(m.content, false)) out.push_back(id);
      out.push_back(end);
    }
    if (open) out.push_back(role + 2);
    return out;
  }
};

// Log-probability of a trained token by its id; `now` is the policy while it steps, `before` what score() says of it.
class Recorder final : public IdlePolicy {
 public:
  std::function<double(int)> before = [](int) { return -1.0; }, now = [](int) { return -1.0; };
  std::vector<std::vector<TokenSequence>> stepped;            // [step]
  std::vector<double> losses;                                 // [step]
  std::vector<std::vector<SequenceGradient>> gradients;       // [step]
  int scored = 0;

  std::vector<Sampled> sample(std::span<const SampleRequest>) override { throw Error(Fault::internal, "no samples here"); }
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which) override {
    ++scored;
    return scores(sequences, before);
  }
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions&) override {
    const auto all = scores(sequences, now);
    std::vector<std::size_t> which;
    std::vector<SequenceGradient> out(sequences.size());
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      which.push_back(i);
      out[i].d_logp.resize(all[i].logp.size());
    }
    StepResult result;
    result.loss = loss(which, all, out);
    stepped.emplace_back(sequences.begin(), sequences.end());
    losses.push_back(result.loss);
    gradients.push_back(std::move(out));
    return result;
  }

 private:
  static std::vector<SequenceScores> scores(std::span<const TokenSequence> sequences, const std::function<double(int)>& logp) {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) {
      auto& row = out.emplace_back();
      for (std::size_t i = 0; i < s.ids.size(); ++i)
        if (s.trained[i] != 0) row.logp.push_back(static_cast<float>(logp(s.ids[i])));
      row.entropy.resize(row.logp.size(), 1.0F);
    }
    return out;
  }
};

inline WorldFacts world() {
  WorldFacts w;
  w.name = "box";
  w.role = "You know nothing of this box.";
  w.action_help = "Say a button.";
  w.task_word = "Box";
  w.max_steps = 3;
  return w;
}
inline const std::string initial = "You know nothing of this box.\nSay a button.";

inline std::vector<Task> tasks(int n) {
  std::vector<Task> out;
  for (int i = 0; i < n; ++i) {
    Task& t = out.emplace_back();
    t.id = "box/" + std::to_string(i), t.env = "box", t.kind = "box", t.goal = "box number " + std::to_string(i), t.seed = static_cast<std::uint64_t>(i);
  }
  return out;
}

// What the agent does in a try and what comes of it.
struct Script {
  std::vector<std::string> actions{"red"};
  double score = 0.0;
  std::string feedback = "The box stays shut.";
};

// A try as agent chat would have left it: one conversation that only grows.
inline Episode played(const Trial& trial, const Script& script) {
  const Bytes tokenizer;
  Episode e;
  e.id = "id of " + trial.task.id + "/" + std::to_string(trial.attempt) + (trial.parent.empty() ? "" : "/again");
  e.task = trial.task, e.group = trial.group, e.parent = trial.parent, e.attempt = trial.attempt, e.notes = trial.notes;
  std::string system;
  for (const auto& note : trial.notes) system += (system.empty() ? "" : "\n") + note;
  std::vector<Message> messages{{"system", system.empty() ? initial : system}};
  for (std::size_t i = 0; i < script.actions.size(); ++i) {
    Step step;
    step.seen.text = "lamp " + std::to_string(i) + " is on";
    messages.push_back({"user", (i == 0 ? trial.task.goal + "\n" : "") + step.seen.text});
    Trace trace;
    trace.prompt_ids = tokenizer.chat(messages, true);
    trace.ids = tokenizer.encode(script.actions[i], false);
    trace.ids.push_back(Bytes::end);
    trace.logp.assign(trace.ids.size(), -0.5F);
    trace.sampling.max_tokens = 64;
    messages.push_back({"assistant", script.actions[i]});
    step.did.action = script.actions[i];
    step.did.trace = std::move(trace);
    step.comment = "it clicks";
    e.steps.push_back(std::move(step));
  }
  // The end token of a reply and the end of its turn are the same token, so the conversation only grows.
  e.score = script.score;
  e.solved = script.score >= 1.0;
  e.feedback = script.feedback;
  return e;
}

class Scripted final : public Tools {
 public:
  explicit Scripted(Policy& policy) : policy_(policy) {}
  std::function<std::string(const Request&)> reflect = [](const Request&) { return std::string("Hm. <prompt>press blue first</prompt>"); };
  std::function<Script(const Trial&)> second = [](const Trial&) { return Script{{"blue"}, 1.0, ""}; };
  std::vector<Request> requests;
  std::vector<Trial> trials;
  std::vector<Episode> seconds;

  std::vector<Generation> generate(std::span<const Request> asked) override {
    std::vector<Generation> out;
    for (const auto& r : asked) {
      requests.push_back(r);
      Generation& g = out.emplace_back();
      g.key = r.key, g.role = r.role, g.prompt = r.prompt, g.text = reflect(r);
      g.trace.prompt_ids = tokenizer_.chat(r.prompt, true);
      g.trace.ids = tokenizer_.encode(g.text, false);
      g.trace.ids.push_back(Bytes::end);
      g.trace.logp.assign(g.trace.ids.size(), -0.5F);
      g.trace.sampling = r.sampling;
    }
    return out;
  }
  std::vector<Episode> play(std::span<const Trial> asked) override {
    std::vector<Episode> out;
    for (const auto& t : asked) {
      trials.push_back(t);
      out.push_back(played(t, second(t)));
      seconds.push_back(out.back());
    }
    return out;
  }
  int count_tokens(std::string_view text) override { return static_cast<int>(text.size()); }
  Policy* policy() override { return &policy_; }
  const Tokenizer* tokenizer() override { return &tokenizer_; }
  Rng rng(std::string_view label) override { return Rng(7).split(label); }
  bool report(std::string_view, const Metrics&) override { return false; }

 private:
  Policy& policy_;
  Bytes tokenizer_;
};

class NoLessons final : public Lessons {
 public:
  std::uint64_t version() const override { return 0; }
  std::string scope() const override { return ""; }
  std::vector<Recalled> recall(const RecallQuery&) const override { return {}; }
  std::vector<Lesson> all(const LessonFilter&) const override { return {}; }
};

inline ErlConfig small(int group = 3) {
  ErlConfig c;
  c.objective = objective::preset("erl").config;
  c.rounds = 4, c.tasks = 1, c.group = group;
  return c;
}

// One learner with its policy and tools; `round` plays first tries by a script and lets it learn.
struct Bench {
  explicit Bench(ErlConfig config = small(), int n = 1)
      : learner(std::move(config), {.train = tasks(n), .world = world(), .batch = nullptr, .rng = Rng(1)}), tools(policy) {}

  Update round(const std::function<Script(const Trial&)>& first = [](const Trial&) { return Script{}; }) {
    const Need need = learner.next({});
    firsts.clear();
    for (const auto& t : need.trials) firsts.push_back(played(t, first(t)));
    Experience experience;
    experience.episodes = firsts;
    return learner.learn(experience, none, tools);
  }

  Recorder policy;
  Erl learner;
  Scripted tools;
  std::vector<Episode> firsts;
  NoLessons none;
};

// Sequences of one role among those of a step, told apart by how their prompts begin.
inline std::string text_of(const TokenSequence& s) { return Bytes().decode(s.ids, true); }
inline std::string trained_text(const TokenSequence& s) {
  std::vector<int> ids;
  for (std::size_t i = 0; i < s.ids.size(); ++i)
    if (s.trained[i] != 0) ids.push_back(s.ids[i]);
  return Bytes().decode(ids, true);
}

}  // namespace hone::erl_test
