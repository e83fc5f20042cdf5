// Which of the offered actions an agent looks at, and which it may write again. Small models go round in circles when they may look at all of them. A world says
// what changed (Observation::changed); one that doesn't is taken to change always.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/episode.h"

namespace hone {

enum class Repeat {
  any_time,
  after_change,  // none that was taken since the world last changed
  sparing,       // besides, none that changed something before in this try: no opening and closing by turns
};

class Repeats {
 public:
  explicit Repeats(Repeat repeat = Repeat::any_time) : repeat_(repeat) {}
  // Called with every observation, the first included.
  void saw(const Observation& seen) {
    if (seen.changed) {
      taken_.clear();
      if (!last_.empty()) spent_.insert(last_);
    }
    if (!last_.empty()) taken_.insert(last_);  // what made the change comes again no sooner than the rest
    last_.clear();
  }
  void did(const std::string& action) { last_ = action; }
  bool closed(const std::string& action) const {
    return repeat_ != Repeat::any_time && (taken_.contains(action) || (repeat_ == Repeat::sparing && spent_.contains(action)));
  }
  // Indices of the choices to look at; all of them when none would be left.
  std::vector<std::size_t> open(const std::vector<std::string>& choices) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (!closed(choices[i])) out.push_back(i);
    if (!out.empty()) return out;
    for (std::size_t i = 0; i < choices.size(); ++i) out.push_back(i);
    return out;
  }

 private:
  Repeat repeat_;
  std::set<std::string> taken_, spent_;
  std::string last_;
};

}  // namespace hone
