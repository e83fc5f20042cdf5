#include "agents/examples.h"

#include "wire/read.h"
#include "wire/text_file.h"

namespace hone {

Case Example::as_case(const std::string& action_word, bool thoughts) const {
  Case out;
  out.task = task;
  out.solved = true;
  const auto line = [&](const std::string& cue, const std::string& text) {
    if (text.empty()) return;
    out.transcript += (out.transcript.empty() ? "" : "\n") + cue + text;
  };
  for (const auto& step : steps) {
    if (thoughts && !step.thought.empty()) line("Thought: ", step.thought), out.thoughts.push_back(step.thought);
    line(action_word + ": ", step.action), out.actions.push_back(step.action);
    line("", step.observation);
  }
  return out;
}

Example read_example(const wire::Json& json, const std::string& at) {
  const wire::Fields f(json, at + ": example");
  Example out;
  f.need("task", out.task);
  f.get("kind", out.kind);
  const wire::Json& steps = f.required("steps");
  if (!steps.is_array() || steps.empty()) wire::expected(f.at("steps"), "a list of at least one step", steps);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const wire::Fields s(steps[i], f.at("steps") + "[" + std::to_string(i) + "]");
    Example::Step step;
    s.get("thought", step.thought);
    s.need("action", step.action);
    s.get("observation", step.observation);
    for (auto* text : {&step.thought, &step.action}) *text = one_line(*text);
    if (step.action.empty()) throw Error(Fault::bad_input, s.at("action") + ": expected an action, got nothing");
    out.steps.push_back(std::move(step));
  }
  return out;
}

std::vector<Example> read_examples(const std::string& path) {
  std::vector<Example> out;
  for_each_json_line(read_text_file(path), path, [&](const wire::Json& json, int, const std::string& at) { out.push_back(read_example(json, at)); });
  if (out.empty()) throw Error(Fault::bad_input, path + ": expected at least one solved task (task, steps), got none");
  return out;
}

}  // namespace hone
