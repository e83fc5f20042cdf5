// ExpeL's stage D inside a run: the insights of an earlier run, rewritten once by the model for this run's world.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/opened.h"
#include "store/store.h"

namespace hone {

// Commits one insight to the run's scope under the key "transfer"; in a resumed run it is there already. Returns what
// the call cost. Worlds bring no examples by hand: those of recipe.transfer_examples are shown in the call, without it none (the
// paper's "w/o task demos").
// Throws Error{not_found} when recipe.transfer_from names no run, Error{bad_input} when that run has no insights.
Usage transfer_insights(Store& store, const Recipe& recipe, const Opened& opened, const std::string& run, std::stop_token stop);

// The file that recipe.transfer_examples names: JSONL, one solved task a line, {"task": "...", "transcript": "..."}, or as agents read
// examples (agents/examples.h). Empty where it names none. Error naming the recipe's field, then the file, line and field: no such file, what does not fit, a file without a line.
std::vector<Case> transfer_examples(const Recipe& recipe, const std::string& action_word = "Action");

}  // namespace hone
