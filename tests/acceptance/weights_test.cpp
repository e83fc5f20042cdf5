// Weights of a real model (smollm2-135m) out of GGUF and into every form we write: the local back end must say the same again.
#include "models/weights/weights.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "core/error.h"
#include "core/folder_test_kit.h"
#include "models/catalogue.h"
#include "models/local.h"
#include "models/quantise.h"
#include "models/weights/tokenizer.h"
#include "models/weights/writing.h"
#include "wire/json.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
constexpr const char* model_name = "smollm2-135m";

#define NEEDS_MODEL() \
  if (!model_status(model_name).present) GTEST_SKIP() << model_name << " is not pulled (hone model pull " << model_name << ")"

using hone::test::Folder;

struct Said {
  std::vector<int> ids;
  std::vector<float> logp;
};

std::vector<Said> asked(const fs::path& file) {
  LocalModel model({file.string(), "m"}, {.context = 512, .cache_mb = 0});
  std::vector<Said> out;
  for (const char* text : {"What is the capital of France?", "Write one sentence about rain.", "2 + 2 ="}) {
    Sampling sampling;
    sampling.max_tokens = 16;
    sampling.logprobs = true;
    const Reply reply = model.chat(std::vector<Message>{{"user", text}}, sampling);
    out.push_back({reply.trace.ids, reply.trace.logp});
  }
  return out;
}

void expect_close(const std::vector<Said>& a, const std::vector<Said>& b, float within) {
  ASSERT_EQ(a.size(), b.size());
  float worst = 0.0F;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].ids, b[i].ids) << i;
    ASSERT_EQ(a[i].logp.size(), b[i].logp.size()) << i;
    for (std::size_t t = 0; t < a[i].logp.size(); ++t) worst = std::max(worst, std::abs(a[i].logp[t] - b[i].logp[t]));
  }
  std::printf("  worst difference of a log-probability: %.6f\n", static_cast<double>(worst));
  EXPECT_LE(worst, within);
}

// Through the published order of rows and back: the F32 file holds what the pulled one holds, so that rounding it to the pulled one's type
// gives the pulled one's replies again, to the last bit, whichever type this CPU pulls (a block's largest weight is 127 steps, so Q8_0 of
// Q8_0 is itself). Replies of different types are not compared: they round activations differently where they multiply.
TEST(SavedWeights, SayTheSameAgainInTheLocalBackEnd) {
  NEEDS_MODEL();
  const Folder folder;
  const auto original = path_of(model_name);
  const auto weights = open_weights(original);
  EXPECT_EQ(weights->arch().layers, 30);
  EXPECT_EQ(weights->arch().vocab, 49152);
  EXPECT_TRUE(weights->arch().tied);
  write_gguf(folder.path() / "f32.gguf", weights->arch(), source_of(*weights), original);
  const auto before = asked(folder.path() / "f32.gguf");

  // F32 GGUF -> safetensors F32 -> F32 GGUF with the vocabulary out of tokenizer.json: equal to the last bit.
  const auto f32 = open_weights(folder.path() / "f32.gguf");
  write_safetensors(folder.path() / "hub", f32->arch(), source_of(*f32), tokenizer_files(vocabulary_from_gguf(original), f32->arch().context));
  const auto hub = open_weights(folder.path() / "hub");
  EXPECT_EQ(hub->arch(), f32->arch());
  write_vocabulary(vocabulary_from_folder(folder.path() / "hub", hub->arch().vocab), folder.path() / "vocabulary.gguf");
  write_gguf(folder.path() / "again.gguf", hub->arch(), source_of(*hub), folder.path() / "vocabulary.gguf");
  std::vector<float> a, b;
  for (const PublishedTensor& t : weights->tensors()) {
    a.resize(static_cast<std::size_t>(t.count()));
    b.resize(a.size());
    weights->read(t.name, a);
    hub->read(t.name, b);
    ASSERT_EQ(a, b) << t.name;
  }
  expect_close(asked(folder.path() / "again.gguf"), before, 0.0F);

  // Rounded as llama.cpp's own program rounds: every weight the same.
  for (const auto& [stored, precision] : {std::pair(Stored::q8_0, FileType::q8_0), std::pair(Stored::bf16, FileType::bf16)}) {
    write_gguf(folder.path() / "ours.gguf", weights->arch(), source_of(*weights), original, {.type = stored});
    quantise(folder.path() / "f32.gguf", folder.path() / "theirs.gguf", precision);
    const auto ours = open_weights(folder.path() / "ours.gguf"), theirs = open_weights(folder.path() / "theirs.gguf");
    for (const PublishedTensor& t : weights->tensors()) {
      a.resize(static_cast<std::size_t>(t.count()));
      b.resize(a.size());
      ours->read(t.name, a);
      theirs->read(t.name, b);
      ASSERT_EQ(a, b) << to_string(stored) << " " << t.name;
    }
    const auto said = asked(folder.path() / "theirs.gguf");
    expect_close(asked(folder.path() / "ours.gguf"), said, 0.0F);
    if (precision == fast_precision()) expect_close(asked(original), said, 0.0F);
  }
}

// tests/reference/tokenizer_parity.py recorded what Hugging Face's tokenizers makes of each text with SmolLM2's vocabulary.
TEST(SavedWeights, SmolLm2IsTokenisedAsTokenizersDoes) {
  NEEDS_MODEL();
  const Folder folder;
  const char* root = std::getenv("HONE_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/tests/reference/tokenizer_parity.json");
  const auto golden = nlohmann::ordered_json::parse(file);
  const auto direct = open_tokenizer(path_of(model_name));
  for (const auto& [name, bytes] : tokenizer_files(vocabulary_from_gguf(path_of(model_name)), 8192).files) std::ofstream(folder.path() / name, std::ios::binary) << bytes;
  const auto through_json = open_tokenizer(folder.path());
  ASSERT_GE(golden["texts"].size(), 300U);
  for (std::size_t i = 0; i < golden["texts"].size(); ++i) {
    const auto text = golden["texts"][i].get<std::string>();
    const auto ids = golden["smollm2"][i].get<std::vector<int>>();
    EXPECT_EQ(direct->encode(text, true), ids) << text;
    EXPECT_EQ(through_json->encode(text, true), ids) << text;
    EXPECT_EQ(direct->decode(ids, true), text);
  }
}

// The file has 270 MB as F32 would have 540; a process that reads all of it may not need more than its largest tensor and a bit.
TEST(SavedWeights, ReadingHoldsOneTensorAtATime) {
  NEEDS_MODEL();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const auto weights = open_weights(path_of(model_name));
    {
      std::vector<float> values;
      for (const PublishedTensor& t : weights->tensors()) {
        values.resize(static_cast<std::size_t>(t.count()));
        weights->read(t.name, values);
      }
    }
    getrusage(RUSAGE_SELF, &after);
    const long grown = after.ru_maxrss - before.ru_maxrss;  // KiB; 49152 x 576 floats are 110,592, the same in the file at most 56,000
    std::printf("  grown by %ld KiB\n", grown);
    std::fflush(stdout);
    _exit(grown < 220'000 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace hone
