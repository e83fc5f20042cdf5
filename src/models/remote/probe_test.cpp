#include "models/remote/probe.h"

#include "models/errand.h"
#include "models/remote/server_test_kit.h"

namespace hone::remote {
namespace {

std::map<std::string, Finding> by_name(const std::vector<Finding>& findings) {
  std::map<std::string, Finding> out;
  for (const Finding& f : findings) out[f.what] = f;
  EXPECT_EQ(out.size(), 11U);
  EXPECT_EQ(findings.size(), 11U);
  return out;
}

TEST(Probe, SaysWhatAServerOfFewAbilitiesCanDo) {
  const Environment key("OPENAI_API_KEY", secret);
  FakeServer server;
  server.says("/v1/models", R"({"data":[{"id":"m","max_model_len":99}]})");
  server.on(chat_path, [](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    if (body.contains("tools")) {
      response.status = 400;
      return response.set_content(Json{{"error", {{"message", std::string("no tools for ") + secret}}}}.dump(), "application/json");
    }
    response.set_content(chat_reply(body.contains("response_format") ? R"({"ok":true})" : "yes"), "application/json");
  });
  const auto findings = probe_server(server.base(), quick());
  EXPECT_TRUE(useful(findings));
  auto found = by_name(findings);
  for (const char* what : {"reachable", "models", "chat", "JSON schema"}) EXPECT_EQ(found[what].state, "yes") << what << ": " << found[what].note;
  for (const char* what : {"completions", "streaming", "log-probabilities", "echo scoring", "tools", "embeddings", "tokenize"}) EXPECT_EQ(found[what].state, "no") << what;
  EXPECT_NE(found["models"].note.find("m (99 tokens)"), std::string::npos);
  EXPECT_NE(found["tools"].note.find("no tools for [key]"), std::string::npos);
  for (const Finding& f : findings) EXPECT_EQ(f.note.find(secret), std::string::npos);
}

TEST(Probe, SaysWhyNothingWasTried) {
  const auto gone = probe_server("http://127.0.0.1:1/v1#m", quick());
  EXPECT_FALSE(useful(gone));
  EXPECT_EQ(by_name(gone)["reachable"].state, "no");
  EXPECT_EQ(by_name(gone)["chat"].state, "not tried");
  FakeServer server;
  server.says("/v1/models", R"({"data":[{"id":"a"},{"id":"b"}]})");
  const auto which = probe_server(server.base(), quick());
  EXPECT_FALSE(useful(which));
  EXPECT_EQ(by_name(which)["reachable"].state, "yes");
  EXPECT_NE(by_name(which)["chat"].note.find("#MODEL"), std::string::npos);
  server.says("/v1/models", "<html>");
  EXPECT_EQ(by_name(probe_server(server.spec(), quick()))["models"].state, "no");
  EXPECT_EQ(error_of([&] { probe_server("localhost:8080", quick()); }).fault(), Fault::usage);
}

TEST(Probe, AModelsNameMayHaveBlanks) {
  FakeServer server;
  server.says("/v1/models", R"({"data":[{"id":"My Model.gguf"}]})");
  server.says(chat_path, chat_reply("yes"));
  EXPECT_EQ(by_name(probe_server(server.base(), quick()))["chat"].state, "yes");
  EXPECT_EQ(server.bodies().back()["model"], "My Model.gguf");
  EXPECT_EQ(by_name(probe_server(server.base() + "#My Model.gguf", quick()))["chat"].state, "yes");
  server.says("/v1/models", R"({"data":[{"id":"evil\u001b[31m"}]})");
  auto evil = by_name(probe_server(server.base(), quick()));
  EXPECT_EQ(evil["models"].state, "yes");
  EXPECT_EQ(evil["chat"].state, "not tried");
  EXPECT_NE(evil["chat"].note.find("control character"), std::string::npos) << evil["chat"].note;
}

TEST(Probe, ABusyServerIsReachableAndAskedAgain) {
  FakeServer server;
  std::atomic<int> n{0};
  const auto busy = [](httplib::Response& response, int status, const char* wait) {
    response.status = status;
    if (*wait != '\0') response.set_header("Retry-After", wait);
    response.set_content(R"({"error":{"message":"slow down"}})", "application/json");
  };
  server.on("/v1/models", [&](const httplib::Request&, httplib::Response& response) {
    if (n++ < 2) return busy(response, 429, "1");
    response.set_content(R"({"data":[{"id":"m"}]})", "application/json");
  });
  server.says(chat_path, chat_reply("yes"));
  auto found = by_name(probe_server(server.base(), quick()));
  EXPECT_EQ(found["models"].state, "yes") << found["models"].note;
  EXPECT_EQ(found["chat"].state, "yes");

  for (const int status : {429, 500}) {
    server.on("/v1/models", [&](const httplib::Request&, httplib::Response& response) { busy(response, status, ""); });
    found = by_name(probe_server(server.spec(), quick()));
    EXPECT_EQ(found["reachable"].state, "yes");
    EXPECT_NE(found["reachable"].note.find("HTTP status " + std::to_string(status)), std::string::npos) << found["reachable"].note;
    EXPECT_EQ(found["models"].state, "no");
    EXPECT_EQ(found["chat"].state, "yes") << "named, so it can be asked";
  }
  server.on("/v1/models", [&](const httplib::Request&, httplib::Response& response) { busy(response, 429, "9999"); });
  within(10, [&] { found = by_name(probe_server(server.base(), quick())); });
  EXPECT_EQ(found["reachable"].state, "yes");
  EXPECT_EQ(found["chat"].state, "not tried");
  EXPECT_NE(found["chat"].note.find("HTTP status 429"), std::string::npos) << found["chat"].note;
}

TEST(Probe, AKeyThatIsRefusedIsTheTrouble) {
  FakeServer server;
  server.says("/v1/models", R"({"error":{"message":"bad key"}})", 401);
  const Environment key("OPENAI_API_KEY", secret);
  auto found = by_name(probe_server(server.base(), quick()));
  EXPECT_EQ(found["reachable"].state, "yes");
  EXPECT_NE(found["chat"].note.find("key"), std::string::npos) << found["chat"].note;
  EXPECT_EQ(found["chat"].note.find("which model"), std::string::npos) << found["chat"].note;
}

TEST(Probe, AnEmptyReplyIsNoReply) {
  FakeServer server;
  server.says("/v1/models", R"({"data":[{"id":"m"}]})");
  for (const char* content : {R"("")", "null", R"(" \n")"}) {
    server.says(chat_path, std::string(R"({"choices":[{"message":{"content":)") + content + R"(},"finish_reason":"stop"}]})");
    const auto findings = probe_server(server.base(), quick());
    auto found = by_name(findings);
    EXPECT_EQ(found["chat"].state, "no");
    EXPECT_NE(found["chat"].note.find("empty"), std::string::npos) << found["chat"].note;
    EXPECT_FALSE(useful(findings));
  }
  server.on(chat_path, [](const httplib::Request& request, httplib::Response& response) {  // it thinks first
    const bool enough = Json::parse(request.body).value("max_tokens", 0) > 100;
    response.set_content(Json{{"choices", {{{"message", {{"content", enough ? "Yes." : ""}}}, {"finish_reason", enough ? "stop" : "length"}}}}}.dump(), "application/json");
  });
  EXPECT_EQ(by_name(probe_server(server.base(), quick()))["chat"].note, "\"Yes.\"");
}

TEST(Probe, TellsRowsAsTheyComeAndWaitsForAStalledServerOnlyOnce) {
  FakeServer server;
  server.says("/v1/models", R"({"data":[{"id":"m"}]})");
  std::vector<std::pair<std::string, double>> said;
  double longest = 0.0;
  const auto stall = [&](const httplib::Request&, httplib::Response&) { server.nap(40); };
  for (const char* path : {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize"}) server.on(path, stall);
  RemoteOptions options = quick();
  options.timeout_s = options.stall_s = 7.0;
  std::stop_source source;
  const Errand errand(source.get_token(), nullptr, 0.0);
  const auto started = std::chrono::steady_clock::now();
  const auto call = [&] {
    probe_server(server.base(), options, [&](const Finding& f) {
      const double at = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
      if (!said.empty() && f.what != "chat" && f.what != "reachable" && f.what != "models") longest = std::max(longest, at - said.back().second);
      said.emplace_back(f.what, at);
      if (f.what == "completions") source.request_stop();  // the rest would be the same
    });
  };
  EXPECT_EQ(error_of(call).fault(), Fault::interrupted);
  ASSERT_EQ(said.size(), 4U) << "reachable, models, chat, completions, and none after the stop";
  EXPECT_LT(said[1].second, 5.0) << "said at once";
  EXPECT_GE(said[2].second, 6.9) << "chat had its whole time";
  EXPECT_LT(longest, 6.9) << "the next had less";
}

}  // namespace
}  // namespace hone::remote
