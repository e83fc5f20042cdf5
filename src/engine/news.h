// What servers said beside their answers: told as it comes, and what makes the result poorer is kept for the report, once each.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/event.h"
#include "models/errand.h"

namespace hone {

// Listeners are called from one thread at a time, and waits are said by whichever thread waits.
inline Listener one_at_a_time(Listener listener) {
  if (!listener) return listener;
  return [next = std::move(listener), mutex = std::make_shared<std::mutex>()](const Event& event) {
    const std::lock_guard lock(*mutex);
    next(event);
  };
}

class News {
 public:
  Errand::Hear hear(Listener listener) {
    return [this, listener = std::move(listener)](Errand::News kind, const std::string& text) {
      if (kind == Errand::News::trouble) {
        const std::lock_guard lock(mutex_);
        if (std::find(troubles_.begin(), troubles_.end(), text) != troubles_.end()) return;
        troubles_.push_back(text);
      }
      if (listener) listener({kind == Errand::News::trouble ? "warning" : "message", {{"text", text}}});
    };
  }
  std::vector<std::string> troubles() {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> troubles_;
};

}  // namespace hone
