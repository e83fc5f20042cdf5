// The model against servers that misbehave: every failure ends in time, in one Error that names the URL and not the key.
#include "models/errand.h"
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

// What the thread's errand heard.
struct Heard {
  std::mutex mutex;
  std::vector<std::pair<Errand::News, std::string>> news;
  Errand::Hear hear() {
    return [this](Errand::News kind, const std::string& text) {
      const std::lock_guard hold(mutex);
      news.emplace_back(kind, text);
    };
  }
};

TEST_F(Hostile, ACacheThatCantBeWrittenCostsNoAnswer) {
  const Folder folder;
  write_file(folder.path() / "file", "in the way");
  server.says(chat_path, chat_reply("Hello"));
  RemoteOptions options = quick();
  options.cache = true;
  Heard heard;
  const Errand errand({}, heard.hear());
  const Environment blocked("HONE_CACHE", (folder.path() / "file").string());
  RemoteModel model(server.spec(), options);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(model.chat(hello(), few()).text, "Hello");
  EXPECT_EQ(server.asked(chat_path), 3) << "nothing was kept";
  ASSERT_EQ(heard.news.size(), 1U) << "said once";
  EXPECT_EQ(heard.news[0].first, Errand::News::trouble);
  EXPECT_NE(heard.news[0].second.find((folder.path() / "file" / "replies").string() + ": can't be written: Not a directory"), std::string::npos) << heard.news[0].second;
}

TEST_F(Hostile, ADiskThatIsLostHalfWayCostsNoAnswerEither) {
  const Folder folder;
  server.says(chat_path, chat_reply("Hello"));
  RemoteOptions options = quick();
  options.cache = true;
  Heard heard;
  const Errand errand({}, heard.hear());
  const Environment here("HONE_CACHE", folder.path().string());
  RemoteModel model(server.spec(), options);
  const std::vector<Message> other{{"user", "And now?"}};
  EXPECT_EQ(model.chat(hello(), few()).text, "Hello");
  EXPECT_EQ(model.chat(hello(), few()).text, "Hello");
  EXPECT_EQ(server.asked(chat_path), 1) << "kept";
  fs::remove_all(folder.path() / "replies");
  write_file(folder.path() / "replies", "in the way");
  EXPECT_EQ(model.chat(other, few()).text, "Hello");
  EXPECT_EQ(heard.news.size(), 1U);
  fs::remove(folder.path() / "replies");
  EXPECT_EQ(model.chat(other, few()).text, "Hello");
  EXPECT_EQ(model.chat(other, few()).text, "Hello");
  EXPECT_EQ(server.asked(chat_path), 3) << "kept again once it can be";
}

TEST_F(Hostile, WhatARefusedReplyUsedIsNotForgotten) {
  Errand errand({}, nullptr);
  const auto spent = [&] {
    Usage sum;
    for (const Usage& used : errand.take()) sum += used;
    return sum.prompt_tokens + sum.generated_tokens;
  };
  RemoteModel model(server.spec(), quick());
  server.says(chat_path, R"({"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}],"usage":{"prompt_tokens":11,"completion_tokens":2}})");
  EXPECT_EQ(refusal(server, [&] { model.chat(hello(), few()); }).fault(), Fault::bad_input);
  EXPECT_EQ(spent(), 13);
  server.says(chat_path, R"({"choices":[{"message":{"content":7}}]})");
  EXPECT_EQ(refusal(server, [&] { model.chat(hello(), few()); }).fault(), Fault::bad_input);
  EXPECT_EQ(spent(), estimated_tokens(15)) << "nothing was said: its prompt";  // "Be short." and "Hello?"
  server.says(chat_path, chat_reply(""));
  const int before = server.asked(chat_path);
  const ChoiceRequest request{.prompt = hello(), .lead = {}, .choices = {"one", "two"}, .content_free = {}};
  EXPECT_EQ(refusal(server, [&] { model.score({&request, 1}); }).fault(), Fault::bad_input);
  EXPECT_EQ(spent(), 13 * (server.asked(chat_path) - before)) << "every reply on the way to none of the choices";
  server.says(chat_path, chat_reply("Hello"));
  EXPECT_EQ(model.chat(hello(), few()).usage.prompt_tokens, 11);
  EXPECT_EQ(spent(), 0) << "a reply carries what it used";
  server.says(chat_path, R"({"error":{"message":"no"}})", 401);
  EXPECT_THROW(model.chat(hello(), few()), Refused);
  EXPECT_EQ(spent(), 0);
}

TEST_F(Hostile, AStopEndsAWaitAndTheWaitWasSaid) {
  server.on(chat_path, [](const httplib::Request&, httplib::Response& response) {
    response.status = 429;
    response.set_header("Retry-After", "25");
    response.set_content(R"({"error":{"message":"slow down"}})", "application/json");
  });
  std::stop_source source;
  Heard heard;
  const Errand errand(source.get_token(), heard.hear());
  RemoteModel model(server.spec(), quick());
  const std::jthread later([&] {
    while (server.asked(chat_path) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    source.request_stop();
  });
  within(15, [&] { EXPECT_EQ(error_of([&] { model.chat(hello(), few()); }).fault(), Fault::interrupted); });
  EXPECT_EQ(server.asked(chat_path), 1);
  ASSERT_EQ(heard.news.size(), 1U);
  EXPECT_EQ(heard.news[0].first, Errand::News::wait);
  EXPECT_NE(heard.news[0].second.find("slow down; asking again in 25 s"), std::string::npos) << heard.news[0].second;
  within(5, [&] { EXPECT_EQ(error_of([&] { model.chat(hello(), few()); }).fault(), Fault::interrupted); });
  EXPECT_EQ(server.asked(chat_path), 1) << "nothing is begun after the stop";
}

TEST_F(Hostile, AStopLeavesARequestUnderWayWhenItsPatienceIsOver) {
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    server.nap(0.5);
    response.set_content(chat_reply("paid for"), "application/json");
  });
  RemoteOptions options = quick();
  options.timeout_s = options.stall_s = 60;
  for (const double patience : {30.0, 0.0}) {
    std::stop_source source;
    const Errand errand(source.get_token(), nullptr, patience);
    RemoteModel model(server.spec(), options);
    const int before = server.asked(chat_path);
    const std::jthread later([&] {
      while (server.asked(chat_path) == before) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      source.request_stop();
    });
    if (patience > 0.0) {
      EXPECT_EQ(model.chat(hello(), few()).text, "paid for");
      server.on(chat_path, [&](const httplib::Request&, httplib::Response&) { server.nap(30); });
    } else {
      within(15, [&] { EXPECT_EQ(error_of([&] { model.chat(hello(), few()); }).fault(), Fault::interrupted); });
    }
  }
}

}  // namespace
}  // namespace hone::remote
