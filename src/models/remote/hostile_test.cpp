// The model against servers that misbehave: every failure ends in time, in one Error that names the URL and not the key.
#include "models/remote/server_test_kit.h"

namespace hone::remote {
namespace {

struct Hostile : testing::Test {
  Environment key{"OPENAI_API_KEY", secret};
  FakeServer server;

  Error chat_error(const RemoteOptions& options = quick()) {
    RemoteModel model(server.spec(), options);
    return refusal(server, [&] { model.chat(hello(), few()); });
  }
  static bool has(const Error& e, const std::string& part) { return std::string(e.what()).find(part) != std::string::npos; }
};

TEST_F(Hostile, AStormOf429IsWaitedOut) {
  std::atomic<int> n{0};
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    if (n++ < 2) {
      response.status = 429;
      response.set_header("Retry-After", "1");
      return response.set_content(R"({"error":{"message":"slow down"}})", "application/json");
    }
    response.set_content(chat_reply("at last"), "application/json");
  });
  RemoteModel model(server.spec(), quick());
  const auto started = std::chrono::steady_clock::now();
  within(30, [&] { EXPECT_EQ(model.chat(hello(), few()).text, "at last"); });
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(1990));  // both waits were kept
}

TEST_F(Hostile, AStormThatDoesNotEndIsGivenUp) {
  server.says(chat_path, R"({"error":{"message":"slow down"}})", 429);
  const Error e = chat_error();
  EXPECT_EQ(e.fault(), Fault::unavailable);
  EXPECT_TRUE(has(e, "429") && has(e, "slow down") && has(e, "3 tries")) << e.what();
  EXPECT_EQ(server.asked(chat_path), 3);
}

TEST_F(Hostile, ARetryAfterBeyondTheBoundEndsAtOnce) {
  server.on(chat_path, [](const httplib::Request&, httplib::Response& response) {
    response.status = 503;
    response.set_header("Retry-After", "86400");
  });
  within(10, [&] { EXPECT_TRUE(has(chat_error(), "86400 s")); });
  EXPECT_EQ(server.asked(chat_path), 1);
}

TEST_F(Hostile, PermanentErrorsEndAtOnceWithTheServersWordsAndWithoutTheKey) {
  for (const int status : {400, 401, 403, 404, 422}) {
    server.says(chat_path, Json{{"error", {{"message", std::string("bad key ") + secret + " \x1b[31m or request"}}}}.dump(), status);
    const int before = server.asked(chat_path);
    const Error e = chat_error();
    EXPECT_TRUE(has(e, std::to_string(status)) && has(e, "bad key [key]")) << e.what();
    EXPECT_FALSE(has(e, "\x1b"));
    EXPECT_EQ(server.asked(chat_path), before + 1);
    EXPECT_EQ(e.fault(), status == 400 || status == 422 ? Fault::bad_input : Fault::unavailable);
  }
  EXPECT_TRUE([&] {
    server.says(chat_path, "{}", 401);
    return has(chat_error(), "OPENAI_API_KEY");
  }());
}

TEST_F(Hostile, NobodyThere) {
  RemoteOptions options = quick();
  RemoteModel model("http://127.0.0.1:1/v1#m", options);
  within(20, [&] {
    const Error e = error_of([&] { model.chat(hello(), few()); });
    EXPECT_EQ(e.fault(), Fault::unavailable);
    EXPECT_TRUE(has(e, "http://127.0.0.1:1/v1/chat/completions") && has(e, "no connection") && !has(e, secret)) << e.what();
  });
}

TEST_F(Hostile, AStallBeforeTheHeadersIsNoticed) {
  server.on(chat_path, [&](const httplib::Request&, httplib::Response&) { server.nap(20); });
  RemoteOptions options = quick();
  options.stall_s = 0.3;
  options.retries = 1;
  within(15, [&] {
    const Error e = chat_error(options);
    EXPECT_EQ(e.fault(), Fault::unavailable);
    EXPECT_TRUE(has(e, "stall_s")) << e.what();
  });
}

TEST_F(Hostile, AStallInTheMiddleOfAStreamIsNoticed) {
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/event-stream", [&](std::size_t offset, httplib::DataSink& sink) {
      const std::string events = chat_events("Hel", "lo");
      if (offset == 0) sink.write(events.data(), 150);
      else server.nap(20);
      return !server.leaving;
    });
  });
  RemoteOptions options = quick();
  options.stall_s = 0.3;
  options.retries = 1;
  within(15, [&] { EXPECT_TRUE(has(chat_error(options), "stall_s")); });
}

TEST_F(Hostile, ATrickleThatNeverStallsEndsAtTheTimeOut) {
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/event-stream", [&](std::size_t, httplib::DataSink& sink) {
      server.nap(0.04);
      sink.write(": \n", 3);
      return !server.leaving;
    });
  });
  RemoteOptions options = quick();
  options.timeout_s = 0.5;
  options.retries = 1;
  within(15, [&] {
    const Error e = chat_error(options);
    EXPECT_TRUE(has(e, "timeout_s")) << e.what();
    EXPECT_EQ(e.fault(), Fault::unavailable);
  });
}

