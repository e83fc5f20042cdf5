#include "envs/unicode.h"

#include <algorithm>
#include <iterator>

#include "envs/unicode_tables.h"
#include "wire/json.h"

namespace hone::unicode {

namespace {

// The run that may hold `c`: the last one that does not start behind it.
template <class R, std::size_t N>
const R* run_of(const R (&runs)[N], char32_t c) {
  const auto it = std::upper_bound(std::begin(runs), std::end(runs), c, [](char32_t x, const R& run) { return x < run.first; });
  return it == std::begin(runs) || std::prev(it)->last < c ? nullptr : std::prev(it);
}

char32_t lower(char32_t c) {
  if (c < 0x80) return c >= U'A' && c <= U'Z' ? c - U'A' + U'a' : c;
  const LowerRun* run = run_of(lower_runs, c);
  if (run == nullptr || (c - run->first) % static_cast<char32_t>(run->step) != 0) return c;
  return static_cast<char32_t>(static_cast<int>(c) + run->delta);
}

constexpr char32_t dotted_i = 0x130, combining_dot = 0x307, capital_sigma = 0x3A3, final_sigma = 0x3C2;

}  // namespace

std::u32string decoded(std::string_view utf8) {
  const std::string text = wire::valid_utf8(utf8);
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<char32_t>(static_cast<unsigned char>(text[at])); };
    const char32_t b = byte(i);
    const int more = b < 0x80 ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
    char32_t c = more == 0 ? b : b & (0x3FU >> more);
    for (int k = 0; k < more; ++k) c = (c << 6) | (byte(++i) & 0x3FU);
    ++i;
    out += c;
  }
  return out;
}

std::string encoded(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  for (const char32_t c : text) {
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
    } else {
      put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
    }
  }
  return out;
}

std::u32string lowered(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == dotted_i) out += {U'i', combining_dot};
    else if (c == capital_sigma && i > 0 && is_word(text[i - 1]) && (i + 1 == text.size() || !is_word(text[i + 1]))) out += final_sigma;
    else out += lower(c);
  }
  return out;
}

std::string lowered(std::string_view utf8) { return encoded(lowered(decoded(utf8))); }

bool is_space(char32_t c) { return run_of(space_runs, c) != nullptr; }

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9') || c == U'_';
  return run_of(word_runs, c) != nullptr;
}

bool is_ascii_punctuation(char32_t c) { return c > U' ' && c < 0x7F && (c == U'_' || !is_word(c)); }

}  // namespace hone::unicode
