#include "learners/training_data.h"

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "wire/json.h"

namespace hone {

namespace {

Error bad(const std::string& at, const std::string& what) { return {Fault::bad_input, at + ": " + what}; }

std::vector<Message> messages_of(const wire::Json& json, const std::string& at) {
  if (!json.is_array() || json.empty()) throw bad(at, "expected a list of messages, got " + excerpt(json.dump()));
  std::vector<Message> out;
  for (const auto& m : json) {
    if (!m.is_object()) throw bad(at, "expected a message with role and content, got " + excerpt(m.dump()));
    const bool old = m.contains("from");
    const auto role = m.find(old ? "from" : "role"), content = m.find(old ? "value" : "content");
    if (role == m.end() || content == m.end() || !role->is_string() || !content->is_string())
      throw bad(at, "expected a message with the texts role and content, got " + excerpt(m.dump()));
    auto name = role->get<std::string>();
    if (name == "human") name = "user";
    if (name == "gpt") name = "assistant";
    if (name != "system" && name != "user" && name != "assistant") throw bad(at, "role: expected system, user or assistant, got '" + excerpt(name) + "'");
    out.push_back({name, wire::valid_utf8(content->get<std::string>())});
  }
  return out;
}

// A text or a list of messages.
std::vector<Message> side_of(const wire::Json& json, const char* field, const std::string& at, bool& plain) {
  const std::string here = at + ": " + field;
  plain = json.is_string();
  if (plain) return {{"text", wire::valid_utf8(json.get<std::string>())}};
  return messages_of(json, here);
}

bool empty(const std::vector<Message>& messages) { return std::all_of(messages.begin(), messages.end(), [](const Message& m) { return m.content.empty(); }); }

template <class Row, class F>
std::vector<Row> read_lines(const std::string& path, const F& row_of) {
  std::ifstream in(path);
  if (!in) throw Error(Fault::not_found, path + ": can't be opened for reading");
  std::vector<Row> out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string at = path + ":" + std::to_string(number);
    const auto json = wire::parse(line, at);
    if (!json.is_object()) throw bad(at, "expected an object, got " + excerpt(line));
    out.push_back(row_of(json, at));
  }
  if (out.empty()) throw bad(path, "expected at least one line");
  return out;
}

void read_reply(const wire::Json& json, const std::string& at, TrainingRow& row) {
  row.where = at;
  bool plain = false;
  row.prompt = side_of(json["prompt"], "prompt", at, row.plain);
  row.completion = side_of(json["completion"], "completion", at, plain);
  if (plain != row.plain) throw bad(at, "expected prompt and completion both as texts or both as messages");
  if (empty(row.completion)) throw bad(at, "completion: expected text, got none");
}

TrainingRow row_of(const wire::Json& json, const std::string& at) {
  TrainingRow row;
  row.where = at;
  for (const char* field : {"messages", "conversations"}) {
    if (!json.contains(field)) continue;
    row.prompt = messages_of(json[field], at + ": " + field);
    row.every_turn = true;
    if (std::none_of(row.prompt.begin(), row.prompt.end(), [](const Message& m) { return m.role == "assistant"; })) throw bad(at, "no message is the assistant's");
    return row;
  }
  if (json.contains("text")) {
    row.completion = side_of(json["text"], "text", at, row.plain);
    if (!row.plain) throw bad(at, "text: expected a text, got " + excerpt(json["text"].dump()));
    return row;
  }
  if (!json.contains("prompt") || !json.contains("completion")) throw bad(at, "expected messages, text, or prompt and completion, got the fields of " + excerpt(json.dump()));
  read_reply(json, at, row);
  return row;
}

MarkedRow marked_of(const wire::Json& json, const std::string& at) {
  for (const char* field : {"prompt", "completion", "label"})
    if (!json.contains(field)) throw bad(at, "expected prompt, completion and label, got the fields of " + excerpt(json.dump()));
  if (!json["label"].is_boolean()) throw bad(at, "label: expected true or false, got " + excerpt(json["label"].dump()));
  MarkedRow row;
  row.good = json["label"].get<bool>();
  read_reply(json, at, row.reply);
  return row;
}

PreferenceRow pair_of(const wire::Json& json, const std::string& at) {
  if (!json.contains("chosen") || !json.contains("rejected")) throw bad(at, "expected chosen and rejected, got the fields of " + excerpt(json.dump()));
  PreferenceRow row;
  row.chosen.where = row.rejected.where = at;
  row.chosen.completion = side_of(json["chosen"], "chosen", at, row.chosen.plain);
  row.rejected.completion = side_of(json["rejected"], "rejected", at, row.rejected.plain);
  if (row.chosen.plain != row.rejected.plain) throw bad(at, "expected chosen and rejected both as texts or both as messages");
  if (json.contains("prompt")) {
    bool plain = false;
    row.chosen.prompt = row.rejected.prompt = side_of(json["prompt"], "prompt", at, plain);
    if (plain != row.chosen.plain) throw bad(at, "expected prompt, chosen and rejected all as texts or all as messages");
  } else if (row.chosen.plain) {  // a blank at the seam goes with the replies
    auto &c = row.chosen.completion[0].content, &r = row.rejected.completion[0].content;
    auto same = static_cast<std::size_t>(std::mismatch(c.begin(), c.begin() + static_cast<std::ptrdiff_t>(std::min(c.size(), r.size())), r.begin()).first - c.begin());
    while (same > 0 && (static_cast<unsigned char>(c[std::min(same, c.size() - 1)]) & 0xC0U) == 0x80U) --same;  // not inside a character
    if (same > 0 && c[same - 1] == ' ') --same;
    row.chosen.prompt = row.rejected.prompt = {{"text", c.substr(0, same)}};
    c.erase(0, same);
    r.erase(0, same);
  } else {
    auto &c = row.chosen.completion, &r = row.rejected.completion;
    std::vector<Message> prompt;
    while (!c.empty() && !r.empty() && c[0].role == r[0].role && c[0].content == r[0].content) {
      prompt.push_back(c[0]);
      c.erase(c.begin());
      r.erase(r.begin());
    }
    row.chosen.prompt = row.rejected.prompt = prompt;
  }
  if (empty(row.chosen.completion) && empty(row.rejected.completion)) throw bad(at, "chosen and rejected: expected replies that differ");
  return row;
}

// Tokens of a chat up to message `count`, the next turn open or not.
std::vector<int> chat_ids(const Tokenizer& tokenizer, const std::vector<Message>& messages, std::size_t count, bool open) {
  return tokenizer.chat(std::span(messages).first(count), open);
}

bool starts_with(const std::vector<int>& whole, const std::vector<int>& start) { return start.size() <= whole.size() && std::equal(start.begin(), start.end(), whole.begin()); }

void mark(TokenSequence& s, std::size_t first, std::size_t last) {
  for (std::size_t i = std::max<std::size_t>(1, first); i < last; ++i) s.trained[i] = 1;
}

}  // namespace

