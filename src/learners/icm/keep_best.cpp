#include "learners/icm/keep_best.h"

#include <numeric>

namespace hone {

void KeepBest::see(const Rollout& x, const Savable& nets) {
  const std::size_t n = running_.size();
  for (std::size_t k = 0; k < static_cast<std::size_t>(x.steps) * n; ++k) {
    double& sum = running_[k % n];
    if (x.data.fault[k] != 0) {
      sum = 0.0;
      continue;
    }
    sum += static_cast<double>(x.data.reward[k]);
    if (x.data.terminated[k] == 0 && x.data.truncated[k] == 0) continue;
    finished_.push_back(sum);
    sum = 0.0;
    if (finished_.size() > window_) finished_.pop_front();
  }
  if (finished_.size() < window_) return;
  const double mean = std::accumulate(finished_.begin(), finished_.end(), 0.0) / static_cast<double>(window_);
  if (mean <= best_) return;
  best_ = mean;
  MemorySink sink;
  nets.save(sink);
  nets_ = std::move(sink.data);
}

void KeepBest::restore(Savable& nets) const {
  if (nets_.empty()) return;
  MemorySource source(nets_);
  nets.load(source);
}

void KeepBest::save(Sink& sink) const {
  put(sink, best_);
  put(sink, static_cast<std::uint64_t>(finished_.size()));
  for (const double x : finished_) put(sink, x);
  for (const double x : running_) put(sink, x);
  put(sink, static_cast<std::uint64_t>(nets_.size()));
  sink.write(nets_);
}

void KeepBest::load(Source& source) {
  std::uint64_t count = 0;
  get(source, best_), get(source, count);
  finished_.assign(static_cast<std::size_t>(count), 0.0);
  for (double& x : finished_) get(source, x);
  for (double& x : running_) get(source, x);
  get(source, count);
  nets_.resize(static_cast<std::size_t>(count));
  source.read(nets_);
}

}  // namespace hone
