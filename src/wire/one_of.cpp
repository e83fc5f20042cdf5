#include "wire/one_of.h"

namespace hone::wire {

namespace {
constexpr std::string_view start = "root ::= ";
}

std::string one_of_grammar(std::span<const std::string> texts) {
  std::string out(start);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out += i == 0 ? "\"" : " | \"";
    for (const char c : texts[i]) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') out += "\\n";
      else out += c;
    }
    out += '"';
  }
  return out;
}

std::optional<std::vector<std::string>> texts_of_grammar(std::string_view grammar) {
  if (!grammar.starts_with(start)) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t at = start.size();;) {
    if (at >= grammar.size() || grammar[at] != '"') return std::nullopt;
    std::string text;
    for (++at; at < grammar.size() && grammar[at] != '"'; ++at) {
      if (grammar[at] != '\\') {
        text += grammar[at];
        continue;
      }
      if (++at >= grammar.size()) return std::nullopt;
      if (grammar[at] == 'n') text += '\n';
      else if (grammar[at] == '"' || grammar[at] == '\\') text += grammar[at];
      else return std::nullopt;
    }
    if (at++ >= grammar.size()) return std::nullopt;
    out.push_back(std::move(text));
    if (at == grammar.size()) return out;
    if (grammar.substr(at, 3) != " | ") return std::nullopt;
    at += 3;
  }
}

}  // namespace hone::wire
