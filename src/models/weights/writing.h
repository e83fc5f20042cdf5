// Weights into files that others read: transformers and vLLM (safetensors), llama.cpp and the local back end (GGUF). A file appears
// whole or not at all; memory stays at one tensor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "core/arch.h"
#include "models/weights/vocabulary.h"
#include "models/weights/weights.h"

namespace hone {

enum class Stored { f32, f16, bf16, q8_0 };
std::string_view to_string(Stored stored);  // "F32"

// Fills `out` with the tensor, slowest dimension first. Called once per tensor, in the order of published_tensors.
using TensorSource = std::function<void(const PublishedTensor& tensor, std::span<float> out)>;
TensorSource source_of(const WeightsFile& weights);

struct SafetensorsOptions {
  Stored type = Stored::f32;                      // not q8_0
  std::int64_t shard_bytes = 5'000'000'000;       // of data; more than this is written as shards with an index
};
// The folder must not be there yet. Throws Error: conflict, io (disk full), bad_input (NaN or infinity, by name).
void write_safetensors(const std::filesystem::path& folder, const Arch& arch, const TensorSource& source, const TokenizerFiles& tokenizer,
                       const SafetensorsOptions& options = {});

// Low-rank adapters as peft saves and loads them: adapter_model.safetensors (F32) and adapter_config.json. The folder must not be there yet.
struct AdapterFacts {
  int rank = 0;
  double alpha = 0.0;
  std::vector<std::string> targets;
  std::string base;  // what the adapters belong to, as a person named it
};
void write_adapter(const std::filesystem::path& folder, const AdapterFacts& facts, const std::vector<PublishedTensor>& tensors, const TensorSource& source);

struct GgufOptions {
  Stored type = Stored::f32;                      // of matrices; vectors are F32. Rows that q8_0's blocks of 32 don't divide become F16
  std::string name = "model";                     // general.name
};
// `vocabulary`: a GGUF file, with or without weights, whose tokenizer and chat template are taken over as they are.
// An older file is replaced. Throws as above.
void write_gguf(const std::filesystem::path& file, const Arch& arch, const TensorSource& source, const std::filesystem::path& vocabulary,
                const GgufOptions& options = {});

// For the writers: calls the source, then refuses what is not finite or too large for the type.
void take_tensor(const TensorSource& source, const PublishedTensor& tensor, Stored type, std::span<float> out);

}  // namespace hone
