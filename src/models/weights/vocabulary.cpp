#include "models/weights/vocabulary.h"

#include <gguf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/arch.h"
#include "core/error.h"
#include "models/weights/gguf_header.h"
#include "models/weights/mapped.h"
#include "models/weights/new_file.h"
#include "wire/json.h"

namespace hone {

namespace {

Error bad(const std::string& at, const std::string& what) { return {Fault::bad_input, at + ": " + what}; }

std::string utf8(unsigned code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0U | (code >> 6)), static_cast<char>(0x80U | (code & 0x3FU))};
}

// GGUF's names for one and the same way to cut text; the first is the one we write.
constexpr std::array<std::string_view, 4> known_cuts{"gpt-2", "smollm", "qwen2", "llama-bpe"};

bool byte_level(std::string_view token) {
  static const std::unordered_set<std::string_view> letters(byte_alphabet().begin(), byte_alphabet().end());
  while (!token.empty()) {
    const std::string_view letter = token.substr(0, (static_cast<unsigned char>(token[0]) & 0x80U) != 0 ? 2 : 1);
    if (!letters.contains(letter)) return false;
    token.remove_prefix(letter.size());
  }
  return true;
}

struct Free {
  void operator()(gguf_context* p) const { gguf_free(p); }
};

}  // namespace

const std::vector<std::string>& byte_alphabet() {
  static const std::vector<std::string> alphabet = [] {
    std::vector<std::string> out;
    unsigned next = 256;
    for (unsigned b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      out.push_back(utf8(printable ? b : next++));  // what can't be seen gets the next character from 256 on
    }
    return out;
  }();
  return alphabet;
}

void validate(const Vocabulary& v, const std::string& at) {
  if (std::find(known_cuts.begin(), known_cuts.end(), v.pre) == known_cuts.end())
    throw bad(at, "expected text to be cut as gpt-2, smollm, qwen2 or llama-bpe do, got '" + wire::shortened(v.pre) + "'");
  if (v.tokens.empty() || v.tokens.size() > static_cast<std::size_t>(most_vocab) || v.kinds.size() != v.tokens.size())
    throw bad(at, "expected 1 to " + std::to_string(most_vocab) + " tokens with a kind each, got " + std::to_string(v.tokens.size()) + " and " + std::to_string(v.kinds.size()));
  std::unordered_set<std::string_view> known;
  for (std::size_t i = 0; i < v.tokens.size(); ++i) {
    if (v.tokens[i].empty()) throw bad(at, "token " + std::to_string(i) + " is empty");
    if (!known.insert(v.tokens[i]).second) throw bad(at, "token " + std::to_string(i) + ": '" + wire::shortened(v.tokens[i]) + "' is there twice");
  }
  // Some published ones lack a byte or two; what is written otherwise is another kind of vocabulary.
  for (std::size_t i = 0; i < v.tokens.size(); ++i)
    if (v.kinds[i] == TokenKind::normal && !byte_level(v.tokens[i]))
      throw bad(at, "token " + std::to_string(i) + ": expected bytes in the alphabet of byte-level vocabularies, got '" + wire::shortened(v.tokens[i]) + "'");
  for (std::size_t i = 0; i < v.merges.size(); ++i) {
    const std::string& m = v.merges[i];
    const std::size_t gap = m.find(' ');
    const auto wrong = [&](const char* what) { return bad(at, "merge " + std::to_string(i) + ": expected " + what + ", got '" + wire::shortened(m) + "'"); };
    if (gap == 0 || gap == std::string::npos || gap + 1 == m.size() || m.find(' ', gap + 1) != std::string::npos) throw wrong("two tokens with a space between");
    const std::string_view left = std::string_view(m).substr(0, gap), right = std::string_view(m).substr(gap + 1);
    if (!known.contains(left) || !known.contains(right) || !known.contains(std::string(left) + std::string(right))) throw wrong("two tokens that make a third");
  }
  const auto size = static_cast<int>(v.tokens.size());
  for (const auto& [name, id] : {std::pair("begin", v.begin), std::pair("end", v.end), std::pair("pad", v.pad), std::pair("unknown", v.unknown)})
    if (id < -1 || id >= size) throw bad(at, std::string(name) + " token: expected less than " + std::to_string(size) + ", got " + std::to_string(id));
  if (v.add_begin && v.begin < 0) throw bad(at, "texts are to start with a begin token, and there is none");
}

