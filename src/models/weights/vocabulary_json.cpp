// tokenizer.json and what lies beside it. Only byte-level BPE is read, and of it only what llama.cpp does too; all else is refused by name.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "core/arch.h"
#include "core/error.h"
#include "models/weights/vocabulary.h"
#include "models/weights/weights.h"
#include "wire/json.h"

namespace hone {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;  // sorted objects: a vocabulary is one object of many thousand keys

constexpr std::size_t most_json = std::size_t{64} << 20;  // the largest published ones have about 20 MB

Error bad(const std::string& at, const std::string& what) { return {Fault::bad_input, at + ": " + what}; }

// A few levels are all that these files have; deeper ones are not built.
Json parse(const fs::path& path) {
  const std::string text = read_small_file(path, most_json);
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t, Json&) {
      if (depth > 32) throw bad(path.string(), "nested deeper than 32 levels");
      return true;
    });
  } catch (const Json::exception& e) {
    throw bad(path.string(), std::string("not JSON: ") + excerpt(e.what()));
  }
}

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}
std::string text_or(const Json& object, const char* key, const std::string& standard) {
  const Json* j = find(object, key);
  return j != nullptr && j->is_string() ? j->get<std::string>() : standard;
}
bool flag_or(const Json& object, const char* key, bool standard) {
  const Json* j = find(object, key);
  return j != nullptr && j->is_boolean() ? j->get<bool>() : standard;
}
std::string shown(const Json& j) { return wire::shortened(j.dump(-1, ' ', false, Json::error_handler_t::replace)); }

// ---- how text is cut, in both languages
const char* const qwen2_cuts =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const llama3_cuts =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byte_level(bool cuts) { return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", cuts}}; }
Json sequence(Json first, Json second) { return {{"type", "Sequence"}, {"pretokenizers", Json::array({std::move(first), std::move(second)})}}; }
Json split(const char* regex) { return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}}; }

Json pre_tokenizer(const std::string& pre) {
  if (pre == "smollm") return sequence({{"type", "Digits"}, {"individual_digits", true}}, byte_level(true));
  if (pre == "qwen2") return sequence(split(qwen2_cuts), byte_level(false));
  if (pre == "llama-bpe") return sequence(split(llama3_cuts), byte_level(false));
  return byte_level(true);
}

std::string pre_of(const Json& root, const std::string& at) {
  const Json* given = find(root, "pre_tokenizer");
  if (given == nullptr) throw bad(at, "pre_tokenizer: expected a byte-level one, got none");
  const auto same = [](const Json& level) {  // trim_offsets moves no token
    Json out = level;
    if (out.is_object()) {
      out["trim_offsets"] = true;
      if (!out.contains("use_regex")) out["use_regex"] = true;
    }
    return out;
  };
  Json normal = *given;
  if (text_or(normal, "type", "") == "Sequence" && normal.contains("pretokenizers") && normal["pretokenizers"].is_array() && !normal["pretokenizers"].empty())
    normal["pretokenizers"].back() = same(normal["pretokenizers"].back());
  else
    normal = same(normal);
  for (const char* pre : {"gpt-2", "smollm", "qwen2", "llama-bpe"})
    if (normal == pre_tokenizer(pre)) return pre;
  throw bad(at, "pre_tokenizer: expected the one of gpt-2, smollm, qwen2 or llama-bpe, got " + shown(*given));
}

