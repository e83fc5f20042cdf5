// ALFWorld's own game files (game.tw-pddl): one JSON object with a PDDL domain, a PDDL problem and a text grammar.
// Written from the format as ALFWorld's code makes it; no original file was at hand to try it on.
#pragma once

#include <string>
#include <vector>

namespace hone::household {

struct GameFile {
  std::string path, name;  // name: the last two folders, which ALFWorld names after task and trial
  std::string domain, problem, goal, family;
};

// Files as given, folders searched for *.tw-pddl in order of their paths. Throws Error{bad_input} naming file and field.
std::vector<GameFile> read_games(const std::vector<std::string>& paths);

}  // namespace hone::household
