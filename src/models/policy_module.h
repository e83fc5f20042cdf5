// Opens the shared object that trains weights (room nn, libhone_nn.so). Nothing of it is loaded before the first call.
#pragma once

#include <memory>
#include <string>

#include "core/explorer.h"
#include "core/policy.h"

namespace hone {

// Looked for where HONE_NN says, beside the program or library that asks, and in ../lib of it. Throws Error{unavailable} that says
// where it was looked for and how to get it, {bad_input} for shapes that don't fit.
std::unique_ptr<Policy> open_policy(const PolicyOptions& options);

// The same of networks over frames.
const Nets& trained_nets();

// Empty when it can be opened, else why not; for `hone doctor` and for tests that are skipped.
std::string why_no_policy();

}  // namespace hone
