#include "learners/transcript.h"

#include <algorithm>

#include "wire/json.h"

namespace hone {

namespace {

constexpr std::string_view left_out = "[a long step is left out here]";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

void add_line(std::string& to, std::string_view label, std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return;
  if (!to.empty()) to += '\n';
  if (!label.empty()) to.append(label).append(": ");
  to += text;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) {
    if (line.empty()) continue;
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

}  // namespace

std::vector<std::string> transcript_steps(const Episode& episode, const WorldFacts& world) {
  const std::string action_word = world.action_word.empty() ? "Action" : world.action_word;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < episode.steps.size(); ++i) {
    const Step& step = episode.steps[i];
    std::string text;
    if (i == 0 && trimmed(step.seen.text) != trimmed(episode.task.goal)) add_line(text, "", step.seen.text);
    add_line(text, "Thought", step.did.thought);
    // An empty move is still a move: "Queue:" shows that nothing was said.
    if (trimmed(step.did.action).empty()) text += (text.empty() ? "" : "\n") + action_word + ":";
    else add_line(text, action_word, step.did.action);
    add_line(text, "", i + 1 < episode.steps.size() ? episode.steps[i + 1].seen.text : episode.last.text);
    out.push_back(wire::valid_utf8(text));
  }
  return out;
}

std::string transcript_of(const Episode& episode, const WorldFacts& world) { return joined(transcript_steps(episode, world)); }

std::vector<std::size_t> direct_steps(const Episode& episode) {
  const std::size_t n = episode.steps.size();
  const auto after = [&](std::size_t i) -> const Observation& { return i + 1 < n ? episode.steps[i + 1].seen : episode.last; };
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < n; ++i) {
    const auto& could = episode.steps[i].seen.choices;
    for (std::size_t j = n - 1; j > i && !could.empty(); --j)
      if (episode.steps[j].seen.choices == could) i = j;
    if (!kept.empty() && !after(kept.back()).changed && !after(i).changed) kept.pop_back();
    kept.push_back(i);
  }
  return kept;
}

std::string elided(const std::vector<std::string>& steps, int limit, const std::function<int(std::string_view)>& count_tokens) {
  std::vector<std::string> shown = steps;
  if (limit <= 0) return joined(shown);
  std::vector<int> tokens;
  long long total = 0;
  for (const auto& step : shown) total += tokens.emplace_back(count_tokens(step));
  const int mark = total > limit ? count_tokens(left_out) : 0;
  while (total > limit) {
    auto longest = shown.end();
    for (auto it = shown.begin(); it != shown.end(); ++it)
      if (*it != left_out && (longest == shown.end() || it->size() > longest->size())) longest = it;
    if (longest == shown.end()) break;
    total += mark - tokens[static_cast<std::size_t>(longest - shown.begin())];
    *longest = left_out;
  }
  return joined(shown);
}

Lesson case_of(const Episode& episode, const WorldFacts& world, const std::vector<RecallKey>& kinds, bool direct) {
  auto steps = transcript_steps(episode, world);
  std::vector<Move> moves;
  for (const auto& step : episode.steps) moves.push_back(step.did);
  if (direct && !steps.empty()) {
    const auto kept = direct_steps(episode);
    std::vector<std::string> texts;
    std::vector<Move> kept_moves;
    if (kept[0] > 0 && trimmed(episode.steps[0].seen.text) != trimmed(episode.task.goal)) texts.push_back(wire::valid_utf8(std::string(trimmed(episode.steps[0].seen.text))));
    for (const std::size_t i : kept) texts.push_back(steps[i]), kept_moves.push_back(moves[i]);
    steps = std::move(texts);
    moves = std::move(kept_moves);
  }
  Case it;
  it.task_id = wire::valid_utf8(episode.task.id);
  it.task = wire::valid_utf8(episode.task.goal);
  it.transcript = joined(steps);
  it.solved = episode.solved;
  for (const auto& move : moves) {
    if (!trimmed(move.thought).empty()) it.thoughts.push_back(wire::valid_utf8(move.thought));
    it.actions.push_back(wire::valid_utf8(move.action));
  }
  Lesson lesson;
  lesson.env = episode.task.env;
  lesson.kind = episode.task.kind;
  const auto add_key = [&](RecallKey kind, const std::string& raw) {
    const std::string text(trimmed(raw));
    if (text.empty() || std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return;
    for (const auto& key : lesson.keys)
      if (key.kind == kind && key.text == text) return;
    lesson.keys.push_back({kind, text});
  };
  add_key(RecallKey::task, it.task);
  for (const auto& text : it.thoughts) add_key(RecallKey::thought, text);
  for (const auto& text : it.actions) add_key(RecallKey::action, text);
  for (const auto& text : steps) add_key(RecallKey::step, text);
  for (const auto& text : episode.notes) add_key(RecallKey::reflection, wire::valid_utf8(text));
  if (!episode.id.empty()) lesson.evidence = {episode.id};
  lesson.what = std::move(it);
  return lesson;
}

}  // namespace hone
