// The model against a server that answers.
#include "models/remote/server_test_kit.h"
#include "wire/one_of.h"

namespace hone::remote {
namespace {

TEST(RemoteModel, ChatsOverAStream) {
  FakeServer server;
  server.streams(chat_path, chat_events("Good ", "day. Bye"));
  const Environment key("OPENAI_API_KEY", secret);
  RemoteModel model(server.spec(), quick());
  EXPECT_EQ(model.facts().artifact_sha, "remote:m");
  EXPECT_EQ(model.facts().context, 0);
  Sampling sampling = few();
  sampling.temperature = 0.7F;
  sampling.top_k = 5;
  sampling.stop = {"a", "b", "c", "d", ". Bye"};
  sampling.stop = {"1", "2", "3", "4", ". Bye"};
  sampling.seed = 0xFFFFFFFFFFULL;
  const Reply reply = model.chat(hello(), sampling);
  EXPECT_EQ(reply.text, "Good day");
  EXPECT_EQ(reply.why, StopReason::stop_word);
  EXPECT_EQ(reply.usage.prompt_tokens, 11);
  EXPECT_EQ(reply.usage.cached_tokens, 4);
  EXPECT_EQ(reply.usage.generated_tokens, 2);
  EXPECT_GT(reply.usage.seconds, 0.0);
  const Json body = server.bodies().back();
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["messages"], Json::parse(R"([{"role":"system","content":"Be short."},{"role":"user","content":"Hello?"}])"));
  EXPECT_EQ(body["top_k"], 5);
  EXPECT_EQ(body["temperature"], 0.7);
  EXPECT_EQ(body["seed"], 0x7fffffff);
  EXPECT_EQ(body["stop"].size(), 4U);  // servers take no more; the fifth was applied here
  EXPECT_GE(server.with_key(), 1);
}

TEST(RemoteModel, FindsTheOnlyModelAndListsThemWhenThereAreMore) {
  FakeServer server;
  server.says("/v1/models", R"({"data":[{"id":"one","max_model_len":2048}]})");
  EXPECT_EQ(RemoteModel(server.base(), quick()).facts().artifact_sha, "remote:one");
  EXPECT_EQ(RemoteModel(server.base(), quick()).facts().context, 2048);
  server.says("/v1/models", R"({"data":[{"id":"one"},{"id":"two","owned_by":"x","meta":{"n_ctx":512,"n_params":9}}]})");
  const Error e = refusal(server, [&] { RemoteModel(server.base(), quick()); });
  EXPECT_EQ(e.fault(), Fault::usage);
  EXPECT_NE(std::string(e.what()).find("one, two"), std::string::npos);
  const RemoteModel two(server.base() + "#two", quick());
  EXPECT_EQ(two.facts().context, 512);
  EXPECT_EQ(two.facts().parameters, 9);
}

TEST(RemoteModel, SendsPlainTextToCompletionsAndToChatWhereThereAreNone) {
  FakeServer server;
  server.says(text_path, R"({"choices":[{"text":" four","finish_reason":"length"}]})");
  server.says(chat_path, chat_reply("chat"));
  const std::vector<Message> text{{"text", "two and "}, {"text", "two is"}};
  RemoteModel model(server.spec(), quick());
  const Reply reply = model.chat(text, few());
  EXPECT_EQ(reply.text, " four");
  EXPECT_EQ(reply.why, StopReason::length);
  EXPECT_EQ(server.bodies().back()["prompt"], "two and two is");
  EXPECT_EQ(reply.usage.prompt_tokens, 4);  // 14 bytes, none told
  EXPECT_EQ(reply.usage.generated_tokens, 2);
  FakeServer chat_only;
  chat_only.says(chat_path, chat_reply("chat"));
  RemoteModel other(chat_only.spec(), quick());
  EXPECT_EQ(other.chat(text, few()).text, "chat");
  EXPECT_EQ(other.chat(text, few()).text, "chat");
  EXPECT_EQ(chat_only.asked(text_path), 1);  // found out once
  EXPECT_EQ(chat_only.bodies().back()["messages"], Json::parse(R"([{"role":"user","content":"two and two is"}])"));
  std::vector<Message> lead = hello();
  lead.push_back({"text", "Well,"});
  other.chat(lead, few());
  EXPECT_EQ(chat_only.bodies().back()["messages"].back(), Json::parse(R"({"role":"assistant","content":"Well,"})"));
  EXPECT_EQ(error_of([&] { other.chat(std::vector<Message>{{"text", "a"}, {"user", "b"}}, few()); }).fault(), Fault::bad_input);
}

TEST(RemoteModel, LeavesOutWhatTheServerRefusesByName) {
  FakeServer server;
  server.on(chat_path, [](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    std::string said;
    if (body.contains("max_tokens")) said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    else if (body.contains("seed")) said = "unknown field Seed";
    else if (body.contains("stream_options")) said = "stream_options: extra inputs are not permitted";
    else if (body.value("top_logprobs", 0) > 5) said = "top_logprobs must be at most 5";
    if (!said.empty()) response.status = 400;
    response.set_content(said.empty() ? R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop","logprobs":{"content":[{"token":"x","logprob":-1}]}}]})"
                                      : Json{{"error", {{"message", said}}}}.dump(), "application/json");
  });
  RemoteModel model(server.spec(), quick());
  Sampling sampling = few(3);
  sampling.logprobs = true;
  const Reply reply = model.chat(hello(), sampling);
  ASSERT_EQ(reply.trace.logp.size(), 1U);
  EXPECT_FLOAT_EQ(reply.trace.logp[0], -1.0F);
  EXPECT_EQ(reply.trace.ids, std::vector<int>{-1});
  EXPECT_EQ(server.bodies().back()["max_completion_tokens"], 3);
  const int before = server.asked(chat_path);
  model.chat(hello(), sampling);
  EXPECT_EQ(server.asked(chat_path), before + 1);  // remembered
}

TEST(RemoteModel, DoesNotPayTwiceForTheSameRequest) {
  const Folder folder;
  const Environment place("HONE_CACHE", folder.path().string()), key("OPENAI_API_KEY", secret);
  FakeServer server;
  server.streams(chat_path, chat_events("Hel", "lo, I know " + std::string(secret)));
  RemoteOptions options = quick();
  options.cache = true;
  Reply first;
  {
    RemoteModel model(server.spec(), options);
    first = model.chat(hello(), few());
  }
  EXPECT_EQ(first.text, "Hello, I know [key]");
  RemoteModel again(server.spec(), options);
  const Reply second = again.chat(hello(), few());
  EXPECT_EQ(server.asked(chat_path), 1);
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.usage.prompt_tokens, 11);
  EXPECT_EQ(second.usage.cached_tokens, 11);
  EXPECT_EQ(second.usage.generated_tokens, 2);
  EXPECT_EQ(second.usage.seconds, 0.0);
  Sampling other = few();
  other.seed = 1;
  again.chat(hello(), other);
  EXPECT_EQ(server.asked(chat_path), 2);
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(read_file(entry.path()).find(secret), std::string::npos) << entry.path();
  }
  EXPECT_EQ(files, 2);
  // Without its seed, a request of another seed is still another one.
  server.on(chat_path, [](const httplib::Request& request, httplib::Response& response) {
    response.status = Json::parse(request.body).contains("seed") ? 400 : 200;
    response.set_content(response.status == 400 ? R"({"error":{"message":"seed is not supported"}})" : chat_reply("no seed"), "application/json");
  });
  Sampling third = few(17), fourth = few(17);
  fourth.seed = 4;
  again.chat(hello(), third);
  const int before = server.asked(chat_path);
  again.chat(hello(), fourth);
  EXPECT_EQ(server.asked(chat_path), before + 1);
  again.chat(hello(), fourth);
  EXPECT_EQ(server.asked(chat_path), before + 1);
}