TEST_F(Hostile, ACutStreamIsAskedForAgain) {
  std::atomic<int> n{0};
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    const std::string events = chat_events("Hel", "lo");
    const int nth = n++;
    if (nth >= 2) return response.set_content(events, "text/event-stream");
    if (nth == 1) return response.set_content(events.substr(0, 200), "text/event-stream");  // ends well as HTTP, not as a reply
    response.set_content_provider(events.size(), "text/event-stream", [events](std::size_t offset, std::size_t, httplib::DataSink& sink) {
      if (offset > 0) return false;
      return sink.write(events.data(), 200);
    });
  });
  RemoteModel model(server.spec(), quick());
  EXPECT_EQ(model.chat(hello(), few()).text, "Hello");
  EXPECT_EQ(server.asked(chat_path), 3);
}

TEST_F(Hostile, NonsenseIsOneClearError) {
  for (const char* body : {"<html>It works!</html>", "", "7", "[1,2]", "{\"choices\":", "{}", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[7]})", R"({"choices":[{"message":7}]})",
                           R"({"choices":[{"message":{"content":{"a":1}}}]})", R"({"choices":[{"message":{"content":"x"},"finish_reason":9}]})", R"({"error":{"message":"model crashed"}})",
                           R"({"choices":[{"message":{"content":"x"},"logprobs":[1]}]})", R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":"many"}})", "\xff\xfe\x00"}) {
    server.says(chat_path, body);
    within(10, [&] { EXPECT_EQ(chat_error().fault(), Fault::bad_input) << body; });
  }
  const std::string deep(100000, '[');
  server.says(chat_path, deep);
  EXPECT_EQ(chat_error().fault(), Fault::bad_input);
  server.says(chat_path, Json{{"choices", secret}}.dump());
  EXPECT_EQ(chat_error().fault(), Fault::bad_input) << "the error quotes the field, the key is out of it";
}

TEST_F(Hostile, AskedForLogProbabilitiesThatDontComeAreMissed) {
  server.says(chat_path, chat_reply("x"));
  RemoteModel model(server.spec(), quick());
  Sampling sampling = few();
  sampling.logprobs = true;
  EXPECT_EQ(refusal(server, [&] { model.chat(hello(), sampling); }).fault(), Fault::unavailable);
}

TEST_F(Hostile, AReplyWithoutEndIsCut) {
  std::atomic<std::size_t> sent{0};
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider(std::size_t{200} << 20, "application/json", [&](std::size_t, std::size_t length, httplib::DataSink& sink) {
      const std::string piece(std::min<std::size_t>(length, 1 << 20), 'x');
      sent += piece.size();
      return !server.leaving && sink.write(piece.data(), piece.size());
    });
  });
  RemoteOptions options = quick();
  options.timeout_s = 60;
  const Error e = chat_error(options);
  EXPECT_EQ(e.fault(), Fault::bad_input);
  EXPECT_TRUE(has(e, "32 MiB")) << e.what();
  EXPECT_LT(sent, std::size_t{100} << 20);
  EXPECT_EQ(server.asked(chat_path), 1);
}

TEST_F(Hostile, InvalidUtf8IsRepaired) {
  server.says(chat_path, "{\"choices\":[{\"message\":{\"content\":\"caf\\u00e9 \\ud83d\"},\"finish_reason\":\"stop\"}]}");
  RemoteModel model(server.spec(), quick());
  try {
    const Reply reply = model.chat(hello(), few());
    EXPECT_EQ(reply.text, wire::valid_utf8(reply.text));
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);  // half a surrogate pair is no JSON
  }
  server.says(chat_path, "{\"choices\":[{\"message\":{\"content\":\"caf\xc3 \xff\"},\"finish_reason\":\"stop\"}]}");
  EXPECT_EQ(model.chat(hello(), few()).text, "caf\xEF\xBF\xBD \xEF\xBF\xBD");
  const std::vector<Message> broken{{"user", "caf\xC3 \xFF\xFE"}};
  server.says(chat_path, chat_reply("fine"));
  EXPECT_EQ(model.chat(broken, few()).text, "fine");
}

TEST_F(Hostile, ARedirectIsNotFollowedAndTheKeyStaysHere) {
  FakeServer elsewhere;
  elsewhere.says(chat_path, chat_reply("caught"));
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) { response.set_redirect(elsewhere.base() + "/chat/completions", 307); });
  const Error e = chat_error();
  EXPECT_TRUE(has(e, "307") && has(e, "not followed")) << e.what();
  EXPECT_EQ(elsewhere.asked(chat_path), 0);
  EXPECT_EQ(elsewhere.with_key(), 0);
}

}  // namespace
}  // namespace hone::remote