// ---- reading
void check_model(const Json& root, const std::string& pre, const std::string& at) {
  const Json* model = find(root, "model");
  if (model == nullptr || !model->is_object()) throw bad(at, "model: expected an object");
  if (text_or(*model, "type", "BPE") != "BPE") throw bad(at, "model.type: only BPE is supported, got " + shown((*model)["type"]));
  for (const char* field : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
    if (const Json* j = find(*model, field); j != nullptr && *j != "" && *j != 0.0) throw bad(at, std::string("model.") + field + ": not supported, got " + shown(*j));
  for (const char* field : {"byte_fallback", "fuse_unk"})
    if (flag_or(*model, field, false)) throw bad(at, std::string("model.") + field + ": only false is supported, got true");
  if (flag_or(*model, "ignore_merges", false) != (pre == "llama-bpe"))  // bound to the cut in llama.cpp
    throw bad(at, "model.ignore_merges: expected " + std::string(pre == "llama-bpe" ? "true" : "false") + " with the pre_tokenizer of " + pre);
  if (const Json* n = find(root, "normalizer"); n != nullptr && text_or(*n, "type", "") != "NFC")
    throw bad(at, "normalizer: only none or NFC is supported, got " + shown(*n));
}

void put_token(Vocabulary& v, const Json& id, const std::string& text, TokenKind kind, const std::string& at) {
  if (!id.is_number_integer() || id < 0 || id >= most_vocab)
    throw bad(at, "token '" + wire::shortened(text) + "': expected an id from 0 to " + std::to_string(most_vocab - 1) + ", got " + shown(id));
  const auto i = id.get<std::size_t>();
  if (i >= v.tokens.size()) {
    v.tokens.resize(i + 1);
    v.kinds.resize(i + 1, TokenKind::unused);
  }
  if (!v.tokens[i].empty() && v.tokens[i] != text)
    throw bad(at, "token '" + wire::shortened(text) + "': its id " + std::to_string(i) + " is that of '" + wire::shortened(v.tokens[i]) + "'");
  v.tokens[i] = text;
  v.kinds[i] = kind;
}

void read_tokens(Vocabulary& v, const Json& root, const std::string& at) {
  const Json& model = root.at("model");
  const Json* vocab = find(model, "vocab");
  const Json* merges = find(model, "merges");
  if (vocab == nullptr || !vocab->is_object()) throw bad(at, "model.vocab: expected an object");
  if (merges == nullptr || !merges->is_array()) throw bad(at, "model.merges: expected a list");
  for (const auto& [text, id] : vocab->items()) put_token(v, id, text, TokenKind::normal, at);
  for (const Json& m : *merges) {
    const bool pair = m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string();
    if (!pair && !m.is_string()) throw bad(at, "model.merges: expected two tokens, got " + shown(m));
    v.merges.push_back(pair ? m[0].get<std::string>() + " " + m[1].get<std::string>() : m.get<std::string>());
  }
  const Json* added = find(root, "added_tokens");
  if (added != nullptr && !added->is_array()) throw bad(at, "added_tokens: expected a list");
  for (const Json& t : added == nullptr ? Json::array() : *added) {
    const Json* content = find(t, "content");
    if (content == nullptr || !content->is_string()) throw bad(at, "added_tokens: expected objects with a content, got " + shown(t));
    const auto text = content->get<std::string>();
    for (const char* field : {"lstrip", "rstrip", "single_word"})
      if (flag_or(t, field, false)) throw bad(at, "added_tokens: '" + wire::shortened(text) + "': " + field + ": only false is supported, got true");
    const Json* id = find(t, "id");
    put_token(v, id == nullptr ? Json() : *id, text, flag_or(t, "special", false) ? TokenKind::control : TokenKind::user, at);
  }
}

// The post-processor may put tokens in front of a text.
void read_template(Vocabulary& v, const Json& root, const std::string& at) {
  const Json* post = find(root, "post_processor");
  if (post == nullptr) return;
  std::vector<const Json*> steps{post};
  if (const Json* list = find(*post, "processors"); list != nullptr && list->is_array()) {
    steps.clear();
    for (const Json& p : *list) steps.push_back(&p);
  }
  for (const Json* p : steps) {
    const std::string type = text_or(*p, "type", "");
    if (type == "ByteLevel") continue;
    const Json* single = find(*p, "single");
    if (type != "TemplateProcessing" || single == nullptr || !single->is_array()) throw bad(at, "post_processor: expected ByteLevel or TemplateProcessing, got " + shown(*p));
    for (std::size_t i = 0; i < single->size(); ++i) {
      const Json* special = find((*single)[i], "SpecialToken");
      if (special == nullptr) continue;
      const auto found = std::find(v.tokens.begin(), v.tokens.end(), text_or(*special, "id", ""));
      if (i != 0 || found == v.tokens.end()) throw bad(at, "post_processor: expected one known token in front of the text, got " + shown(*single));
      v.begin = static_cast<int>(found - v.tokens.begin());
      v.add_begin = true;
    }
  }
}

// "bos_token": "<s>" or {"content": "<s>"}.
int named_token(const Vocabulary& v, const Json& config, const char* key, const std::string& at) {
  const Json* j = find(config, key);
  if (j == nullptr) return -1;
  if (const Json* content = find(*j, "content")) j = content;
  if (!j->is_string()) throw bad(at, std::string(key) + ": expected the text of a token, got " + shown(*j));
  const auto found = std::find(v.tokens.begin(), v.tokens.end(), j->get<std::string>());
  if (found == v.tokens.end()) throw bad(at, std::string(key) + ": no token is " + shown(*j));
  return static_cast<int>(found - v.tokens.begin());
}

std::string template_of(const Json& config, const fs::path& folder, const std::string& at) {
  std::error_code code;
  if (fs::exists(folder / "chat_template.jinja", code)) return read_small_file(folder / "chat_template.jinja");
  const Json* j = find(config, "chat_template");
  if (j == nullptr) return "";
  if (j->is_string()) return j->get<std::string>();
  if (j->is_array())  // several by name
    for (const Json& one : *j)
      if (text_or(one, "name", "") == "default") return text_or(one, "template", "");
  throw bad(at, "chat_template: expected text or a list with one named default");
}

}  // namespace

