// Foreign transcripts: OpenAI-style messages with an outcome.
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

// A message's content is a text, or a list of parts of which some are text; an assistant may call tools
// instead of speaking.
std::string content_of(const Json& message, const std::string& at) {
  const Fields f(message, at);
  std::string text;
  const Json* content = f.find("content");
  if (content != nullptr && content->is_string()) {
    text = content->get<std::string>();
  } else if (content != nullptr && content->is_array()) {
    for (std::size_t i = 0; i < content->size(); ++i) {
      const Fields part((*content)[i], f.at("content") + "[" + std::to_string(i) + "]");
      std::string type, piece;
      part.need("type", type);
      if (type != "text")
        throw Error(Fault::bad_input, part.at("type") + ": expected \"text\", got \"" + wire::shortened(type) + "\"");
      part.need("text", piece);
      text += (text.empty() ? "" : "\n") + piece;
    }
  } else if (content != nullptr && !content->is_null()) {
    wire::expected(f.at("content"), "a string or a list of parts", *content);
  }
  if (const Json* calls = f.find("tool_calls"); calls != nullptr && !calls->is_null())
    text += (text.empty() ? "" : "\n") + wire::dump(*calls);
  else if (content == nullptr)
    throw Error(Fault::bad_input, f.at("content") + ": missing");
  return text;
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
  bool fresh = true;  // nothing heard since the last move
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string where = f.at("messages") + "[" + std::to_string(i) + "]";
    const Fields m(messages[i], where);
    std::string role;
    m.need("role", role);
    const std::string text = content_of(messages[i], where);
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
    const Json json = wire::parse(line, at);
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
  taker.finish();
  transaction.commit();
  imported.added += taker.added;
  imported.known += taker.known;
  return imported;
}

}  // namespace hone
