#include "envs/setting_file.h"

#include <filesystem>

#include "core/error.h"
#include "wire/text_file.h"

namespace hone {

std::string read_setting_file(const std::string& world, const std::string& field, const std::string& path) {
  if (std::error_code ec; !path.empty() && std::filesystem::exists(path, ec)) return read_text_file(path);
  throw Error(Fault::usage, world + ": field '" + field + "': expected a file, got " + (path.empty() ? "none" : path + ": no such file") + "; docs/worlds/" + world + ".md says where there are some");
}

}  // namespace hone
