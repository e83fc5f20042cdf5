// GGUF: llama.cpp's tensor types, dequantised row by row by ggml; its order of rows and its names undone.
#include <ggml.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "core/error.h"
#include "models/weights/config.h"
#include "models/weights/gguf_header.h"
#include "models/weights/mapped.h"
#include "models/weights/weights.h"
#include "wire/json.h"

namespace hone {

namespace {

class GgufWeights final : public WeightsFile {
 public:
  // `file` was read by `header`.
  GgufWeights(const std::filesystem::path& path, const Arch& arch, std::unique_ptr<MappedFile> file, const GgufHeader& header, const ReadOptions& options)
      : WeightsFile(path, arch, options), file_(std::move(file)) {
    const std::string at = path.string();
    std::map<std::string_view, const GgufTensor*> there;
    for (const GgufTensor& t : header.tensors()) there[t.name] = &t;
    std::vector<std::string> missing, unexpected;
    for (const PublishedTensor& t : tensors()) {
      const auto found = there.find(t.gguf);
      if (found == there.end()) {
        missing.push_back(t.gguf);
        continue;
      }
      const GgufTensor& in_file = *found->second;
      auto shape = in_file.shape;
      while (shape.size() > t.shape.size() && shape.back() == 1) shape.pop_back();
      std::reverse(shape.begin(), shape.end());
      if (shape != t.shape)
        throw Error(Fault::bad_input, at + ": " + t.gguf + ": expected the shape " + shape_text(t.shape) + " (slowest first), got " + shape_text(shape));
      places_.push_back({in_file.packing, in_file.begin});
      there.erase(found);
    }
    if (!missing.empty()) throw Error(Fault::bad_input, at + ": missing tensors: " + some_of(missing));
    for (const auto& [name, unused] : there) unexpected.emplace_back(name);
    if (!unexpected.empty())
      throw Error(Fault::bad_input, at + ": tensors that a " + std::string(to_string(arch.family)) + " of this shape doesn't have: " + some_of(unexpected));
  }

 private:
  struct Place {
    const GgufPacking* packing = nullptr;
    std::size_t begin = 0;
  };

  void fill(std::size_t which, std::span<float> out) const override {
    const PublishedTensor& t = tensors()[which];
    const Place& place = places_[which];
    const auto columns = static_cast<std::size_t>(t.columns());
    const std::size_t row_bytes = columns / place.packing->elements * place.packing->bytes;
    const std::string_view data = file_->bytes().substr(place.begin, row_bytes * static_cast<std::size_t>(t.rows()));
    const auto to_float = ggml_get_type_traits(static_cast<ggml_type>(place.packing->type))->to_float;
    for (std::int64_t row = 0; row < t.rows(); ++row) {
      const char* from = data.data() + static_cast<std::size_t>(gguf_row(t, row)) * row_bytes;
      float* to = out.data() + static_cast<std::size_t>(row) * columns;
      if (place.packing->type == GGML_TYPE_F32)
        std::memcpy(to, from, row_bytes);
      else
        to_float(from, to, static_cast<std::int64_t>(columns));
    }
    file_->forget(data);
  }

  std::unique_ptr<MappedFile> file_;
  std::vector<Place> places_;
};

}  // namespace

std::unique_ptr<WeightsFile> open_gguf_weights(const std::filesystem::path& path, const ReadOptions& options) {
  auto file = std::make_unique<MappedFile>(path);
  const GgufHeader header(file->bytes(), path.string());
  const Arch arch = arch_from_gguf(header, path.string());
  return std::make_unique<GgufWeights>(path, arch, std::move(file), header, options);
}

}  // namespace hone
