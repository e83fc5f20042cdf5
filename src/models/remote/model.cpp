#include "models/remote/model.h"

#include <algorithm>

#include "core/error.h"
#include "models/errand.h"
#include "models/remote/schema.h"
#include "wire/one_of.h"
#include "wire/read.h"

namespace hone::remote {
namespace {

using wire::Json;

constexpr int schema_tries = 3;
constexpr int answer_tokens = 24;  // for what JSON wraps a text in
constexpr double look_s = 5.0;  // for what is nice to know

// Of the assembled or unstreamed reply, cut at the first stop word.
void finish(Reply& reply, const Parsed& parsed, const Sampling& sampling, const std::string& at) {
  if (parsed.finish == "content_filter") throw Error(Fault::bad_input, at + ": the server's content filter ended the reply");
  reply.text = parsed.called_tool ? parsed.arguments : parsed.text;
  reply.why = parsed.finish == "length" ? StopReason::length : parsed.stop_word ? StopReason::stop_word : StopReason::end;
  std::size_t cut = std::string::npos;
  for (const std::string& word : sampling.stop)
    if (!word.empty()) cut = std::min(cut, reply.text.find(word));
  if (cut != std::string::npos) {
    reply.text.resize(cut);
    reply.why = StopReason::stop_word;
  }
  reply.trace.sampling = sampling;
  if (!sampling.logprobs) return;
  if (!parsed.logs) throw Error(Fault::unavailable, at + ": log-probabilities were asked for and none came: this server doesn't give them");
  for (const TokenLog& token : *parsed.logs) {
    reply.trace.ids.push_back(token.id);
    reply.trace.logp.push_back(token.logp);
    reply.trace.entropy.push_back(token.entropy);
  }
}

}  // namespace

Usage usage_of(const Answered& answered, std::size_t prompt_bytes, std::int64_t written) {
  ServerUsage used{.prompt = estimated_tokens(prompt_bytes), .cached = 0, .generated = written};
  try {
    used = parse_usage(answered.reply, "reply").value_or(used);
  } catch (const Error&) {  // whoever needs the numbers says so
  }
  return {.calls = 1, .prompt_tokens = used.prompt, .cached_tokens = answered.from_cache ? used.prompt : used.cached, .generated_tokens = used.generated, .seconds = answered.seconds};
}

void add_usage(Usage& sum, const Usage& one) {
  if (one.seconds > 0.0 && sum.calls > 0 && sum.seconds == 0.0) sum = {};       // what came from the cache gives way to what was paid
  if (one.seconds > 0.0 || sum.seconds == 0.0) sum += one;
  sum.calls = 1;
}

std::string plain_prompt(std::span<const Message> messages) {
  std::string out;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool text = messages[i].role == "text";
    if (i > 0 && (!text || messages[i - 1].role != "text")) out += "\n\n";
    out += messages[i].content;
  }
  return out;
}

bool all_text(std::span<const Message> messages) {
  return std::all_of(messages.begin(), messages.end(), [](const Message& m) { return m.role == "text"; });
}

std::vector<Message> with_request(std::span<const Message> messages, const std::string& request) {
  std::vector<Message> all(messages.begin(), messages.end());
  if (all_text(messages)) all = {{"user", plain_prompt(messages)}};
  while (!all.empty() && all.back().role == "text") all.pop_back();
  if (!all.empty() && all.back().role == "user") all.back().content += "\n\n" + request;  // some chat templates want turns to alternate
  else all.push_back({"user", request});
  return all;
}

void check_request(std::span<const Message> messages, const Sampling& sampling) {
  if (std::all_of(messages.begin(), messages.end(), [](const Message& m) { return m.content.empty(); }))
    throw Error(Fault::bad_input, "prompt: expected at least one message with content, got none");
  bool text = false;
  for (const Message& m : messages) {
    if (text && m.role != "text") throw Error(Fault::bad_input, "prompt: a message of role \"text\" stands before one of role \"" + m.role + "\"");
    text = m.role == "text";
  }
  if (sampling.max_tokens < 1) throw Error(Fault::bad_input, "sampling: max_tokens: expected at least 1, got " + std::to_string(sampling.max_tokens));
  if (!sampling.grammar.empty() && !sampling.json_schema.empty()) throw Error(Fault::bad_input, "sampling: expected at most one of grammar and json_schema, got both");
}

