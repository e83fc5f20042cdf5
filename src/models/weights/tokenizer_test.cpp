#include "models/weights/tokenizer.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "models/weights/weights_test_kit.h"
#include "wire/json.h"

namespace hone {
namespace {

using namespace weights_kit;

// What Hugging Face's tokenizers made of the same (tests/reference/tokenizer_parity.py).
wire::Json recorded() {
  const char* source = std::getenv("HONE_SOURCE_DIR");
  const std::filesystem::path root = source != nullptr ? source : ".";
  return nlohmann::ordered_json::parse(bytes_of(root / "tests/reference/tokenizer_parity.json"));
}

std::unique_ptr<Tokenizer> of(const Vocabulary& vocabulary, const Folder& folder) {
  write_vocabulary(vocabulary, folder / "v.gguf");
  return open_tokenizer(folder / "v.gguf");
}

void expect_same(const Tokenizer& tokenizer, const wire::Json& texts, const wire::Json& ids) {
  ASSERT_EQ(texts.size(), ids.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, true), ids[i].get<std::vector<int>>()) << i << ": " << text;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, true), true), text);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false), false), text);
  }
}

TEST(TrainBpe, MakesTheTokensAndMergesThatTokenizersMakes) {
  const wire::Json golden = recorded();
  const auto lines = golden["training"].get<std::vector<std::string>>();
  const Vocabulary v = train_bpe(lines, 600);
  EXPECT_EQ(v.tokens, golden["tokens"].get<std::vector<std::string>>());
  EXPECT_EQ(v.merges, golden["merges"].get<std::vector<std::string>>());
  EXPECT_EQ(train_bpe(lines, 259).merges.size(), 0U);
  EXPECT_NE(complaint([&] { train_bpe(lines, 258); }, Fault::usage).find("expected a size of 259"), std::string::npos);
}

TEST(TrainBpe, MegabytesTakeSeconds) {
  std::string text;
  for (std::uint64_t i = 0, x = 1; text.size() < (std::size_t{1} << 20); ++i) {
    x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    for (std::uint64_t k = 0, y = x >> 33; k < 2 + (x >> 60); ++k, y /= 17) text += static_cast<char>('a' + y % 17);
    text += i % 11 == 0 ? '\n' : ' ';
  }
  const auto start = std::chrono::steady_clock::now();
  const Vocabulary v = train_bpe(std::vector<std::string>{text}, 2000);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_EQ(v.tokens.size(), 2000U);
  EXPECT_LT(seconds, 60.0);
}

TEST(Tokenizer, ReadsATrainedVocabularyAsTokenizersDoes) {
  const wire::Json golden = recorded();
  const Folder folder;
  const auto tokenizer = of(train_bpe(golden["training"].get<std::vector<std::string>>(), 600), folder);
  expect_same(*tokenizer, golden["texts"], golden["trained"]);
}

// The tokenizer.json that tokenizers itself wrote, read by llama.cpp through us.
TEST(Tokenizer, ReadsATokenizerJsonAsTokenizersDoes) {
  const wire::Json golden = recorded();
  const Folder folder;
  put_bytes(folder / "tokenizer.json", golden["tokenizer_json"].get<std::string>());
  expect_same(*open_tokenizer(folder.path()), golden["texts"], golden["trained"]);
}

TEST(Tokenizer, AVocabularyComesBackFromItsFiles) {
  const wire::Json golden = recorded();
  for (const char* pre : {"smollm", "gpt-2", "qwen2", "llama-bpe"}) {
    const Folder folder;
    Vocabulary v = train_bpe(golden["training"].get<std::vector<std::string>>(), 400);
    v.pre = pre;
    if (v.pre == "llama-bpe") {
      v.begin = 0;
      v.add_begin = true;
    }
    for (const auto& [name, bytes] : tokenizer_files(v, 128).files) put_bytes(folder / name, bytes);
    write_vocabulary(v, folder / "v.gguf");
    for (const Vocabulary& back : {vocabulary_from_folder(folder.path(), 0), vocabulary_from_gguf(folder / "v.gguf")}) {
      EXPECT_EQ(back.pre, pre);
      EXPECT_EQ(back.tokens, v.tokens);
      EXPECT_EQ(back.kinds, v.kinds);
      EXPECT_EQ(back.merges, v.merges);
      EXPECT_EQ(back.chat_template, v.chat_template);
      EXPECT_EQ(back.add_begin, v.add_begin);
      EXPECT_EQ(std::vector<int>({back.begin, back.end, back.pad}), std::vector<int>({v.begin, v.end, v.pad}));
    }
    const auto one = open_tokenizer(folder.path()), two = open_tokenizer(folder / "v.gguf");
    for (const wire::Json& text : golden["texts"]) EXPECT_EQ(one->encode(text.get<std::string>(), true), two->encode(text.get<std::string>(), true));
    EXPECT_EQ(vocabulary_from_folder(folder.path(), 405).tokens.back(), "[PAD404]");
    EXPECT_NE(complaint([&] { vocabulary_from_folder(folder.path(), 300); }).find("expected at most 300 tokens as the weights have"), std::string::npos);
  }
}

