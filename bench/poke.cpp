// How many rendered pokes a second poke makes on one core, random pokes at things, new episodes counted as part of the time. Best and
// median of seven rounds.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <span>
#include <vector>

#include "envs/poke/poke.h"

using namespace hone;

namespace {

void measure(const char* variation, const char* objects, const char* pixels) {
  using Clock = std::chrono::steady_clock;
  constexpr int rounds = 7, pokes = 400;
  const auto world = open_poke(settings({{"variation", variation}, {"objects", objects}, {"pixels", pixels}}));
  const auto env = world->make({});
  const std::size_t size = env->spec().observation.bytes();
  std::vector<std::byte> obs(size), last(size);
  float reward = 0.0F;
  std::uint8_t terminated = 0, truncated = 0, fault = 0;
  const int slot = 0;
  const Buffers out{obs, last, {&reward, 1}, {&terminated, 1}, {&truncated, 1}, {&fault, 1}};
  const auto tasks = world->tasks(Split::train);
  env->reset({&slot, 1}, {tasks.data(), 1}, out);
  Rng rng(1);
  std::vector<double> rates;
  for (int r = 0; r < rounds; ++r) {
    const auto start = Clock::now();
    for (int i = 0; i < pokes; ++i) {
      const std::array<float, 4> action{static_cast<float>(0.999 * rng.uniform()), static_cast<float>(0.999 * rng.uniform()),
                                        static_cast<float>(6.283 * rng.uniform()), static_cast<float>(0.01 + 0.09 * rng.uniform())};
      env->send({&slot, 1}, std::as_bytes(std::span(action)));
      env->recv(out, 1);
    }
    rates.push_back(pokes / std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(rates.begin(), rates.end());
  std::printf("poke, %s things, %s pixels, variation %-4s %8.0f pokes/s best, %8.0f median\n", objects, pixels, variation, rates.back(), rates[rounds / 2]);
}

}  // namespace

int main() {
  for (const char* variation : {"none", "some", "all"}) measure(variation, "1", "64");
  measure("all", "3", "64");
  measure("all", "3", "128");
}
