#include "models/weights/train_bpe.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "core/arch.h"
#include "core/error.h"

// How llama.cpp itself cuts a text before it merges; a function of its library that its headers don't show.
std::vector<std::string> unicode_regex_split(const std::string& text, const std::vector<std::string>& regex_exprs, bool byte_encode);

namespace hone {

namespace {

constexpr int specials = 3, bytes = 256;

const char* const chatml =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

// The cuts that llama.cpp makes for "smollm".
const std::vector<std::string> cuts{R"(\p{N})", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"};

using Pair = std::uint64_t;  // two ids
Pair pair_of(int a, int b) { return (static_cast<Pair>(a) << 32) | static_cast<std::uint32_t>(b); }

struct Word {
  std::vector<int> ids;
  std::int64_t count = 0;
};

struct Candidate {
  std::int64_t count = 0;
  Pair pair = 0;
  bool operator<(const Candidate& other) const { return count != other.count ? count < other.count : pair > other.pair; }
};

std::vector<Word> words_of(std::span<const std::string> texts, const std::unordered_map<std::string, int>& letters) {
  std::map<std::string, std::int64_t> counts;  // sorted: the result depends on nothing else
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    for (std::string& word : unicode_regex_split(text, cuts, true)) ++counts[std::move(word)];
  }
  std::vector<Word> words;
  for (const auto& [text, count] : counts) {
    Word w{{}, count};
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t n = (static_cast<unsigned char>(text[i]) & 0x80U) != 0 ? 2 : 1;  // the byte alphabet ends below U+0800
      w.ids.push_back(letters.at(text.substr(i, n)));
      i += n;
    }
    words.push_back(std::move(w));
  }
  return words;
}

// Counts of neighbouring pairs, kept up to date while pairs are merged.
class Pairs {
 public:
  explicit Pairs(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::size_t i = 0; i + 1 < words_[w].ids.size(); ++i) add(pair_of(words_[w].ids[i], words_[w].ids[i + 1]), words_[w].count, w);
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  // The most frequent; count 0 when there is none.
  Candidate best() {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const std::int64_t now = counts_[top.pair];
      if (now == top.count) return top;
      if (now > 0) queue_.push({now, top.pair});
    }
    return {};
  }

  void merge(Pair pair, int id) {
    const int left = static_cast<int>(pair >> 32), right = static_cast<int>(pair & 0xFFFFFFFFU);
    const auto places = std::move(places_[pair]);
    places_.erase(pair);
    std::unordered_set<Pair> changed;
    for (const std::size_t w : places) {
      std::vector<int>& ids = words_[w].ids;
      const std::int64_t count = words_[w].count;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        if (ids[i] != left || ids[i + 1] != right) continue;
        if (i > 0) {
          counts_[pair_of(ids[i - 1], left)] -= count;
          add(pair_of(ids[i - 1], id), count, w);
          changed.insert(pair_of(ids[i - 1], id));
        }
        if (i + 2 < ids.size()) {
          counts_[pair_of(right, ids[i + 2])] -= count;
          add(pair_of(id, ids[i + 2]), count, w);
          changed.insert(pair_of(id, ids[i + 2]));
        }
        counts_[pair] -= count;
        ids[i] = id;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    counts_.erase(pair);
    for (const Pair p : changed)
      if (const std::int64_t count = counts_[p]; count > 0) queue_.push({count, p});
  }

 private:
  void add(Pair pair, std::int64_t count, std::size_t word) {
    counts_[pair] += count;
    places_[pair].insert(word);
  }

  std::vector<Word> words_;
  std::unordered_map<Pair, std::int64_t> counts_;
  std::unordered_map<Pair, std::unordered_set<std::size_t>> places_;  // words that hold it, or once did
  std::priority_queue<Candidate> queue_;
};

}  // namespace

Vocabulary byte_vocabulary() {
  Vocabulary v;
  v.pre = "smollm";
  v.tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  v.kinds.assign(specials, TokenKind::control);
  std::vector<std::string> letters = byte_alphabet();
  std::sort(letters.begin(), letters.end());  // by code point, which UTF-8 keeps
  v.tokens.insert(v.tokens.end(), letters.begin(), letters.end());
  v.kinds.resize(v.tokens.size(), TokenKind::normal);
  v.begin = -1;
  v.end = 2;
  v.pad = 0;
  v.chat_template = chatml;
  return v;
}

Vocabulary train_bpe(std::span<const std::string> texts, int size, int least) {
  if (size < specials + bytes || size > most_vocab)
    throw Error(Fault::usage, "vocabulary: expected a size of " + std::to_string(specials + bytes) + " to " + std::to_string(most_vocab) + ", got " + std::to_string(size));
  Vocabulary v = byte_vocabulary();
  std::unordered_map<std::string, int> known;
  for (std::size_t i = 0; i < v.tokens.size(); ++i) known.emplace(v.tokens[i], static_cast<int>(i));
  Pairs pairs(words_of(texts, known));
  std::unordered_set<Pair> merged;
  while (static_cast<int>(v.tokens.size()) < size) {
    const Candidate best = pairs.best();
    if (best.count < std::max(1, least)) break;
    const std::string &left = v.tokens[best.pair >> 32], &right = v.tokens[best.pair & 0xFFFFFFFFU];
    std::string text = left + right;
    if (merged.insert(best.pair).second) v.merges.push_back(left + " " + right);
    // Two ways to one text make one token; a pair can come up again then.
    const auto [found, fresh] = known.emplace(text, static_cast<int>(v.tokens.size()));
    if (fresh) {
      v.tokens.push_back(std::move(text));
      v.kinds.push_back(TokenKind::normal);
    }
    pairs.merge(best.pair, found->second);
  }
  return v;
}

}  // namespace hone
