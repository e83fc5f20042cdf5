// What was learned. A closed variant: agents handle each form, and most new methods need no new one. Lessons are immutable;
// a change retires one and adds another that names it as parent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace hone {

struct Insight {
  std::string text;
  int count = 1;  // ExpeL's importance
};

struct Skill {
  std::string name, language, code, doc;
};

// A remembered try, ready to be shown as an example.
struct Case {
  std::string task_id, task;               // the task's text
  std::string transcript;                  // what followed, as the agent may read it
  std::vector<std::string> thoughts, actions;
  bool solved = false;
};

struct Weights {
  enum class Form { full, lora, net };
  std::string base_sha, artifact_sha, arch, tokenizer_sha;
  Form form = Form::full;
};

// What recall compares a query with. One lesson may be found under several keys (ExpeL's document kinds).
enum class RecallKey { task, thought, action, step, reflection };

struct LessonKey {
  RecallKey kind = RecallKey::task;
  std::string text;
};

struct Lesson {
  std::string id;       // UUIDv7
  std::string scope;    // the list it belongs to: a run, or a fold of a run; nothing crosses scopes by itself
  std::string learner;  // catalogue name of the method
  std::string env, kind;
  std::variant<Insight, Skill, Case, Weights> what;
  std::vector<LessonKey> keys;
  std::vector<std::string> evidence;  // episode ids it rests on; erasing one finds the lesson
  std::string prompt_hash;            // SHA-256 of the prompt template that produced it, empty if no prompt did
  std::string parent;                 // lesson it replaces
  std::int64_t created_ms = 0;
};

struct LessonDelta {
  std::vector<Lesson> add;          // ids may be empty: the store gives them
  std::vector<std::string> retire;  // ids
};

using Metrics = std::map<std::string, double>;

}  // namespace hone
