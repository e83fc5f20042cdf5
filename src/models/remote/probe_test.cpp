#include "models/remote/probe.h"

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

}  // namespace
}  // namespace hone::remote