std::vector<Listed> read_models(const Json& reply, const std::string& at) {
  return wire::Fields::elements<Listed>(wire::Fields(reply, at).required("data"), at + ".data", [](const Json& json, const std::string& here) {
    const wire::Fields fields(json, here);
    Listed out;
    fields.need("id", out.id);
    const auto number = [](const Json& from, const char* name) -> std::int64_t {
      const auto it = from.is_object() ? from.find(name) : from.end();
      return from.is_object() && it != from.end() && it->is_number_integer() && *it > 0 ? it->get<std::int64_t>() : 0;
    };
    std::int64_t context = number(json, "max_model_len");                        // vLLM
    const Json meta = json.contains("meta") ? json["meta"] : Json();             // llama.cpp
    for (const char* name : {"n_ctx", "n_ctx_train"})
      if (context == 0) context = number(meta, name);
    if (context == 0) context = number(json, "context_length");
    out.context = static_cast<int>(std::min<std::int64_t>(context, 1 << 30));
    out.parameters = number(meta, "n_params");
    if (json.contains("owned_by") && json["owned_by"].is_string()) out.owner = json["owned_by"].get<std::string>();
    return out;
  });
}

Listed choose_model(Server& server) {
  const std::string at = server.url("/models");
  if (!server.address().model.empty()) {
    Listed out{.id = server.address().model};
    try {
      for (const Listed& one : read_models(server.get("/models", false, look_s), at + ": reply"))
        if (one.id == out.id || (out.owner.empty() && one.owner == "llamacpp")) out = {out.id, one.context, one.parameters, one.owner};
    } catch (const Error&) {  // the model's name is known; what else it tells is not needed
    }
    return out;
  }
  const auto all = read_models(server.get("/models"), at + ": reply");
  if (all.size() == 1) return all[0];
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 10); ++i) names += (i == 0 ? "" : ", ") + wire::shortened(all[i].id);
  if (all.size() > 10) names += ", ... (" + std::to_string(all.size()) + " in all)";
  throw Error(Fault::usage, "model: which one of " + server.address().base() + "? Write it as " + server.address().base() + "#MODEL; the server has " +
                                (all.empty() ? "none" : names));
}

ModelFacts facts_of(const Server& server, const Listed& listed) {
  ModelFacts out;
  out.name = server.address().base() + "#" + listed.id;
  out.artifact_sha = "remote:" + listed.id;
  out.architecture = "remote";
  out.parameters = listed.parameters;
  out.context = listed.context;
  return out;
}

RemoteModel::RemoteModel(const std::string& spec, const RemoteOptions& options) : server_(parse_address(spec), options) {
  const Listed listed = choose_model(server_);
  model_ = listed.id;
  facts_ = facts_of(server_, listed);
  owner_ = listed.owner;
  if (owner_ != "llamacpp") return;
  try {  // what the server was started with, not what the model was trained on
    const Json props = server_.get("/props", true, look_s);
    if (const Json n = props.at("default_generation_settings").at("n_ctx"); n.is_number_integer() && n > 0 && n < (1 << 30)) facts_.context = n.get<int>();
  } catch (const std::exception&) {
  }
}

Ability RemoteModel::ability() const {
  const std::lock_guard hold(lock_);
  return ability_;
}

void RemoteModel::change(const std::function<void(Ability&)>& how) {
  const std::lock_guard hold(lock_);
  how(ability_);
}

// ---- requests
Json RemoteModel::body_for(const Sampling& s, bool chat_endpoint) const {
  Json body{{"max_tokens", s.max_tokens}, {"temperature", wire::number(s.temperature)}};
  if (s.top_p < 1.0F) body["top_p"] = wire::number(s.top_p);
  if (s.top_k > 0) body["top_k"] = s.top_k;
  if (s.min_p > 0.0F) body["min_p"] = wire::number(s.min_p);
  body["seed"] = static_cast<std::int64_t>(s.seed & 0x7fffffffU);
  Json stop = Json::array();
  for (const std::string& word : s.stop)
    if (!word.empty() && stop.size() < 4) stop.push_back(word);
  if (!stop.empty()) body["stop"] = stop;
  if (s.logprobs && chat_endpoint) body["logprobs"] = true, body["top_logprobs"] = 20;
  if (s.logprobs && !chat_endpoint) body["logprobs"] = 5;
  if (!s.grammar.empty()) body["grammar"] = s.grammar;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  return body;
}

