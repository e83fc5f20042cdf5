// What can be told of a spec and its settings without opening anything: recipes ask before any model is there.
#include <string_view>

#include "models/backend.h"

namespace hone {

bool is_remote(std::string_view spec) { return spec.starts_with("http://") || spec.starts_with("https://"); }

bool only_transport(std::string_view setting) {
  for (const char* name : {"key_env", "timeout_s", "stall_s", "retries", "backoff_s", "concurrency", "cache"})
    if (setting == name) return true;
  return false;
}

}  // namespace hone
