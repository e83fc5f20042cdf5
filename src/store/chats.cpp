// Foreign transcripts: OpenAI-style messages with an outcome.
#include <charconv>
#include <cmath>

#include "store/impl.h"
#include "store/transfer.h"
#include "wire/id.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone {

using namespace store_detail;
using wire::Fields;
using wire::Json;

namespace {

// \ud800 without its other half is not text: such escapes become U+FFFD, like bytes that are not UTF-8.
std::string repaired(std::string_view raw) {
  constexpr std::size_t width = 6;  // of an escape
  std::string line = clean(raw);
  const auto unit = [&](std::size_t at) {
    unsigned value = 0;
    const char* from = line.data() + at + 2;
    const bool escape = at + width <= line.size() && line[at] == '\\' && line[at + 1] == 'u' &&
                        std::from_chars(from, from + 4, value, 16).ptr == from + 4;
    return escape ? value : 0U;
  };
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    if (line[i] != '\\') continue;
    const unsigned first = unit(i) & 0xFC00U;
    if (first == 0xD800U && (unit(i + width) & 0xFC00U) == 0xDC00U)
      i += 2 * width - 1;
    else if (first == 0xD800U || first == 0xDC00U)
      line.replace(i, width, "\\ufffd"), i += width - 1;
    else
      ++i;  // what is escaped
  }
  return line;
}

// A part of a message: its text, or what stands there instead.
std::string part_text(const Fields& part) {
  std::string type, text;
  part.need("type", type);
  if (type == "text" || type == "input_text" || type == "output_text")
    part.need("text", text);
  else if (type == "refusal")
    part.need("refusal", text);
  else if (type.find("image") != std::string::npos)
    text = "[image]";
  else if (type.find("audio") != std::string::npos)
    text = "[audio]";
  else
    text = "[" + wire::shortened(type) + "]";
  return text;
}

// Without the ids that are new in every conversation, so that the same chat is recognised.
std::string calls_text(Json calls) {
  if (calls.is_array())
    for (auto& call : calls)
      if (call.is_object()) call.erase("id");
  return wire::dump(calls);
}

// A message's content is a text, or a list of parts; an assistant may call tools or refuse instead of speaking.
std::string content_of(const Json& message, const std::string& at) {
  const Fields f(message, at);
  std::string text;
  const Json* content = f.find("content");
  if (content != nullptr && content->is_string()) {
    text = content->get<std::string>();
  } else if (content != nullptr && content->is_array()) {
    for (std::size_t i = 0; i < content->size(); ++i) {
      const Fields part((*content)[i], f.at("content") + "[" + std::to_string(i) + "]");
      text += (text.empty() ? "" : "\n") + part_text(part);
    }
  } else if (content != nullptr && !content->is_null()) {
    wire::expected(f.at("content"), "a string or a list of parts", *content);
  }
  bool spoke = content != nullptr;
  for (const char* instead : {"refusal", "function_call", "tool_calls"})
    if (const Json* said = f.find(instead); said != nullptr && !said->is_null()) {
      text += (text.empty() ? "" : "\n") + (said->is_string() ? said->get<std::string>() : calls_text(*said));
      spoke = true;
    }
  if (!spoke)
    throw Error(Fault::bad_input, f.at("content") + ": missing");
  return text;
}

std::string text_at(const Json& json, const char* field) {
  const auto it = json.is_object() ? json.find(field) : json.end();
  return json.is_object() && it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

void note_calls(const Json& message, std::map<std::string, std::string>& called) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || !calls->is_array()) return;
  for (const auto& call : *calls)
    if (call.is_object() && call.contains("function")) called[text_at(call, "id")] = text_at(call["function"], "name");
}

// Which tool a message is the answer of: it says so, or the call it answers does.
std::string tool_name(const Json& message, const std::map<std::string, std::string>& called) {
  if (std::string name = text_at(message, "name"); !name.empty()) return name;
  const auto found = called.find(text_at(message, "tool_call_id"));
  return found == called.end() ? std::string() : found->second;
}