// True when something was left out that the request may do without, so that asking again makes sense.
bool RemoteModel::adapt(const Refused& refused) {
  if (refused.status() != 400 && refused.status() != 422) return false;
  const std::lock_guard hold(lock_);
  const auto drop = [&](const char* word, bool& able) {
    if (!able || !refused.speaks_of(word)) return false;
    able = false;
    return true;
  };
  if (!ability_.completion_limit && refused.speaks_of("max_completion_tokens")) return ability_.completion_limit = true;
  if (drop("stream_options", ability_.stream_options) || drop("seed", ability_.seed)) return true;
  if (refused.speaks_of("top_logprobs") && ability_.top_logprobs > 0) {
    ability_.top_logprobs = ability_.top_logprobs > 5 ? 5 : 0;
    return true;
  }
  return false;
}

Answered RemoteModel::ask(Wanted wanted) {
  for (;;) {
    const Ability able = ability();
    Asked asked{.path = wanted.path, .body = wanted.body, .streaming = wanted.body.value("stream", false)};
    Json& body = asked.body;
    if (!able.stream_options) body.erase("stream_options");
    if (!able.seed && body.contains("seed")) {
      asked.salt = "seed " + wire::dump(body["seed"]);  // else two draws would be one entry of the cache
      body.erase("seed");
    }
    if (able.completion_limit && body.contains("messages")) {
      body["max_completion_tokens"] = body["max_tokens"];
      body.erase("max_tokens");
    }
    if (body.contains("top_logprobs")) {
      if (able.top_logprobs == 0) body.erase("top_logprobs");
      else body["top_logprobs"] = able.top_logprobs;
    }
    try {
      return server_.ask(asked);
    } catch (const Refused& refused) {
      if (!adapt(refused)) throw;
    }
  }
}

Reply RemoteModel::reply_of(const Wanted& wanted) {
  const std::string at = server_.url(wanted.path);
  const Answered answered = ask(wanted);
  Reply reply;
  try {
    const Parsed parsed = parse_reply(answered.reply, at + ": reply");
    finish(reply, parsed, *wanted.sampling, at);
    const std::int64_t written = parsed.logs ? static_cast<std::int64_t>(parsed.logs->size()) : estimated_tokens(parsed.text.size() + parsed.arguments.size());
    const ServerUsage used = parsed.usage.value_or(ServerUsage{.prompt = estimated_tokens(wanted.prompt_bytes), .generated = written});
    reply.usage = {.calls = 1, .prompt_tokens = used.prompt, .cached_tokens = used.cached, .generated_tokens = used.generated, .seconds = answered.seconds};
  } catch (const Error& e) {
    Errand::spend(usage_of(answered, wanted.prompt_bytes));
    throw Error(e.fault(), server_.cleaned(e.what()));
  }
  if (answered.from_cache) reply.usage.cached_tokens = reply.usage.prompt_tokens;
  return reply;
}

Reply RemoteModel::plain(const std::string& prompt, const Sampling& sampling, const Json& extra) {
  Json body{{"model", model_}, {"prompt", wire::valid_utf8(prompt)}};
  body.update(body_for(sampling, false));
  if (extra.is_object()) body.update(extra);
  return reply_of({"/completions", std::move(body), &sampling, prompt.size()});
}

