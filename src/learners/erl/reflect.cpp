#include "learners/erl/reflect.h"

#include <algorithm>
#include <cstdio>

#include "embedded/learner_prompt.h"
#include "learners/prompt.h"

namespace hone::erl {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view prompt_file(Style style, const char* part) {
  const std::string name = style == Style::brief ? std::string(part) + "_brief" : style == Style::grid && std::string_view(part) == "system" ? "system_grid" : part;
  return learner_prompt("erl/prompts/" + name + ".md");
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return std::string(text.substr(0, text.find_last_not_of(blanks) + 1));
}

// Where `what` (lower case) stands in `text` from `at` on, whatever its case.
std::size_t find_in_any_case(std::string_view text, std::string_view what, std::size_t at) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  const auto it = std::search(text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size())), text.end(), what.begin(), what.end(), same);
  return it == text.end() ? std::string_view::npos : static_cast<std::size_t>(it - text.begin());
}

std::string turns(const Episode& first, bool brief) {
  std::string out;
  for (std::size_t i = 0; i < first.steps.size(); ++i) {
    const Step& s = first.steps[i];
    const bool last = i + 1 == first.steps.size();
    const bool changed = last ? first.last.changed : first.steps[i + 1].seen.changed;
    if (brief) {
      if (!s.seen.text.empty()) out += s.seen.text + "\n";
      out += "> " + s.did.action + (s.comment.empty() ? "" : " (" + s.comment + ")") + "\n";
      continue;
    }
    out += "Turn " + std::to_string(i + 1) + "\n";
    if (!s.seen.text.empty()) out += "seen:\n" + s.seen.text + "\n";
    out += "action: " + s.did.action + "\nreward: " + number(static_cast<double>(s.reward)) + ", had an effect: " + (changed ? "yes" : "no") + ", ended the try: " + (last ? "yes" : "no") + "\n";
    if (!s.comment.empty()) out += "outcome: " + s.comment + "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string described(const Task& task, const WorldFacts& world, bool brief) {
  std::string out = brief ? task.goal : (world.task_word.empty() ? "Task" : world.task_word) + ": " + task.goal;
  if (brief) return out;
  for (const auto& [name, value] : task.params) out += "\n" + name + ": " + value;
  return out;
}

std::string state(const std::string& base, const Batch& batch, const Episode& first, const WorldFacts& world, Style style) {
  return render_prompt(prompt_file(style, "state"), {{"base", base},
                                                     {"score", number(batch.score)},
                                                     {"solved", number(batch.solved)},
                                                     {"size", std::to_string(batch.size)},
                                                     {"record", record_of(first, world, style)}});
}

}  // namespace

std::string initial_prompt(const ErlConfig& config, const WorldFacts& world) {
  if (!config.system.empty()) return config.system;
  const std::string said = world.role + (world.role.empty() ? "" : "\n") + world.action_help;
  return said.empty() ? "Act." : said;
}

std::string record_of(const Episode& first, const WorldFacts& world, Style style) {
  return render_prompt(prompt_file(style, "record"), {{"task", described(first.task, world, style == Style::brief)},
                                                      {"turns", turns(first, style == Style::brief)},
                                                      {"score", number(first.score)},
                                                      {"solved", first.solved ? "yes" : "no"},
                                                      {"feedback", first.feedback.empty() ? "none" : first.feedback}});
}

std::vector<Message> reflection_prompt(const std::string& base, const Batch& batch, const Episode& first, const WorldFacts& world, Style style) {
  const std::string ask = render_prompt(prompt_file(style, "ask"), {});
  return {{"system", render_prompt(prompt_file(style, "system"), {})}, {"user", state(base, batch, first, world, style) + (ask.empty() ? "" : "\n" + ask)}};
}

std::optional<std::string> parse_reflection(std::string_view reply) {
  constexpr std::string_view open = "<prompt>", close = "</prompt>";
  const auto from = find_in_any_case(reply, open, 0);
  if (from == std::string_view::npos) return std::nullopt;
  const auto to = find_in_any_case(reply, close, from + open.size());
  if (to == std::string_view::npos) return std::nullopt;
  std::string text = trimmed(reply.substr(from + open.size(), to - from - open.size()));
  if (text.empty()) return std::nullopt;
  return text;
}

std::vector<std::string> told(const ErlConfig& config, const WorldFacts& world, const std::string& initial, const std::string& reflection) {
  std::vector<std::string> out;
  if (config.placement == Placement::append) out.push_back(initial);
  out.push_back(reflection);
  const std::string& reminder = config.reminder.empty() ? world.action_help : config.reminder;
  if (config.remind && !reminder.empty()) out.push_back(reminder);
  return out;
}

std::vector<std::string> told_record(const std::string& initial, const Batch& batch, const Episode& first, const WorldFacts& world, Style style) {
  return {initial, render_prompt(prompt_file(style, "use_record"), {}), state(initial, batch, first, world, style)};
}

}  // namespace hone::erl