void read_outcome(const Json& outcome, const std::string& at, Episode& e) {
  constexpr const char* what = "\"solved\", \"failed\", true, false or a number from 0 to 1";
  if (outcome.is_boolean()) {
    e.score = outcome.get<bool>() ? 1.0 : 0.0;
  } else if (outcome.is_number()) {
    e.score = outcome.get<double>();
    if (!(e.score >= 0.0 && e.score <= 1.0)) wire::expected(at, what, outcome);
  } else if (outcome == "solved" || outcome == "failed") {
    e.score = outcome == "solved" ? 1.0 : 0.0;
  } else {
    wire::expected(at, what, outcome);
  }
  constexpr double half = 0.5;
  e.solved = e.score >= half;
}

Episode read_chat(const Json& line, const std::string& at, const std::string& env) {
  const Fields f(line, at);
  const Json& messages = f.required("messages");
  if (!messages.is_array()) wire::expected(f.at("messages"), "a list", messages);
  Episode e;
  read_outcome(f.required("outcome"), f.at("outcome"), e);
  f.get("kind", e.task.kind);
  std::string heard, asked;
  std::map<std::string, std::string> called;  // id of a call -> the tool's name
  bool fresh = true;  // nothing heard since the last move
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string where = f.at("messages") + "[" + std::to_string(i) + "]";
    const Fields m(messages[i], where);
    std::string role;
    m.need("role", role);
    std::string text = content_of(messages[i], where);
    note_calls(messages[i], called);
    if (role == "tool" || role == "function")
      if (const std::string name = tool_name(messages[i], called); !name.empty()) text = name + ": " + text;
    if (role == "assistant") {
      Step step;
      step.seen.text = std::exchange(heard, {});
      step.did.action = text;
      e.steps.push_back(std::move(step));
      fresh = true;
    } else if (role == "system" || role == "developer" || role == "user" || role == "tool" ||
               role == "function") {
      if (role == "user" && asked.empty()) asked = text;
      heard += (fresh ? "" : "\n") + text;
      fresh = false;
    } else {
      throw Error(Fault::bad_input,
                  m.at("role") + ": expected system, developer, user, assistant, tool or function, got \"" +
                      wire::shortened(role) + "\"");
    }
  }
  if (e.steps.empty())
    throw Error(Fault::bad_input, f.at("messages") + ": expected at least one of role assistant, got " +
                                      std::to_string(messages.size()) + " without");
  e.last.text = std::move(heard);
  f.get("task", asked);
  e.task.env = env;
  e.task.goal = clean(asked);
  e.task.id = sha256_hex(e.task.kind + '\n' + e.task.goal).substr(0, 16);
  e.group = e.task.id;
  return e;
}

}  // namespace

Imported import_chats(Store& store, std::istream& in, const ChatImport& options) {
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Transaction transaction(impl.db);
  const std::string run = "import/" + clean(options.name);
  if (!store.run(run)) {
    RunInfo info;
    info.id = run;
    info.name = run;
    info.env = options.env;
    info.method = "import";
    info.status = RunStatus::imported;
    store.create_run(info);
  }
  Taker taker(impl, false);
  Imported imported;
  std::map<std::string, int> seen;  // content -> how many such lines so far
  std::string line;
  while (std::getline(in, line)) {
    ++imported.lines;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string at = options.file + ":" + std::to_string(imported.lines);
    const Json json = wire::parse(repaired(line), at);
    if (!json.is_object()) wire::expected(at, "an object with \"messages\" and \"outcome\"", json);
    if (!json.contains("messages") && json.contains("type")) {
      taker.take(json, at);
      continue;
    }
    Episode e = read_chat(json, at, options.env);
    // Keyed by content, so that the same file, also when lines were added to it, gives every chat once.
    const std::string content = episode_content(e).substr(0, 24);
    const int repeat = seen[content]++;
    e.run = run;
    e.key = "chat/" + content + (repeat == 0 ? "" : "/" + std::to_string(repeat));
    if (store.find_episode(run, e.key)) {
      ++imported.known;
      continue;
    }
    e.id = new_id();
    e.started_ms = e.ended_ms = now_ms();
    insert_episode(impl.db, e, episode_content(e));
    ++imported.added;
  }
  if (in.bad()) throw Error(Fault::io, options.file + ": can't read");
  taker.finish(options.file + ":" + std::to_string(imported.lines));
  transaction.commit();
  imported.added += taker.added;
  imported.known += taker.known;
  return imported;
}

}  // namespace hone
