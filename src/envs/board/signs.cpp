#include "envs/board/signs.h"

#include <algorithm>

#include "core/error.h"
#include "core/rng.h"

namespace hone::board {

Signs make_signs(Symbols symbols, const Signs& abstract, const Signs& plain, std::uint64_t seed, const std::string& game) {
  if (symbols == Symbols::abstract) return abstract;
  if (symbols == Symbols::plain) return plain;
  constexpr std::string_view usual = "SFHGPOXBW";  // start, frozen, hole, goal, player, hole, ..., box, wall
  Signs pool;
  for (char c = 'A'; c <= 'Z'; ++c)
    if (usual.find(c) == std::string_view::npos && std::find(plain.begin(), plain.end(), std::string(1, c)) == plain.end()) pool.emplace_back(1, c);
  if (pool.size() < plain.size()) throw Error(Fault::internal, game + ": fewer letters than signs");
  Rng rng = Rng(seed).split("signs").split(game);
  rng.shuffle(pool);
  pool.resize(plain.size());
  return pool;
}

}  // namespace hone::board
