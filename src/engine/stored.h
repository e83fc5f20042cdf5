// --from-store: episodes that were played or written down elsewhere, as experience for this run's world.
#pragma once

#include <string>
#include <vector>

#include "core/env.h"

namespace hone {

struct Stored {
  std::vector<Episode> episodes;
  std::vector<std::string> warnings;  // what was changed or left out, one sentence each
};

// Recall looks within one world and one kind of task. Episodes of a world that no catalogue knows (imported chats) become
// episodes of this one, and take its kind where it has a single one. Episodes of another world in the catalogue are left out,
// and so are tries at the tasks that this run is evaluated on, by id or by text: training and evaluation stay disjoint.
// Throws Error{bad_input} when nothing is left.
Stored experience_from(std::vector<Episode> episodes, const World& world);

}  // namespace hone
