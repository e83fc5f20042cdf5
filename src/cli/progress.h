// A run's events, drawn for a person (bars, curve points, arms) or printed as JSON lines for a program.
#pragma once

#include <memory>

#include "engine/event.h"

namespace hone::cli {

Listener make_listener(bool json);

}  // namespace hone::cli
