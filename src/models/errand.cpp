#include "models/errand.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/error.h"

namespace hone {

namespace {
thread_local Errand* errand = nullptr;
}  // namespace

Errand::Errand(std::stop_token stop, Hear hear, double patience_s) : stop_(std::move(stop)), hear_(std::move(hear)), patience_s_(patience_s), before_(errand) { errand = this; }

Errand::Errand(std::stop_token stop, const Errand* above)
    : Errand(std::move(stop), above == nullptr ? Hear() : above->hear_, above == nullptr ? 5.0 : above->patience_s_) {}

Errand::~Errand() {
  errand = before_;
  if (before_ != nullptr) before_->spent_.insert(before_->spent_.end(), spent_.begin(), spent_.end());
}

std::vector<Usage> Errand::take() { return std::exchange(spent_, {}); }

Errand* Errand::now() { return errand; }
std::stop_token Errand::stop() { return errand == nullptr ? std::stop_token() : errand->stop_; }
double Errand::patience_s() { return errand == nullptr ? 0.0 : errand->patience_s_; }

void Errand::tell(News news, const std::string& text) {
  if (errand != nullptr && errand->hear_) errand->hear_(news, text);
}

void Errand::spend(const Usage& used) {
  if (errand != nullptr && (used.calls > 0 || used.prompt_tokens > 0)) errand->spent_.push_back(used);
}

void Errand::wait(double seconds) {
  const std::stop_token stopped = stop();
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock hold(mutex);
  never.wait_for(hold, stopped, std::chrono::duration<double>(seconds), [] { return false; });
  if (stopped.stop_requested()) throw Error(Fault::interrupted, "stopped");
}

Unclaimed::~Unclaimed() {
  if (std::uncaught_exceptions() > errors_) Errand::spend(used_);
}

}  // namespace hone