Vocabulary vocabulary_from_folder(const fs::path& folder, int size) {
  const fs::path path = folder / "tokenizer.json";
  const std::string at = path.string();
  const Json root = parse(path);
  if (!root.is_object()) throw bad(at, "expected an object");
  Vocabulary v;
  v.pre = pre_of(root, at);
  check_model(root, v.pre, at);
  read_tokens(v, root, at);
  read_template(v, root, at);

  std::error_code code;
  const fs::path beside = folder / "tokenizer_config.json", generation = folder / "generation_config.json";
  const Json config = fs::exists(beside, code) ? parse(beside) : Json::object();
  if (const int id = named_token(v, config, "bos_token", beside.string()); id >= 0) v.begin = id;
  v.end = named_token(v, config, "eos_token", beside.string());
  v.pad = named_token(v, config, "pad_token", beside.string());
  v.unknown = named_token(v, config, "unk_token", beside.string());
  if (find(config, "add_bos_token") != nullptr) v.add_begin = flag_or(config, "add_bos_token", false) && v.begin >= 0;
  v.chat_template = template_of(config, folder, beside.string());
  if (v.end < 0 && fs::exists(generation, code)) {
    const Json facts = parse(generation);
    const Json* id = find(facts, "eos_token_id");
    if (id != nullptr && id->is_array() && !id->empty()) id = &(*id)[0];
    if (id != nullptr && (!id->is_number_integer() || *id < 0 || *id >= v.tokens.size())) throw bad(generation.string(), "eos_token_id: no such token: " + shown(*id));
    if (id != nullptr) v.end = id->get<int>();
  }
  if (size > 0 && v.tokens.size() > static_cast<std::size_t>(size))
    throw bad(at, "expected at most " + std::to_string(size) + " tokens as the weights have, got " + std::to_string(v.tokens.size()));
  if (size > 0) {
    v.tokens.resize(static_cast<std::size_t>(size));
    v.kinds.resize(v.tokens.size(), TokenKind::unused);
  }
  for (std::size_t i = 0; i < v.tokens.size(); ++i)
    if (v.tokens[i].empty()) v.tokens[i] = "[PAD" + std::to_string(i) + "]";
  validate(v, at);
  return v;
}

