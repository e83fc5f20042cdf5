#include "envs/board/lake.h"

#include "core/error.h"

namespace hone::board {

const std::string_view lake_4x4 = "SFFF\nFHFH\nFFFH\nHFFG";
const std::string_view lake_8x8 = "SFFFFFFF\nFFFFFFFF\nFFFHFFFF\nFFFFFHFF\nFFFHFFFF\nFHHFFFHF\nFHFFHFHF\nFFFHFFFG";

Lake read_lake(std::string_view map, const std::string& name) {
  Lake lake;
  const auto bad = [&](int row, const std::string& why) { return Error(Fault::bad_input, name + ": row " + std::to_string(row + 1) + ": " + why); };
  lake.size = static_cast<int>(std::min(map.find('\n'), map.size()));
  if (lake.size < 2 || lake.size > largest_lake) throw bad(0, "expected 2 to 16 tiles, got " + std::to_string(lake.size));
  int starts = 0, goals = 0, row = 0;
  for (;; ++row) {
    const std::size_t end = std::min(map.find('\n'), map.size());
    if (row >= lake.size || end != static_cast<std::size_t>(lake.size)) throw bad(row, "expected a square, " + std::to_string(lake.size) + " rows of as many tiles");
    for (std::size_t c = 0; c < end; ++c) {
      const auto cell = static_cast<std::int16_t>(row * lake.size + static_cast<int>(c));
      switch (map[c]) {
        case 'F': break;
        case 'H': lake.hole[static_cast<std::size_t>(cell)] = true; break;
        case 'S': lake.start = cell, ++starts; break;
        case 'G': lake.goal = cell, ++goals; break;
        default: throw bad(row, std::string("expected S, F, H or G, got '") + excerpt(map.substr(c, 1)) + "'");
      }
    }
    if (end == map.size()) break;
    map.remove_prefix(end + 1);
  }
  if (row + 1 != lake.size) throw bad(row, "expected a square, " + std::to_string(lake.size) + " rows of as many tiles");
  if (starts != 1 || goals != 1) throw Error(Fault::bad_input, name + ": expected one S and one G, got " + std::to_string(starts) + " and " + std::to_string(goals));
  return lake;
}

std::string to_text(const Lake& lake) {
  std::string out;
  for (int cell = 0; cell < lake.cells(); ++cell) {
    if (cell > 0 && cell % lake.size == 0) out += '\n';
    out += cell == lake.start ? 'S' : cell == lake.goal ? 'G' : lake.is_hole(cell) ? 'H' : 'F';
  }
  return out;
}

Lake draw_lake(int size, double frozen, Rng& rng) {
  Lake lake;
  lake.size = size;
  const auto cells = static_cast<std::uint64_t>(lake.cells());
  for (std::size_t cell = 0; cell < cells; ++cell) lake.hole[cell] = rng.uniform() >= frozen;
  lake.start = static_cast<std::int16_t>(rng.below(cells));
  lake.goal = static_cast<std::int16_t>(rng.below(cells - 1));
  if (lake.goal >= lake.start) ++lake.goal;
  lake.hole[static_cast<std::size_t>(lake.start)] = lake.hole[static_cast<std::size_t>(lake.goal)] = false;
  return lake;
}

std::optional<int> shortest_path(const Lake& lake) {
  std::array<std::int16_t, largest_lake * largest_lake> distance, queue;
  distance.fill(-1);
  std::size_t from = 0, to = 0;
  queue[to++] = lake.start;
  distance[static_cast<std::size_t>(lake.start)] = 0;
  while (from < to) {
    const auto cell = queue[from++];
    if (cell == lake.goal) return distance[static_cast<std::size_t>(cell)];
    for (const Direction move : directions) {
      const int next = beside(cell, move, lake.size, lake.size);
      auto& d = distance[static_cast<std::size_t>(next)];
      if (d >= 0 || lake.is_hole(next)) continue;
      d = static_cast<std::int16_t>(distance[static_cast<std::size_t>(cell)] + 1);
      queue[to++] = static_cast<std::int16_t>(next);
    }
  }
  return std::nullopt;
}

}  // namespace hone::board
