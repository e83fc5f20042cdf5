#include "envs/board/push.h"

#include <algorithm>
#include <cstdlib>

#include "core/error.h"
#include "wire/text_file.h"

namespace hone::board {

namespace {

constexpr std::uint8_t wall = Warehouse::wall, goal = Warehouse::goal, box = Warehouse::box;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// `first` is the line of the level's first row in its file.
Warehouse level_of(const std::vector<std::string_view>& rows, const std::string& file, int first) {
  const auto bad = [&](std::size_t row, const std::string& why) { return Error(Fault::bad_input, file + ":" + std::to_string(first + static_cast<int>(row)) + ": " + why); };
  Warehouse w;
  std::size_t columns = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  if (rows.size() < 3 || columns < 3 || rows.size() > largest_warehouse || columns > largest_warehouse)
    throw bad(0, "expected a level of 3 to 20 rows and columns, got " + std::to_string(rows.size()) + " by " + std::to_string(columns));
  w.rows = static_cast<std::int32_t>(rows.size());
  w.columns = static_cast<std::int32_t>(columns);
  int players = 0, boxes = 0, goals = 0;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      std::uint8_t& cell = w.cell[r * columns + c];
      const char sign = rows[r][c];
      switch (sign) {
        case '#': cell = wall; break;
        case '.': cell = goal; break;
        case '$': cell = box; break;
        case '*': cell = goal | box; break;
        case '+': cell = goal; [[fallthrough]];
        case '@': w.player = static_cast<std::int16_t>(r * columns + c), ++players; break;
        case ' ': case '-': case '_': break;
        default: throw bad(r, std::string("expected # @ + $ * . or a blank, got '") + excerpt(rows[r].substr(c, 1)) + "'");
      }
      boxes += (cell & box) != 0;
      goals += (cell & goal) != 0;
      w.astray = static_cast<std::int16_t>(w.astray + (cell == box ? 1 : 0));
    }
  if (players != 1) throw bad(0, "expected one player (@ or +), got " + std::to_string(players));
  if (boxes != goals || boxes == 0) throw bad(0, "expected as many boxes as goals, at least one, got " + std::to_string(boxes) + " and " + std::to_string(goals));
  if (w.solved()) throw bad(0, "this level is solved already");
  if (!closed(w)) throw bad(0, "the player can leave this level: its wall is open");
  return w;
}

}  // namespace

bool closed(const Warehouse& w) {
  std::array<bool, largest_warehouse * largest_warehouse> seen{};
  std::vector<int> queue{w.player};
  seen[static_cast<std::size_t>(w.player)] = true;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const int r = queue[i] / w.columns, c = queue[i] % w.columns;
    if (r == 0 || c == 0 || r + 1 == w.rows || c + 1 == w.columns) return false;
    for (const Direction d : directions) {
      const int next = beside(queue[i], d, w.rows, w.columns);
      if ((w.at(next) & wall) != 0 || seen[static_cast<std::size_t>(next)]) continue;
      seen[static_cast<std::size_t>(next)] = true;
      queue.push_back(next);
    }
  }
  return true;
}

Warehouse read_level(std::string_view level, const std::string& name) { return level_of(lines_of(level), name, 1); }

std::string to_text(const Warehouse& w) {
  std::string out;
  for (int c = 0; c < w.cells(); ++c) {
    if (c > 0 && c % w.columns == 0) out += '\n';
    const std::uint8_t at = w.at(c);
    const bool on_goal = (at & goal) != 0;
    if (c == w.player) out += on_goal ? '+' : '@';
    else if ((at & wall) != 0) out += '#';
    else if ((at & box) != 0) out += on_goal ? '*' : '$';
    else out += on_goal ? '.' : ' ';
  }
  return out;
}

std::vector<NamedLevel> read_levels(std::string_view text, const std::string& file) {
  const auto lines = lines_of(text);
  const std::string base = file.substr(file.find_last_of('/') + 1);
  std::vector<NamedLevel> out;
  std::string name;
  std::vector<std::string_view> rows;
  int first = 1;
  const auto finish = [&] {
    if (rows.empty()) return;
    if (name.empty()) name = std::to_string(out.size());
    out.push_back({base + "#" + name, level_of(rows, file, first)});
    rows.clear();
    name.clear();
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = lines[i];
    if (line.starts_with(';')) {
      finish();
      name = clipped(one_line(line.substr(1)), 60);
    } else if (trimmed(line).empty()) {
      finish();
    } else {
      if (rows.empty()) first = static_cast<int>(i) + 1;
      rows.push_back(line);
    }
  }
  finish();
  return out;
}

Warehouse draw_warehouse(int size, int boxes, Rng& rng) {
  Warehouse w;
  w.rows = w.columns = size;
  for (int c = 0; c < w.cells(); ++c) {
    const int row = c / size, column = c % size;
    if (row == 0 || column == 0 || row + 1 == size || column + 1 == size) w.cell[static_cast<std::size_t>(c)] = wall;
  }
  // Different cells inside, by drawing again what is taken.
  const auto inside = static_cast<std::uint64_t>(size - 2);
  std::array<int, 2 * most_boxes + 1> taken{};
  std::size_t n = 0;
  const auto fresh = [&] {
    for (;;) {
      const auto at = rng.below(inside * inside);
      const int cell = (static_cast<int>(at / inside) + 1) * size + static_cast<int>(at % inside) + 1;
      if (std::find(taken.begin(), taken.begin() + n, cell) == taken.begin() + n) return taken[n++] = cell;
    }
  };
  for (int i = 0; i < boxes; ++i) {
    w.cell[static_cast<std::size_t>(fresh())] = box;
    w.cell[static_cast<std::size_t>(fresh())] = goal;
  }
  w.player = static_cast<std::int16_t>(fresh());
  w.astray = static_cast<std::int16_t>(boxes);
  return w;
}

