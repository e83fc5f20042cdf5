// llama.cpp's objects with owners, its log silenced, its failures turned into Error.
#pragma once

#include <llama.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/backend.h"
#include "models/local.h"

namespace hone::llama {

struct Free {
  void operator()(llama_model* p) const { llama_model_free(p); }
  void operator()(llama_context* p) const { llama_free(p); }
  void operator()(llama_sampler* p) const { llama_sampler_free(p); }
};
using ModelPtr = std::unique_ptr<llama_model, Free>;
using ContextPtr = std::unique_ptr<llama_context, Free>;
using SamplerPtr = std::unique_ptr<llama_sampler, Free>;

// Starts the library once and takes its log away from the terminal. Errors it logs are kept per thread.
// Error{unavailable} on a CPU that lacks instructions llama.cpp was compiled for, where it would be killed in mid-work.
void start();

struct CpuFeature {
  std::string_view name;  // as in /proc/cpuinfo
  bool avx512 = false;    // needed by builds for avx512 only, not by those for avx2
  bool here = false;
};
std::vector<CpuFeature> cpu_features();  // what builds may need; empty on other architectures
// Throws as start. `built_for`: avx512, avx2 or baseline. Pure.
void check_cpu(std::string_view built_for, std::span<const CpuFeature> features);
// What this thread's calls logged as errors since the last call of this, in one line; empties it.
std::string take_errors();

// Throws Error{usage | bad_input} naming the file.
// `vocabulary`: nothing but that, from a file with or without weights.
ModelPtr load_model(const std::string& path, bool vocabulary = false);
// Throws Error{unavailable}, as a rule for want of memory.
ContextPtr make_context(llama_model& model, const llama_context_params& params, const std::string& name);

int thread_count(const ModelOptions& options);
ModelFacts facts_of(const llama_model& model, const LocalFile& file);  // hashes the file
std::string metadata(const llama_model& model, const char* key);       // empty when absent

// The bytes of a token; control tokens are empty unless `special`.
std::string piece(const llama_vocab& vocab, llama_token token, bool special);
std::vector<llama_token> tokenize(const llama_vocab& vocab, std::string_view text, bool parse_special);

// One token for llama_decode.
struct Item {
  llama_token token = 0;
  llama_pos position = 0;
  std::vector<llama_seq_id> sequences;
  bool output = false;  // logits wanted
};
// Returns llama_decode's answer: 0 done, 1 no room in the cache. Throws Error{internal} for anything else.
int decode(llama_context& context, std::span<const Item> items);

}  // namespace hone::llama
