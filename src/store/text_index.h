// Full text by FTS5: the index and its tokenizer are SQLite's; the ranking is ours (ranking.h), because
// FTS5's own bm25 counts words over the whole table, so that other runs and later versions would change the
// result.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/db.h"

struct fts5_tokenizer;
struct Fts5Tokenizer;

namespace hone::store_detail {

struct FreeTokenizer {
  void (*destroy)(Fts5Tokenizer*) = nullptr;
  void operator()(Fts5Tokenizer* t) const { destroy(t); }
};

// 'unicode61 remove_diacritics 2' alone, and with Porter stems.
class Tokenizer {
 public:
  explicit Tokenizer(Db& db);
  int count(std::string_view text) const;  // words of a text as the index sees it
  // All words as the index keeps them, in order.
  std::vector<std::string> stems(std::string_view text) const { return run(stem_.get(), text); }
  // Words to ask for: distinct by stem, in order of appearance, at most `most`. Safe to put between double
  // quotes: a word has none. The user's text can therefore never act as query syntax.
  std::vector<std::string> words(std::string_view text, std::size_t most = 64) const;

 private:
  std::vector<std::string> run(Fts5Tokenizer* tokenizer, std::string_view text) const;
  std::unique_ptr<fts5_tokenizer> plain_methods_, stem_methods_;
  std::unique_ptr<Fts5Tokenizer, FreeTokenizer> plain_, stem_;
};

// Rows that have at least one of the words, with how often each occurs.
struct TextHits {
  int words = 0;
  std::vector<std::int64_t> rows;
  std::vector<std::int32_t> counts;  // [rows x words]
};

void register_text_functions(Db& db);  // once per connection, before find_text
TextHits find_text(Db& db, std::string_view home, const std::vector<std::string>& words);

}  // namespace hone::store_detail
