#include "models/remote/probe.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "models/errand.h"
#include "models/remote/model.h"
#include "models/remote/schema.h"
#include "wire/read.h"

namespace hone::remote {

using wire::Json;

namespace {
constexpr double longest_pause_s = 5.0, short_s = 5.0;  // of a busy server; of a request after a time-out
constexpr int thinking_tokens = 512;
constexpr const char* rows[] = {"reachable", "models", "chat", "completions", "streaming", "log-probabilities", "echo scoring", "JSON schema", "tools", "embeddings", "tokenize"};
constexpr const char* schema_text = R"({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false})";
}  // namespace

class Prober {
 public:
  Prober(const std::string& spec, const RemoteOptions& options, const std::function<void(const Finding&)>& hear) : options_(options), server_(parse_address(spec), options), hear_(hear) {}

  std::vector<Finding> run() {
    if (!reach()) return all();
    std::optional<RemoteModel> opened;
    try {
      opened.emplace(server_.address().base() + "#" + name_, options_);
    } catch (const Error& e) {  // the name that the server gives can't be asked for
      if (e.fault() == Fault::interrupted) throw;
      rest_ = server_.cleaned(e.what());
      return all();
    }
    RemoteModel& model = *opened;
    model_ = &model;
    row("chat", [&] { return said(8, [&](int tokens) { return chat({}, tokens); }); });
    row("completions", [&] { return said(4, [&](int tokens) { return completion({{"max_tokens", tokens}}); }); });
    row("streaming", [&] { return streaming(); });
    row("log-probabilities", [&] { return logprobs(); });
    row("echo scoring", [&] { return echo(); });
    const Json schema = Json::parse(schema_text);
    row("JSON schema", [&] {
      const Parsed reply = chat({{"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "reply"}, {"schema", schema}, {"strict", true}}}}}}, 64);
      return fitting(reply.text, schema);
    });
    row("tools", [&] {
      const Json tool{{"type", "function"}, {"function", {{"name", "reply"}, {"description", "Gives the answer."}, {"parameters", schema}}}};
      const Parsed reply = chat({{"tools", Json::array({tool})}, {"tool_choice", {{"type", "function"}, {"function", {{"name", "reply"}}}}}}, 64);
      if (!reply.called_tool) throw Error(Fault::bad_input, "the reply calls no tool: " + quoted(reply.text));
      return fitting(reply.arguments, schema);
    });
    row("embeddings", [&] {
      const Json reply = ask("/embeddings", {{"input", {"one"}}, {"encoding_format", "float"}}).reply;
      return std::to_string(wire::Fields(wire::Fields(reply, "reply").required("data").at(0), "reply.data[0]").required("embedding").size()) + " numbers a text";
    });
    row("tokenize", [&] {
      const int n = model.count_tokens("one two three");
      if (!model.ability().tokenize) throw Error(Fault::bad_input, "tokens are estimated as bytes / 4");
      return "\"one two three\" has " + std::to_string(n) + " tokens";
    });
    return all();
  }

 private:
  bool reach() {
    std::vector<Listed> listed;
    std::string unnamed = "which model? Write it behind the URL: " + server_.address().base() + "#MODEL";
    try {
      try {
        listed = read_models(patiently([&] { return server_.get("/models"); }), "reply");
        put("reachable", "yes", server_.address().base());
        std::string names;
        for (std::size_t i = 0; i < std::min<std::size_t>(listed.size(), 10); ++i)
          names += (i == 0 ? "" : ", ") + wire::shortened(listed[i].id) + (listed[i].context > 0 ? " (" + std::to_string(listed[i].context) + " tokens)" : "");
        put("models", listed.empty() ? "no" : "yes", std::to_string(listed.size()) + (listed.empty() ? "" : ": " + names + (listed.size() > 10 ? ", ..." : "")));
      } catch (const Refused& refused) {
        put("reachable", "yes", server_.address().base());
        put("models", "no", refused.what());
        if (refused.status() == 401 || refused.status() == 403)
          unnamed = std::string("first the key, which the server ") + (server_.keyed() ? "refuses" : "wants") + " (HTTP status " + std::to_string(refused.status()) + ", see models)";
      } catch (const Busy& busy) {
        put("reachable", "yes", server_.address().base() + ", which answers with HTTP status " + std::to_string(busy.status()));
        put("models", "no", server_.cleaned(busy.what()));
        unnamed = "the server doesn't list its models now (HTTP status " + std::to_string(busy.status()) + "): try again later, or name one behind the URL: " + server_.address().base() + "#MODEL";
      }
    } catch (const Error& e) {
      if (e.fault() == Fault::interrupted) throw;
      put("reachable", e.fault() == Fault::bad_input ? "yes" : "no", e.fault() == Fault::bad_input ? server_.address().base() : server_.cleaned(e.what()));
      if (e.fault() != Fault::bad_input) return false;
      put("models", "no", server_.cleaned(e.what()));
    }
    name_ = server_.address().model;
    if (name_.empty() && listed.size() == 1) name_ = listed[0].id;
    if (!name_.empty()) return true;
    rest_ = unnamed;
    return false;
  }

  void put(const std::string& what, const std::string& state, const std::string& note) {
    found_.push_back({what, state, note});
    if (hear_) hear_(found_.back());
  }
  void row(const char* what, const std::function<std::string()>& ability) {
    try {
      put(what, "yes", patiently(ability));
    } catch (const Error& e) {
      if (e.fault() == Fault::interrupted) throw;
      if (dynamic_cast<const TimedOut*>(&e) != nullptr) model_->server_.limit(short_s);
      put(what, "no", server_.cleaned(e.what()));
    } catch (const Json::exception&) {
      put(what, "no", "the reply has another form");
    }
  }
  // The rows come in their order: those that are missing are the last ones.
  std::vector<Finding> all() {
    while (found_.size() < std::size(rows)) put(rows[found_.size()], "not tried", rest_);
    return found_;
  }
  template <class Call>
  auto patiently(const Call& call) -> decltype(call()) {
    for (int n = 0;; ++n) {
      try {
        return call();
      } catch (const Busy& busy) {
        const double pause = busy.asked_s().value_or(1.0);
        if (n >= repeats_ || pause > longest_pause_s) {
          repeats_ = 0;
          throw;
        }
        Errand::wait(std::max(pause, 0.5));
      }
    }
  }
  // A model that thinks first has nothing to say within a few tokens.
  static std::string said(int tokens, const std::function<Parsed(int)>& ask) {
    const auto blank = [](const Parsed& reply) { return reply.text.find_first_not_of(" \t\r\n") == std::string::npos; };
    Parsed reply = ask(tokens);
    if (blank(reply) && reply.finish == "length") reply = ask(thinking_tokens);
    if (blank(reply)) throw Error(Fault::bad_input, reply.finish == "length" ? "nothing was written within " + std::to_string(thinking_tokens) + " tokens" : "the reply is empty");
    return quoted(reply.text);
  }

  Answered ask(const std::string& path, Json body) {
    body["model"] = name_;
    return model_->ask({path, std::move(body), nullptr, 0});
  }
  Parsed chat(const Json& extra, int tokens) {
    Json body{{"messages", {{{"role", "user"}, {"content", "Is water wet? Answer with ok = true or false, in one word."}}}}, {"max_tokens", tokens}, {"temperature", 0}};
    if (extra.is_object()) body.update(extra);
    return parse_reply(ask("/chat/completions", std::move(body)).reply, "reply");
  }
  Parsed completion(const Json& extra) {
    Json body{{"prompt", "One, two,"}, {"max_tokens", 4}, {"temperature", 0}};
    if (extra.is_object()) body.update(extra);
    return parse_reply(ask("/completions", std::move(body)).reply, "reply");
  }
  // By whichever endpoint there is.
  template <class Call>
  auto either(Call call) {
    try {
      return call(true);
    } catch (const Refused&) {
      return call(false);
    }
  }
  std::string streaming() {
    const bool events = either([&](bool by_chat) {
      Json body{{"max_tokens", 4}, {"temperature", 0}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
      if (by_chat) body["messages"] = {{{"role", "user"}, {"content", "Hello"}}};
      else body["prompt"] = "One, two,";
      const Answered answered = ask(by_chat ? "/chat/completions" : "/completions", body);
      (void)parse_reply(answered.reply, "reply");
      return answered.streamed;
    });
    if (!events) throw Error(Fault::bad_input, "the reply came in one piece: only timeout_s bounds it");
    return "as events";
  }
  std::string logprobs() {
    const Parsed reply = either([&](bool by_chat) { return by_chat ? chat({{"logprobs", true}, {"top_logprobs", 20}}, 4) : completion({{"logprobs", 5}}); });
    if (!reply.logs || reply.logs->empty()) throw Error(Fault::bad_input, "asked for and not given");
    return std::to_string(reply.logs->size()) + " tokens" + (reply.logs->front().id >= 0 ? ", with their ids" : "");
  }
  std::string echo() {
    const ChoiceRequest request{.prompt = {{"text", "Sugar is sweet.\nSalt is"}}, .lead = {}, .choices = {"salty", "blue"}, .content_free = {}};
    Score score;
    const auto logp = model_->echoed(request.prompt, request, score);
    if (!logp) throw Error(Fault::bad_input, "choices are written instead of scored: no prior, no shades");
    return "choices are scored by their log-probabilities";
  }
  static std::string quoted(const std::string& text) { return "\"" + wire::shortened(text) + "\""; }
  static std::string fitting(const std::string& text, const Json& schema) {
    const std::string why = misfit(wire::parse(text, "reply"), schema);
    if (!why.empty()) throw Error(Fault::bad_input, why);
    return quoted(text);
  }

  RemoteOptions options_;
  Server server_;
  const std::function<void(const Finding&)>& hear_;
  int repeats_ = 2;
  std::string name_, rest_;
  RemoteModel* model_ = nullptr;
  std::vector<Finding> found_;
};

std::vector<std::string> probed() { return {std::begin(rows), std::end(rows)}; }

std::vector<Finding> probe_server(const std::string& spec, RemoteOptions options, const std::function<void(const Finding&)>& found) {
  options.cache = false;
  options.retries = 0;
  return Prober(spec, options, found).run();
}

bool useful(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.state == "yes" && (f.what == "chat" || f.what == "completions" || f.what == "embeddings"); });
}

}  // namespace hone::remote