constexpr const char* schema_text = R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false})";

TEST(RemoteModel, GetsJsonByResponseFormat) {
  FakeServer server;
  server.says(chat_path, chat_reply(R"({"n": 3})"));
  RemoteModel model(server.spec(), quick());
  Sampling sampling = few();
  sampling.json_schema = schema_text;
  EXPECT_EQ(model.chat(hello(), sampling).text, R"({"n": 3})");
  const Json body = server.bodies().back();
  EXPECT_EQ(body["response_format"]["type"], "json_schema");
  EXPECT_EQ(body["response_format"]["json_schema"]["schema"], Json::parse(schema_text));
  EXPECT_EQ(body["response_format"]["json_schema"]["strict"], true);
}

TEST(RemoteModel, GetsJsonByAForcedToolCallWhereResponseFormatIsRefused) {
  FakeServer server;
  server.on(chat_path, [](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    if (body.contains("response_format")) {
      response.status = 400;
      return response.set_content(R"({"error":{"message":"response_format is not supported"}})", "application/json");
    }
    EXPECT_EQ(body["tool_choice"]["function"]["name"], "reply");
    EXPECT_EQ(body["tools"][0]["function"]["parameters"], Json::parse(schema_text));
    const auto chunk = [](const char* part, const char* finish) {
      Json choice{{"index", 0}, {"delta", {{"tool_calls", {{{"index", 0}, {"function", {{"arguments", part}}}}}}}}};
      if (finish != nullptr) choice["finish_reason"] = finish;
      return "data: " + Json{{"choices", {choice}}}.dump() + "\n\n";
    };
    response.set_content(chunk("{\"n\"", nullptr) + chunk(": 4}", "tool_calls") + "data: [DONE]\n\n", "text/event-stream");
  });
  RemoteModel model(server.spec(), quick());
  Sampling sampling = few();
  sampling.json_schema = schema_text;
  EXPECT_EQ(model.chat(hello(), sampling).text, R"({"n": 4})");
  EXPECT_EQ(model.chat(hello(), sampling).text, R"({"n": 4})");
  EXPECT_EQ(server.asked(chat_path), 3);  // the refusal is remembered
}

