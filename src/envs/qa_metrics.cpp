#include "envs/qa_metrics.h"

#include <algorithm>
#include <map>
#include <vector>

#include "envs/unicode.h"

namespace hone {

namespace {

// The words a, an and the, bounded as \b bounds them, become spaces.
std::u32string without_articles(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    if (!unicode::is_word(text[i])) {
      out += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && unicode::is_word(text[end])) ++end;
    const auto word = text.substr(i, end - i);
    out += word == U"a" || word == U"an" || word == U"the" ? U" " : word;
    i = end;
  }
  return out;
}

std::vector<std::string> words_of(std::string_view normal) {
  std::vector<std::string> out;
  while (!normal.empty()) {
    const std::size_t end = std::min(normal.find(' '), normal.size());
    out.emplace_back(normal.substr(0, end));
    normal.remove_prefix(std::min(end + 1, normal.size()));
  }
  return out;
}

bool stands_alone(std::string_view normal) { return normal == "yes" || normal == "no" || normal == "noanswer"; }

}  // namespace

std::string normalised_answer(std::string_view text) {
  auto s = unicode::lowered(unicode::decoded(text));
  std::erase_if(s, unicode::is_ascii_punctuation);
  std::u32string out;
  for (const char32_t c : without_articles(s)) {
    if (!unicode::is_space(c)) out += c;
    else if (!out.empty() && out.back() != U' ') out += U' ';
  }
  if (!out.empty() && out.back() == U' ') out.pop_back();
  return unicode::encoded(out);
}

bool exact_match(std::string_view said, std::string_view right) { return normalised_answer(said) == normalised_answer(right); }

double answer_f1(std::string_view said, std::string_view right) {
  const std::string a = normalised_answer(said), b = normalised_answer(right);
  if (a != b && (stands_alone(a) || stands_alone(b))) return 0.0;
  const auto said_words = words_of(a), right_words = words_of(b);
  std::map<std::string, int> left;
  for (const auto& w : right_words) ++left[w];
  int shared = 0;
  for (const auto& w : said_words)
    if (const auto it = left.find(w); it != left.end() && it->second > 0) --it->second, ++shared;
  if (shared == 0) return 0.0;
  const double precision = static_cast<double>(shared) / static_cast<double>(said_words.size());
  const double recall = static_cast<double>(shared) / static_cast<double>(right_words.size());
  return 2.0 * precision * recall / (precision + recall);
}

}  // namespace hone
