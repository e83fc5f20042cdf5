#include "envs/process_answers.h"

#include <cmath>
#include <set>

#include "core/error.h"
#include "wire/read.h"

namespace hone {

using wire::Fields;
using wire::Json;

namespace {

std::vector<Task> read_tasks(const Json* tasks, const std::string& at, std::set<std::string>& seen) {
  std::vector<Task> out;
  if (tasks == nullptr) return out;
  out = Fields::elements<Task>(*tasks, at, [](const Json& json, const std::string& where) {
    Fields(json, where).required("goal");
    Task task = wire::task_from_json(json, where);
    task.env = "process";
    return task;
  });
  for (const auto& task : out)
    if (!seen.insert(task.id).second) throw Error(Fault::bad_input, at + ": task '" + task.id + "' is there twice, or in two splits");
  return out;
}

}  // namespace

WorldHello read_hello(const Json& answer) {
  const Fields f(answer, "hello");
  WorldHello out;
  f.need("name", out.facts.name);
  f.get("role", out.facts.role);
  f.get("action_help", out.facts.action_help);
  f.get("task_word", out.facts.task_word);
  f.get("action_word", out.facts.action_word);
  f.get("max_steps", out.facts.max_steps);
  f.get("failure_reasons", out.facts.failure_reasons);
  if (out.facts.max_steps < 0) throw Error(Fault::bad_input, "hello.max_steps: expected at least 0");
  const Fields tasks(f.required("tasks"), f.at("tasks"));
  std::set<std::string> seen;
  out.train = read_tasks(tasks.find("train"), tasks.at("train"), seen);
  out.validation = read_tasks(tasks.find("validation"), tasks.at("validation"), seen);
  out.test = read_tasks(tasks.find("test"), tasks.at("test"), seen);
  if (seen.empty()) throw Error(Fault::bad_input, "hello.tasks: expected at least one task");
  return out;
}

Observation read_observation(const Json& answer, const std::string& at) {
  const Fields f(answer, at);
  Observation seen;
  f.get("text", seen.text);
  f.get("choices", seen.choices);
  std::set<std::string> different;
  for (const auto& choice : seen.choices)
    if (choice.empty() || !different.insert(choice).second)
      throw Error(Fault::bad_input, at + ".choices: expected different texts that are not empty, got '" + choice + "' " +
                                        (choice.empty() ? "" : "twice"));
  return seen;
}

Outcome read_outcome(const Json& answer) {
  const Fields f(answer, "step");
  Outcome out;
  out.next = read_observation(answer, "step");
  f.get("changed", out.next.changed);
  f.get("reward", out.reward);
  if (!std::isfinite(out.reward)) throw Error(Fault::bad_input, "step.reward: expected a finite number");
  f.get("comment", out.comment);
  f.get("feedback", out.feedback);
  std::string ending;
  f.get("ending", ending);
  if (ending.empty()) return out;
  if (ending != "terminal" && ending != "cut_off")
    throw Error(Fault::bad_input, "step.ending: expected terminal or cut_off (or none while it goes on), got '" + ending + "'");
  out.ending = ending == "terminal" ? Ending::terminal : Ending::cut_off;
  f.get("solved", out.solved);
  out.score = out.solved ? 1.0 : 0.0;
  f.get("score", out.score);
  if (!(out.score >= 0.0 && out.score <= 1.0)) throw Error(Fault::bad_input, "step.score: expected 0 to 1, got " + wire::number(out.score).dump());
  if (f.find("solved") == nullptr) out.solved = out.score >= 1.0;
  return out;
}

}  // namespace hone
