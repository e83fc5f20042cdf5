#include "envs/titles.h"

#include <algorithm>

#include "envs/unicode.h"

namespace hone {

namespace {

std::string normal_title(std::string_view text) {
  std::u32string out;
  for (const char32_t c : unicode::lowered(unicode::decoded(text))) {
    if (!unicode::is_space(c) && !unicode::is_ascii_punctuation(c)) out += c;
    else if (!out.empty() && out.back() != U' ') out += U' ';
  }
  if (!out.empty() && out.back() == U' ') out.pop_back();
  return unicode::encoded(out);
}

std::vector<std::uint32_t> runs_of(const std::string& normal) {
  std::vector<std::uint32_t> out;
  if (normal.empty()) return out;
  const std::string s = " " + normal + " ";
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[i])); };
  for (std::size_t i = 0; i + 2 < s.size(); ++i) out.push_back(byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::size_t shared(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::size_t n = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) ++n, ++i, ++j;
    else if (*i < *j) ++i;
    else ++j;
  }
  return n;
}

}  // namespace

Titles::Titles(const std::vector<std::string>& titles) {
  for (const auto& title : titles) {
    Entry e{title, normal_title(title), {}};
    e.runs = runs_of(e.normal);
    entries_.push_back(std::move(e));
  }
}

std::optional<std::size_t> Titles::find(std::string_view asked) const {
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].title == asked) return i;
  const std::string normal = normal_title(asked);
  for (std::size_t i = 0; i < entries_.size() && !normal.empty(); ++i)
    if (entries_[i].normal == normal) return i;
  return std::nullopt;
}

std::vector<std::size_t> Titles::nearest(std::string_view asked, std::size_t count) const {
  const auto runs = runs_of(normal_title(asked));
  std::vector<std::pair<double, std::size_t>> found;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (const auto n = shared(runs, entries_[i].runs); n > 0)
      found.emplace_back(-2.0 * static_cast<double>(n) / static_cast<double>(runs.size() + entries_[i].runs.size()), i);
  std::sort(found.begin(), found.end());
  if (found.size() > count) found.resize(count);
  std::vector<std::size_t> out;
  for (const auto& [score, i] : found) out.push_back(i);
  return out;
}

}  // namespace hone
