#include "learners/poke/pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace hone {
namespace {

BatchSpec spec(int slots) {
  BatchSpec s;
  s.observation = {SpaceKind::box, Dtype::u8, {6, 1, 1}, 0.0, 255.0};
  s.action = {SpaceKind::box, Dtype::f32, {4}, 0.0, 6.3};
  s.slots = slots;
  s.infos = {"px", "py", "theta", "length", "moved", "reset"};
  return s;
}

// A rollout whose pictures are single pixels with the number of their row.
struct Played {
  Played(int steps, int slots) {
    const auto total = static_cast<std::size_t>(steps * slots), n = static_cast<std::size_t>(slots);
    obs.resize((total + n) * 6), last.resize(total * 6), info.resize(total * 6), zeros.resize(total), truncated.resize(total), fault.resize(total), fresh.resize(total + n);
    for (std::size_t i = 0; i < obs.size(); ++i) obs[i] = static_cast<std::byte>(i / 6);
    for (std::size_t i = 0; i < last.size(); ++i) last[i] = static_cast<std::byte>(100 + i / 6);
    for (std::size_t k = 0; k < total; ++k) info[k * 6] = 0.01F * static_cast<float>(k), info[k * 6 + 4] = 1.0F;
    rollout.steps = steps, rollout.slots = slots;
    rollout.data = {obs, last, {}, zeros, truncated, fault, info};
  }
  const Rollout& now() {
    rollout.fresh = fresh;
    return rollout;
  }
  std::vector<std::byte> obs, last;
  std::vector<float> info;
  std::vector<std::uint8_t> zeros, truncated, fault, fresh;
  Rollout rollout;
};

std::vector<std::array<int, 3>> seen(const PokePairs& pairs) {  // before, after, hundredths of px
  std::vector<std::array<int, 3>> out;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    out.push_back({std::to_integer<int>(pairs.picture(pairs[i].before)[0]), std::to_integer<int>(pairs.picture(pairs[i].after)[0]), static_cast<int>(std::lround(100 * pairs[i].poke.px))});
  return out;
}

TEST(PokePairs, AreWhatLiesOnePokeApartAndNothingElse) {
  Played played(3, 2);
  played.truncated[2] = 1, played.fresh[4] = 1;  // slot 0 ends with its second step
  played.info[3 * 6 + 5] = 1.0F;                 // slot 1: put back in its second step
  PokePairs pairs(spec(2));
  pairs.take(played.now());
  EXPECT_EQ(seen(pairs), (std::vector<std::array<int, 3>>{{0, 2, 0}, {1, 3, 1}, {2, 102, 2}, {4, 6, 4}, {5, 7, 5}}));
  // The next rollout goes on where this one ended, without keeping that picture again.
  Played more(1, 2);
  more.obs[0] = static_cast<std::byte>(6), more.obs[6] = static_cast<std::byte>(7);
  pairs.take(more.now());
  EXPECT_EQ(pairs[5].before, pairs[3].after);
  EXPECT_EQ(pairs[6].before, pairs[4].after);
  Played faulty(1, 2);
  faulty.fault[0] = 1, faulty.fresh[2] = 1;
  pairs.take(faulty.now());
  EXPECT_EQ(pairs.size(), 8U);
}

TEST(PokePairs, EveryEighthSlotIsHeldOutAndAllComesBack) {
  Played played(4, 16);
  PokePairs pairs(spec(16)), back(spec(16));
  pairs.take(played.now());
  EXPECT_EQ(pairs.training().size(), 56U);
  EXPECT_EQ(pairs.held_out().size(), 8U);
  for (const std::size_t i : pairs.held_out()) EXPECT_EQ(i % 8, 7U);
  MemorySink sink;
  pairs.save(sink);
  MemorySource source(sink.data);
  back.load(source);
  EXPECT_EQ(seen(back), seen(pairs));
  EXPECT_EQ(back.training(), pairs.training());
  pairs.take(played.now()), back.take(played.now());
  MemorySink a, b;
  pairs.save(a), back.save(b);
  EXPECT_EQ(a.data, b.data);
  sink.data[sink.data.size() - 64 - 18 - 1] = static_cast<std::byte>(0xff);  // the last pair's picture after
  MemorySource broken(sink.data);
  EXPECT_THROW(back.load(broken), Error);
  PokeSelection chosen;
  chosen.gather(pairs, std::vector<std::size_t>{3, 5}, {});
  EXPECT_EQ(chosen.batch().before.size(), 6U);
  EXPECT_EQ(chosen.classes()[1][head_location], 0);
}

TEST(PokeSelection, MovesPicturesAndPokeTogether) {
  BatchSpec s = spec(1);
  s.observation.shape = {6, 4, 4};
  PokePairs pairs(s);
  std::vector<std::byte> obs(2 * 96), last(96);
  for (std::size_t i = 0; i < obs.size(); ++i) obs[i] = static_cast<std::byte>(i / 96 * 100 + i % 16);  // 4 row + column, and 100 more after
  std::vector<float> info{0.4F, 0.6F, 1.0F, 0.05F, 1.0F, 0.0F};
  std::vector<std::uint8_t> none(1), fresh(2);
  Rollout x;
  x.steps = 1, x.slots = 1, x.fresh = fresh;
  x.data = {obs, last, {}, none, none, none, info};
  pairs.take(x);
  Rng rng(1);
  std::array<int, 2> most{};
  for (int k = 0; k < 50; ++k) {
    PokeSelection chosen;
    chosen.gather_shifted(pairs, std::vector<std::size_t>{0}, {}, 4, 1, rng);
    const PokeBatch b = chosen.batch();
    const int right = static_cast<int>(std::lround(((static_cast<double>(b.numbers[0]) + 1.0) / 2.0 - 0.4) * 4)), down = static_cast<int>(std::lround(((static_cast<double>(b.numbers[1]) + 1.0) / 2.0 - 0.6) * 4));
    ASSERT_LE(std::max(std::abs(right), std::abs(down)), 1);
    most[0] = std::max(most[0], right), most[1] = std::min(most[1], down);
    for (int i = 0; i < 48; ++i) {
      const int row = std::clamp(i % 16 / 4 - down, 0, 3), col = std::clamp(i % 4 - right, 0, 3);
      ASSERT_EQ(std::to_integer<int>(b.before[static_cast<std::size_t>(i)]), 4 * row + col);
      ASSERT_EQ(std::to_integer<int>(b.after[static_cast<std::size_t>(i)]), 100 + 4 * row + col);
    }
    EXPECT_EQ(chosen.classes()[0], PokeBins{}.of({0.4F + 0.25F * static_cast<float>(right), 0.6F + 0.25F * static_cast<float>(down), 1.0F, 0.05F}, true));
  }
  EXPECT_EQ(most, (std::array<int, 2>{1, -1}));
}

TEST(PokePairs, AWorldThatDoesNotSayWhatHappenedIsRefused) {
  BatchSpec s = spec(2);
  s.infos.pop_back();
  try {
    const PokePairs pairs(s);
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("expected a world that says 'reset' of every step"), std::string::npos);
  }
}

}  // namespace
}  // namespace hone
