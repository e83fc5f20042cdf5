// Tests only: a small loop that plays the engine's part with scripted tries and a scripted model.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/expel/expel.h"
#include "wire/json.h"

namespace hone::expel_test {

inline WorldFacts world() {
  WorldFacts facts;
  facts.name = "box";
  facts.role = "You open a box by pressing the right button.";
  facts.action_help = "Name one button.";
  facts.task_word = "Box";
  facts.action_word = "Button";
  facts.max_steps = 4;
  facts.failure_reasons = {"the steps are used up", "the alarm goes off"};
  return facts;
}

inline std::vector<Task> tasks(int n) {
  std::vector<Task> out;
  for (int i = 0; i < n; ++i) {
    Task& task = out.emplace_back();
    task.id = "box/" + std::to_string(i);
    task.env = "box";
    task.kind = i % 2 == 0 ? "even" : "odd";
    task.goal = "box number " + std::to_string(i);
  }
  return out;
}

// One move and its verdict.
inline Episode played(const Trial& trial, bool solved, const std::string& action) {
  Episode e;
  e.task = trial.task;
  e.attempt = trial.attempt;
  e.parent = trial.parent;
  e.notes = trial.notes;
  Step& step = e.steps.emplace_back();
  step.seen.text = trial.task.goal;
  step.did.action = action;
  e.last.text = solved ? "It opens." : "Nothing happens.";
  e.solved = solved;
  e.score = solved ? 1.0 : 0.0;
  return e;
}

inline std::string says(const Request& request) { return request.prompt.at(0).content; }

class NoLessons final : public Lessons {
 public:
  std::string scope() const override { return "run"; }
  std::uint64_t version() const override { return 0; }
  std::vector<Lesson> all(const LessonFilter&) const override { return {}; }
  std::vector<Recalled> recall(const RecallQuery&) const override { return {}; }
};

using Answer = std::function<std::string(const Request&)>;

class FakeTools final : public Tools {
 public:
  FakeTools(Answer answer, std::vector<Request>& ledger, std::vector<std::string>& log) : answer_(std::move(answer)), ledger_(ledger), log_(log) {}
  std::vector<Generation> generate(std::span<const Request> requests) override {
    std::vector<Generation> out;
    for (const auto& request : requests) {
      EXPECT_TRUE(keys_.insert({request.key, true}).second) << request.key << " twice in one round";
      ledger_.push_back(request);
      Generation g;
      g.key = request.key;
      g.role = request.role;
      g.text = answer_(request);
      out.push_back(std::move(g));
    }
    return out;
  }
  std::vector<Episode> play(std::span<const Trial>) override { throw std::logic_error("ExpeL asks for tries, it does not play"); }
  int count_tokens(std::string_view text) override { return static_cast<int>(text.size()); }
  Rng rng(std::string_view label) override { return Rng(99).split(label); }
  bool report(std::string_view message, const Metrics&) override {
    log_.emplace_back(message);
    return false;
  }

 private:
  Answer answer_;
  std::vector<Request>& ledger_;
  std::vector<std::string>& log_;
  std::map<std::string, bool> keys_;
};

struct Practice {
  Settings settings;
  std::vector<Task> train;
  std::function<Episode(const Trial&)> play;
  Answer answer = [](const Request&) { return ""; };
  std::vector<Episode> stored;
  std::string id_prefix = "e";     // of episode ids: must not matter
  bool ids_fall = false;           // ids in falling order of text: must not matter either
  int save_before_round = -1;      // replace the learner by a saved and loaded one before this round; -2 = before every round
  int last_call_in_round = -1;

  // What came out.
  std::vector<std::vector<Trial>> trials;  // [round]
  std::vector<Request> ledger;
  std::vector<std::string> log;
  std::vector<Lesson> live, ever;
  std::vector<LessonDelta> deltas;  // [round]
  std::vector<Metrics> metrics;     // [round]
  std::vector<std::size_t> asked;   // [round] model calls up to and with it
  std::map<std::string, std::string> episode_names;  // id -> "task#attempt"
  std::unique_ptr<Learner> learner;
  int rounds = 0;

  std::unique_ptr<Learner> make() const {
    return learner_expel.make(settings, {.train = train, .world = world(), .batch = nullptr, .rng = Rng(7)});
  }

  Practice& go() & {
    run();
    return *this;
  }
  Practice go() && {
    run();
    return std::move(*this);
  }