TEST(RemoteModel, AsksForJsonInThePromptWhereNothingElseWorksAndGivesUpInTheEnd) {
  FakeServer server;
  std::atomic<int> good_after{1}, asked{0};
  server.on(chat_path, [&](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    if (body.contains("response_format") || body.contains("tools")) {
      response.status = 400;
      return response.set_content(R"({"error":{"message":"response_format, tools: unknown"}})", "application/json");
    }
    response.set_content(chat_reply(asked++ < good_after ? R"({"n": "three"})" : "Here: ```{\"n\": 3}```"), "application/json");
  });
  RemoteModel model(server.spec(), quick());
  Sampling sampling = few();
  sampling.json_schema = schema_text;
  const Reply reply = model.chat(hello(), sampling);
  EXPECT_EQ(reply.text, R"({"n": 3})");
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(reply.usage.prompt_tokens, 22) << "both that were answered are paid for";
  EXPECT_NE(server.bodies().back()["messages"].back()["content"].get<std::string>().find("reply.n"), std::string::npos) << "what was wrong is told";
  asked = 0, good_after = 100;
  const Error e = refusal(server, [&] { model.chat(hello(), sampling); });
  EXPECT_EQ(e.fault(), Fault::bad_input);
  EXPECT_EQ(asked, 3);
}

TEST(RemoteModel, GivesAGrammarToLlamaCppOnly) {
  FakeServer server;
  server.says(chat_path, chat_reply("yes"));
  Sampling sampling = few();
  sampling.grammar = "root ::= [a-z]+";  // no list of texts
  RemoteModel other(server.spec(), quick());
  EXPECT_EQ(refusal(server, [&] { other.chat(hello(), sampling); }).fault(), Fault::unavailable);
  EXPECT_EQ(server.asked(chat_path), 0);
  server.says("/props", R"({"default_generation_settings":{"n_ctx":256}})");
  server.says("/v1/models", R"({"data":[{"id":"file.gguf","owned_by":"llamacpp","meta":{"n_ctx_train":8192}}]})");
  RemoteModel model(server.spec(), quick());
  EXPECT_EQ(model.facts().context, 256);
  EXPECT_EQ(model.chat(hello(), sampling).text, "yes");
  EXPECT_EQ(server.bodies().back()["grammar"], sampling.grammar);
  sampling.json_schema = "{}";
  EXPECT_EQ(error_of([&] { model.chat(hello(), sampling); }).fault(), Fault::bad_input);
}

TEST(RemoteModel, ServersWithoutGrammarsAreAskedForJsonOrLeftToWrite) {
  FakeServer server;
  Sampling sampling = few();
  sampling.grammar = wire::one_of_grammar(std::vector<std::string>{"go north", "go south"});
  server.says(chat_path, chat_reply(R"({"answer": "go south"})"));
  RemoteModel model(server.spec(), quick());
  EXPECT_EQ(model.chat(hello(), sampling).text, "go south");
  const auto asked = server.bodies().back();
  EXPECT_FALSE(asked.contains("grammar"));
  EXPECT_EQ(asked["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"], (std::vector<std::string>{"go north", "go south"}));
  server.says(chat_path, chat_reply("anything"));
  EXPECT_EQ(refusal(server, [&] { model.chat(hello(), sampling); }).fault(), Fault::bad_input);  // never the JSON it wanted
  sampling.grammar = "root ::= \"Act: \" [^\\n]+";
  EXPECT_EQ(refusal(server, [&] { model.chat(hello(), sampling); }).fault(), Fault::unavailable);
  sampling.hold = false;
  EXPECT_EQ(model.chat(hello(), sampling).text, "anything");
  EXPECT_FALSE(server.bodies().back().contains("grammar"));
}

TEST(RemoteModel, CountsTokensByTheServerOrByBytes) {
  FakeServer server;
  RemoteModel plain(server.spec(), quick());
  EXPECT_EQ(plain.count_tokens(""), 0);
  EXPECT_EQ(plain.count_tokens("123456789"), 3);
  EXPECT_EQ(plain.count_tokens("12345678"), 2);
  EXPECT_EQ(server.asked("/tokenize"), 1);
  server.says("/tokenize", R"({"tokens":[1,2,3,4,5]})");
  RemoteModel counting(server.spec(), quick());
  EXPECT_EQ(counting.count_tokens("x"), 5);
  EXPECT_EQ(counting.count_tokens("x"), 5);
  EXPECT_EQ(server.asked("/tokenize"), 2);
  EXPECT_EQ(server.bodies().back()["parse_special"], false);  // "<|im_end|>" in a text is text
}

TEST(RemoteModel, ServesManyThreadsWithinItsBound) {
  FakeServer server;
  std::atomic<int> now{0}, most{0};
  server.on(chat_path, [&](const httplib::Request&, httplib::Response& response) {
    const int n = ++now;
    for (int m = most; n > m && !most.compare_exchange_weak(m, n);) {
    }
    server.nap(0.05);
    --now;
    response.set_content(chat_reply("x"), "application/json");
  });
  RemoteOptions options = quick();
  options.concurrency = 3;
  RemoteModel model(server.spec(), options);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 12; ++i) threads.emplace_back([&] { good += model.chat(hello(), few()).text == "x" ? 1 : 0; });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(good, 12);
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 2);
}

}  // namespace
}  // namespace hone::remote
