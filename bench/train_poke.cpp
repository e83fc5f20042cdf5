// Steps of learning to poke on random pictures, by encoder and size of the pictures: milliseconds of processor time a step of 64 pairs on one
// thread, best and median. Processor time, because the machine may be shared.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "nn/machine.h"
#include "nn/poking/poker.h"

namespace {

using namespace hone;

void measure(const char* name, PokerLayout layout, int side) {
  constexpr std::size_t n = 64;
  constexpr int steps = 12;
  PokerOptions o;
  o.side = side, o.layout = layout;
  const auto nets = nn::make_poker(o);
  Rng rng(1);
  const std::size_t size = n * 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  std::vector<std::byte> before(size), after(size);
  for (auto* pictures : {&before, &after})
    for (auto& b : *pictures) b = static_cast<std::byte>(rng.below(256));
  const std::vector<PokeClasses> classes(n, PokeClasses{3, 2, 1});
  const std::vector<float> numbers(n * poke_numbers, 0.1F);
  std::vector<double> ms;
  for (int s = 0; s < steps; ++s) {
    const std::clock_t start = std::clock();
    nets->learn({before, after, classes, numbers}, {}, {});
    ms.push_back(1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  std::sort(ms.begin(), ms.end());
  fmt::print("{:8} {:3} pixels: {:7.1f} ms best, {:7.1f} median\n", name, side, ms.front(), ms[steps / 2]);
}

}  // namespace

int main() {
  nn::prepare_machine(1);
  for (const int side : {32, 64}) {
    measure("strided", PokerLayout::strided, side);
    measure("small", PokerLayout::small, side);
    measure("first", PokerLayout::first, side);
  }
}