int least_moves(const Warehouse& w) {
  int sum = 0, walk = w.cells();
  const auto apart = [&](int a, int b) { return std::abs(a / w.columns - b / w.columns) + std::abs(a % w.columns - b % w.columns); };
  for (int c = 0; c < w.cells(); ++c) {
    if ((w.at(c) & box) == 0) continue;
    int nearest = w.cells();
    for (int g = 0; g < w.cells(); ++g)
      if ((w.at(g) & goal) != 0) nearest = std::min(nearest, apart(c, g));
    sum += nearest;
    walk = std::min(walk, apart(c, w.player) - 1);
  }
  return sum + walk;
}

// Cells from which no box could ever be brought to a goal: what a box reaches by being pulled from the goals is alive.
void Solver::find_dead(const Warehouse& w) {
  dead_.fill(true);
  std::array<std::int16_t, largest_warehouse * largest_warehouse> queue;
  std::size_t from = 0, to = 0;
  for (int c = 0; c < w.cells(); ++c)
    if ((w.at(c) & goal) != 0) dead_[static_cast<std::size_t>(c)] = false, queue[to++] = static_cast<std::int16_t>(c);
  while (from < to) {
    const int at = queue[from++];
    for (const Direction d : directions) {
      const int next = beside(at, d, w.rows, w.columns), player = beside(next, d, w.rows, w.columns);
      if (next == at || player == next || ((w.at(next) | w.at(player)) & wall) != 0 || !dead_[static_cast<std::size_t>(next)]) continue;
      dead_[static_cast<std::size_t>(next)] = false;
      queue[to++] = static_cast<std::int16_t>(next);
    }
  }
}

std::optional<std::vector<Direction>> Solver::solve(const Warehouse& start, int max_moves, std::size_t max_states) {
  constexpr int bits = 9;
  static_assert(largest_warehouse * largest_warehouse <= 1 << bits);
  std::vector<int> boxes;
  for (int c = 0; c < start.cells(); ++c)
    if ((start.at(c) & box) != 0) boxes.push_back(c);
  if (boxes.size() > 6) throw Error(Fault::usage, "sokoban: the solver takes at most 6 boxes, got " + std::to_string(boxes.size()));
  if (start.solved()) return std::vector<Direction>{};
  find_dead(start);
  for (const int b : boxes)
    if (dead_[static_cast<std::size_t>(b)]) return std::nullopt;
  // A position's key: the player, then the boxes from the lowest cell.
  const auto key_of = [&](int player, std::array<int, 6> cells) {
    std::sort(cells.begin(), cells.begin() + boxes.size());
    auto key = static_cast<std::uint64_t>(player);
    for (std::size_t i = 0; i < boxes.size(); ++i) key = key << bits | static_cast<std::uint64_t>(cells[i]);
    return key;
  };
  nodes_.clear();
  std::size_t mask = 255;
  table_.assign(mask + 1, 0);
  const auto place = [&](std::uint64_t key) {
    std::size_t at = mix64(key) & mask;
    while (table_[at] != 0 && nodes_[table_[at] - 1].key != key) at = (at + 1) & mask;
    return at;
  };
  const auto add = [&](std::uint64_t key, std::uint32_t parent, Direction by) {
    std::size_t at = place(key);
    if (table_[at] != 0) return;
    if (nodes_.size() >= max_states) throw Error(Fault::budget, "sokoban: no solution among " + std::to_string(max_states) + " positions, and more are open");
    nodes_.push_back({key, parent, by});
    table_[at] = static_cast<std::uint32_t>(nodes_.size());
    if (nodes_.size() * 2 <= mask) return;
    mask = mask * 2 + 1;
    table_.assign(mask + 1, 0);
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) table_[place(nodes_[i].key)] = i + 1;
  };
  std::array<int, 6> cells{};
  std::copy(boxes.begin(), boxes.end(), cells.begin());
  add(key_of(start.player, cells), 0, Direction::none);
  std::size_t at = 0;
  for (int depth = 0; depth < max_moves && at < nodes_.size(); ++depth) {
    for (const std::size_t level_end = nodes_.size(); at < level_end; ++at) {
      std::uint64_t key = nodes_[at].key;
      for (std::size_t i = boxes.size(); i-- > 0; key >>= bits) cells[i] = static_cast<int>(key & ((1U << bits) - 1));
      const int player = static_cast<int>(key);
      for (const Direction d : directions) {
        const int to = beside(player, d, start.rows, start.columns);
        if (to == player || (start.at(to) & wall) != 0) continue;
        const auto pushed = std::find(cells.begin(), cells.begin() + boxes.size(), to);
        if (pushed == cells.begin() + boxes.size()) {
          add(key_of(to, cells), static_cast<std::uint32_t>(at), d);
          continue;
        }
        const int behind = beside(to, d, start.rows, start.columns);
        if (behind == to || (start.at(behind) & wall) != 0 || dead_[static_cast<std::size_t>(behind)] ||
            std::find(cells.begin(), cells.begin() + boxes.size(), behind) != cells.begin() + boxes.size())
          continue;
        auto moved = cells;
        moved[static_cast<std::size_t>(pushed - cells.begin())] = behind;
        add(key_of(to, moved), static_cast<std::uint32_t>(at), d);
        if (!std::all_of(moved.begin(), moved.begin() + boxes.size(), [&](int c) { return (start.at(c) & goal) != 0; })) continue;
        std::vector<Direction> way{d};
        for (std::size_t n = at; n != 0; n = nodes_[n].parent) way.push_back(nodes_[n].by);
        std::reverse(way.begin(), way.end());
        return way;
      }
    }
  }
  return std::nullopt;
}

}  // namespace hone::board
