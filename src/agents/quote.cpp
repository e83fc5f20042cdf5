#include "agents/quote.h"

#include <algorithm>

#include "wire/json.h"

namespace hone {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

// Bytes at the start of `s` that spell a marker, or 0: "<|...|>", "<...>" around one word or tag, "<<SYS>>", "[INST]",
// and the full-width bar of some templates.
std::size_t marker_length(std::string_view s) {
  constexpr std::size_t longest = 48;
  if (s.size() < 3) return 0;
  if (s[0] == '[') {
    for (const std::string_view m : {"[INST]", "[/INST]", "[SYS]", "[/SYS]"})
      if (equal_ignoring_case(s.substr(0, m.size()), m)) return m.size();
    return 0;
  }
  if (s[0] != '<') return 0;
  std::size_t i = 1;
  if (s[1] == '|' || s.substr(1).starts_with("\xEF\xBD\x9C")) {  // a bar: a marker even when it is not closed
    const std::size_t end = s.substr(0, longest).find('>');
    return end == std::string_view::npos ? 2 : end + 1;
  }
  while (i < s.size() && (s[i] == '/' || s[i] == '<')) ++i;
  if (i >= s.size() || !is_letter(s[i])) return 0;
  for (; i < s.size() && i < longest; ++i) {
    if (s[i] == '>') return i + (i + 1 < s.size() && s[i + 1] == '>' ? 2 : 1);
    if (!is_letter(s[i]) && !(s[i] >= '0' && s[i] <= '9') && std::string_view("_-|:/").find(s[i]) == std::string_view::npos) return 0;
  }
  return 0;
}

std::string without_markers(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size();) {
    std::size_t n = s[i] == '<' || s[i] == '[' ? marker_length(s.substr(i)) : 0;
    if (n == 0) {
      out += s[i++];
      continue;
    }
    out += '(';
    for (; n > 0; --n, ++i)
      if (is_letter(s[i]) || s[i] == '_' || s[i] == '/' || s[i] == ' ' || (s[i] >= '0' && s[i] <= '9')) out += s[i];
    out += ')';
  }
  return out;
}

std::string without_cues(std::string s, const std::vector<std::string>& cues) {
  for (const auto& cue : cues) {
    if (cue.empty()) continue;
    for (std::size_t i = 0; i + cue.size() < s.size(); ++i) {
      if (i > 0 && is_letter(s[i - 1])) continue;
      if (!equal_ignoring_case(std::string_view(s).substr(i, cue.size()), cue)) continue;
      std::size_t colon = i + cue.size();
      while (colon < s.size() && (s[colon] == ' ' || (s[colon] >= '0' && s[colon] <= '9'))) ++colon;  // "Action 3 :"
      if (colon == s.size() || s[colon] != ':') continue;
      const std::size_t from = s[colon - 1] == ' ' ? colon - 1 : colon;
      s.erase(from, colon + 1 - from);
    }
  }
  return s;
}

std::string cut(std::string s, std::size_t limit) {
  if (s.size() <= limit) return s;
  while (limit > 0 && (static_cast<unsigned char>(s[limit]) & 0xC0U) == 0x80U) --limit;
  s.resize(limit);
  return s + " ...";
}

// Line breaks as '\n', other control characters as spaces. A hostile megabyte is cut before it is worked on.
std::string plain(std::string_view text, std::size_t limit) {
  std::string s = wire::valid_utf8(text.substr(0, limit * 4 + 64));
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\r') s[i] = '\n';
    if ((static_cast<unsigned char>(s[i]) < ' ' && s[i] != '\n') || s[i] == 0x7F) s[i] = ' ';
    for (const std::string_view line_break : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"})  // next line, line and paragraph separator
      if (std::string_view(s).substr(i).starts_with(line_break)) s.replace(i, line_break.size(), "\n");
  }
  return s;
}

std::string one_space(std::string_view s) {
  std::string out;
  for (const char c : s) {
    const bool space = c == ' ' || c == '\n';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::string quoted_line(std::string_view text, const QuoteRules& rules) {
  return cut(without_cues(without_markers(one_space(plain(text, rules.limit))), rules.cues), rules.limit);
}

std::string quoted_block(std::string_view text, const QuoteRules& rules) {
  const std::string s = without_markers(plain(text, rules.limit));
  std::string out;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t end = std::min(s.find('\n', at), s.size());
    const std::string line = one_space(std::string_view(s).substr(at, end - at));
    at = end + 1;
    if (line.empty()) continue;
    if (out.size() + line.size() + 1 > rules.limit) return out.empty() ? cut(line, rules.limit) : out + "\n...";
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

}  // namespace hone
