#include "models/scripted.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/folder_test_kit.h"
#include "models/backend.h"

namespace hone {
namespace {

const std::vector<Message> hello{{"system", "Be kind."}, {"user", "hello there"}};

TEST(ScriptedModel, AnswersFromItsTable) {
  ScriptedModel model({{"hello", "hi"}, {"there", "never reached"}, {"bye", "farewell"}}, "what?");
  EXPECT_EQ(model.chat(hello, {}).text, "hi");
  EXPECT_EQ(model.chat(std::vector<Message>{{"user", "bye"}}, {}).text, "farewell");
  EXPECT_EQ(model.chat(std::vector<Message>{{"user", "hm"}}, {}).text, "what?");
  EXPECT_EQ(model.calls(), 3);
  ASSERT_EQ(model.record().size(), 3U);
  EXPECT_EQ(model.record()[0].prompt[1].content, "hello there");
}

TEST(ScriptedModel, HonoursStopWordsAndLength) {
  ScriptedModel model([](auto, const auto&) { return std::string("one two three four"); });
  Sampling two, four, stopped;
  two.max_tokens = 2;
  four.max_tokens = 4;
  stopped.stop = {" three"};
  EXPECT_EQ(model.chat(hello, two).text, "one two");
  EXPECT_EQ(model.chat(hello, two).why, StopReason::length);
  EXPECT_EQ(model.chat(hello, stopped).text, "one two");
  EXPECT_EQ(model.chat(hello, stopped).why, StopReason::stop_word);
  EXPECT_EQ(model.chat(hello, four).why, StopReason::end);
  EXPECT_EQ(model.count_tokens("one two  three\n"), 4) << "blanks at the end count as one";
}

TEST(ScriptedModel, PassesOnWhatItsFunctionThrows) {
  ScriptedModel model([](auto, const auto&) -> std::string { throw Error(Fault::unavailable, "down"); });
  EXPECT_THROW(model.chat(hello, {}), Error);
  EXPECT_EQ(model.calls(), 1);
}

TEST(ScriptedModel, ScoresByWordsInCommon) {
  ScriptedModel model({}, "");
  ChoiceRequest request;
  request.prompt = {{"user", "my card was stolen"}};
  request.choices = {"card stolen", "card", "mortgage"};
  request.content_free = std::vector<Message>{{"user", "N/A"}};
  const Score score = model.score({&request, 1})[0];
  EXPECT_NEAR(score.logp[0], std::log(3.0 / 6.0), 1e-12);
  EXPECT_NEAR(score.logp[1], std::log(2.0 / 6.0), 1e-12);
  EXPECT_NEAR(score.logp[2], std::log(1.0 / 6.0), 1e-12);
  EXPECT_NEAR(score.prior[2], std::log(1.0 / 3.0), 1e-12);
  EXPECT_EQ(model.record()[0].choices, request.choices);
}

TEST(ScriptedEmbedder, NearForSharedWordsAndTheSameEverywhere) {
  ScriptedEmbedder embedder(128);
  const std::vector<std::string_view> texts{"my card was stolen", "the card was stolen today", "mortgage rates"};
  std::vector<float> rows(3 * 128);
  embedder.embed(texts, rows);
  const auto cosine = [&](std::size_t a, std::size_t b) {
    double dot = 0.0;
    for (std::size_t i = 0; i < 128; ++i) dot += double{rows[a * 128 + i]} * rows[b * 128 + i];
    return dot;
  };
  EXPECT_NEAR(cosine(0, 0), 1.0, 1e-5);
  EXPECT_GT(cosine(0, 1), cosine(0, 2) + 0.3);
}

TEST(Scripted, OpensByWord) {
  EXPECT_EQ(open_model("scripted:echo").model->chat(hello, {}).text, "hello there");
  EXPECT_EQ(open_embedder("scripted:32")->dimensions(), 32);
  EXPECT_THROW(open_embedder("scripted:many"), Error);
  EXPECT_THROW(open_model("scripted:/absent.json"), Error);
  const test::Folder folder;
  const auto path = folder / "replies.json";
  std::ofstream(path) << R"({"replies": {"hello": "hi"}, "otherwise": "what?"})";
  EXPECT_EQ(open_model("scripted:" + path.string()).model->chat(hello, {}).text, "hi");
  std::ofstream(path) << R"({"replies": ["hello"]})";
  EXPECT_THROW(open_model("scripted:" + path.string()), Error);
}

Fault fault_of(const std::string& spec, std::string* text = nullptr) {
  ModelOptions once;
  if (is_remote(spec)) once.remote.retries = 0;
  try {
    open_model(spec, once);
  } catch (const Error& e) {
    if (text != nullptr) *text = e.what();
    return e.fault();
  }
  return Fault::internal;
}

TEST(OpenModel, SaysWhatIsWrongWithASpec) {
  std::string text;
  EXPECT_EQ(fault_of("smollm2-135n", &text), Fault::usage);
  EXPECT_NE(text.find("smollm2-135m"), std::string::npos) << text;
  EXPECT_EQ(fault_of("http://127.0.0.1:1/v1", &text), Fault::unavailable) << "nobody listens, and which model?";
  EXPECT_EQ(fault_of("all-minilm-l6-v2", &text), Fault::usage) << "an embedder";
  EXPECT_EQ(fault_of("/absent/model.gguf", &text), Fault::usage);
  EXPECT_EQ(fault_of(""), Fault::usage);
  EXPECT_THROW(open_embedder("smollm2-135m"), Error);
}

TEST(OpenModel, SaysHowToGetAModelThatIsNotPulled) {
  const char* old = std::getenv("HONE_MODELS");
  const std::string before = old == nullptr ? "" : old;
  setenv("HONE_MODELS", "/absent/folder", 1);
  std::string text;
  EXPECT_EQ(fault_of("smollm2-135m", &text), Fault::unavailable);
  EXPECT_NE(text.find("hone model pull smollm2-135m"), std::string::npos) << text;
  if (old == nullptr) {
    unsetenv("HONE_MODELS");
  } else {
    setenv("HONE_MODELS", before.c_str(), 1);
  }
}

TEST(BackendCatalog, EveryEntryIsCompleteAndItsNameIsItsOwn) {
  std::vector<std::string_view> names;
  for (const BackendEntry& entry : backend_catalog()) {
    EXPECT_FALSE(entry.name.empty());
    EXPECT_FALSE(entry.summary.empty());
    ASSERT_NE(entry.handles, nullptr);
    ASSERT_NE(entry.open, nullptr);
    ASSERT_NE(entry.open_embedder, nullptr);
    EXPECT_EQ(std::count(names.begin(), names.end(), entry.name), 0);
    EXPECT_EQ(entry.handles("https://example.org"), entry.name == "remote_chat");
    names.push_back(entry.name);
  }
}

}  // namespace
}  // namespace hone
