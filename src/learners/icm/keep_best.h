// Which weights a run ends with: learning from a rare reward may lose again what it had found.
#pragma once

#include <cmath>
#include <deque>

#include "core/reflex.h"

namespace hone {

// Remembers the networks under which the last `window` finished episodes brought most reward on average (the world's, without bonus).
class KeepBest final : public Savable {
 public:
  KeepBest(int window, int slots) : window_(static_cast<std::size_t>(window)), running_(static_cast<std::size_t>(slots), 0.0) {}

  // Before the networks learn from the rollout that they have played.
  void see(const Rollout& played, const Savable& nets);
  // Puts the remembered networks back; does nothing before the first `window` episodes.
  void restore(Savable& nets) const;
  double best() const { return best_; }  // the mean they had; less than nothing before then

  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  std::size_t window_;
  std::vector<double> running_;   // of each slot's episode so far
  std::deque<double> finished_;
  double best_ = -INFINITY;
  std::vector<std::byte> nets_;
};

}  // namespace hone
