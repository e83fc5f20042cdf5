#include "learners/expel/prompts.h"

#include <algorithm>

#include "embedded/learner_prompt.h"
#include "learners/prompt.h"

namespace hone::expel {

namespace {

std::string or_else(const std::string& text, const char* otherwise) { return text.empty() ? otherwise : text; }

}  // namespace

std::string reasons_sentence(const WorldFacts& world) {
  const auto& reasons = world.failure_reasons;
  if (reasons.empty()) return "";
  std::string out = " A try fails here when " + reasons[0];
  for (std::size_t i = 1; i < reasons.size(); ++i) out += (i + 1 == reasons.size() ? ", or " : ", ") + reasons[i];
  return out + ".";
}

Prompt reflection_prompt(const TaskRecord& record, const Try& failed, const PromptContext& context) {
  const auto text = learner_prompt("expel/prompts/reflect.md");
  std::vector<std::string_view> used{text};
  std::string examples;
  for (int i = 1; i <= context.config.reflection_examples; ++i) {
    const auto example = learner_prompt("expel/prompts/reflect_example_" + std::to_string(i) + ".md");
    used.push_back(example);
    examples += std::string(example) + "\n";
  }
  return {render_prompt(text, {{"role", context.world.role},
                               {"reasons", reasons_sentence(context.world)},
                               {"examples", examples},
                               {"task_word", or_else(context.world.task_word, "Task")},
                               {"task", record.text},
                               {"transcript", elided(failed.steps, context.config.transcript_tokens, context.count_tokens)}}),
          prompt_hash(used)};
}

std::string reflection_line(std::string_view reply) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto trim = [&] {
    reply.remove_prefix(std::min(reply.find_first_not_of(blanks), reply.size()));
    reply = reply.substr(0, reply.find_last_not_of(blanks) + 1);
  };
  trim();
  reply = reply.substr(0, reply.find('\n'));
  constexpr std::string_view cue = "Reflection:";
  if (reply.starts_with(cue)) reply.remove_prefix(cue.size());
  trim();
  return std::string(reply);
}

Prompt insight_prompt(const InsightCall& call, std::span<const TaskRecord> records, std::span<const Rule> rules,
                      const PromptContext& context) {
  const ExpelConfig& config = context.config;
  const bool paper = config.operator_names == OperatorNames::vote;
  const std::string agree = paper ? "UPVOTE" : "AGREE", remove = paper ? "DOWNVOTE" : "REMOVE";
  const bool full = asks_to_hold_back(rules.size(), list_options(config));
  const auto format = learner_prompt("expel/prompts/insights_format.md");
  const auto suffix = learner_prompt(full ? "expel/prompts/insights_full.md" : "expel/prompts/insights_open.md");
  const auto body = learner_prompt(call.compare ? "expel/prompts/insights_compare.md" : "expel/prompts/insights_successes.md");
  const std::string task_word = or_else(context.world.task_word, "Task");
  // Together the transcripts of a call stay under the limit.
  const int limit = config.transcript_tokens == 0 ? 0 : std::max(1, config.transcript_tokens / static_cast<int>(call.shown.size()));
  const auto transcript = [&](const Shown& s) { return elided(records[s.task].tries[s.attempt].steps, limit, context.count_tokens); };

  Slots slots{{"role", context.world.role},
              {"rules", numbered(rules)},
              {"format", render_prompt(format, {{"agree", agree}, {"remove", remove}})},
              {"suffix", render_prompt(suffix, full ? Slots{{"remove", remove}} : Slots{})}};
  if (call.compare) {
    slots.insert(slots.end(), {{"reasons", reasons_sentence(context.world)},
                               {"task_word", task_word},
                               {"task", records[call.shown.at(0).task].text},
                               {"success", transcript(call.shown.at(0))},
                               {"failure", transcript(call.shown.at(1))}});
  } else {
    std::string tries;
    for (const auto& s : call.shown)
      tries += (tries.empty() ? "" : "\n\n") + task_word + ": " + records[s.task].text + "\n" + transcript(s);
    slots.emplace_back("successes", tries);
  }
  return {render_prompt(body, slots), prompt_hash({body, format, suffix})};
}

}  // namespace hone::expel
