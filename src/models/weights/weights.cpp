#include "models/weights/weights.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/error.h"
#include "wire/json.h"

namespace hone {

WeightsFile::WeightsFile(std::filesystem::path path, const Arch& arch, const ReadOptions& options)
    : path_(std::move(path)), arch_(arch), tensors_(published_tensors(arch)), options_(options) {}

void WeightsFile::read(std::string_view name, std::span<float> out) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const PublishedTensor& t) { return t.name == name; });
  if (found == tensors_.end()) throw Error(Fault::usage, path_.string() + ": no tensor is called " + excerpt(name));
  const std::string where = path_.string() + ": " + found->name + ": ";
  if (static_cast<std::int64_t>(out.size()) != found->count())
    throw Error(Fault::usage, where + "expected room for " + std::to_string(found->count()) + " elements, got " + std::to_string(out.size()));
  fill(static_cast<std::size_t>(found - tensors_.begin()), out);
  if (!options_.finite) return;
  const auto strange = std::find_if(out.begin(), out.end(), [](float x) { return !std::isfinite(x); });
  if (strange == out.end()) return;
  const std::int64_t place = strange - out.begin();
  throw Error(Fault::bad_input, where + "expected finite numbers, got " + (std::isnan(*strange) ? "NaN" : "infinity") + " in row " +
                                    std::to_string(place / found->columns()) + ", column " + std::to_string(place % found->columns()));
}

std::unique_ptr<WeightsFile> open_weights(const std::filesystem::path& path, const ReadOptions& options) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return open_safetensors_weights(path, options);
  if (!std::filesystem::exists(path, code)) throw Error(Fault::not_found, path.string() + ": no such model");
  if (path.extension() == ".safetensors")
    throw Error(Fault::bad_input, path.string() + ": expected the folder of the model (weights with config.json beside them), got a file of it");
  return open_gguf_weights(path, options);
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) out += (i == 0 ? "" : ", ") + wire::shortened(names[i]);
  if (names.size() > shown) out += " and " + std::to_string(names.size() - shown) + " more";
  return out;
}

std::string read_small_file(const std::filesystem::path& path, std::size_t most) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) throw Error(Fault::not_found, path.string() + ": no such file");
  if (!std::filesystem::is_regular_file(path, code)) throw Error(Fault::bad_input, path.string() + ": expected a file, got a folder or device");
  const auto size = std::filesystem::file_size(path, code);
  if (!code && size > most) throw Error(Fault::bad_input, path.string() + ": expected at most " + std::to_string(most) + " bytes, got " + std::to_string(size));
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(code ? 0 : size), '\0');
  if (code || !file || !file.read(text.data(), static_cast<std::streamsize>(text.size()))) throw Error(Fault::io, path.string() + ": can't be read");
  return text;
}

}  // namespace hone
