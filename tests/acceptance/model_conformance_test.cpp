// Every back end of the catalogue against the one contract. The local ones need pulled models.
#include "conformance/model_conformance.h"

#include <httplib.h>

#include "models/catalogue.h"
#include "models/scripted.h"

namespace hone {
namespace {

// An OpenAI-compatible server in this process: repeats the last message, one token a word, and echoes prompts.
class EchoServer {
 public:
  using Json = nlohmann::json;

  EchoServer() {
    server_.Get("/v1/models", [](const httplib::Request&, httplib::Response& out) { out.set_content(R"({"data":[{"id":"echo"}]})", "application/json"); });
    server_.Post("/v1/chat/completions", [](const httplib::Request& in, httplib::Response& out) { out.set_content(chat(Json::parse(in.body)).dump(), "application/json"); });
    server_.Post("/v1/completions", [](const httplib::Request& in, httplib::Response& out) { out.set_content(echo(Json::parse(in.body)).dump(), "application/json"); });
    server_.Post("/v1/embeddings", [](const httplib::Request& in, httplib::Response& out) { out.set_content(embed(Json::parse(in.body)).dump(), "application/json"); });
    const int port = server_.bind_to_any_port("127.0.0.1");
    spec = "http://127.0.0.1:" + std::to_string(port);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~EchoServer() {
    server_.stop();
    thread_.join();
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  std::string spec;

 private:
  static Json chat(const Json& in) {
    ScriptedModel model([](std::span<const Message> m, const Sampling&) { return m.back().content; });
    Sampling sampling;
    sampling.max_tokens = in["max_tokens"];
    if (in.contains("stop")) sampling.stop = in["stop"].get<std::vector<std::string>>();
    std::vector<Message> messages;
    for (const Json& m : in["messages"]) messages.push_back({m["role"], m["content"]});
    const Reply reply = model.chat(messages, sampling);
    Json choice{{"index", 0}, {"message", {{"role", "assistant"}, {"content", reply.text}}}, {"finish_reason", reply.why == StopReason::length ? "length" : "stop"}};
    if (reply.why == StopReason::stop_word) choice["stop_reason"] = sampling.stop.back();
    if (in.contains("logprobs"))
      for (const int id : reply.trace.ids) choice["logprobs"]["content"].push_back({{"id", id}, {"token", "?"}, {"logprob", -0.5}, {"top_logprobs", Json::array()}});
    return {{"choices", {choice}}, {"usage", {{"prompt_tokens", reply.usage.prompt_tokens}, {"completion_tokens", reply.trace.ids.size()}}}};
  }
  // A choice behind "Queue:" is one token of probability 1/8, whatever it is, and always ends there.
  static Json echo(const Json& in) {
    Json choices = Json::array();
    for (const Json& one : in["prompt"]) {
      const std::string prompt = one;
      const std::size_t cut = prompt.rfind("Queue:") + 6;
      const Json tokens{prompt.substr(0, cut), prompt.substr(cut, prompt.size() - cut - 1), "\n", "x"}, logps{nullptr, std::log(0.125), 0.0, -1.0};
      choices.push_back({{"index", choices.size()}, {"text", prompt + "x"}, {"finish_reason", "length"}, {"logprobs", {{"tokens", tokens}, {"token_logprobs", logps}}}});
    }
    return {{"choices", choices}, {"usage", {{"prompt_tokens", 3 * choices.size()}, {"completion_tokens", choices.size()}}}};
  }
  static Json embed(const Json& in) {
    ScriptedEmbedder embedder(8);
    Json data = Json::array();
    for (const Json& one : in["input"]) {
      const std::string text = one;
      const std::string_view view = text;
      std::vector<float> row(8);
      embedder.embed({&view, 1}, row);
      data.push_back({{"index", data.size()}, {"embedding", row}});
    }
    return {{"data", data}};
  }
  httplib::Server server_;
  std::thread thread_;
};

struct Specs {
  std::string model, embedder;
};

// What to open for a back end; a new one without a line here fails.
Specs specs_of(const BackendEntry& entry) {
  if (entry.name == "scripted") return {"scripted:echo", "scripted:32"};
  if (entry.name == "local") return {"smollm2-135m", "all-minilm-l6-v2"};
  if (entry.name == "remote_chat") {
    static EchoServer server;
    return {server.spec, server.spec};
  }
  ADD_FAILURE() << "back end " << entry.name << " has no model to test it with: add it to specs_of";
  return {};
}

ModelOptions options() {
  ModelOptions o;
  o.remote.cache = false;  // the cache of whoever runs the tests is not for them
  return o;
}

bool missing(const std::string& spec) { return find_model(spec) != nullptr && !model_status(spec).present; }

class EveryBackEnd : public testing::TestWithParam<std::size_t> {
 protected:
  const BackendEntry& entry = backend_catalog()[GetParam()];
};

TEST_P(EveryBackEnd, KeepsTheContractOfModelAndChooser) {
  const Specs specs = specs_of(entry);
  if (missing(specs.model)) GTEST_SKIP() << specs.model << " is not pulled (hone model pull " << specs.model << ")";
  EXPECT_TRUE(entry.handles(specs.model));
  const OpenModel open = open_model(specs.model, options());
  ASSERT_NE(open.model, nullptr);
  conformance::check_model(*open.model);
  if (open.chooser != nullptr) conformance::check_chooser(*open.chooser);
}

TEST_P(EveryBackEnd, KeepsTheContractOfEmbedder) {
  const Specs specs = specs_of(entry);
  if (missing(specs.embedder)) GTEST_SKIP() << specs.embedder << " is not pulled (hone model pull " << specs.embedder << ")";
  const auto embedder = open_embedder(specs.embedder, options());
  conformance::check_embedder(*embedder);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryBackEnd, testing::Range<std::size_t>(0, backend_catalog().size()),
                         [](const auto& p) { return std::string(backend_catalog()[p.param].name); });

}  // namespace
}  // namespace hone
