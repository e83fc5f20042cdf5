// Learning by ask and tell: the learner says what experience it wants, the engine collects it (batched, recorded, budgeted),
// the learner updates. It opens no database, world or socket.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/agent.h"
#include "core/explorer.h"
#include "core/policy.h"
#include "core/reflex.h"

namespace hone {

// One try that the learner asks for.
struct Trial {
  Task task;
  std::string group, parent;
  int attempt = 0;
  bool with_lessons = true;         // false: play without what was learned so far
  std::vector<std::string> notes;   // see Brief
  Sampling sampling;
};

struct Need {
  std::vector<Trial> trials;  // deliberate tempo; played against one snapshot of the lessons, in any order, told in this order
  int rollout_steps = 0;      // reflex tempo: steps of every slot
  int rollouts = 1;           // so many one after another, learn() called with each; the last one's metrics are the round's
  bool done = false;
};

struct Experience {
  std::span<const Episode> episodes;
  const Rollout* rollout = nullptr;
};

struct Update {
  LessonDelta lessons;
  Metrics metrics;
};

struct Progress {
  int round = 0;           // how many times learn() was called
  bool last_call = false;  // a budget is about to end: finish with what there is
  std::int64_t episodes_left = -1;  // most trials that may be asked for now; -1 = no cap
};

// Which of the recipe's models is asked: the one that plays, or a helper it names. Without that helper the judge is the writer,
// and the writer the one that plays.
enum class Helper { none, writer, judge };

// A model call that is not a move.
struct Request {
  std::string key;   // unique within the round
  std::string role;  // "reflection", "insights"
  std::vector<Message> prompt;
  Sampling sampling;
  Helper asked = Helper::none;
};

class Tools {
 public:
  virtual ~Tools() = default;
  // Both are batched, recorded and charged; an answer already paid for in an interrupted run is returned from the store.
  virtual std::vector<Generation> generate(std::span<const Request> requests) = 0;
  virtual std::vector<Episode> play(std::span<const Trial> trials) = 0;
  virtual int count_tokens(std::string_view text) = 0;
  // The weights that play, where the method trains them (LearnerEntry::trains); else null.
  virtual Policy* policy() { return nullptr; }
  virtual const Tokenizer* tokenizer() { return nullptr; }
  // A generator for this round and label.
  virtual Rng rng(std::string_view label) = 0;
  // Shown to the user; returns true when the learner should stop at the next convenient point.
  virtual bool report(std::string_view message, const Metrics& metrics) = 0;
};

class Learner : public Savable {
 public:
  virtual Need next(const Progress& progress) = 0;
  virtual Update learn(const Experience& experience, const Lessons& known, Tools& tools) = 0;
};

// Another way to act on the same tasks, for the result table.
struct Rival {
  std::string name;
  std::unique_ptr<BatchActor> actor;
};

// Second interface of learners whose lesson is a policy over a BatchEnv.
class ActingLearner {
 public:
  virtual ~ActingLearner() = default;
  virtual BatchActor& actor() = 0;                  // collects: one whose memory goes with the rollouts' slots
  virtual std::unique_ptr<BatchActor> player() = 0;  // the same policy as it is now, with a memory of its own
  virtual std::vector<Rival> rivals() { return {}; }  // played beside it on the test tasks
};

struct LearnerContext {
  std::vector<Task> train;    // empty when learning from stored episodes only
  WorldFacts world;
  const BatchSpec* batch = nullptr;  // reflex tempo
  const Nets* nets = nullptr;        // of methods whose lesson is a network
  Rng rng;
};

enum class Tempo { deliberate, reflex };

struct LearnerEntry {
  std::string_view name, summary, citation;  // citation: "Zhao et al. 2024, ExpeL, arXiv 2308.10144"
  Tempo tempo = Tempo::deliberate;
  bool trains = false;  // changes the weights of the recipe's model
  bool nets = false;    // its lesson is a network; as trains it needs the part that trains
  bool asks = false;    // its calls go to the recipe's writer and judge
  std::vector<FieldDoc> (*fields)();
  std::unique_ptr<Learner> (*make)(const Settings&, const LearnerContext&);
};

std::vector<const LearnerEntry*> learner_catalog();  // generated from learners/catalog.txt

}  // namespace hone
