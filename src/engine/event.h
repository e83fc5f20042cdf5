// What a run says while it goes on. The library never prints: whoever started the run listens, and draws bars or JSON lines.
#pragma once

#include <functional>
#include <string>

#include "wire/json.h"

namespace hone {

// kinds: run, phase, progress, episode, round, curve, message, warning, arm, result. Fields are documented in docs/formats/events.md.
struct Event {
  std::string kind;
  wire::Json fields;
};

// Called from one thread at a time.
using Listener = std::function<void(const Event&)>;

}  // namespace hone
