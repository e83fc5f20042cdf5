// Choices and vectors through servers of different abilities.
#include <cmath>

#include "models/errand.h"
#include "models/remote/embedder.h"
#include "models/remote/server_test_kit.h"

namespace hone::remote {
namespace {

ChoiceRequest queues() {
  ChoiceRequest request;
  request.prompt = {{"system", "Route."}, {"user", "Request: my card is gone"}};
  request.lead = "Queue:";
  request.choices = {"card", "card lost", "mortgage"};
  return request;
}

// Like vLLM: echoes prompts as tokens of one word each (blanks in front), a quarter nat a byte.
std::string echo(const Json& body) {
  Json choices = Json::array();
  std::int64_t prompt_tokens = 0;
  int index = 0;
  for (const Json& prompt : body["prompt"]) {
    const std::string text = prompt.get<std::string>();
    Json tokens = Json::array(), logps = Json::array();
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i + 1;
      if (text[i] != '\n')
        while (end < text.size() && text[end] != ' ' && text[end] != '\n') ++end;
      logps.push_back(tokens.empty() ? Json() : Json(-0.25 * static_cast<double>(end - i)));
      tokens.push_back(text.substr(i, end - i));
      i = end;
    }
    prompt_tokens += static_cast<std::int64_t>(tokens.size());
    tokens.push_back(" more"), logps.push_back(-9.0);
    const Json choice{{"index", index++}, {"text", text + " more"}, {"finish_reason", "length"}, {"logprobs", {{"tokens", tokens}, {"token_logprobs", logps}, {"top_logprobs", nullptr}}}};
    choices.insert(choices.begin(), choice);  // the index tells, not the order
  }
  return Json{{"choices", choices}, {"usage", {{"prompt_tokens", prompt_tokens}, {"completion_tokens", index}}}}.dump();
}

TEST(RemoteChoices, AreScoredByEchoInOneRequest) {
  FakeServer server;
  server.on(text_path, [](const httplib::Request& request, httplib::Response& response) { response.set_content(echo(Json::parse(request.body)), "application/json"); });
  RemoteModel model(server.spec(), quick());
  ChoiceRequest request = queues();
  request.content_free = std::vector<Message>{{"user", "Request: N/A"}};
  const Score score = model.score({&request, 1})[0];
  // " card\n": 5 and 1 bytes, a quarter nat each; " card lost\n": 5, 5 and 1; " mortgage\n": 9 and 1.
  EXPECT_EQ(score.logp, (std::vector<double>{-1.5, -2.75, -2.5}));
  EXPECT_EQ(score.prior, score.logp);
  EXPECT_EQ(score.tokens, (std::vector<int>{2, 3, 2}));
  EXPECT_EQ(score.usage.calls, 1);
  EXPECT_EQ(server.asked(text_path), 2);  // with content and without
  EXPECT_EQ(server.bodies()[1]["prompt"][2], "Request: N/A\n\nQueue: mortgage\n");
  EXPECT_EQ(server.bodies()[0]["prompt"][0], "Route.\n\nRequest: my card is gone\n\nQueue: card\n");
}

TEST(RemoteChoices, AreWrittenUnderASchemaWhereNothingIsEchoed) {
  FakeServer server;  // takes echo and passes over it, as llama.cpp's does
  server.says(text_path, R"({"choices":[{"text":"x","finish_reason":"length","logprobs":{"tokens":["x"],"token_logprobs":[-1]}}]})");
  server.says(chat_path, chat_reply(R"({"choice":"card lost"})"));
  RemoteModel model(server.spec(), quick());
  ChoiceRequest request = queues();
  request.content_free = std::vector<Message>{{"user", "Request: N/A"}};
  const Score score = model.score({&request, 1})[0];
  EXPECT_NEAR(score.logp[1], std::log(0.95), 1e-12);
  EXPECT_NEAR(score.logp[0], std::log(0.025), 1e-12);
  EXPECT_NEAR(std::exp(score.logp[0]) + std::exp(score.logp[1]) + std::exp(score.logp[2]), 1.0, 1e-12);
  EXPECT_TRUE(score.prior.empty());
  EXPECT_EQ(score.tokens, (std::vector<int>{1, 1, 1}));
  const Json body = server.bodies().back();
  EXPECT_EQ(body["response_format"]["json_schema"]["schema"]["properties"]["choice"]["enum"], Json(request.choices));
  EXPECT_EQ(body["temperature"], 0.0);
  model.score({&request, 1});
  EXPECT_EQ(server.asked(text_path), 1);  // found out once
}

TEST(RemoteChoices, AreFoundInFreeText) {
  FakeServer server;
  std::string answer;
  server.on(chat_path, [&](const httplib::Request& request, httplib::Response& response) {
    const Json body = Json::parse(request.body);
    if (body.contains("response_format") || body.contains("tools")) response.status = 400;
    response.set_content(response.status == 400 ? R"({"error":{"message":"response_format and tools: unknown"}})" : chat_reply(answer), "application/json");
  });
  RemoteModel model(server.spec(), quick());
  const ChoiceRequest request = queues();
  const std::vector<std::pair<std::string, std::size_t>> cases{{"card", 0}, {"Card.", 0}, {"Queue: \"card lost\"", 1}, {"I would say MORTGAGE!", 2}, {"{\"choice\": \"mortgage\"}", 2}, {"It is card-lost, not card.", 1}};
  for (const auto& [text, expected] : cases) {
    answer = text;
    const Score score = model.score({&request, 1})[0];
    EXPECT_EQ(static_cast<std::size_t>(std::max_element(score.logp.begin(), score.logp.end()) - score.logp.begin()), expected) << text;
  }
  for (const char* text : {"", "none of them", "mortgage or card", "cardboard"}) {
    answer = text;
    EXPECT_EQ(refusal(server, [&] { model.score({&request, 1}); }).fault(), Fault::bad_input) << text;
  }
}

TEST(RemoteChoices, ThatAreNoneAreRefused) {
  FakeServer server;
  RemoteModel model(server.spec(), quick());
  for (const auto& choices : std::vector<std::vector<std::string>>{{}, {"a", ""}, {"a", "b", "a"}}) {
    ChoiceRequest request = queues();
    request.choices = choices;
    EXPECT_EQ(error_of([&] { model.score({&request, 1}); }).fault(), Fault::bad_input);
  }
  ChoiceRequest one = queues();
  one.choices = {"only"};
  server.says(chat_path, chat_reply(R"({"choice":"only"})"));
  EXPECT_EQ(model.score({&one, 1})[0].logp, std::vector<double>{0.0});
}

std::string vectors(const Json& body, std::size_t width) {
  Json data = Json::array();
  for (std::size_t i = 0; i < body["input"].size(); ++i) {
    std::vector<double> row(width, 0.0);
    row[body["input"][i].get<std::string>().size() % width] = 3.0;
    const Json one{{"index", i}, {"embedding", row}};
    data.insert(data.begin(), one);
  }
  return Json{{"data", data}}.dump();
}

TEST(RemoteEmbedder, LearnsItsDimensionAndSendsManyTextsAtOnce) {
  FakeServer server;
  server.on("/v1/embeddings", [](const httplib::Request& request, httplib::Response& response) { response.set_content(vectors(Json::parse(request.body), 5), "application/json"); });
  RemoteEmbedder embedder(server.spec(), quick());
  EXPECT_EQ(embedder.dimensions(), 5);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 100; ++i) texts.emplace_back(i, 'x');
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<float> out(500);
  embedder.embed(views, out);
  EXPECT_EQ(server.asked("/v1/embeddings"), 3);  // the dimension, 64 texts, 36
  for (std::size_t i = 0; i < 100; ++i)
    for (std::size_t j = 0; j < 5; ++j) EXPECT_EQ(out[i * 5 + j], std::max<std::size_t>(i, 1) % 5 == j ? 1.0F : 0.0F) << i;
  std::vector<float> small(4);
  EXPECT_EQ(error_of([&] { embedder.embed(std::span(views).first(1), small); }).fault(), Fault::internal);
}

