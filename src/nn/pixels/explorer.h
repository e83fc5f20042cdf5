#pragma once

#include <memory>

#include "core/explorer.h"

namespace hone::nn {

// Throws Error{bad_input} when an option is outside what these networks can be.
std::unique_ptr<Explorer> make_explorer(const ExplorerOptions& options);

}  // namespace hone::nn
