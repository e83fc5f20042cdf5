// What is to be done, in which world. A task never carries its own answer: the world keeps that, because agents see tasks.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace hone {

using Params = std::map<std::string, std::string>;

enum class Split { train, validation, test };

struct Task {
  std::string id;    // unique within its world, the same in every process and on every machine
  std::string env;   // world's catalogue name
  std::string kind;  // task family inside the world (ExpeL's env_type); recall filters by it
  std::string goal;  // what the agent is told
  std::uint64_t seed = 0;
  Params params;
};

}  // namespace hone
