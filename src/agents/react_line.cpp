#include <algorithm>

#include "agents/react.h"

namespace hone {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

bool starts_with(std::string_view s, std::string_view word) {
  return s.size() >= word.size() && std::equal(word.begin(), word.end(), s.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

bool starts_with_word(std::string_view s, std::string_view word) {
  return starts_with(s, word) && (s.size() == word.size() || !is_letter(s[word.size()]));
}

// Without "Action 3:" in front; whether there was a colon.
std::string_view after_cue(std::string_view s, std::size_t word, bool& colon) {
  std::string_view rest = s.substr(word);
  std::size_t i = 0;
  while (i < rest.size() && (is_space(rest[i]) || is_digit(rest[i]))) ++i;
  colon = i < rest.size() && rest[i] == ':';
  return trimmed(colon ? rest.substr(i + 1) : rest);
}

std::string closed(std::string_view action) {
  std::string out(action);
  if (out.find('[') != std::string::npos && out.find(']') == std::string::npos) out += ']';
  return out;
}

// All Word[...] in the line; the last may lack its bracket.
std::vector<std::string_view> bracketed(std::string_view s) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '[' || i == 0 || !is_letter(s[i - 1])) continue;
    std::size_t start = i;
    while (start > 0 && is_letter(s[start - 1])) --start;
    const std::size_t end = std::min(s.find(']', i), s.size() - 1);
    out.push_back(s.substr(start, end - start + 1));
    i = end;
  }
  return out;
}

ReactLine action_of(std::string_view text) {
  return text.empty() ? ReactLine{ReactLine::invalid, ""} : ReactLine{ReactLine::action, closed(text)};
}

}  // namespace

ReactLine parse_react_line(std::string_view line, std::string_view action_word) {
  std::string_view s = trimmed(line);
  if (s.starts_with('>')) s = trimmed(s.substr(1));
  bool colon = false;
  for (const std::string_view cue : {"thought", "think"})
    if (starts_with_word(s, cue)) {
      const auto rest = after_cue(s, cue.size(), colon);
      return {ReactLine::thought, std::string(colon ? rest : s)};
    }
  if (!action_word.empty() && starts_with_word(s, action_word)) {
    const auto rest = after_cue(s, action_word.size(), colon);
    if (colon) return action_of(rest);
  }
  if (starts_with_word(s, "action")) return action_of(after_cue(s, 6, colon));
  const auto found = bracketed(s);
  if (found.size() == 1) return action_of(found[0]);
  if (found.size() > 1) return {ReactLine::invalid, ""};
  return {ReactLine::thought, std::string(s)};
}

}  // namespace hone
