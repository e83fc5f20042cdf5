#include "models/llama/handle.h"

#include <common/log.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "core/cores.h"
#include "core/error.h"
#include "hone_version.h"
#include "wire/sha256.h"

namespace hone::llama {
namespace {

thread_local std::string errors;
constexpr std::size_t max_errors = 2000;  // bytes kept: a broken file can make it log for every tensor

void collect(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR && errors.size() < max_errors) errors += text;
}

}  // namespace

std::vector<CpuFeature> cpu_features() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#define HONE_CPU_HAS(name) (__builtin_cpu_supports(name) != 0)
  return {{"avx2", false, HONE_CPU_HAS("avx2")},         {"fma", false, HONE_CPU_HAS("fma")},           {"bmi2", false, HONE_CPU_HAS("bmi2")},
          {"avx512f", true, HONE_CPU_HAS("avx512f")},    {"avx512bw", true, HONE_CPU_HAS("avx512bw")},  {"avx512cd", true, HONE_CPU_HAS("avx512cd")},
          {"avx512dq", true, HONE_CPU_HAS("avx512dq")},  {"avx512vl", true, HONE_CPU_HAS("avx512vl")},  {"avx512_vnni", true, HONE_CPU_HAS("avx512vnni")},
          {"avx512_bf16", true, HONE_CPU_HAS("avx512bf16")}};
#undef HONE_CPU_HAS
#else
  return {};
#endif
}

void check_cpu(std::string_view built_for, std::span<const CpuFeature> features) {
  std::string missing;
  for (const CpuFeature& f : features)
    if (!f.here && built_for != "baseline" && (!f.avx512 || built_for == "avx512")) missing += (missing.empty() ? "" : ", ") + std::string(f.name);
  if (!missing.empty())
    throw Error(Fault::unavailable, "this hone was built for CPUs with " + std::string(built_for) + ", and this one lacks " + missing +
                                        "; build it here with scripts/setup --build release, or name the set with HONE_CPU=avx2 or HONE_CPU=baseline before it");
}

void start() {
  static std::once_flag once;
  std::call_once(once, [] {
    check_cpu(llama_cpu, cpu_features());
    llama_log_set(collect, nullptr);
    common_log_set_verbosity_thold(-1);
    llama_backend_init();
  });
}

std::string take_errors() {
  std::string line;
  for (const char c : errors) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line += blank ? ' ' : c;
  }
  errors.clear();
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

ModelPtr load_model(const std::string& path, bool vocabulary) {
  start();
  std::error_code code;
  if (!std::filesystem::exists(path, code)) throw Error(Fault::usage, path + ": no such model file");
  if (!std::filesystem::is_regular_file(path, code)) throw Error(Fault::bad_input, path + ": expected a model file, got a folder or device");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Fault::io, path + ": can't be opened for reading");
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  if (std::string_view(magic.data(), magic.size()) != "GGUF")
    throw Error(Fault::bad_input, path + ": expected a GGUF model file (first bytes \"GGUF\"), got something else");
  take_errors();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = vocabulary;
  ModelPtr model(llama_model_load_from_file(path.c_str(), params));
  if (!model) {
    const std::string why = take_errors();
    throw Error(Fault::bad_input, path + ": can't be loaded, truncated or damaged or of a kind this build doesn't know: " +
                                      (why.empty() ? "no reason given" : why));
  }
  return model;
}

ContextPtr make_context(llama_model& model, const llama_context_params& params, const std::string& name) {
  take_errors();
  ContextPtr context(llama_init_from_model(&model, params));
  if (!context) throw Error(Fault::unavailable, name + ": no working memory for " + std::to_string(params.n_ctx) + " tokens: " + take_errors());
  return context;
}

int thread_count(const ModelOptions& options) {
  return options.threads > 0 ? options.threads : usable_cores();
}

std::string metadata(const llama_model& model, const char* key) {
  std::array<char, 256> value{};
  const int n = llama_model_meta_val_str(&model, key, value.data(), value.size());
  return n < 0 ? "" : std::string(value.data());
}

ModelFacts facts_of(const llama_model& model, const LocalFile& file) {
  ModelFacts facts;
  facts.name = file.name;
  facts.artifact_sha = sha256_file(file.path);
  facts.architecture = metadata(model, "general.architecture");
  facts.parameters = static_cast<std::int64_t>(llama_model_n_params(&model));
  return facts;
}

std::string piece(const llama_vocab& vocab, llama_token token, bool special) {
  std::string text(16, '\0');
  int n = llama_token_to_piece(&vocab, token, text.data(), static_cast<int>(text.size()), 0, special);
  if (n < 0) {
    text.resize(static_cast<std::size_t>(-n));
    n = llama_token_to_piece(&vocab, token, text.data(), static_cast<int>(text.size()), 0, special);
  }
  text.resize(static_cast<std::size_t>(std::max(n, 0)));
  return text;
}

std::vector<llama_token> tokenize(const llama_vocab& vocab, std::string_view text, bool parse_special) {
  if (text.empty()) return {};
  if (text.size() > std::size_t{1} << 30) throw Error(Fault::bad_input, "prompt: expected less than 1 GiB of text");
  const int size = static_cast<int>(text.size());
  std::vector<llama_token> tokens(text.size() / 2 + 8);
  int n = llama_tokenize(&vocab, text.data(), size, tokens.data(), static_cast<int>(tokens.size()), false, parse_special);
  if (n < 0) {
    tokens.resize(static_cast<std::size_t>(-n));
    n = llama_tokenize(&vocab, text.data(), size, tokens.data(), static_cast<int>(tokens.size()), false, parse_special);
  }
  if (n < 0) throw Error(Fault::internal, "llama.cpp: can't tokenise " + std::to_string(text.size()) + " bytes");
  tokens.resize(static_cast<std::size_t>(n));
  return tokens;
}

int decode(llama_context& context, std::span<const Item> items) {
  std::vector<llama_token> tokens;
  std::vector<llama_pos> positions;
  std::vector<std::int32_t> counts;
  std::vector<llama_seq_id*> sequences;
  std::vector<std::int8_t> outputs;
  for (const Item& item : items) {
    tokens.push_back(item.token);
    positions.push_back(item.position);
    counts.push_back(static_cast<std::int32_t>(item.sequences.size()));
    sequences.push_back(const_cast<llama_seq_id*>(item.sequences.data()));  // read only
    outputs.push_back(item.output ? 1 : 0);
  }
  sequences.push_back(nullptr);
  llama_batch batch{};
  batch.n_tokens = static_cast<std::int32_t>(items.size());
  batch.token = tokens.data();
  batch.pos = positions.data();
  batch.n_seq_id = counts.data();
  batch.seq_id = sequences.data();
  batch.logits = outputs.data();
  take_errors();
  const int answer = llama_decode(&context, batch);
  if (answer != 0 && answer != 1)
    throw Error(Fault::internal, "llama.cpp: decode of " + std::to_string(items.size()) + " tokens failed (" + std::to_string(answer) + "): " + take_errors());
  return answer;
}

}  // namespace hone::llama
