// A world of the reflex tempo for a person: one slot, its picture as text, its actions as choices.
#pragma once

#include <memory>

#include "core/env.h"
#include "core/reflex.h"

namespace hone::cli {

// Error{usage} for a world that shows no picture or whose actions are no list.
std::unique_ptr<World> for_a_person(std::unique_ptr<BatchWorld> world, std::string_view summary);

}  // namespace hone::cli