  void run() {
    learner = make();
    for (; rounds < 1000; ++rounds) {
      if (save_before_round == rounds || save_before_round == -2) reload();
      Progress progress{.round = rounds, .last_call = false};
      Need need = learner->next(progress);
      if (need.done) return;
      const bool last = last_call_in_round == rounds;
      if (last) {
        progress.last_call = true;
        need.trials.clear();
        learner->next(progress);
      }
      round(need);
      if (last) {
        EXPECT_TRUE(learner->next({.round = rounds + 1}).done);
        return;
      }
    }
    ADD_FAILURE() << "never done";
  }

  void reload() {
    MemorySink sink, again;
    learner->save(sink);
    auto fresh = make();
    MemorySource source(sink.data);
    fresh->load(source);
    fresh->save(again);
    EXPECT_EQ(sink.data, again.data) << "round " << rounds;
    learner = std::move(fresh);
  }

  void round(const Need& need) {
    trials.push_back(need.trials);
    std::vector<Episode> episodes = rounds == 0 ? stored : std::vector<Episode>{};
    for (const auto& trial : need.trials) episodes.push_back(play(trial));
    for (auto& e : episodes) {
      const int n = static_cast<int>(episode_names.size());
      e.id = id_prefix + std::to_string(1000000 + (ids_fall ? -n : n));
      episode_names[e.id] = e.task.id + "#" + std::to_string(e.attempt);
    }
    FakeTools tools(answer, ledger, log);
    NoLessons known;
    Update update = learner->learn({.episodes = episodes}, known, tools);
    commit(update.lessons);
    deltas.push_back(update.lessons);
    metrics.push_back(update.metrics);
    asked.push_back(ledger.size());
  }

  void commit(const LessonDelta& delta) {
    for (const auto& id : delta.retire) {
      const auto at = std::find_if(live.begin(), live.end(), [&](const Lesson& l) { return l.id == id; });
      ASSERT_NE(at, live.end()) << "retired a lesson that is not there: " << id;
      live.erase(at);
    }
    for (auto lesson : delta.add) {
      if (lesson.id.empty()) lesson.id = "given" + std::to_string(ever.size());
      for (const auto& id : lesson.evidence) EXPECT_TRUE(episode_names.contains(id)) << id;
      EXPECT_TRUE(std::none_of(ever.begin(), ever.end(), [&](const Lesson& l) { return l.id == lesson.id; })) << lesson.id;
      ever.push_back(lesson);
      live.push_back(std::move(lesson));
    }
  }

  // "3 text" in the order an agent sees them: by count, then as added.
  std::vector<std::string> insights(const std::string& scope = "") const {
    std::vector<Insight> found;
    for (const auto& lesson : live)
      if (const auto* i = std::get_if<Insight>(&lesson.what); i != nullptr && lesson.scope == scope) found.push_back(*i);
    std::stable_sort(found.begin(), found.end(), [](const Insight& a, const Insight& b) { return a.count > b.count; });
    std::vector<std::string> out;
    for (const auto& i : found) out.push_back(std::to_string(i.count) + " " + i.text);
    return out;
  }

  std::vector<Lesson> cases(const std::string& scope = "") const {
    std::vector<Lesson> out;
    for (const auto& lesson : live)
      if (std::holds_alternative<Case>(lesson.what) && lesson.scope == scope) out.push_back(lesson);
    return out;
  }

  std::vector<Request> calls(const std::string& role) const {
    std::vector<Request> out;
    for (const auto& request : ledger)
      if (request.role == role) out.push_back(request);
    return out;
  }

  // Everything learned and asked, with ids replaced by what they stand for, so that two runs can be compared.
  std::string canonical() const {
    std::map<std::string, std::string> names = episode_names;
    for (std::size_t i = 0; i < ever.size(); ++i) names[ever[i].id] = "lesson" + std::to_string(i);
    std::string out;
    for (Lesson lesson : ever) {
      const bool is_live = std::any_of(live.begin(), live.end(), [&](const Lesson& l) { return l.id == lesson.id; });
      lesson.id = names[lesson.id];
      if (!lesson.parent.empty()) lesson.parent = names.at(lesson.parent);
      for (auto& id : lesson.evidence) id = names.at(id);
      out += (is_live ? "" : "retired ") + wire::dump(wire::to_json(lesson)) + "\n";
    }
    for (const auto& request : ledger) out += request.key + "\n" + says(request) + "\n" + request.sampling.grammar + "\n";
    for (const auto& round : trials) {
      for (const auto& t : round) {
        out += t.task.id + "#" + std::to_string(t.attempt) + " after " + (t.parent.empty() ? "nothing" : names.at(t.parent));
        for (const auto& note : t.notes) out += " | " + note;
        out += "\n";
      }
      out += "--\n";
    }
    for (const auto& m : metrics) out += wire::dump(wire::to_json(m)) + "\n";
    for (const auto& line : log) out += line + "\n";
    return out;
  }
};

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace hone::expel_test
