#include "agents/prompt.h"

#include <algorithm>

#include "core/error.h"
#include "embedded/agent_prompt.h"

namespace hone {

namespace {

// One line with its slots filled; `content` tells whether it holds anything but empty slots.
struct FilledLine {
  std::string text;
  bool content = false;
};

FilledLine fill_line(std::string_view line, const Slots& slots) {
  FilledLine out;
  bool any_slot = false;
  while (!line.empty()) {
    const std::size_t open = line.find("{{");
    const std::string_view before = line.substr(0, open);
    out.text += before;
    out.content |= before.find_first_not_of(" \t") != std::string_view::npos;
    if (open == std::string_view::npos) break;
    const std::size_t close = line.find("}}", open);
    if (close == std::string_view::npos) throw Error(Fault::internal, "prompt template: '{{' without '}}' in '" + std::string(line) + "'");
    const std::string_view name = line.substr(open + 2, close - open - 2);
    const auto it = std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.first == name; });
    if (it == slots.end()) throw Error(Fault::internal, "prompt template: no value for slot '" + std::string(name) + "'");
    out.text += it->second;
    out.content |= !it->second.empty();
    any_slot = true;
    line.remove_prefix(close + 2);
  }
  out.content |= !any_slot;
  while (!out.text.empty() && out.text.back() == ' ') out.text.pop_back();
  return out;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (const auto& part : parts) {
    if (part.empty()) continue;
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

// The newest lines that fit, after a mark that older ones were left out.
std::vector<std::string> recent_lines(const std::vector<std::string>& lines, std::size_t limit) {
  std::size_t first = lines.size(), size = 0;
  while (first > 0 && size + lines[first - 1].size() + 1 <= limit) size += lines[--first].size() + 1;
  std::vector<std::string> kept(lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end());
  if (first > 0) kept.insert(kept.begin(), "...");
  return kept;
}

std::string numbered(const std::vector<std::string>& items, const QuoteRules& rules) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : "\n") + std::to_string(i + 1) + ". " + quoted_line(items[i], rules);
  return out;
}

std::string with_heading(std::string_view file, std::string_view slot, std::string body) {
  if (body.empty()) return {};
  return fill_template(agent_prompt(file), {{slot, std::move(body)}});
}

std::string choice_line(const PromptParts& parts) {
  if (parts.choices.empty()) return {};
  return fill_template(agent_prompt("choices.md"), {{"action_word", action_word(*parts.world)}, {"choices", joined(parts.choices, ", ")}});
}

}  // namespace

std::string fill_template(std::string_view text, const Slots& slots) {
  std::string out;
  bool blank = true;  // the line before, so that none comes first
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const FilledLine line = fill_line(text.substr(0, end), slots);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.content) continue;
    if (line.text.empty() && blank) continue;
    blank = line.text.empty();
    out += line.text + '\n';
  }
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

std::string task_word(const WorldFacts& world) { return world.task_word.empty() ? "Task" : world.task_word; }
std::string action_word(const WorldFacts& world) { return world.action_word.empty() ? "Action" : world.action_word; }

QuoteRules quote_rules(const WorldFacts& world, int limit) {
  return {{task_word(world), action_word(world), "Action", "Thought", "Observation", "System", "User", "Assistant", "Human"},
          static_cast<std::size_t>(limit)};
}

std::string transcript_line(const std::string& cue, std::string_view text, const QuoteRules& rules) {
  return cue + ": " + quoted_line(text, rules);
}

namespace {

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find_first_of("\r\n"))); }

// "Queue: x" when x is something the case's agent really did (or thought), else nothing.
bool genuine(std::string_view line, std::string_view cue, const std::vector<std::string>& said, const QuoteRules& rules) {
  if (!line.starts_with(cue) || line.size() < cue.size() + 2 || line.substr(cue.size(), 2) != ": ") return false;
  return std::any_of(said.begin(), said.end(), [&](const auto& s) { return quoted_block(first_line(s), rules) == line.substr(cue.size() + 2); });
}

// A remembered transcript. Its lines are observations of the world, which may quote anybody: only lines that the case's own
// actions and thoughts bear out keep their cue.
std::string shown_transcript(const Case& known, const std::string& action_cue, const QuoteRules& rules, std::size_t limit) {
  const std::string block = quoted_block(known.transcript, {{}, limit});
  std::string out;
  for (std::size_t at = 0; at < block.size();) {
    const std::size_t end = std::min(block.find('\n', at), block.size());
    const std::string_view line = std::string_view(block).substr(at, end - at);
    at = end + 1;
    const bool own = genuine(line, action_cue, known.actions, {{}, limit}) || genuine(line, "Thought", known.thoughts, {{}, limit});
    if (!out.empty()) out += '\n';
    out += own ? std::string(line) : quoted_line(line, rules);
  }
  return out;
}

