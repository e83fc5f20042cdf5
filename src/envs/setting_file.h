// A file that a setting of a world names.
#pragma once

#include <string>

namespace hone {

// Its bytes; a missing one is refused with that setting and where to read about it. Throws as read_text_file() does.
std::string read_setting_file(const std::string& world, const std::string& field, const std::string& path);

}  // namespace hone
