#include "learners/expel/transfer.h"

#include <algorithm>

#include "core/error.h"
#include "embedded/learner_prompt.h"
#include "learners/prompt.h"

namespace hone {

namespace {

std::string_view body_template() { return learner_prompt("expel/prompts/transfer.md"); }
std::string_view examples_template() { return learner_prompt("expel/prompts/transfer_examples.md"); }

std::string described(const WorldFacts& world) {
  return world.role + (world.action_help.empty() ? "" : (world.role.empty() ? "" : "\n") + world.action_help);
}

}  // namespace

Request transfer_request(const Transfer& transfer) {
  std::string insights;
  for (const auto& lesson : transfer.insights)
    if (const auto* insight = std::get_if<Insight>(&lesson.what))
      insights += (insights.empty() ? "- " : "\n- ") + insight->text + " (importance " + std::to_string(insight->count) + ")";
  if (insights.empty()) throw Error(Fault::bad_input, "transfer: expected at least one insight of the source run, got none");
  std::string examples;
  for (const auto& it : transfer.examples)
    examples += (examples.empty() ? "" : "\n\n") + (transfer.target.task_word.empty() ? "Task" : transfer.target.task_word) + ": " + it.task +
                "\n" + it.transcript;
  if (!examples.empty()) examples = "\n" + render_prompt(examples_template(), {{"examples", examples}}) + "\n";
  Request request;
  request.key = request.role = "transfer";
  request.prompt = {{"user", render_prompt(body_template(), {{"source", described(transfer.source)},
                                                             {"insights", insights},
                                                             {"target", described(transfer.target)},
                                                             {"examples", examples}})}};
  request.sampling.max_tokens = transfer.max_tokens;
  return request;
}

Lesson transferred_insight(const Transfer& transfer, const Generation& reply) {
  constexpr std::string_view blanks = " \t\r\n";
  Insight insight{"", 1};
  const auto first = reply.text.find_first_not_of(blanks);
  if (first == std::string::npos) throw Error(Fault::bad_input, "transfer: expected a paragraph from the model, got an empty reply");
  insight.text = reply.text.substr(first, reply.text.find_last_not_of(blanks) - first + 1);
  Lesson lesson;
  lesson.env = transfer.target.name;
  for (const auto& source : transfer.insights) {
    const auto* from = std::get_if<Insight>(&source.what);
    if (from == nullptr) continue;
    insight.count = std::max(insight.count, from->count);
    for (const auto& id : source.evidence)
      if (std::find(lesson.evidence.begin(), lesson.evidence.end(), id) == lesson.evidence.end()) lesson.evidence.push_back(id);
  }
  lesson.keys = {{RecallKey::task, insight.text}};
  lesson.what = std::move(insight);
  std::vector<std::string_view> used{body_template()};
  if (!transfer.examples.empty()) used.push_back(examples_template());
  lesson.prompt_hash = prompt_hash(used);
  return lesson;
}

}  // namespace hone
