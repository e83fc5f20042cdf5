// Which run is the run of a recipe. What it was made of stands in its meta: the recipe as a hash, and the files that the recipe names,
// each with the SHA-256 of what was in it, so that a run is not gone on with after one of them changed.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/recipe.h"
#include "store/store.h"

namespace hone {

struct MadeOf {
  std::string hash;    // recipe, models, version and ids of the tasks: RunInfo::config_hash
  std::string recipe;  // the same without the tasks
  std::map<std::string, std::string> files;  // path as given -> SHA-256
};

// Files that settings of world, agents and method name (folders too where a setting is a list), and transfer_examples.
// Programs (`command`, `cwd`) are left out: what they run is theirs.
std::map<std::string, std::string> named_files(const Recipe& recipe);

std::string meta_of(const MadeOf& made_of);

enum class Wanted { to_go_on, finished };
// The newest run made of just this: any (it goes on, or is shown again), or a finished one. When there is none, but an unfinished one
// (or a finished one) would be it but for a file that changed: Error{bad_input} naming run and file. A run from before files
// were noted is taken as it is.
std::optional<RunInfo> run_made_of(const Store& store, const MadeOf& made_of, Wanted wanted);

}  // namespace hone
