#include "models/remote/reply.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "wire/read.h"

namespace hone::remote {
namespace {

using wire::Json;

const Json* member(const Json& json, const char* name) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(name);
  return it == json.end() || it->is_null() ? nullptr : &*it;
}

// Text as a string, or as a list of parts with a "text" each.
std::string text_of(const Json& json, const std::string& at) {
  if (!json.is_array()) return wire::read_string(json, at);
  std::string out;
  for (std::size_t i = 0; i < json.size(); ++i)
    if (const Json* part = member(json[i], "text")) out += wire::read_string(*part, at + "[" + std::to_string(i) + "].text");
  return out;
}

float logp_of(const Json& json, const std::string& at) { return static_cast<float>(std::min(0.0, wire::read_double(json, at))); }

std::vector<TokenLog> read_content(const Json& list, const std::string& at) {
  return wire::Fields::elements<TokenLog>(list, at, [](const Json& json, const std::string& here) {
    const wire::Fields fields(json, here);
    TokenLog out;
    fields.get("token", out.text);
    fields.get("id", out.id);
    out.logp = logp_of(fields.required("logprob"), fields.at("logprob"));
    std::vector<double> top;
    if (const Json* likeliest = member(json, "top_logprobs"))
      top = wire::Fields::elements<double>(*likeliest, fields.at("top_logprobs"), [](const Json& j, const std::string& where) {
        return wire::read_double(wire::Fields(j, where).required("logprob"), where + ".logprob");
      });
    out.entropy = entropy_of(top.empty() ? std::vector<double>{out.logp} : top);
    return out;
  });
}

// {"tokens": [...], "token_logprobs": [...], "top_logprobs": [{...}, ...]}; the first of an echoed prompt has null.
std::vector<TokenLog> read_lists(const Json& lists, const std::string& at) {
  const wire::Fields fields(lists, at);
  std::vector<std::string> tokens;
  fields.get("tokens", tokens);
  const Json& logps = fields.required("token_logprobs");
  if (!logps.is_array() || (!tokens.empty() && logps.size() != tokens.size())) wire::expected(fields.at("token_logprobs"), "a list as long as tokens", logps);
  const Json* tops = member(lists, "top_logprobs");
  std::vector<TokenLog> out(logps.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string place = "[" + std::to_string(i) + "]";
    if (!tokens.empty()) out[i].text = tokens[i];
    if (!logps[i].is_null()) out[i].logp = logp_of(logps[i], fields.at("token_logprobs") + place);
    std::vector<double> top;
    if (tops != nullptr && tops->is_array() && i < tops->size() && (*tops)[i].is_object())
      for (const auto& [token, logp] : (*tops)[i].items()) top.push_back(wire::read_double(logp, fields.at("top_logprobs") + place));
    out[i].entropy = entropy_of(top.empty() ? std::vector<double>{out[i].logp} : top);
  }
  return out;
}

void append_list(Json& into, const char* name, const Json& from) {
  const Json* more = member(from, name);
  if (more == nullptr || !more->is_array()) return;
  Json& list = into[name];
  if (!list.is_array()) list = Json::array();
  for (const Json& one : *more) list.push_back(one);
}

void append_text(Json& into, const char* name, const Json& from, const std::string& at) {
  if (const Json* more = member(from, name)) {
    Json& text = into[name];
    if (!text.is_string()) text = "";
    text.get_ref<std::string&>() += text_of(*more, at + "." + name);  // in place: a stream has many pieces
  }
}

// One chunk's choice added to the choice so far.
void add_chunk(Json& choice, const Json& chunk, const std::string& at) {
  if (const Json* delta = member(chunk, "delta")) {
    append_text(choice["message"], "content", *delta, at + ".delta");
    const Json* calls = member(*delta, "tool_calls");
    if (calls != nullptr && calls->is_array() && !calls->empty()) {
      Json& function = choice["message"]["tool_calls"][0]["function"];
      if (const Json* more = member((*calls)[0], "function")) append_text(function, "arguments", *more, at + ".delta.tool_calls[0].function");
    }
  }
  append_text(choice, "text", chunk, at);
  for (const char* name : {"finish_reason", "stop_reason"})
    if (const Json* value = member(chunk, name)) choice[name] = *value;
  if (const Json* logs = member(chunk, "logprobs"))
    for (const char* name : {"content", "tokens", "token_logprobs", "top_logprobs"}) append_list(choice["logprobs"], name, *logs);
}

}  // namespace

float entropy_of(const std::vector<double>& logps) {
  double sum = 0.0, entropy = 0.0;
  for (const double logp : logps) {
    const double p = std::exp(std::min(0.0, logp));
    if (p <= 0.0) continue;
    sum += p;
    entropy -= p * std::log(p);
  }
  if (const double rest = 1.0 - sum; rest > 1e-12) entropy -= rest * std::log(rest);
  return static_cast<float>(std::max(0.0, entropy));
}

std::string error_text(const Json& reply) {
  const Json* error = member(reply, "error");
  if (error == nullptr) error = member(reply, "detail");  // FastAPI
  if (error == nullptr && member(reply, "object") != nullptr && *member(reply, "object") == "error") error = &reply;  // older vLLM
  if (error == nullptr) return {};
  if (error->is_string()) return error->get<std::string>();
  const Json* message = member(*error, "message");
  std::string text = message != nullptr && message->is_string() ? message->get<std::string>() : wire::dump(*error);
  if (const Json* code = member(*error, "code"); code != nullptr && code->is_string()) text += " (" + code->get<std::string>() + ")";
  return text.empty() ? "an error without a text" : text;
}

