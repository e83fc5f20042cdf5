#include "learners/developmental/answer.h"

#include <algorithm>
#include <array>

#include "embedded/learner_prompt.h"
#include "learners/prompt.h"

namespace hone::developmental {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return std::string(text.substr(0, text.find_last_not_of(blanks) + 1));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line(text.substr(at, end - at));
    if (line.ends_with('\r')) line.pop_back();
    out.push_back(std::move(line));
    at = end + 1;
  }
  return out;
}

// The label that a line starts with and the rest of it; stars around the label are passed over.
std::optional<std::pair<std::string, std::string>> label_of(const std::string& line, const std::vector<std::string>& labels) {
  std::string_view rest = line;
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t*"), rest.size()));
  for (const auto& label : labels) {
    if (!rest.starts_with(label)) continue;
    auto after = rest.substr(label.size());
    after.remove_prefix(std::min(after.find_first_not_of('*'), after.size()));
    if (!after.starts_with(':')) continue;
    after.remove_prefix(1);
    after.remove_prefix(std::min(after.find_first_not_of('*'), after.size()));
    return std::pair{label, std::string(after)};
  }
  return std::nullopt;
}

// Labels and their texts in the order they come; text before the first label is passed over.
std::vector<std::pair<std::string, std::string>> sections(std::string_view text, const std::vector<std::string>& labels) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& line : lines_of(text)) {
    if (auto found = label_of(line, labels)) out.push_back(std::move(*found));
    else if (!out.empty()) out.back().second += "\n" + line;
  }
  for (auto& [label, content] : out) content = trimmed(content);
  return out;
}

bool letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

constexpr std::array<std::string_view, 4> buzzwords{"universal", "ethical", "principle", "dignity"};

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string task_prompt(const Situation& s, Fields fields) {
  return render_prompt(learner_prompt(fields == Fields::four ? "developmental/prompts/task_four.md" : "developmental/prompts/task_two.md"),
                       {{"scenario", s.scenario}, {"question", s.question}});
}

std::optional<Answer> parse_answer(std::string_view text, Fields fields) {
  const auto found = sections(text, {"Thought", "Reason", "Action"});
  const std::vector<std::string> order = fields == Fields::four ? std::vector<std::string>{"Thought", "Reason", "Action", "Reason"} : std::vector<std::string>{"Action", "Reason"};
  if (found.size() != order.size()) return std::nullopt;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (found[i].first != order[i] || found[i].second.empty()) return std::nullopt;
  if (fields == Fields::two) return Answer{{}, {}, found[0].second, found[1].second};
  return Answer{found[0].second, found[1].second, found[2].second, found[3].second};
}

std::string write_answer(const Answer& a, Fields fields) {
  const std::string end = "Action: " + a.action + "\nReason: " + a.why;
  return fields == Fields::two ? end : "Thought: " + a.thought + "\nReason: " + a.reason + "\n" + end;
}

bool mentions_cycle(std::string_view text) {
  const std::string t = lower(text);
  for (const char* word : {"kohlberg", "higher stage", "moral stage", "previous answer", "earlier answer", "earlier attempt", "previous attempt", "first answer", "the advice", "hypothesis"})
    if (t.find(word) != std::string::npos) return true;
  for (std::size_t at = t.find("stage "); at != std::string::npos; at = t.find("stage ", at + 1))
    if (at + 6 < t.size() && t[at + 6] >= '1' && t[at + 6] <= '6') return true;
  return false;
}

bool is_refusal(std::string_view text) {
  const std::string t = lower(text.substr(0, 120));
  for (const char* start : {"i can't", "i cannot", "i can not", "i'm sorry", "i am sorry", "sorry,", "as an ai", "i won't", "i will not answer", "i'm unable", "i am unable"})
    if (const auto at = t.find(start); at != std::string::npos && at < 20) return true;
  return false;
}

bool has_buzzword(std::string_view text) {
  const std::string t = lower(text);
  return std::any_of(buzzwords.begin(), buzzwords.end(), [&](std::string_view word) { return t.find(word) != std::string::npos; });
}

std::string without_buzzwords(std::string_view text) {
  const std::string t = lower(text);
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && letter(t[end])) ++end;
    if (end == i) {
      out += text[i++];
      continue;
    }
    const std::string_view word = std::string_view(t).substr(i, end - i);
    const bool masked = std::any_of(buzzwords.begin(), buzzwords.end(), [&](std::string_view b) { return word.find(b) != std::string_view::npos; });
    out += masked ? std::string("such") : std::string(text.substr(i, end - i));
    i = end;
  }
  return out;
}

std::optional<std::map<std::string, std::string>> labelled(std::string_view text, const std::vector<std::string>& labels) {
  std::map<std::string, std::string> out;
  for (auto& [label, content] : sections(text, labels)) out.emplace(label, std::move(content));  // the first of its name counts
  for (const auto& label : labels)
    if (const auto it = out.find(label); it == out.end() || it->second.empty()) return std::nullopt;
  return out;
}

std::vector<std::string> entries(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(';', at), text.size());
    if (auto part = trimmed(text.substr(at, end - at)); !part.empty()) out.push_back(std::move(part));
    at = end + 1;
  }
  return out;
}

}  // namespace hone::developmental
