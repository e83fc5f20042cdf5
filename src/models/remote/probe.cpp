#include "models/remote/probe.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "models/remote/model.h"
#include "models/remote/schema.h"
#include "wire/read.h"

namespace hone::remote {

using wire::Json;

namespace {
constexpr const char* rows[] = {"reachable", "models", "chat", "completions", "streaming", "log-probabilities", "echo scoring", "JSON schema", "tools", "embeddings", "tokenize"};
constexpr const char* schema_text = R"({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false})";
}  // namespace

class Prober {
 public:
  Prober(const std::string& spec, const RemoteOptions& options) : options_(options), server_(parse_address(spec), options) {}

  std::vector<Finding> run() {
    if (!reach()) return all();
    RemoteModel model(server_.address().base() + "#" + name_, options_);
    model_ = &model;
    row("chat", [&] { return quoted(chat({}, 8).text); });
    row("completions", [&] { return quoted(completion({}).text); });
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
    try {
      try {
        listed = read_models(server_.get("/models"), "reply");
        put("reachable", "yes", server_.address().base());
        std::string names;
        for (std::size_t i = 0; i < std::min<std::size_t>(listed.size(), 10); ++i)
          names += (i == 0 ? "" : ", ") + wire::shortened(listed[i].id) + (listed[i].context > 0 ? " (" + std::to_string(listed[i].context) + " tokens)" : "");
        put("models", listed.empty() ? "no" : "yes", std::to_string(listed.size()) + (listed.empty() ? "" : ": " + names + (listed.size() > 10 ? ", ..." : "")));
      } catch (const Refused& refused) {
        put("reachable", "yes", server_.address().base());
        put("models", "no", refused.what());
      }
    } catch (const Error& e) {
      put(e.fault() == Fault::bad_input ? "models" : "reachable", "no", server_.cleaned(e.what()));
      if (e.fault() != Fault::bad_input) return false;
      put("reachable", "yes", server_.address().base());
    }
    name_ = server_.address().model;
    if (name_.empty() && listed.size() == 1) name_ = listed[0].id;
    if (!name_.empty()) return true;
    rest_ = "which model? Write it behind the URL: " + server_.address().base() + "#MODEL";
    return false;
  }

  void put(const std::string& what, const std::string& state, const std::string& note) { found_.push_back({what, state, note}); }
  void row(const char* what, const std::function<std::string()>& ability) {
    try {
      put(what, "yes", ability());
    } catch (const Error& e) {
      put(what, "no", server_.cleaned(e.what()));
    } catch (const Json::exception&) {
      put(what, "no", "the reply has another form");
    }
  }
  std::vector<Finding> all() const {
    std::vector<Finding> out;
    for (const char* what : rows) {
      const auto it = std::find_if(found_.begin(), found_.end(), [&](const Finding& f) { return f.what == what; });
      out.push_back(it != found_.end() ? *it : Finding{what, "not tried", rest_});
    }
    return out;
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
  std::string name_, rest_;
  RemoteModel* model_ = nullptr;
  std::vector<Finding> found_;
};

std::vector<Finding> probe_server(const std::string& spec, RemoteOptions options) {
  options.cache = false;
  options.retries = 0;
  options.timeout_s = std::min(options.timeout_s, 120.0);
  return Prober(spec, options).run();
}

bool useful(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.state == "yes" && (f.what == "chat" || f.what == "completions" || f.what == "embeddings"); });
}

}  // namespace hone::remote
