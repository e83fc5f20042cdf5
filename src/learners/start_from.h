#pragma once

#include <string>

#include "core/reflex.h"

namespace hone {

// Networks from the bytes that another run published, which begin with them. Throws Error{not_found} or {corrupt} that names the file.
void start_from(const std::string& path, Savable& networks);

}  // namespace hone
