// Safetensors as the hubs publish them: config.json, and the weights in one file or in shards with an index.
#include <ggml.h>

#include <cstring>
#include <map>
#include <set>

#include "core/error.h"
#include "models/safetensors.h"
#include "models/weights/config.h"
#include "models/weights/mapped.h"
#include "models/weights/weights.h"
#include "wire/json.h"
#include "wire/read.h"

namespace hone {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_shards = 1000;

struct Shard {
  std::unique_ptr<MappedFile> file;
  std::vector<SafeTensor> tensors;
};

// Names of files in the folder, by the tensors they hold; a single file holds whatever it says.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const wire::Json json = wire::parse(read_small_file(path), path.string());
  const wire::Fields fields(json, path.string());
  const wire::Json& map = fields.required("weight_map");
  if (!map.is_object()) wire::expected(fields.at("weight_map"), "an object", map);
  std::map<std::string, std::string> out;
  for (const auto& [tensor, file] : map.items()) {
    const std::string where = fields.at("weight_map") + "." + wire::shortened(tensor);
    const std::string name = wire::read_string(file, where);
    if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos || !name.ends_with(".safetensors"))
      throw Error(Fault::bad_input, where + ": expected a .safetensors file of the same folder, got " + wire::shortened(name));
    out[tensor] = name;
  }
  return out;
}

class SafetensorsWeights final : public WeightsFile {
 public:
  SafetensorsWeights(const fs::path& folder, const Arch& arch, const ReadOptions& options) : WeightsFile(folder, arch, options) {
    constexpr const char* single = "model.safetensors";
    const fs::path index = folder / "model.safetensors.index.json";
    std::error_code code;
    std::map<std::string, std::string> of_tensor;
    std::set<std::string> files{single};
    const bool sharded = !fs::exists(folder / single, code);
    if (sharded && !fs::exists(index, code)) throw Error(Fault::not_found, folder.string() + ": expected model.safetensors or model.safetensors.index.json, found neither");
    if (sharded) {
      of_tensor = read_index(index);
      files.clear();
      for (const auto& [tensor, file] : of_tensor) files.insert(file);
      if (files.size() > most_shards) throw Error(Fault::bad_input, index.string() + ": expected at most 1000 files, got " + std::to_string(files.size()));
    }
    std::map<std::string, std::pair<std::size_t, std::size_t>> there;  // shard, tensor
    for (const std::string& name : files) {
      const std::string at = (folder / name).string();
      Shard shard;
      shard.file = std::make_unique<MappedFile>(folder / name);
      shard.tensors = read_safetensors(shard.file->bytes(), at);
      for (std::size_t i = 0; i < shard.tensors.size(); ++i) {
        const std::string& tensor = shard.tensors[i].name;
        if (sharded && (!of_tensor.contains(tensor) || of_tensor[tensor] != name))
          throw Error(Fault::bad_input, at + ": " + wire::shortened(tensor) + ": the index does not say that it is here");
        there[tensor] = {shards_.size(), i};
      }
      shards_.push_back(std::move(shard));
    }
    for (const auto& [tensor, file] : of_tensor)
      if (!there.contains(tensor)) throw Error(Fault::bad_input, (folder / file).string() + ": expected " + wire::shortened(tensor) + " as the index says, found none");
    match(there);
  }

 private:
  using There = std::map<std::string, std::pair<std::size_t, std::size_t>>;

  void match(There& there) {
    const std::string at = path().string();
    std::vector<std::string> missing, unexpected;
    for (const PublishedTensor& t : tensors()) {
      const auto found = there.find(t.name);
      if (found == there.end()) {
        missing.push_back(t.name);
        continue;
      }
      const SafeTensor& in_file = tensor(found->second);
      if (in_file.shape != t.shape)
        throw Error(Fault::bad_input, at + ": " + t.name + ": expected the shape " + shape_text(t.shape) + ", got " + shape_text(in_file.shape));
      if (in_file.dtype != "F32" && in_file.dtype != "F16" && in_file.dtype != "BF16")
        throw Error(Fault::bad_input, at + ": " + t.name + ": expected F32, F16 or BF16, got " + wire::shortened(in_file.dtype));
      places_.push_back(found->second);
    }
    if (!missing.empty()) throw Error(Fault::bad_input, at + ": missing tensors: " + some_of(missing));
    for (const PublishedTensor& t : tensors()) there.erase(t.name);
    for (const auto& [name, place] : there) {
      if (name.ends_with(".rotary_emb.inv_freq")) continue;  // follows from the config; old files carry it
      if (name == "lm_head.weight" && arch().tied && bytes(place) == bytes(places_[0])) continue;
      unexpected.push_back(name);
    }
    if (!unexpected.empty())
      throw Error(Fault::bad_input, at + ": tensors that a " + std::string(to_string(arch().family)) + " of this shape doesn't have: " + some_of(unexpected));
  }

  const SafeTensor& tensor(std::pair<std::size_t, std::size_t> place) const { return shards_[place.first].tensors[place.second]; }
  std::string_view bytes(std::pair<std::size_t, std::size_t> place) const {
    const SafeTensor& t = tensor(place);
    return shards_[place.first].file->bytes().substr(t.begin, t.end - t.begin);
  }

  void fill(std::size_t which, std::span<float> out) const override {
    const std::string& dtype = tensor(places_[which]).dtype;
    const std::string_view data = bytes(places_[which]);
    if (dtype == "F32") {
      std::memcpy(out.data(), data.data(), data.size());
    } else {
      // Where the header ends at an odd byte the halves lie across words: taken one by one.
      const bool f16 = dtype == "F16";
      for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, data.data() + 2 * i, 2);
        out[i] = f16 ? ggml_fp16_to_fp32(half) : ggml_bf16_to_fp32(ggml_bf16_t{half});
      }
    }
    shards_[places_[which].first].file->forget(data);
  }

  std::vector<Shard> shards_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;  // of tensors(): shard, tensor
};

}  // namespace

std::unique_ptr<WeightsFile> open_safetensors_weights(const fs::path& folder, const ReadOptions& options) {
  const fs::path config = folder / "config.json";
  return std::make_unique<SafetensorsWeights>(folder, arch_from_config(read_small_file(config), config.string()), options);
}

}  // namespace hone
