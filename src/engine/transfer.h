// ExpeL's stage D inside a run: the insights of an earlier run, rewritten once by the model for this run's world.
#pragma once

#include <stop_token>
#include <string>

#include "engine/opened.h"
#include "store/store.h"

namespace hone {

// Commits one insight to the run's scope under the key "transfer"; in a resumed run it is there already. Returns what
// the call cost. No examples of the target world are shown (the paper's "w/o task demos"): worlds bring none by hand.
// Throws Error{not_found} when recipe.transfer_from names no run, Error{bad_input} when that run has no insights.
Usage transfer_insights(Store& store, const Recipe& recipe, const Opened& opened, const std::string& run, std::stop_token stop);

}  // namespace hone