TEST(RemoteEmbedder, SaysWhatItUsed) {
  const Folder folder;
  const Environment cache("HONE_CACHE", folder.path().string());
  FakeServer server;
  bool counted = true;
  server.on("/v1/embeddings", [&](const httplib::Request& request, httplib::Response& response) {
    Json reply = Json::parse(vectors(Json::parse(request.body), 5));
    if (counted) reply["usage"] = {{"prompt_tokens", 7}, {"total_tokens", 7}};
    response.set_content(reply.dump(), "application/json");
  });
  RemoteOptions options = quick();
  options.cache = true;
  Errand errand({}, nullptr);
  RemoteEmbedder embedder(server.spec(), options);
  std::vector<float> out(5);
  const auto used = [&](std::string_view text) {
    (void)errand.take();
    embedder.embed({&text, 1}, out);
    const auto all = errand.take();
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  };
  EXPECT_EQ(errand.take().at(0).prompt_tokens, 7) << "the dimension";
  const Usage first = used("one"), again = used("one");
  EXPECT_EQ(first.prompt_tokens, 7);
  EXPECT_GT(first.seconds, 0.0);
  EXPECT_EQ(again.cached_tokens, 7) << "kept: it costs nothing";
  EXPECT_EQ(again.seconds, 0.0);
  counted = false;
  EXPECT_EQ(used("twelve bytes").prompt_tokens, 3);
}

TEST(RemoteEmbedder, RefusesVectorsThatDontFit) {
  FakeServer server;
  std::string body = R"({"data":[{"index":0,"embedding":[3,4]}]})";
  server.on("/v1/embeddings", [&](const httplib::Request&, httplib::Response& response) { response.set_content(body, "application/json"); });
  RemoteEmbedder embedder(server.spec(), quick());
  const std::vector<std::string_view> two{"a", "b"};
  std::vector<float> out(4);
  for (const char* bad : {R"({"data":[{"embedding":[3,4]}]})", R"({"data":[{"embedding":[3,4]},{"embedding":[3,4,5]}]})", R"({"data":[{"index":0,"embedding":[3,4]},{"index":0,"embedding":[3,4]}]})",
                          R"({"data":[{"embedding":[0,0]},{"embedding":[3,4]}]})", R"({"data":[{"embedding":["x",0]},{"embedding":[3,4]}]})", R"({"data":[{"embedding":"AAAA"},{"embedding":[3,4]}]})",
                          R"({"data":7})", "{}"}) {
    body = bad;
    EXPECT_EQ(refusal(server, [&] { embedder.embed(two, out); }).fault(), Fault::bad_input) << bad;
  }
  body = R"({"data":[{"embedding":[3e-200,4e-200]},{"embedding":[3e200,4e200]}]})";  // squares that no number holds
  embedder.embed(two, out);
  for (const std::size_t i : {0U, 2U}) EXPECT_FLOAT_EQ(out[i], 0.6F) << i;
  body = R"({"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}]})";
  embedder.embed(two, out);
  EXPECT_EQ(out, (std::vector<float>{0.6F, 0.8F, 0.0F, 1.0F}));
}

}  // namespace
}  // namespace hone::remote
