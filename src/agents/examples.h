// Solved tasks that a person wrote down: the fixed few-shots of ReAct and ExpeL, shown where fewer own cases are recalled.
#pragma once

#include <string>
#include <vector>

#include "core/lesson.h"
#include "wire/json.h"

namespace hone {

struct Example {
  struct Step {
    std::string thought, action, observation;
  };
  std::string task, kind;  // kind: shown with tasks of that kind only; empty = of any
  std::vector<Step> steps;

  // As an agent's own case would be; without thoughts for an agent that doesn't think.
  Case as_case(const std::string& action_word, bool thoughts) const;
};

Example read_example(const wire::Json& json, const std::string& at);

// JSONL, one solved task a line: {"task": "...", "steps": [{"thought": "...", "action": "...", "observation": "..."}]}, and perhaps
// "kind". thought and observation may be missing. Throws Error that names file, line and field: what does not fit, a file without a line.
std::vector<Example> read_examples(const std::string& path);

}  // namespace hone