Reply RemoteModel::conversation(std::span<const Message> messages, const Sampling& sampling, const Json& extra) {
  if (server_.options().api == RemoteApi::completions) return plain(plain_prompt(messages), sampling, extra);
  Json list = Json::array();
  std::size_t bytes = 0;
  const bool text_only = all_text(messages);
  if (text_only) {
    list.push_back({{"role", "user"}, {"content", wire::valid_utf8(plain_prompt(messages))}});
    bytes = plain_prompt(messages).size();
  }
  for (const Message& m : messages) {
    if (text_only) break;
    bytes += m.content.size();
    const bool more = m.role == "text" && list.back()["role"] == "assistant";
    const std::string content = wire::valid_utf8(m.content);
    if (more) list.back()["content"] = list.back()["content"].get<std::string>() + content;
    else list.push_back({{"role", m.role == "text" ? "assistant" : m.role}, {"content", content}});
  }
  Json body{{"model", model_}, {"messages", std::move(list)}};
  body.update(body_for(sampling, true));
  if (extra.is_object()) body.update(extra);
  return reply_of({"/chat/completions", std::move(body), &sampling, bytes});
}

Reply RemoteModel::chat(std::span<const Message> messages, const Sampling& sampling) {
  check_request(messages, sampling);
  if (!sampling.grammar.empty() && !takes_grammar()) return without_grammar(messages, sampling);
  if (!sampling.json_schema.empty()) return structured(messages, sampling);
  const RemoteApi api = server_.options().api;
  if (api == RemoteApi::completions) return plain(plain_prompt(messages), sampling);
  if (api == RemoteApi::automatic && all_text(messages) && ability().completions) {
    try {
      return plain(plain_prompt(messages), sampling);
    } catch (const Refused& refused) {
      if (!refused.no_such_endpoint()) throw;
      change([](Ability& a) { a.completions = false; });
    }
  }
  return conversation(messages, sampling);
}

// Servers pass over fields they don't know, so the kind of server has to be known before a grammar is trusted to it.
bool RemoteModel::takes_grammar() {
  const std::lock_guard hold(lock_);
  if (!grammar_) {
    grammar_ = owner_ == "llamacpp";
    if (!*grammar_) {
      try {
        grammar_ = server_.get("/props", true, look_s).contains("default_generation_settings");
      } catch (const Error&) {
      }
    }
  }
  return *grammar_;
}

// One of a list of texts is asked for as JSON, which works with every server.
Reply RemoteModel::without_grammar(std::span<const Message> messages, Sampling sampling) {
  if (const auto texts = wire::texts_of_grammar(sampling.grammar)) {
    const Json schema{{"type", "object"}, {"properties", {{"answer", {{"type", "string"}, {"enum", *texts}}}}}, {"required", {"answer"}}, {"additionalProperties", false}};
    sampling.grammar.clear();
    sampling.json_schema = wire::dump(schema);
    sampling.max_tokens += answer_tokens;
    sampling.stop.clear();
    Reply reply = structured(messages, sampling);
    const Unclaimed unclaimed(reply.usage);
    if (reply.why == StopReason::length) throw Error(Fault::corrupt, server_.address().base() + ": expected one of the texts as JSON, got a reply cut at max_tokens");
    reply.text = wire::parse(reply.text, "reply").at("answer").get<std::string>();
    reply.trace.ids.clear(), reply.trace.logp.clear(), reply.trace.entropy.clear();  // of the JSON, not of the text
    return reply;
  }
  if (sampling.hold) throw Error(Fault::unavailable, server_.address().base() + ": a grammar was asked for, and only llama.cpp's server is known to take one; a JSON schema works with every server");
  sampling.grammar.clear();
  return chat(messages, sampling);
}