Vocabulary vocabulary_from_gguf(const std::filesystem::path& path) {
  const std::string at = path.string();
  const MappedFile file(path);
  const GgufHeader header(file.bytes(), at);
  const auto model = header.text("tokenizer.ggml.model");
  if (!model) throw bad(at, "tokenizer.ggml.model is missing");
  if (*model != "gpt2") throw bad(at, "tokenizer.ggml.model: only gpt2 (byte-level BPE) is supported, got '" + wire::shortened(*model) + "'");
  Vocabulary v;
  v.pre = header.text("tokenizer.ggml.pre").value_or("default");
  v.tokens = header.texts("tokenizer.ggml.tokens").value_or(std::vector<std::string>());
  v.merges = header.texts("tokenizer.ggml.merges").value_or(std::vector<std::string>());
  const auto kinds = header.integers("tokenizer.ggml.token_type");
  for (std::size_t i = 0; i < v.tokens.size(); ++i) {
    const int kind = !kinds ? 1 : i < kinds->size() ? (*kinds)[i] : 0;
    if (kind != 1 && kind != 3 && kind != 4 && kind != 5)
      throw bad(at, "tokenizer.ggml.token_type: token " + std::to_string(i) + ": expected 1, 3, 4 or 5, got " + std::to_string(kind));
    v.kinds.push_back(static_cast<TokenKind>(kind));
  }
  if (const GgufValue* scores = header.find("tokenizer.ggml.scores"); scores != nullptr && (!scores->list || scores->type != GgufType::f32 || scores->count != v.tokens.size()))
    throw bad(at, "tokenizer.ggml.scores: expected an f32 for each of " + std::to_string(v.tokens.size()) + " tokens, got " + std::to_string(scores->count) + " " + std::string(to_string(scores->type)));
  const auto id = [&](const char* key) {
    return static_cast<int>(header.integer(std::string("tokenizer.ggml.") + key + "_token_id", 0, most_vocab).value_or(-1));
  };
  v.begin = id("bos");
  v.end = id("eos");
  v.pad = id("padding");
  v.unknown = id("unknown");
  v.add_begin = header.flag("tokenizer.ggml.add_bos_token").value_or(v.pre == "llama-bpe");  // as llama.cpp does
  if (header.flag("tokenizer.ggml.add_eos_token").value_or(false)) throw bad(at, "tokenizer.ggml.add_eos_token: only false is supported, got true");
  v.chat_template = header.text("tokenizer.chat_template").value_or("");
  if (v.begin < 0) v.add_begin = false;
  validate(v, at);
  return v;
}

void write_vocabulary(const Vocabulary& v, const std::filesystem::path& path) {
  validate(v, path.string());
  const std::unique_ptr<gguf_context, Free> gguf(gguf_init_empty());
  gguf_set_val_str(gguf.get(), "general.architecture", "llama");  // llama.cpp wants one it knows, vocabulary alone or not
  gguf_set_val_str(gguf.get(), "general.type", "vocab");
  gguf_set_val_str(gguf.get(), "tokenizer.ggml.model", "gpt2");
  gguf_set_val_str(gguf.get(), "tokenizer.ggml.pre", v.pre.c_str());
  const auto texts = [&](const char* key, const std::vector<std::string>& list) {
    std::vector<const char*> pointers;
    for (const std::string& s : list) pointers.push_back(s.c_str());
    gguf_set_arr_str(gguf.get(), key, pointers.data(), pointers.size());
  };
  texts("tokenizer.ggml.tokens", v.tokens);
  std::vector<std::int32_t> kinds;
  for (const TokenKind k : v.kinds) kinds.push_back(static_cast<std::int32_t>(k));
  gguf_set_arr_data(gguf.get(), "tokenizer.ggml.token_type", GGUF_TYPE_INT32, kinds.data(), kinds.size());
  texts("tokenizer.ggml.merges", v.merges);
  const auto id = [&](const char* key, int value) {
    if (value >= 0) gguf_set_val_u32(gguf.get(), (std::string("tokenizer.ggml.") + key + "_token_id").c_str(), static_cast<std::uint32_t>(value));
  };
  id("bos", v.begin);
  id("eos", v.end);
  id("padding", v.pad);
  id("unknown", v.unknown);
  gguf_set_val_bool(gguf.get(), "tokenizer.ggml.add_bos_token", v.add_begin);
  if (!v.chat_template.empty()) gguf_set_val_str(gguf.get(), "tokenizer.chat_template", v.chat_template.c_str());
  std::string bytes(gguf_get_meta_size(gguf.get()), '\0');
  gguf_get_meta_data(gguf.get(), bytes.data());
  write_new_file(path, bytes);
}

}  // namespace hone
