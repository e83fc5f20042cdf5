// Pictures of a few evaluation episodes, for the report: what the agent saw, from the first observation to the last.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/reflex.h"

namespace hone {

struct Recording {
  std::string task;
  double score = 0.0;
  int width = 0, height = 0, colours = 1;  // colours: 1 gray, 3 red, green, blue
  int every = 1, steps = 0;                // a picture each so many steps, and the last one; steps of the episode
  std::vector<std::vector<std::byte>> pictures;  // [height, width, colours]
};

// Of worlds whose observations are pictures (u8 [channels, height, width]): 1 or 4 channels are gray, the newest last; 3 are colours; 6 two
// such pictures, set side by side. Of other worlds it keeps nothing.
class Recorder {
 public:
  explicit Recorder(const Space& observation, std::size_t episodes = 3, std::size_t pictures = 40);
  void see(std::size_t task, std::span<const std::byte> observation);  // in the order of the steps
  void end(std::size_t task, const std::string& name, double score);
  std::vector<Recording> take() const;  // of the episodes that ended, in the order of the tasks

 private:
  struct Kept {
    Recording recording;
    std::vector<std::byte> newest;
    bool ended = false;
  };
  std::vector<std::byte> picture_of(std::span<const std::byte> observation) const;

  std::size_t episodes_, most_;
  int channels_ = 0, height_ = 0, width_ = 0;  // channels 0: no pictures
  std::map<std::size_t, Kept> kept_;
};

}  // namespace hone