// ---- writing
TokenizerFiles tokenizer_files(const Vocabulary& v, int context) {
  validate(v, "vocabulary");
  wire::Json root;  // in the order of published files
  root["version"] = "1.0";
  root["truncation"] = nullptr;
  root["padding"] = nullptr;
  root["added_tokens"] = wire::Json::array();
  wire::Json vocab = wire::Json::object();
  auto& entries = vocab.get_ref<wire::Json::object_t&>();  // emplace_back: ordered objects look for the key first, which takes a while for 150,000
  for (std::size_t i = 0; i < v.tokens.size(); ++i) {
    if (v.kinds[i] == TokenKind::unused) continue;
    entries.wire::Json::object_t::Container::emplace_back(v.tokens[i], i);
    if (v.kinds[i] == TokenKind::normal) continue;
    root["added_tokens"].push_back({{"id", i}, {"content", v.tokens[i]}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false},
                                    {"special", v.kinds[i] == TokenKind::control}});
  }
  root["normalizer"] = nullptr;
  if (v.pre == "qwen2") root["normalizer"] = {{"type", "NFC"}};  // as published; llama.cpp leaves it out
  root["pre_tokenizer"] = wire::Json::parse(pre_tokenizer(v.pre).dump());
  root["post_processor"] = nullptr;
  if (v.add_begin) {
    const std::string& begin = v.tokens[static_cast<std::size_t>(v.begin)];
    const auto piece = [](const char* kind, const std::string& id, int type) { return wire::Json{{kind, {{"id", id}, {"type_id", type}}}}; };
    root["post_processor"] = {{"type", "TemplateProcessing"},
                              {"single", wire::Json::array({piece("SpecialToken", begin, 0), piece("Sequence", "A", 0)})},
                              {"pair", wire::Json::array({piece("SpecialToken", begin, 0), piece("Sequence", "A", 0), piece("SpecialToken", begin, 1), piece("Sequence", "B", 1)})},
                              {"special_tokens", {{begin, {{"id", begin}, {"ids", wire::Json::array({v.begin})}, {"tokens", wire::Json::array({begin})}}}}}};
  }
  root["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  wire::Json merges = wire::Json::array();
  for (const std::string& m : v.merges) merges.push_back(m);
  root["model"] = {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr}, {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", v.pre == "llama-bpe"}, {"vocab", nullptr}, {"merges", nullptr}};
  root["model"]["vocab"] = std::move(vocab);
  root["model"]["merges"] = std::move(merges);

  wire::Json config, generation;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  const auto name = [&](const char* key, int id) {
    if (id >= 0) config[key] = v.tokens[static_cast<std::size_t>(id)];
  };
  name("bos_token", v.begin);
  name("eos_token", v.end);
  name("pad_token", v.pad);
  name("unk_token", v.unknown);
  config["add_bos_token"] = v.add_begin;
  config["clean_up_tokenization_spaces"] = false;
  config["model_max_length"] = context;
  if (!v.chat_template.empty()) config["chat_template"] = v.chat_template;
  if (v.begin >= 0) generation["bos_token_id"] = v.begin;
  if (v.end >= 0) generation["eos_token_id"] = v.end;
  if (v.pad >= 0) generation["pad_token_id"] = v.pad;
  if (generation.is_null()) generation = wire::Json::object();
  return {{{"tokenizer.json", root.dump(1) + "\n"}, {"tokenizer_config.json", config.dump(2) + "\n"}, {"generation_config.json", generation.dump(2) + "\n"}}, {v.begin, v.end, v.pad}};
}

TokenizerFiles tokenizer_files(const fs::path& folder) {
  const Vocabulary v = vocabulary_from_folder(folder, 0);
  TokenizerFiles out{{}, {v.begin, v.end, v.pad}};
  std::error_code code;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "generation_config.json", "chat_template.jinja"})
    if (fs::exists(folder / name, code)) out.files.emplace_back(name, read_small_file(folder / name, most_json));
  return out;
}

}  // namespace hone