std::vector<TrainingRow> read_training_rows(const std::string& path) { return read_lines<TrainingRow>(path, row_of); }
std::vector<PreferenceRow> read_preference_rows(const std::string& path) { return read_lines<PreferenceRow>(path, pair_of); }
std::vector<MarkedRow> read_marked_rows(const std::string& path) { return read_lines<MarkedRow>(path, marked_of); }

bool starts_with_label(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Error(Fault::not_found, path + ": can't be opened for reading");
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto json = wire::parse(line, path + ":" + std::to_string(number));
    return json.is_object() && json.contains("label") && !json.contains("chosen") && !json.contains("rejected");
  }
  return false;
}

std::optional<TokenSequence> sequence_of(const TrainingRow& row, const Tokenizer& tokenizer, const Cut& cut) {
  TokenSequence s;
  const auto off = [&] { return bad(row.where, "prompt and reply together don't begin with the prompt's tokens, so what is trained can't be told apart"); };
  if (row.plain) {
    const auto text = [](const std::vector<Message>& side) { return side.empty() ? std::string() : side[0].content; };
    std::vector<int> prompt;
    if (tokenizer.special().begin >= 0) prompt.push_back(tokenizer.special().begin);
    s.ids = prompt;
    for (const int id : tokenizer.encode(text(row.prompt), false)) prompt.push_back(id);
    for (const int id : tokenizer.encode(text(row.prompt) + text(row.completion), false)) s.ids.push_back(id);
    if (tokenizer.special().end >= 0) s.ids.push_back(tokenizer.special().end);
    if (!starts_with(s.ids, prompt)) throw off();
    s.trained.assign(s.ids.size(), 0);
    mark(s, cut.completion_only ? prompt.size() : 0, s.ids.size());
  } else {
    std::vector<Message> all = row.prompt;
    all.insert(all.end(), row.completion.begin(), row.completion.end());
    s.ids = chat_ids(tokenizer, all, all.size(), false);
    s.trained.assign(s.ids.size(), 0);
    if (!cut.completion_only) mark(s, 0, s.ids.size());
    for (std::size_t i = row.every_turn ? 0 : row.prompt.size(); cut.completion_only && i < all.size(); ++i) {
      if (all[i].role != "assistant") continue;
      const auto before = chat_ids(tokenizer, all, i, true), after = chat_ids(tokenizer, all, i + 1, false);
      if (!starts_with(after, before) || !starts_with(s.ids, after)) throw off();
      // The template's own characters after the end of a turn (a line break) are nobody's words.
      std::size_t last = after.size();
      while (last > before.size() && tokenizer.special().end >= 0 && after[last - 1] != tokenizer.special().end) --last;
      mark(s, before.size(), last == before.size() ? after.size() : last);
    }
  }
  if (s.ids.size() > static_cast<std::size_t>(cut.max_length)) {
    s.ids.resize(static_cast<std::size_t>(cut.max_length));
    s.trained.resize(static_cast<std::size_t>(cut.max_length));
  }
  if (std::find(s.trained.begin(), s.trained.end(), 1) == s.trained.end()) return std::nullopt;
  return s;
}

}  // namespace hone
