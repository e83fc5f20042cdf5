#include <ggml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "core/error.h"
#include "models/weights/config.h"
#include "models/weights/new_file.h"
#include "models/weights/writing.h"
#include "wire/json.h"

namespace hone {

namespace {

std::int64_t element_bytes(Stored type) { return type == Stored::f32 ? 4 : 2; }

// Tensors [first, last) of one file.
struct Part {
  std::size_t first = 0, last = 0;
  std::string name;
};

std::vector<Part> parts_of(const std::vector<PublishedTensor>& tensors, const SafetensorsOptions& options) {
  std::vector<Part> parts(1);
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::int64_t size = tensors[i].count() * element_bytes(options.type);
    if (bytes > 0 && bytes + size > options.shard_bytes) {
      parts.push_back({i, i, {}});
      bytes = 0;
    }
    bytes += size;
    parts.back().last = i + 1;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    char name[64] = "model.safetensors";
    if (parts.size() > 1) std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, parts.size());
    parts[i].name = name;
  }
  return parts;
}

void write_part(const std::filesystem::path& folder, const Part& part, const std::vector<PublishedTensor>& tensors, const TensorSource& source, Stored type) {
  wire::Json header;
  header["__metadata__"] = {{"format", "pt"}};
  std::int64_t offset = 0;
  for (std::size_t i = part.first; i < part.last; ++i) {
    const std::int64_t end = offset + tensors[i].count() * element_bytes(type);
    header[tensors[i].name] = {{"dtype", to_string(type)}, {"shape", tensors[i].shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data begin at a multiple of eight
  const std::uint64_t length = text.size();
  NewFile file(folder / part.name);
  file.write({reinterpret_cast<const char*>(&length), sizeof length});
  file.write(text);
  std::vector<float> values;
  std::vector<std::uint16_t> halves;
  for (std::size_t i = part.first; i < part.last; ++i) {
    values.resize(static_cast<std::size_t>(tensors[i].count()));
    take_tensor(source, tensors[i], type, values);
    if (type == Stored::f32) {
      file.write({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
      continue;
    }
    halves.resize(values.size());
    const auto n = static_cast<std::int64_t>(values.size());
    if (type == Stored::f16)
      ggml_fp32_to_fp16_row(values.data(), halves.data(), n);
    else
      for (std::size_t k = 0; k < values.size(); ++k) halves[k] = ggml_fp32_to_bf16(values[k]).bits;
    file.write({reinterpret_cast<const char*>(halves.data()), halves.size() * 2});
  }
  file.put_in_place();
}

}  // namespace

std::string_view to_string(Stored stored) {
  switch (stored) {
    case Stored::f32: return "F32";
    case Stored::f16: return "F16";
    case Stored::bf16: return "BF16";
    case Stored::q8_0: return "Q8_0";
  }
  return "?";
}

TensorSource source_of(const WeightsFile& weights) {
  return [&weights](const PublishedTensor& tensor, std::span<float> out) { weights.read(tensor.name, out); };
}

void take_tensor(const TensorSource& source, const PublishedTensor& tensor, Stored type, std::span<float> out) {
  source(tensor, out);
  // A Q8_0 block's scale is the largest of 32 over 127, in F16.
  const float most = type == Stored::f16 ? 65504.0F : type == Stored::q8_0 ? 65504.0F * 127.0F : 3.38e38F;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!(std::abs(out[i]) <= most))
      throw Error(Fault::bad_input, tensor.name + ": element " + std::to_string(i) + ": expected a number that " + std::string(to_string(type)) + " can hold, got " + std::to_string(out[i]));
}

void write_safetensors(const std::filesystem::path& path, const Arch& arch, const TensorSource& source, const TokenizerFiles& tokenizer, const SafetensorsOptions& options) {
  if (options.type == Stored::q8_0) throw Error(Fault::usage, "safetensors: expected F32, F16 or BF16, got Q8_0");
  validate(arch, path.string());
  const auto tensors = published_tensors(arch);
  const auto parts = parts_of(tensors, options);
  NewFolder folder(path);
  wire::Json index;
  std::int64_t total = 0;
  for (const PublishedTensor& t : tensors) total += t.count() * element_bytes(options.type);
  index["metadata"] = {{"total_size", total}};
  for (const Part& part : parts) {
    write_part(folder.part(), part, tensors, source, options.type);
    for (std::size_t i = part.first; i < part.last; ++i) index["weight_map"][tensors[i].name] = part.name;
  }
  if (parts.size() > 1) write_new_file(folder.part() / "model.safetensors.index.json", index.dump(2) + "\n");
  const char* dtype = options.type == Stored::f32 ? "float32" : options.type == Stored::f16 ? "float16" : "bfloat16";
  write_new_file(folder.part() / "config.json", config_from_arch(arch, tokenizer.special.begin, tokenizer.special.end, tokenizer.special.pad, dtype));
  for (const auto& [name, bytes] : tokenizer.files) write_new_file(folder.part() / name, bytes);
  folder.put_in_place();
}

void write_adapter(const std::filesystem::path& path, const AdapterFacts& facts, const std::vector<PublishedTensor>& tensors, const TensorSource& source) {
  NewFolder folder(path);
  write_part(folder.part(), {0, tensors.size(), "adapter_model.safetensors"}, tensors, source, Stored::f32);
  const wire::Json config{{"base_model_name_or_path", facts.base}, {"bias", "none"},           {"fan_in_fan_out", false},    {"inference_mode", true},
                          {"init_lora_weights", true},             {"lora_alpha", facts.alpha}, {"lora_dropout", 0.0},        {"modules_to_save", nullptr},
                          {"peft_type", "LORA"},                   {"r", facts.rank},           {"target_modules", facts.targets}, {"task_type", "CAUSAL_LM"}};
  write_new_file(folder.part() / "adapter_config.json", config.dump(2) + "\n");
  folder.put_in_place();
}

}  // namespace hone
