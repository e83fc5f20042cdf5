// Published combinations of the settings by name (grpo_reference, section 8).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "objective/sample.h"

namespace hone::objective {

struct Preset {
  std::string name, note;
  ObjectiveConfig config;
  std::vector<std::pair<std::string, Override>> roles;  // what samples of a role do differently: "replay", "expert", "distill"
};

const std::vector<Preset>& presets();
const Preset& preset(std::string_view name);  // throws Error{bad_input} that lists the known ones

}  // namespace hone::objective