// What follows the task's line in a case.
std::string case_body(const Case& known, const PromptParts& parts, const ReactConfig& config) {
  const auto rules = quote_rules(*parts.world, config.text_limit);
  CaseShows shows = config.case_shows;
  if (shows == CaseShows::automatic) shows = parts.choosing ? CaseShows::last_action : CaseShows::transcript;
  const std::string cue = action_word(*parts.world);
  if (shows == CaseShows::transcript || known.actions.empty())
    return shown_transcript(known, cue, rules, static_cast<std::size_t>(config.transcript_limit));
  if (shows == CaseShows::last_action) return transcript_line(cue, known.actions.back(), rules);
  std::vector<std::string> lines;
  for (const auto& action : known.actions) lines.push_back(transcript_line(cue, action, rules));
  return joined(lines, "\n");
}

std::string_view first_prompt(const PromptParts& parts, const ReactConfig& config) {
  if (!parts.choosing) return config.thoughts == 0 ? "react_act.md" : "react_free.md";
  return config.format == PromptFormat::plain ? "react_plain.md" : "react_choice.md";
}

}  // namespace

std::string shown_case(const Case& known, const PromptParts& parts, const ReactConfig& config) {
  return joined({transcript_line(task_word(*parts.world), known.task, quote_rules(*parts.world, config.text_limit)), case_body(known, parts, config)},
                "\n");
}

std::vector<Message> react_prompt(const PromptParts& parts, const ReactConfig& config) {
  const auto rules = quote_rules(*parts.world, config.text_limit);
  const std::string insights = with_heading("insights.md", "insights", numbered(parts.insights, rules));
  const bool before = config.insight_place == InsightPlace::before;
  const bool plain = config.format == PromptFormat::plain;
  const std::string first = fill_template(agent_prompt(first_prompt(parts, config)),
                                          {{"role", parts.world->role},
                                           {"action_help", parts.world->action_help},
                                           {"action_word", action_word(*parts.world)},
                                           {"limit", parts.world->max_steps > 0 ? "You have at most " + std::to_string(parts.world->max_steps) + (parts.world->max_steps == 1 ? " step. " : " steps. ") : ""},
                                           {"choices", choice_line(parts)},
                                           {"insights", before ? insights : ""}});
  std::vector<std::string> cases;
  std::vector<Message> turns;
  for (const auto& known : parts.cases) {
    if (config.format == PromptFormat::turns) {
      turns.push_back({"user", transcript_line(task_word(*parts.world), known.task, rules)});
      turns.push_back({"assistant", case_body(known, parts, config)});
    } else {
      cases.push_back(shown_case(known, parts, config));
    }
  }
  const auto lines = recent_lines(parts.transcript, static_cast<std::size_t>(config.transcript_limit));
  const std::size_t first_lines = plain ? std::min<std::size_t>(1, lines.size()) : lines.size();
  const std::string turn = fill_template(agent_prompt("react_turn.md"),
                                         {{"cases", plain ? "" : joined(cases, "\n\n")},
                                          {"insights", before ? "" : insights},
                                          {"notes", with_heading("notes.md", "notes", numbered(parts.notes, rules))},
                                          {"task", transcript_line(task_word(*parts.world), parts.task, rules)},
                                          {"transcript", joined({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(first_lines)}, "\n")}});
  if (plain) {  // cases as a message of their own: the same prompt with another task reuses what was computed up to here
    std::vector<Message> out{{"text", first + "\n\n"}};
    if (!cases.empty()) out.push_back({"text", joined(cases, "\n\n") + "\n\n"});
    out.push_back({"text", turn + "\n"});
    // Each later line is a message of its own, so that the next step reuses all that was read before.
    for (std::size_t i = first_lines; i < lines.size(); ++i) out.push_back({"text", lines[i] + "\n"});
    return out;
  }
  std::vector<Message> out{{"system", first}};
  out.insert(out.end(), turns.begin(), turns.end());
  out.push_back({"user", turn});
  return out;
}

std::vector<Message> content_free_prompt(PromptParts parts, const ReactConfig& config) {
  parts.task = "N/A";
  parts.notes.clear();
  if (config.content_free == ContentFree::bare) parts.transcript.clear();
  return react_prompt(parts, config);
}

}  // namespace hone
