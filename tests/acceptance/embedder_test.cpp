// The local embedder on real weights against an independent implementation (tests/reference/minilm_reference.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "models/catalogue.h"
#include "models/local.h"
#include "wire/json.h"

namespace hone {
namespace {

constexpr const char* model_name = "all-minilm-l6-v2";

#define NEEDS_MODEL() \
  if (!model_status(model_name).present) GTEST_SKIP() << model_name << " is not pulled (hone model pull " << model_name << ")"

std::unique_ptr<LocalEmbedder> open_local(ModelOptions options = {}) {
  return std::make_unique<LocalEmbedder>(LocalFile{path_of(model_name).string(), model_name}, options);
}

wire::Json reference() {
  const char* root = std::getenv("HONE_SOURCE_DIR");
  const std::string path = std::string(root == nullptr ? "." : root) + "/tests/reference/minilm_20.json";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return wire::parse(text.str(), path);
}

double cosine(std::span<const float> a, const wire::Json& b) {
  double dot = 0.0, bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i].get<double>();
    bb += b[i].get<double>() * b[i].get<double>();
  }
  return dot / std::sqrt(bb);  // a has unit length
}

TEST(LocalEmbedder, AgreesWithAnIndependentImplementationOnTwentySentences) {
  NEEDS_MODEL();
  const wire::Json sentences = reference().at("sentences");
  ASSERT_EQ(sentences.size(), 20U);
  for (const bool deterministic : {true, false}) {
    const auto embedder = open_local({.deterministic = deterministic});
    ASSERT_EQ(embedder->dimensions(), 384);
    std::vector<std::string> texts;
    for (const auto& s : sentences) texts.push_back(s.at("text").get<std::string>());
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<float> rows(20 * 384);
    embedder->embed(views, rows);
    double worst = 1.0;
    for (std::size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(embedder->tokens(texts[i]), sentences[i].at("ids").get<std::vector<int>>()) << texts[i];
      const double c = cosine(std::span(rows).subspan(i * 384, 384), sentences[i].at("vector"));
      EXPECT_GT(c, 0.999) << texts[i];
      worst = std::min(worst, c);
    }
    RecordProperty(deterministic ? "worst_cosine_alone" : "worst_cosine_batched", std::to_string(worst));
  }
}

TEST(LocalEmbedder, GivesTheSameBytesWhateverElseIsEmbedded) {
  NEEDS_MODEL();
  const auto embedder = open_local();
  const std::vector<std::string_view> texts{"My card is gone.", "I moved house last week and my letters go to the old address.", "Bye"};
  std::vector<float> together(3 * 384), alone(3 * 384);
  embedder->embed(texts, together);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 3; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) embedder->embed(std::span(texts).subspan(i, 1), std::span(alone).subspan(i * 384, 384));
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(0, std::memcmp(together.data(), alone.data(), together.size() * sizeof(float)));
}

TEST(LocalEmbedder, CutsTextsAtItsWindow) {
  NEEDS_MODEL();
  const auto embedder = open_local();
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word ";
  const std::vector<int> ids = embedder->tokens(text);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(embedder->facts().context));
  EXPECT_EQ(ids.front(), 101);
  EXPECT_EQ(ids.back(), 102);
  const std::string more = text + "and another end";
  std::vector<float> a(384), b(384);
  const std::string_view first = text, second = more;
  embedder->embed({&first, 1}, a);
  embedder->embed({&second, 1}, b);
  EXPECT_EQ(a, b);
}

TEST(LocalEmbedder, RefusesALanguageModel) {
  if (!model_status("smollm2-135m").present) GTEST_SKIP() << "smollm2-135m is not pulled";
  EXPECT_THROW(LocalEmbedder({path_of("smollm2-135m").string(), "x"}, {}), Error);
}

}  // namespace
}  // namespace hone
