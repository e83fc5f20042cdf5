// The weights of a decoder as they lie in files, read one tensor at a time: safetensors as the hubs publish them (one file or shards,
// config.json beside them) and GGUF (any quantisation, dequantised). Names, shapes and the order of rows are the published ones
// whatever the file. Memory stays at one tensor; the file itself is mapped, not held.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch.h"
#include "models/weights/names.h"

namespace hone {

struct ReadOptions {
  bool finite = true;  // a NaN or infinity is an error that names tensor and place
};

// Safe to read from many threads.
class WeightsFile {
 public:
  virtual ~WeightsFile() = default;
  const Arch& arch() const { return arch_; }
  const std::vector<PublishedTensor>& tensors() const { return tensors_; }  // all of the architecture, in its order
  const std::filesystem::path& path() const { return path_; }

  // All elements of the tensor, slowest dimension first. Throws Error: usage (no such tensor, a span of another size), bad_input.
  void read(std::string_view name, std::span<float> out) const;

 protected:
  WeightsFile(std::filesystem::path path, const Arch& arch, const ReadOptions& options);
  virtual void fill(std::size_t which, std::span<float> out) const = 0;  // of tensors()[which]

 private:
  std::filesystem::path path_;
  Arch arch_;
  std::vector<PublishedTensor> tensors_;
  ReadOptions options_;
};

// A folder with config.json and model.safetensors or model.safetensors.index.json, or a .gguf file. Everything is checked here:
// what the architecture needs is there, in its shape, and nothing else is.
// Throws Error: not_found, bad_input (one line that names file, tensor, what was expected and what came), io.
std::unique_ptr<WeightsFile> open_weights(const std::filesystem::path& path, const ReadOptions& options = {});

// "a, b and 3 more"; for messages.
std::string some_of(const std::vector<std::string>& names);
// The whole of a small file. Throws Error{not_found, io}, and bad_input beyond `most` bytes.
std::string read_small_file(const std::filesystem::path& path, std::size_t most = std::size_t{16} << 20);

// The two readers behind open_weights.
std::unique_ptr<WeightsFile> open_safetensors_weights(const std::filesystem::path& folder, const ReadOptions& options);
std::unique_ptr<WeightsFile> open_gguf_weights(const std::filesystem::path& file, const ReadOptions& options);

}  // namespace hone
