#include "store/text_index.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace hone::store_detail {
namespace {

// How FTS5 hands out its interface: a pointer bound to a query.
fts5_api* api_of(Db& db) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db.handle(), "SELECT fts5(?1)", -1, &statement, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
  }
  sqlite3_finalize(statement);
  if (api == nullptr)
    throw Error(Fault::unavailable, "store: this SQLite was built without FTS5 (full-text search)");
  return api;
}

// hone_counts(lesson_text): how often each phrase of the query occurs in the row, as int32 values.
void counts_function(const Fts5ExtensionApi* api, Fts5Context* fts, sqlite3_context* context, int,
                     sqlite3_value**) {
  std::int32_t counts[128] = {};
  const int phrases = std::min(api->xPhraseCount(fts), 128);
  int hits = 0;
  int code = api->xInstCount(fts, &hits);
  for (int i = 0; code == SQLITE_OK && i < hits; ++i) {
    int phrase = 0;
    int column = 0;
    int offset = 0;
    code = api->xInst(fts, i, &phrase, &column, &offset);
    if (code == SQLITE_OK && phrase < phrases) ++counts[phrase];
  }
  if (code != SQLITE_OK)
    sqlite3_result_error_code(context, code);
  else
    sqlite3_result_blob(context, counts, phrases * static_cast<int>(sizeof counts[0]), SQLITE_TRANSIENT);
}

}  // namespace

Tokenizer::Tokenizer(Db& db)
    : plain_methods_(std::make_unique<fts5_tokenizer>()), stem_methods_(std::make_unique<fts5_tokenizer>()) {
  fts5_api* api = api_of(db);
  const auto make = [&](const char* name, fts5_tokenizer& methods, std::vector<const char*> arguments) {
    void* context = nullptr;
    Fts5Tokenizer* made = nullptr;
    if (api->xFindTokenizer(api, name, &context, &methods) != SQLITE_OK ||
        methods.xCreate(context, arguments.data(), static_cast<int>(arguments.size()), &made) != SQLITE_OK)
      throw Error(Fault::unavailable, "store: this SQLite lacks the FTS5 tokenizer " + std::string(name));
    return std::unique_ptr<Fts5Tokenizer, FreeTokenizer>(made, FreeTokenizer{methods.xDelete});
  };
  plain_ = make("unicode61", *plain_methods_, {"remove_diacritics", "2"});
  stem_ = make("porter", *stem_methods_, {"unicode61", "remove_diacritics", "2"});
}

std::vector<std::string> Tokenizer::run(Fts5Tokenizer* tokenizer, std::string_view text) const {
  std::vector<std::string> out;
  const auto& methods = tokenizer == plain_.get() ? *plain_methods_ : *stem_methods_;
  const auto take = [](void* context, int, const char* token, int size, int, int) {
    static_cast<std::vector<std::string>*>(context)->emplace_back(token, static_cast<std::size_t>(size));
    return SQLITE_OK;
  };
  methods.xTokenize(tokenizer, &out, FTS5_TOKENIZE_DOCUMENT, text.empty() ? "" : text.data(),
                    static_cast<int>(text.size()), take);
  return out;
}

int Tokenizer::count(std::string_view text) const { return static_cast<int>(run(plain_.get(), text).size()); }

std::vector<std::string> Tokenizer::words(std::string_view text, std::size_t most) const {
  std::vector<std::string> out;
  std::set<std::string> stems;
  for (auto& word : run(plain_.get(), text)) {
    if (out.size() == most) break;
    if (word.find('"') != std::string::npos || word.find('\0') != std::string::npos) continue;
    std::string stem;
    for (const auto& part : run(stem_.get(), word)) stem += part + " ";
    if (stems.insert(stem).second) out.push_back(std::move(word));
  }
  return out;
}

void register_text_functions(Db& db) {
  fts5_api* api = api_of(db);
  const int code = api->xCreateFunction(api, "hone_counts", nullptr, counts_function, nullptr);
  if (code != SQLITE_OK) fail(db.handle(), code, "register text functions");
}

TextHits find_text(Db& db, std::string_view home, const std::vector<std::string>& words) {
  TextHits hits;
  hits.words = static_cast<int>(words.size());
  if (words.empty()) return hits;
  std::string match = "home : \"" + std::string(home) + "\" AND text : (";
  for (std::size_t i = 0; i < words.size(); ++i) match += (i == 0 ? "\"" : " OR \"") + words[i] + "\"";
  match += ")";
  auto rows =
      db.query("SELECT rowid, hone_counts(lesson_text) FROM lesson_text WHERE lesson_text MATCH ?", match);
  while (rows.step()) {
    hits.rows.push_back(rows.integer(0));
    const auto bytes = rows.bytes(1);
    const std::size_t at = hits.counts.size();
    hits.counts.resize(at + words.size());
    // Phrase 0 is the home word.
    if (bytes.size() >= (words.size() + 1) * sizeof(std::int32_t))
      std::memcpy(hits.counts.data() + at, bytes.data() + sizeof(std::int32_t),
                  words.size() * sizeof(std::int32_t));
  }
  return hits;
}

}  // namespace hone::store_detail