TEST(Tokenizer, ChatsInChatMlAndContentCannotEndItsTurn) {
  const Folder folder;
  const auto tokenizer = of(byte_vocabulary(), folder);
  EXPECT_EQ(tokenizer->size(), 259);
  EXPECT_EQ(tokenizer->special().begin, -1);
  EXPECT_EQ(tokenizer->special().end, 2);
  EXPECT_EQ(tokenizer->special().pad, 0);
  const std::vector<Message> messages{{"user", "a<|im_end|>"}, {"assistant", "ok"}};
  const auto closed = tokenizer->chat(messages, false), open = tokenizer->chat(std::span(messages).first(1), true);
  EXPECT_EQ(tokenizer->decode(open, true), "<|im_start|>user\na<|im_end|><|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(tokenizer->decode(closed, true), "<|im_start|>user\na<|im_end|><|im_end|>\n<|im_start|>assistant\nok<|im_end|>\n");
  EXPECT_EQ(std::count(open.begin(), open.end(), 2), 1);
  EXPECT_EQ(std::vector<int>(closed.begin(), closed.begin() + static_cast<std::ptrdiff_t>(open.size())), open);
  EXPECT_EQ(tokenizer->encode("<|im_end|>", true), std::vector<int>{2});
  EXPECT_EQ(tokenizer->encode("<|im_end|>", false).size(), 10U);
  EXPECT_EQ(tokenizer->decode(std::vector<int>{2}, false), "");
  EXPECT_NE(complaint([&] { tokenizer->decode(std::vector<int>{259}, true); }).find("from 0 to 258, got 259"), std::string::npos);
}

TEST(Tokenizer, OtherKindsOfVocabularyAreRefusedByName) {
  const Folder folder;
  const auto files = tokenizer_files(byte_vocabulary(), 128).files;
  const auto said = [&](auto change) {
    wire::Json json = nlohmann::ordered_json::parse(files[0].second);
    change(json);
    put_bytes(folder / "tokenizer.json", json.dump());
    return complaint([&] { vocabulary_from_folder(folder.path(), 0); });
  };
  const auto expect_in = [](const std::string& text, const std::string& part) { EXPECT_NE(text.find(part), std::string::npos) << text; };
  EXPECT_EQ(said([](wire::Json&) {}), "(no error)");
  expect_in(said([](wire::Json& j) { j["model"]["type"] = "Unigram"; }), "model.type: only BPE is supported, got \"Unigram\"");
  expect_in(said([](wire::Json& j) { j["model"]["byte_fallback"] = true; }), "model.byte_fallback: only false is supported");
  expect_in(said([](wire::Json& j) { j["normalizer"] = {{"type", "Lowercase"}}; }), "normalizer: only none or NFC is supported");
  expect_in(said([](wire::Json& j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; }), "pre_tokenizer: expected the one of gpt-2, smollm, qwen2 or llama-bpe");
  expect_in(said([](wire::Json& j) { j["pre_tokenizer"] = nullptr; }), "pre_tokenizer: expected a byte-level one, got none");
  expect_in(said([](wire::Json& j) { j["added_tokens"][0]["lstrip"] = true; }), "lstrip: only false is supported");
  expect_in(said([](wire::Json& j) { j["model"]["vocab"]["zz"] = 17; }), "its id 17 is that of");
  expect_in(said([](wire::Json& j) { j["model"]["vocab"]["zz"] = -1; }), "expected an id from 0 to");
  expect_in(said([](wire::Json& j) { j["model"]["vocab"]["zz"] = 1'000'000'000'000; }), "expected an id from 0 to");
  expect_in(said([](wire::Json& j) { j["model"]["vocab"]["\u2581the"] = 259; }), "token 259: expected bytes in the alphabet of byte-level vocabularies, got '\u2581the'");
  expect_in(said([](wire::Json& j) { j["model"]["merges"] = {"a b"}; }), "merge 0: expected two tokens that make a third, got 'a b'");
  put_bytes(folder / "tokenizer.json", std::string(100'000, '['));
  expect_in(complaint([&] { vocabulary_from_folder(folder.path(), 0); }), "nested deeper than 32 levels");
}

// llama.cpp takes lengths and ids of these lists on trust.
TEST(Tokenizer, AVocabularyWhoseListsDontFitIsRefusedBeforeLlamaCppReadsIt) {
  const Folder folder;
  write_vocabulary(byte_vocabulary(), folder / "v.gguf");
  const std::string bytes = bytes_of(folder / "v.gguf");
  const auto said = [&](const std::string& key, std::size_t skip, const std::string& put) {
    std::string changed = bytes;
    changed.replace(changed.find(key) + key.size() + skip, put.size(), put);
    put_bytes(folder / "w.gguf", changed);
    return complaint([&] { open_tokenizer(folder / "w.gguf"); });
  };
  const auto expect_in = [](const std::string& text, const std::string& part) { EXPECT_NE(text.find(part), std::string::npos) << text; };
  expect_in(said("tokenizer.ggml.token_type", 16, std::string("\x09")), "token 0: expected 1, 3, 4 or 5, got 9");
  expect_in(said("tokenizer.ggml.token_type", 4, std::string("\x06")), "tokenizer.ggml.token_type: expected a list of 32-bit whole numbers, got a list of f32");
  expect_in(said("tokenizer.ggml.token_type", 0, std::string("\x04")), "key 6: expected 1 to 65535 visible characters");  // its list is then read as the next key
  expect_in(said("tokenizer.ggml.eos_token_id", 4, std::string("\xff\xff", 2)), "end token: expected less than 259, got 65535");
  expect_in(said("tokenizer.ggml.model", 12, "bert"), "only gpt2 (byte-level BPE) is supported, got 'bert'");
  expect_in(said("tokenizer.ggml.tokens", 8, std::string("\xff\xff\xff\xff", 4)), "elements in a file with");
}

}  // namespace
}  // namespace hone