std::optional<Json> assemble(std::string_view events, const std::string& at) {
  Json reply{{"choices", Json::array({Json::object()})}};
  bool done = false, finished = false;
  for (std::size_t n = 0; !events.empty() && !done;) {
    const std::size_t end = events.find('\n');
    std::string_view line = events.substr(0, end);
    events.remove_prefix(end == std::string_view::npos ? events.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // llama.cpp's older servers write "error: {...}", with the object that a "data:" would hold under "error".
    if (!line.starts_with("data:") && !line.starts_with("error:")) continue;
    line.remove_prefix(line.find(':') + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    const std::string here = at + ": event " + std::to_string(++n);
    if (line == "[DONE]") {
      done = true;
      continue;
    }
    if (end == std::string_view::npos) break;  // the last line lacks its end: it was cut
    const Json chunk = wire::parse(line, here);
    if (const std::string said = error_text(chunk); !said.empty()) throw Error(Fault::bad_input, here + ": the server says: " + said);
    if (!chunk.is_object()) wire::expected(here, "an object", chunk);
    if (const Json* usage = member(chunk, "usage")) reply["usage"] = *usage;
    const Json* choices = member(chunk, "choices");
    if (choices == nullptr) continue;
    if (!choices->is_array()) wire::expected(here + ".choices", "a list", *choices);
    for (const Json& choice : *choices) {
      if (const Json* index = member(choice, "index"); index != nullptr && *index != 0) continue;
      add_chunk(reply["choices"][0], choice, here + ".choices[0]");
    }
    finished = finished || reply["choices"][0].contains("finish_reason");
  }
  if (!done && !finished) return {};
  return reply;
}

std::optional<ServerUsage> parse_usage(const Json& reply, const std::string& at) {
  const Json* usage = member(reply, "usage");
  if (usage == nullptr) return {};
  const wire::Fields fields(*usage, at + ".usage");
  ServerUsage out;
  const auto read = [&](const char* name, std::int64_t& into) {
    if (const Json* value = member(*usage, name)) into = wire::read_int(*value, fields.at(name), 0, std::int64_t{1} << 40);
  };
  read("prompt_tokens", out.prompt);
  read("completion_tokens", out.generated);
  if (const Json* details = member(*usage, "prompt_tokens_details"))
    if (const Json* cached = member(*details, "cached_tokens"))
      out.cached = std::min(out.prompt, wire::read_int(*cached, fields.at("prompt_tokens_details.cached_tokens"), 0, std::int64_t{1} << 40));
  return out;
}

Parsed parse_choice(const Json& choice, const std::string& at) {
  if (!choice.is_object()) wire::expected(at, "an object", choice);
  Parsed out;
  const Json* message = member(choice, "message");
  const Json* text = member(choice, "text");
  if (message == nullptr && text == nullptr && member(choice, "finish_reason") == nullptr) throw Error(Fault::bad_input, at + ": expected a message or a text, got neither");
  if (text != nullptr) out.text = text_of(*text, at + ".text");
  if (message != nullptr) {
    if (!message->is_object()) wire::expected(at + ".message", "an object", *message);
    if (const Json* content = member(*message, "content")) out.text = text_of(*content, at + ".message.content");
    const Json* calls = member(*message, "tool_calls");
    if (calls != nullptr && calls->is_array() && !calls->empty()) {
      const std::string here = at + ".message.tool_calls[0]";
      const Json& function = wire::Fields((*calls)[0], here).required("function");
      const Json& arguments = wire::Fields(function, here + ".function").required("arguments");
      out.arguments = arguments.is_object() ? wire::dump(arguments) : wire::read_string(arguments, here + ".function.arguments");
      out.called_tool = true;
    }
  }
  out.text = wire::valid_utf8(out.text);
  out.arguments = wire::valid_utf8(out.arguments);
  if (const Json* finish = member(choice, "finish_reason")) out.finish = wire::read_string(*finish, at + ".finish_reason");
  if (const Json* word = member(choice, "stop_reason")) out.stop_word = word->is_string() && out.finish == "stop";
  const Json* logs = member(choice, "logprobs");
  if (logs != nullptr) {
    if (!logs->is_object()) wire::expected(at + ".logprobs", "an object", *logs);
    if (const Json* content = member(*logs, "content")) out.logs = read_content(*content, at + ".logprobs.content");
    else if (member(*logs, "token_logprobs") != nullptr) out.logs = read_lists(*logs, at + ".logprobs");
  }
  return out;
}

Parsed parse_reply(const Json& reply, const std::string& at) {
  const wire::Fields fields(reply, at);
  const Json& choices = fields.required("choices");
  if (!choices.is_array() || choices.empty()) wire::expected(fields.at("choices"), "a list with a reply in it", choices);
  Parsed out = parse_choice(choices[0], fields.at("choices") + "[0]");
  out.usage = parse_usage(reply, at);
  return out;
}

}  // namespace hone::remote