// ---- JSON by a schema
Reply RemoteModel::structured(std::span<const Message> messages, const Sampling& sampling) {
  const Json schema = wire::parse(sampling.json_schema, "sampling: json_schema");
  const std::string what_failed = server_.address().base();
  Usage spent;
  const Unclaimed unclaimed(spent);
  // Whether the reply is what was asked for; why not is told to the next way.
  const auto fits = [&](const Reply& reply) {
    if (reply.why == StopReason::length) return true;
    try {
      return misfit(wire::parse(reply.text, "reply"), schema).empty();
    } catch (const Error&) {
      return false;
    }
  };
  const auto attempt = [&](const Json& extra, bool Ability::*able, std::initializer_list<const char*> words) -> std::optional<Reply> {
    if (!(ability().*able)) return {};
    try {
      Reply reply = conversation(messages, sampling, extra);
      add_usage(spent, reply.usage);
      reply.usage = spent;
      if (fits(reply)) return reply;
    } catch (const Refused& refused) {
      if (refused.status() == 401 || refused.status() == 403) throw;
      if (std::none_of(words.begin(), words.end(), [&](const char* word) { return refused.speaks_of(word); }) && refused.status() != 501) {
        if (refused.status() != 400 && refused.status() != 422) throw;
        return {};  // of something else, it may be: say nothing for good
      }
    }
    change([&](Ability& a) { a.*able = false; });
    return {};
  };
  Json format{{"name", "reply"}, {"schema", schema}};
  if (closed(schema)) format["strict"] = true;
  if (auto reply = attempt({{"response_format", {{"type", "json_schema"}, {"json_schema", format}}}}, &Ability::schema, {"response_format", "schema", "structured", "grammar"})) return *reply;
  const Json tool{{"type", "function"}, {"function", {{"name", "reply"}, {"description", "Gives the answer."}, {"parameters", schema}}}};
  if (!sampling.logprobs && schema.is_object() && schema.value("type", Json()) == "object")
    if (auto reply = attempt({{"tools", Json::array({tool})}, {"tool_choice", {{"type", "function"}, {"function", {{"name", "reply"}}}}}}, &Ability::tools, {"tool", "function"})) return *reply;
  return asked_in_prompt(messages, sampling, schema, spent);
}

Reply RemoteModel::asked_in_prompt(std::span<const Message> messages, const Sampling& sampling, const Json& schema, Usage& spent) {
  std::vector<Message> all = with_request(messages, "Answer with JSON only, without any other word, that fits this JSON schema:\n" + wire::dump(schema));
  std::string why;
  for (int n = 0; n < schema_tries; ++n) {
    Reply reply = conversation(all, sampling);
    add_usage(spent, reply.usage);
    reply.usage = spent;
    if (reply.why == StopReason::length) return reply;
    const std::string part = json_part(reply.text);
    try {
      why = misfit(wire::parse(part, "reply"), schema);
    } catch (const Error& e) {
      why = e.what();
    }
    if (why.empty()) {
      reply.text = part;
      return reply;
    }
    why = wire::shortened(why);
    all.push_back({"assistant", reply.text.empty() ? "-" : reply.text});
    all.push_back({"user", "That does not fit the schema (" + why + "). Answer again, with JSON only."});
  }
  throw Error(Fault::bad_input, server_.address().base() + ": expected JSON that fits the schema, and " + std::to_string(schema_tries) + " replies did not; the last: " + why);
}

// ---- tokens
int RemoteModel::count_tokens(std::string_view text) {
  if (text.empty()) return 0;
  {
    const std::lock_guard hold(lock_);
    if (const auto known = counted_.find(text); known != counted_.end()) return known->second;
    if (!ability_.tokenize) return static_cast<int>(estimated_tokens(text.size()));
  }
  std::optional<int> count;
  try {
    const std::string whole = wire::valid_utf8(text);  // llama.cpp reads "content", vLLM "prompt"
    const Json reply = server_.ask({.path = "/tokenize",
                                    .body = {{"model", model_}, {"content", whole}, {"prompt", whole}, {"add_special", false}, {"add_special_tokens", false},
                                             {"parse_special", false}},
                                    .at_root = true}).reply;
    if (reply.contains("tokens") && reply["tokens"].is_array()) count = static_cast<int>(reply["tokens"].size());
    else if (reply.contains("count") && reply["count"].is_number_integer()) count = static_cast<int>(wire::read_int(reply["count"], "count", 0, 1 << 30));
  } catch (const Refused& refused) {
    if (refused.status() == 401 || refused.status() == 403) throw;
  } catch (const Error& e) {
    if (e.fault() != Fault::bad_input) throw;  // some page came instead of JSON
  }
  const std::lock_guard hold(lock_);
  if (!count) {
    ability_.tokenize = false;
    return static_cast<int>(estimated_tokens(text.size()));
  }
  if (counted_.size() >= 4096) counted_.clear();
  counted_.emplace(text, *count);
  return *count;
}

}  // namespace hone::remote
