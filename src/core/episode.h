// What happened, deliberate tempo: one try at one task, every step kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/task.h"

namespace hone {

struct Observation {
  std::string text;
  std::vector<std::string> choices;  // legal actions; empty = free text
  std::vector<float> features;
  bool changed = true;             // false: the world says that the last action changed nothing but the view
};

// Whether a lesson that recall offered took part. A lesson is withheld at random now and then while learning, which makes
// "with against without" an experiment (design: credit).
struct LessonUse {
  enum How { offered, used, withheld };
  std::string lesson;
  How how = used;
  double similarity = 0.0;
};

struct Move {
  std::string action, thought;
  int choice = -1;                 // index into Observation::choices, -1 = free text
  std::vector<double> preference;  // [choices] what the agent preferred (log scale, up to a constant); empty if unknown
  std::optional<Trace> trace;
  std::vector<LessonUse> lessons;
};

struct Step {
  Observation seen;
  Move did;
  float reward = 0.0F;
  std::string comment;  // Outcome::comment
};

// Who played: exactly enough to play it again.
struct Stamp {
  std::string agent;    // catalogue name, then its settings that differ from the defaults: "react cases=3"
  std::string model;    // ModelFacts::artifact_sha
  std::string scope;    // which list of lessons
  std::uint64_t lessons = 0;  // its version, 0 = none
  std::string weights;  // artifact of a Weights lesson, empty = the base model
};

// Any model call worth keeping that is not a move: a reflection, a critique.
struct Generation {
  std::string id, key, role;
  std::vector<Message> prompt;
  std::string text;
  Trace trace;
  Stamp by;
  Usage usage;
};

// A time limit is not an end; a crash is not a loss.
enum class Ending { terminal, cut_off, fault };

struct Episode {
  std::string id;      // UUIDv7
  std::string run;     // empty: imported or played outside a run
  std::string key;     // its place in the run ("learn/3/17"), unique there; what makes a resumed run not pay twice
  std::string group;   // tries at the same task share it
  std::string parent;  // id of the try that this one repeats
  int attempt = 0;
  Task task;
  Stamp by;
  std::vector<std::string> notes;  // what the agent was told beside the task (reflections on earlier tries)
  std::vector<Step> steps;
  Observation last;                // what came after the last move
  std::vector<Generation> aside;
  Ending ending = Ending::terminal;
  std::string fault;               // why, when ending is fault
  double score = 0.0;              // 0 to 1
  bool solved = false;
  std::string feedback;            // Outcome::feedback of the last move
  Usage usage;
  std::int64_t started_ms = 0, ended_ms = 0;  // Unix time
};

}  // namespace hone
