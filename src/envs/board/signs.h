// What a board's cells are drawn with. A method that must find out the rules is shown letters that mean nothing (abstract), or others in
// every run (random), so that nothing is known from a well-known game.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hone::board {

enum class Symbols { abstract, random, plain };

// One sign for every kind of cell of a game, in the game's order; no two are equal.
using Signs = std::vector<std::string>;

// `abstract` and `plain` are the game's own. `random` draws letters, by `seed` and by `game`, none of which is among `plain`, nor
// among the signs that these games are usually drawn with.
Signs make_signs(Symbols symbols, const Signs& abstract, const Signs& plain, std::uint64_t seed, const std::string& game);

}  // namespace hone::board
