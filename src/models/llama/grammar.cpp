#include "models/llama/grammar.h"

#include <common/json-schema-to-grammar.h>

#include <algorithm>
#include <charconv>

#include "core/error.h"

namespace hone::llama {
namespace {

constexpr std::size_t most_grammar = std::size_t{256} << 10;  // bytes. The parser recurses over rules that name each other,
constexpr std::size_t most_schema = std::size_t{64} << 10;    // and the converter over references
constexpr int most_nesting = 500;                             // brackets in brackets: one more recursion each
constexpr std::uint64_t most_repeats = 2000;                  // llama.cpp reads {0,2001} as {0,}

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::bad_input, "sampling: " + what); }

std::uint64_t number_at(std::string_view text, std::size_t& at) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  at = static_cast<std::size_t>(end - text.data());
  return code == std::errc() ? value : most_repeats + 1;
}

// `inside` is what stands between the braces of {m}, {m,} or {m,n}; anything else is left to the parser.
void check_repeats(std::string_view inside) {
  std::string plain;
  for (const char c : inside)
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') plain += c;
  if (plain.empty() || plain[0] < '0' || plain[0] > '9') return;
  std::size_t at = 0;
  const std::uint64_t least = number_at(plain, at);
  std::uint64_t most = least;
  if (at + 1 < plain.size() && plain[at] == ',') most = number_at(plain, ++at);
  if (std::max(least, most) > most_repeats) refuse("grammar: {" + plain.substr(0, 40) + "}: expected at most " + std::to_string(most_repeats) + " repetitions");
  if (most < least) refuse("grammar: {" + plain.substr(0, 40) + "}: expected the second number to be no smaller than the first");
}

// The log may quote the rest of the grammar: its beginning tells the place.
std::string reason() {
  std::string why = take_errors();
  if (why.size() > 200) why = wire::valid_utf8(why.substr(0, 200)) + " ...";
  return why.empty() ? "no reason given" : why;
}

}  // namespace

void check_gbnf(std::string_view grammar) {
  if (grammar.size() > most_grammar)
    refuse("grammar: expected at most " + std::to_string(most_grammar) + " bytes, got " + std::to_string(grammar.size()));
  if (grammar.find('\0') != std::string_view::npos) refuse("grammar: expected text, got a zero byte");
  int depth = 0;
  for (std::size_t i = 0; i < grammar.size(); ++i) {
    const char c = grammar[i];
    if (c == '#') {
      i = std::min(grammar.find_first_of("\r\n", i), grammar.size());
    } else if (c == '"' || c == '[') {
      const char close = c == '"' ? '"' : ']';
      for (++i; i < grammar.size() && grammar[i] != close; ++i) i += grammar[i] == '\\' ? 1 : 0;
    } else if (c == '<') {
      i = std::min(grammar.find('>', i), grammar.size());
    } else if (c == '{') {
      const std::size_t end = std::min(grammar.find('}', i), grammar.size());
      check_repeats(grammar.substr(i + 1, end - i - 1));
    } else if (c == '(' && ++depth > most_nesting) {
      refuse("grammar: expected brackets at most " + std::to_string(most_nesting) + " deep, got more");
    } else if (c == ')') {
      --depth;
    }
  }
}

std::string grammar_of(const Sampling& s) {
  if (s.json_schema.empty()) {
    check_gbnf(s.grammar);
    return s.grammar;
  }
  if (s.json_schema.size() > most_schema)
    refuse("json_schema: expected at most " + std::to_string(most_schema) + " bytes, got " + std::to_string(s.json_schema.size()));
  check_schema(wire::parse(s.json_schema, "sampling: json_schema"));  // our error, and a bound on the depth
  std::string made;
  try {
    made = json_schema_to_grammar(common_json::parse(s.json_schema), true);
  } catch (const std::exception& e) {
    refuse(std::string("json_schema: can't be made a grammar: ") + e.what());
  }
  try {
    check_gbnf(made);
  } catch (const Error& e) {
    refuse(std::string("json_schema: too large or too deep for a grammar: ") + e.what());
  }
  return made;
}

SamplerPtr make_grammar(const llama_vocab& vocab, const std::string& grammar) {
  if (grammar.empty()) return nullptr;
  take_errors();
  SamplerPtr made;
  try {
    made.reset(llama_sampler_init_grammar(&vocab, grammar.c_str(), "root"));
  } catch (const std::exception& e) {
    refuse(std::string("grammar: ") + e.what());
  }
  if (!made) refuse("grammar: expected GBNF with a rule \"root\", got one that can't be used: " + reason());
  return made;
}

}  // namespace hone::llama
