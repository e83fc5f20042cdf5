// What gathering found, task by task, and the list of insights: the learner's state, with their JSON forms for its checkpoint.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/lesson.h"
#include "core/task.h"
#include "learners/expel/folds.h"
#include "learners/expel/operations.h"
#include "wire/json.h"

namespace hone::expel {

struct Try {
  std::string episode;  // id
  bool solved = false;
  std::vector<std::string> steps;  // see transcript_steps
};

struct TaskRecord {
  std::string id, kind, text;
  std::vector<Try> tries;  // in order of playing; emptied when extraction has no use for them (never solved, or no insights)
  std::vector<std::string> reflections;
  std::string last_episode;
  int attempts = 0, failures = 0;
  bool solved = false;
};

TaskRecord record_of(const Task& task);
Outcome outcome_of(const TaskRecord& record);

// One insight of a list and what it rests on.
struct Listed {
  std::string id;  // of its lesson
  Rule rule;
  std::vector<std::string> evidence;
};

// Where a change of the list comes from.
struct Origin {
  std::string scope;
  std::string prompt_hash;
  std::vector<std::string> evidence;  // episodes shown in the call
};

// Applies operations to the list and appends to `delta` what changes in the store: a rule that was touched is retired and added
// anew with its old id as parent and the call's episodes joined to its evidence; a rule that fell to 0 is retired.
std::vector<Dropped> update_list(std::vector<Listed>& list, std::span<const Operation> operations, const ListOptions& options,
                                 const Origin& origin, LessonDelta& delta);

std::vector<Rule> rules_of(const std::vector<Listed>& list);

wire::Json to_json(const TaskRecord& record);
TaskRecord record_from_json(const wire::Json& json, const std::string& at);
wire::Json to_json(const Listed& listed);
Listed listed_from_json(const wire::Json& json, const std::string& at);

}  // namespace hone::expel
