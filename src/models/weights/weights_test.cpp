#include "models/weights/weights.h"

#include <ggml.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "models/weights/gguf_header.h"
#include "models/weights/mapped.h"
#include "models/weights/weights_test_kit.h"
#include "wire/json.h"

namespace hone {
namespace {

using namespace weights_kit;

std::filesystem::path vocabulary_in(const Folder& folder) {
  write_vocabulary(byte_vocabulary(), folder / "vocabulary.gguf");
  return folder / "vocabulary.gguf";
}

void expect_counted(const WeightsFile& weights, float within) {
  for (std::size_t t = 0; t < weights.tensors().size(); ++t) {
    std::vector<float> values(static_cast<std::size_t>(weights.tensors()[t].count()));
    weights.read(weights.tensors()[t].name, values);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], value_of(t, i), within) << weights.tensors()[t].name << " " << i;
  }
}

const std::vector<Arch> shapes{tiny(Family::llama, true), tiny(Family::llama, false), tiny(Family::qwen2, true), tiny(Family::qwen3, false)};

TEST(Weights, ComeBackFromSafetensorsAsTheyWere) {
  for (const Arch& arch : shapes)
    for (const Stored type : {Stored::f32, Stored::bf16, Stored::f16}) {
      const Folder folder;
      write_safetensors(folder / "model", arch, counted(arch), tokenizer_files(byte_vocabulary(), arch.context), {.type = type});
      const auto weights = open_weights(folder / "model");
      EXPECT_EQ(weights->arch(), arch);
      expect_counted(*weights, 0.0F);
      // Written again, byte for byte the same.
      write_safetensors(folder / "again", weights->arch(), source_of(*weights), tokenizer_files(folder / "model"), {.type = type});
      for (const char* name : {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
        EXPECT_EQ(bytes_of(folder / "model" / name), bytes_of(folder / "again" / name)) << name;
        EXPECT_FALSE(bytes_of(folder / "again" / name).empty()) << name;
      }
    }
}

TEST(Weights, ComeBackFromShards) {
  const Folder folder;
  const Arch arch = shapes[0];
  write_safetensors(folder / "model", arch, counted(arch), tokenizer_files(byte_vocabulary(), arch.context), {.type = Stored::f32, .shard_bytes = 60'000});
  ASSERT_TRUE(std::filesystem::exists(folder / "model/model.safetensors.index.json"));
  ASSERT_TRUE(std::filesystem::exists(folder / "model/model-00002-of-00006.safetensors"));
  expect_counted(*open_weights(folder / "model"), 0.0F);
  std::filesystem::rename(folder / "model/model-00002-of-00006.safetensors", folder / "model/x.safetensors");
  EXPECT_NE(complaint([&] { open_weights(folder / "model"); }, Fault::not_found).find("model-00002-of-00006.safetensors: no such file"), std::string::npos);
  std::string index = bytes_of(folder / "model/model.safetensors.index.json");
  index.replace(index.find("model-00002"), 8, "../../mo");
  put_bytes(folder / "model/model.safetensors.index.json", index);
  EXPECT_NE(complaint([&] { open_weights(folder / "model"); }).find("expected a .safetensors file of the same folder"), std::string::npos);
}

TEST(Weights, ComeBackFromGgufAsTheyWere) {
  for (const Arch& arch : shapes)
    for (const Stored type : {Stored::f32, Stored::bf16, Stored::f16, Stored::q8_0}) {
      const Folder folder;
      const auto vocabulary = vocabulary_in(folder);
      write_gguf(folder / "a.gguf", arch, counted(arch), vocabulary, {.type = type, .name = "tiny"});
      const auto weights = open_weights(folder / "a.gguf");
      EXPECT_EQ(weights->arch(), arch);
      expect_counted(*weights, type == Stored::q8_0 ? 0.0006F : 0.0F);  // half a step of 0.124 / 127, and the scale's own rounding
      write_gguf(folder / "b.gguf", weights->arch(), source_of(*weights), folder / "a.gguf", {.type = type, .name = "tiny"});
      EXPECT_TRUE(type == Stored::q8_0 || bytes_of(folder / "a.gguf") == bytes_of(folder / "b.gguf"));
    }
}

// The published q of a Llama turns halves of a head, llama.cpp's neighbours: rows 0 1 2 3 of a head of four are its 0 2 1 3.
TEST(Weights, RowsOfALlamasQAndKLieInLlamaCppsOrderInGguf) {
  PublishedTensor q{"q", "q", {8, 1}, 2};
  std::vector<std::int64_t> places;
  for (std::int64_t r = 0; r < 8; ++r) places.push_back(gguf_row(q, r));
  EXPECT_EQ(places, (std::vector<std::int64_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  for (const PublishedTensor& t : published_tensors(tiny(Family::qwen2, true))) EXPECT_EQ(t.turned_heads, 0);
}

TEST(Weights, MissingUnexpectedAndMisshapenTensorsAreNamed) {
  const Folder folder;
  const Arch two = shapes[0];
  Arch other = two;
  write_safetensors(folder / "m", two, counted(two), tokenizer_files(byte_vocabulary(), 64));
  const auto with = [&](auto change) {
    other = two;
    change(other);
    std::string config = bytes_of(folder / "m/config.json");
    wire::Json json = wire::parse(config, "config");
    json["num_hidden_layers"] = other.layers;
    json["intermediate_size"] = other.ff;
    json["tie_word_embeddings"] = other.tied;
    put_bytes(folder / "m/config.json", json.dump());
    const std::string said = complaint([&] { open_weights(folder / "m"); });
    put_bytes(folder / "m/config.json", config);
    return said;
  };
  EXPECT_NE(with([](Arch& a) { a.layers = 3; }).find("missing tensors: model.layers.2.input_layernorm.weight, model.layers.2.self_attn.q_proj.weight, model.layers.2.self_attn.k_proj.weight and 6 more"), std::string::npos);
  EXPECT_NE(with([](Arch& a) { a.layers = 1; }).find("doesn't have: model.layers.1.input_layernorm.weight"), std::string::npos);
  EXPECT_NE(with([](Arch& a) { a.ff = 95; }).find("model.layers.0.mlp.gate_proj.weight: expected the shape [95, 64], got [96, 64]"), std::string::npos);
  EXPECT_NE(with([](Arch& a) { a.tied = false; }).find("missing tensors: lm_head.weight"), std::string::npos);
}

TEST(Weights, NanAndInfinityAreNamedWithTheirPlace) {
  const Folder folder;
  const Arch arch = shapes[0];
  write_safetensors(folder / "m", arch, counted(arch), tokenizer_files(byte_vocabulary(), 64));
  std::string bytes = bytes_of(folder / "m/model.safetensors");
  const float bad = std::nanf("");
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  std::memcpy(bytes.data() + 8 + header + 4 * (2 * 64 + 5), &bad, 4);
  put_bytes(folder / "m/model.safetensors", bytes);
  const auto weights = open_weights(folder / "m");
  std::vector<float> values(259 * 64);
  EXPECT_NE(complaint([&] { weights->read("model.embed_tokens.weight", values); }).find("model.embed_tokens.weight: expected finite numbers, got NaN in row 2, column 5"), std::string::npos);
  // The same of a GGUF file: its last tensor is the last bytes.
  write_gguf(folder / "m.gguf", arch, counted(arch), vocabulary_in(folder));
  std::string gguf = bytes_of(folder / "m.gguf");
  const GgufHeader gguf_header(gguf, "m.gguf");
  const auto& last = gguf_header.tensors().back();
  std::memcpy(gguf.data() + last.begin + 4, &bad, 4);
  put_bytes(folder / "m.gguf", gguf);
  const auto from_gguf = open_weights(folder / "m.gguf");
  std::string said = "nothing";
  for (const auto& t : from_gguf->tensors()) {
    std::vector<float> some(static_cast<std::size_t>(t.count()));
    if (t.gguf == last.name) said = complaint([&] { from_gguf->read(t.name, some); });
    else from_gguf->read(t.name, some);
  }
  EXPECT_NE(said.find("expected finite numbers, got NaN in"), std::string::npos) << said;
  open_weights(folder / "m", {.finite = false})->read("model.embed_tokens.weight", values);
  EXPECT_TRUE(std::isnan(values[2 * 64 + 5]));
  // Nor are they written.
  const TensorSource broken = [&](const PublishedTensor& t, std::span<float> out) {
    counted(arch)(t, out);
    if (t.name == "model.norm.weight") out[3] = bad;
  };
  EXPECT_NE(complaint([&] { write_safetensors(folder / "n", arch, broken, tokenizer_files(byte_vocabulary(), 64)); }).find("model.norm.weight: element 3"), std::string::npos);
  EXPECT_NE(complaint([&] { write_gguf(folder / "n.gguf", arch, broken, vocabulary_in(folder)); }).find("model.norm.weight: element 3"), std::string::npos);
  for (const auto& left : std::filesystem::directory_iterator(folder.path())) EXPECT_NE(left.path().filename().string()[1], 'n') << left.path();
}

// A file that may not grow beyond a limit behaves as on a full disk: write says no.
TEST(Weights, AFullDiskIsOneErrorAndLeavesNothing) {
  const Folder folder;
  const Arch arch = shapes[0];
  const auto vocabulary = vocabulary_in(folder);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{100'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string first = complaint([&] { write_safetensors(folder / "m", arch, counted(arch), tokenizer_files(byte_vocabulary(), 64)); }, Fault::io);
  const std::string second = complaint([&] { write_gguf(folder / "m.gguf", arch, counted(arch), vocabulary); }, Fault::io);
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_NE(first.find("model.safetensors: can't be written: File too large"), std::string::npos) << first;
  EXPECT_NE(second.find("m.gguf: can't be written: File too large"), std::string::npos) << second;
  int left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) left += entry.path().filename() == "vocabulary.gguf" ? 0 : 1;
  EXPECT_EQ(left, 0);
}

TEST(Weights, AFolderThatIsThereIsNotWrittenOver) {
  const Folder folder;
  std::filesystem::create_directory(folder / "m");
  EXPECT_NE(complaint([&] { write_safetensors(folder / "m", shapes[0], counted(shapes[0]), tokenizer_files(byte_vocabulary(), 64)); }, Fault::conflict).find("not there yet"), std::string::npos);
}

// ---- hostile GGUF
TEST(GgufHeader, KnowsTheSizesThatGgmlKnows) {
  for (const GgufPacking& p : gguf_packings()) {
    const auto type = static_cast<ggml_type>(p.type);
    EXPECT_STREQ(std::string(p.name).c_str(), [&] { std::string s = ggml_type_name(type); for (char& c : s) c = static_cast<char>(std::toupper(c)); return s; }().c_str());
    EXPECT_EQ(p.elements, ggml_blck_size(type)) << p.name;
    EXPECT_EQ(p.bytes, ggml_type_size(type)) << p.name;
    EXPECT_TRUE(type == GGML_TYPE_F32 || ggml_get_type_traits(type)->to_float != nullptr) << p.name;
  }
}

struct Bytes {
  std::string text;
  template <class T>
  Bytes& number(T value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& string(const std::string& s) {
    number<std::uint64_t>(s.size());
    text += s;
    return *this;
  }
};

Bytes start(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
  Bytes b{"GGUF"};
  return b.number(version).number(tensors).number(keys);
}
Bytes& tensor(Bytes& b, const std::string& name, std::vector<std::int64_t> shape, std::uint64_t offset, std::uint32_t type = 0) {
  b.string(name).number(static_cast<std::uint32_t>(shape.size()));
  for (const std::int64_t n : shape) b.number(n);
  return b.number(type).number(offset);
}
std::string refused(const Bytes& b, std::size_t data = 0) {
  std::string file = b.text;
  if (data > 0) file.resize((file.size() + 31) / 32 * 32 + data, '\1');
  return complaint([&] { GgufHeader(file, "g"); });
}
void expect_in(const std::string& said, const std::string& part) { EXPECT_NE(said.find(part), std::string::npos) << said; }

TEST(GgufHeader, RefusesCountsLengthsAndSizesThatDontFit) {
  expect_in(refused({"GGU"}), "expected a GGUF model file");
  expect_in(refused({"GGUF"}), "version: expected 4 bytes at byte 4, the file has 0 left");
  expect_in(refused(start(0, 0, 1)), "expected GGUF version 2 or 3, got 1");
  expect_in(refused(start(~0ULL, 0)), "at most 65536 tensors");
  expect_in(refused(start(0, ~0ULL)), "at most 65536 keys");
  expect_in(refused(start(0, 1).number(~0ULL)), "key 0: expected 18446744073709551615 bytes");
  expect_in(refused(start(0, 1).string("k").number<std::uint32_t>(99)), "k: unknown type 99");
  expect_in(refused(start(0, 1).string("k").number<std::uint32_t>(9).number<std::uint32_t>(8).number(~0ULL)), "k: 18446744073709551615 elements");
  expect_in(refused(start(0, 1).string("k").number<std::uint32_t>(9).number<std::uint32_t>(9).number<std::uint64_t>(1)), "k: lists of lists");
  expect_in(refused(start(0, 1).string("k").number<std::uint32_t>(7).number<std::uint8_t>(2)), "k: expected a bool, got the byte 2");
  expect_in(refused(start(0, 2).string("k").number<std::uint32_t>(7).number<std::uint8_t>(1).string("k").number<std::uint32_t>(7).number<std::uint8_t>(1)), "k: the key is there twice");
  expect_in(refused(start(0, 1).string("general.alignment").number<std::uint32_t>(4).number<std::uint32_t>(48)), "expected a power of two, got 48");
  expect_in(refused(start(0, 1).string("general.alignment").number<std::uint32_t>(4).number<std::uint32_t>(0)), "general.alignment: expected 8 to 1048576, got 0");
}

TEST(GgufHeader, RefusesTensorsThatLieWhereTheyMustNot) {
  const auto one = [](std::vector<std::int64_t> shape, std::uint64_t offset, std::uint32_t type, std::size_t data) {
    Bytes b = start(1, 0);
    return refused(tensor(b, "t", std::move(shape), offset, type), data);
  };
  EXPECT_EQ(one({8}, 0, 0, 32), "(no error)");
  expect_in(one({8}, 0, 0, 31), "expected 32 bytes of data at byte 64 in a file of 95 (truncated?)");
  expect_in(one({-8}, 0, 0, 32), "dimension 0 can't be -8");
  expect_in(one({0}, 0, 0, 32), "dimension 0 can't be 0");
  expect_in(one({std::int64_t{1} << 40, std::int64_t{1} << 40}, 0, 0, 32), "dimension 1 can't be");
  expect_in(one({}, 0, 0, 32), "expected 1 to 4 dimensions, got 0");
  expect_in(one({1, 1, 1, 1, 1}, 0, 0, 32), "expected 1 to 4 dimensions, got 5");
  expect_in(one({8}, 32, 0, 64), "expected its data at offset 0, got 32");
  expect_in(one({8}, ~0ULL - 31, 0, 32), "expected its data at offset 0, got 18446744073709551584");
  expect_in(one({8}, 0, 77, 32), "unknown tensor type 77");
  expect_in(one({8}, 0, 8, 32), "rows of 8 don't divide into blocks of 32 (Q8_0)");
  Bytes two = start(2, 0);
  tensor(two, "a", {8}, 0);
  tensor(two, "b", {8}, 0);
  expect_in(refused(two, 64), "b: expected its data at offset 32, got 0");
  Bytes same = start(2, 0);
  tensor(same, "a", {8}, 0);
  tensor(same, "a", {8}, 32);
  expect_in(refused(same, 64), "a: the tensor is there twice");
}

TEST(GgufHeader, EveryCutOfAFileIsRefused) {
  const Folder folder;
  write_gguf(folder / "a.gguf", shapes[0], counted(shapes[0]), vocabulary_in(folder), {.type = Stored::q8_0});
  const std::string whole = bytes_of(folder / "a.gguf");
  for (std::size_t n = 0; n + 32 < whole.size(); n += n < 20'000 ? 97 : 4'999)  // up to 31 bytes of padding may be gone
    EXPECT_NE(complaint([&] { GgufHeader(std::string_view(whole).substr(0, n), "g"); }), "(no error)") << n;
}

TEST(Weights, WhatAGgufAsksForBeyondTheShapeIsRefusedByName) {
  const Folder folder;
  write_gguf(folder / "a.gguf", shapes[0], counted(shapes[0]), vocabulary_in(folder));
  std::string bytes = bytes_of(folder / "a.gguf");
  const auto renamed = [&](const std::string& from, const std::string& to) {
    std::string changed = bytes;
    EXPECT_EQ(from.size(), to.size());
    changed.replace(changed.find(from), from.size(), to);
    put_bytes(folder / "b.gguf", changed);
    return complaint([&] { open_weights(folder / "b.gguf"); });
  };
  expect_in(renamed("llama.vocab_size", "llama.softcap_xy"), "llama.softcap_xy: what it asks for is not supported");
  expect_in(renamed("blk.1.attn_q.weight", "rope_freqs.weight.x"), "rope_freqs.weight.x: scaled rotary positions are not supported");
  expect_in(renamed("blk.1.attn_q.weight", "blk.1.attn_x.weight"), "missing tensors: blk.1.attn_q.weight");
  expect_in(renamed("token_embd.weight", "token_embX.weight"), "token_embd.weight is missing");
  std::string other = bytes;
  other.replace(other.find("general.architecture") + 20 + 4 + 8, 5, "mamba");
  put_bytes(folder / "b.gguf", other);
  expect_in(complaint([&] { open_weights(folder / "b.gguf"); }), "general.architecture: expected llama, qwen2 or qwen3, got 'mamba'");
}

}  // namespace
}  // namespace hone
