// What learning from pokes must show (poke.md 9.3, 9.5 to 9.7), on pictures of 32 by 32 and 3,000 pokes: half a minute each.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>

#include "core/error.h"
#include "engine/rollout.h"
#include "envs/poke/poke.h"
#include "learners/poke/blob.h"
#include "learners/poke/poke.h"
#include "models/policy_module.h"

namespace hone {
namespace {

constexpr int side = 32, slots = 16;

class PokeLearns : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  }
};

// Pairs of random pokes, and networks that learn from those that are not held out.
struct Trained {
  explicit Trained(std::uint64_t seed = 201, int pokes = 3000) : world(open_poke(settings({{"pixels", std::to_string(side)}}))), collector(*world, world->tasks(Split::train), {.slots = slots}, Rng(seed)), pairs(collector.spec()) {
    RandomActor actor(collector.spec().action);  // the world turns px, py into a point of a thing
    RolloutStats stats;
    for (int done = 0; done < pokes; done += 25 * slots) pairs.take(collector.collect(actor, 25, stats));
    nets = fresh(seed);
  }
  std::unique_ptr<Poker> fresh(std::uint64_t seed) const {
    PokerOptions o;
    o.side = side, o.classes = bins.counts(), o.seed = seed;
    return trained_nets().poker(o);
  }
  void learn(int steps, const PokeObjective& objective, bool shuffled = false) {
    const auto& all = pairs.training();
    PokeSelection chosen;
    std::vector<std::size_t> which(64);
    for (int s = 0; s < steps; ++s) {
      Rng rng = Rng(7).split(static_cast<std::uint64_t>(s));
      for (auto& w : which) w = all[rng.below(all.size())];
      chosen.gather_shifted(pairs, which, bins, side, 2, rng);
      for (std::size_t i = 0; shuffled && i < which.size(); ++i) {
        const auto& other = pairs[all[rng.below(all.size())]];
        chosen.set_classes(i, bins.of(other.poke, other.met != 0));
      }
      loss = nets->learn(chosen.batch(), objective, {.lr = 1e-3 * (1.0 - 0.9 * s / steps), .scale = 1.0, .clip = 40.0});
    }
  }
  PokeSelection held_out() const {
    PokeSelection out;
    out.gather(pairs, pairs.held_out(), bins);
    return out;
  }
  // Share of held-out pokes whose class is right, by head.
  std::array<double, poke_heads> accuracy() {
    const PokeSelection chosen = held_out();
    std::vector<PokeClasses> answers(chosen.classes().size());
    nets->answer(chosen.batch().before, chosen.batch().after, bins.counts()[head_length], answers);
    std::array<double, poke_heads> right{}, asked{};
    for (std::size_t i = 0; i < answers.size(); ++i)
      for (std::size_t h = 0; h < poke_heads; ++h)
        if (chosen.classes()[i][h] >= 0) ++asked[h], right[h] += answers[i][h] == chosen.classes()[i][h];
    for (std::size_t h = 0; h < poke_heads; ++h) right[h] /= asked[h];
    return right;
  }
  std::unique_ptr<BatchWorld> world;
  RolloutCollector collector;
  PokeBins bins;
  PokePairs pairs;
  std::unique_ptr<Poker> nets;
  PokeLoss loss;
};

void say(const char* what, const std::array<double, poke_heads>& of) { std::printf("%s: location %.3f, angle %.3f, length %.3f\n", what, of[0], of[1], of[2]); }

TEST_F(PokeLearns, HeldOutPokesAreReadManyTimesBetterThanChanceAndShuffledOnesAtChance) {  // 9.5
  Trained joint, shuffled;
  joint.learn(900, {});
  shuffled.learn(400, {}, true);
  const auto right = joint.accuracy(), chance = shuffled.accuracy();
  say("joint", right), say("shuffled", chance);
  EXPECT_GT(right[head_location], 8.0 / 144.0);
  EXPECT_GT(right[head_angle], 3.5 / 18.0);  // many directions come to the same
  EXPECT_GT(right[head_length], 2.0 / 7.0);
  // What shuffled labels can still teach is which class is most frequent: the middle of the table, and lengths of pokes that met something.
  EXPECT_LT(chance[head_location], 4.0 / 144.0);
  EXPECT_LT(chance[head_angle], 1.8 / 18.0);
  EXPECT_LT(chance[head_length], 1.8 / 7.0);
}

TEST_F(PokeLearns, WithoutTheInverseLossFeaturesCollapse) {  // 9.6
  Trained both, alone;
  const double as_drawn = both.nets->judge(both.held_out().batch()).spread;
  both.learn(300, {.inverse = 1.0, .forward = 1.0});
  alone.learn(300, {.inverse = 0.0, .forward = 1.0});
  const PokeLoss with = both.nets->judge(both.held_out().batch()), without = alone.nets->judge(alone.held_out().batch());
  std::printf("spread as drawn %.4f, with the inverse loss %.4f, without %.4f; forward loss without %.5f\n", as_drawn, with.spread, without.spread, without.forward);
  EXPECT_LT(without.spread, 0.05 * as_drawn);
  EXPECT_LT(without.forward, 0.05 * as_drawn);
  EXPECT_GT(with.spread, 5.0 * without.spread);
}

TEST_F(PokeLearns, LambdaMakesFeaturesThatAreEasierToPredict) {  // 9.7: the same fresh forward model on frozen features of each
  std::array<double, 2> miss{};
  for (const std::size_t k : {0U, 1U}) {
    Trained t;
    t.learn(500, {.inverse = 1.0, .forward = k == 0 ? 0.0 : 0.1});
    t.learn(250, {.inverse = 0.0, .forward = 1.0, .forward_alone = true});
    const PokeLoss loss = t.nets->judge(t.held_out().batch());
    miss[k] = loss.forward / loss.spread;
    std::printf("lambda %.1f: forward error %.4f, spread %.4f, ratio %.4f\n", k == 0 ? 0.0 : 0.1, loss.forward, loss.spread, miss[k]);
  }
  EXPECT_LT(miss[1], miss[0]);
}

// Mean relative distance to the goal after each of ten pokes, over 200 goals of things like those learned from; what is there stays there.
enum class By { networks, random_on_the_thing, straight_pushes };
std::vector<double> way_left(Trained& t, By by) {
  const auto world = open_poke(settings({{"pixels", std::to_string(side)}, {"test", "200"}, {"aim", by == By::networks ? "said" : by == By::straight_pushes ? "oracle" : "object"}}));
  const auto tasks = world->tasks(Split::test);
  const auto env = world->make({.slots = static_cast<int>(tasks.size()), .autoreset = Autoreset::disabled, .split = Split::test});
  const std::size_t n = tasks.size(), size = env->spec().observation.bytes(), infos = env->spec().infos.size();
  const auto relative = static_cast<std::size_t>(std::find(env->spec().infos.begin(), env->spec().infos.end(), "relative") - env->spec().infos.begin());
  std::vector<std::byte> obs(n * size), last(n * size), now, goal;
  std::vector<float> reward(n), info(n * infos);
  std::vector<std::uint8_t> terminated(n), truncated(n), fault(n);
  const Buffers out{obs, last, reward, terminated, truncated, fault, info};
  std::vector<int> playing(n);
  std::iota(playing.begin(), playing.end(), 0);
  env->reset(playing, tasks, out);
  std::vector<double> left(n, 1.0), means;
  Rng rng(3);
  RandomActor random(env->spec().action);
  for (int poke = 0; poke < 10; ++poke) {
    std::vector<std::byte> actions(playing.size() * sizeof(Poke));
    if (by == By::networks) {
      now.clear(), goal.clear();
      for (const int slot : playing) {
        const auto both = std::span(obs).subspan(static_cast<std::size_t>(slot) * size, size);
        now.insert(now.end(), both.begin(), both.begin() + static_cast<std::ptrdiff_t>(size / 2));
        goal.insert(goal.end(), both.begin() + static_cast<std::ptrdiff_t>(size / 2), both.end());
      }
      std::vector<PokeClasses> chosen(playing.size());
      t.nets->answer(now, goal, t.bins.lengths, chosen);
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        const Poke said = t.bins.centre(chosen[i]);
        std::memcpy(actions.data() + i * sizeof said, &said, sizeof said);
      }
    } else {
      random.act({obs, {}, static_cast<int>(playing.size())}, true, rng, actions, {}, {});
    }
    env->send(playing, actions);
    env->recv(out, static_cast<int>(playing.size()));
    std::vector<int> still;
    for (const int slot : playing) {
      const auto s = static_cast<std::size_t>(slot);
      left[s] = static_cast<double>(info[s * infos + relative]);
      if (terminated[s] == 0 && truncated[s] == 0) still.push_back(slot);
    }
    means.push_back(std::accumulate(left.begin(), left.end(), 0.0) / static_cast<double>(n));
    playing = still;
  }
  return means;
}

TEST_F(PokeLearns, PokeAfterPokeTheGoalComesNearerThanByChance) {  // 9.9
  Trained t;
  t.learn(700, {});
  const auto learned = way_left(t, By::networks), random = way_left(t, By::random_on_the_thing), straight = way_left(t, By::straight_pushes);
  for (std::size_t i = 0; i < learned.size(); ++i) std::printf("after %zu pokes: learned %.3f, random on the thing %.3f, straight pushes %.3f\n", i + 1, learned[i], random[i], straight[i]);
  EXPECT_LT(learned[0], 1.0);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_LT(learned[i], learned[i - 1]);
  EXPECT_LT(learned.back(), 0.5);
  EXPECT_GT(random.back(), 0.9);
  EXPECT_LT(straight.back(), learned.back());
}

// Pictures moved by whole cells of the grid (a border of table comes in), the poke with them: 9.3. 32 pixels are not twelve cells, so the
// grid of this test has eight, of four pixels each.
TEST_F(PokeLearns, WhatIsMovedInThePictureIsPokedWhereItWasMovedTo) {
  Trained t;
  t.bins.grid = 8;
  t.nets = t.fresh(201);
  t.learn(900, {});
  const PokeSelection chosen = t.held_out();
  const PokeBatch batch = chosen.batch();
  const std::size_t n = batch.classes.size(), size = t.pairs.picture_size();
  std::vector<PokeClasses> at_rest(n), moved(n);
  t.nets->answer(batch.before, batch.after, t.bins.lengths, at_rest);
  double shift = 0.0;
  int asked = 0, followed = 0;
  for (const int cells : {-1, 1}) {
    std::vector<std::byte> before(batch.before.begin(), batch.before.end()), after(batch.after.begin(), batch.after.end());
    for (auto* pictures : {&before, &after}) {
      const std::vector<std::byte> from = *pictures;
      for (std::size_t row = 0; row < pictures->size() / side; ++row)
        for (int col = 0; col < side; ++col) {
          const int source = std::clamp(col - 4 * cells, 0, side - 1);
          (*pictures)[row * side + static_cast<std::size_t>(col)] = from[row * side + static_cast<std::size_t>(source)];
        }
    }
    t.nets->answer(before, after, t.bins.lengths, moved);
    for (std::size_t i = 0; i < n; ++i) {
      // Only what stays in the middle when it is moved: no thing was ever farther out.
      const auto blob = find_blob(std::span(before).subspan(i * size, size), side), later = find_blob(std::span(after).subspan(i * size, size), side);
      if (!blob || !later || std::max(std::abs(blob->x - 0.5), std::abs(later->x - 0.5)) > 0.3 || batch.classes[i][head_location] < 0) continue;
      const int columns = moved[i][head_location] / 8 - at_rest[i][head_location] / 8;
      shift += columns * cells, ++asked, followed += columns == cells;
    }
  }
  std::printf("moved by one cell: the answer moves by %.3f on average, by exactly one in %.3f of %d\n", shift / asked, static_cast<double>(followed) / asked, asked);
  ASSERT_GT(asked, 200);
  EXPECT_NEAR(shift / asked, 1.0, 0.2);
  EXPECT_GT(static_cast<double>(followed) / asked, 0.5);
}

// What the forward model foresees, as the held-out picture whose features are nearest to it: that shows the thing nearer to where it went
// than it lay before. With HONE_PICTURES=FILE.ppm, rows of before, foreseen and after are written there.
TEST_F(PokeLearns, WhatTheForwardModelForeseesIsNearerToWhatCame) {
  Trained t;
  t.learn(900, {});
  const PokeSelection chosen = t.held_out();
  const PokeBatch batch = chosen.batch();
  const std::size_t n = batch.classes.size(), size = t.pairs.picture_size(), width = static_cast<std::size_t>(t.nets->feature_count());
  std::vector<float> foreseen(n * width), features(n * width);
  t.nets->predict(batch.before, batch.numbers, foreseen);
  t.nets->features(batch.after, features);
  const auto picture = [&](std::span<const std::byte> of, std::size_t i) { return of.subspan(i * size, size); };
  double foreseen_off = 0.0, before_off = 0.0;
  int asked = 0;
  std::vector<std::array<std::span<const std::byte>, 3>> rows;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t best = i == 0 ? 1 : 0;
    double least = 1e30;
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;  // not the answer itself
      double apart = 0.0;
      for (std::size_t k = 0; k < width; ++k) apart += std::abs(static_cast<double>(foreseen[i * width + k]) - static_cast<double>(features[j * width + k]));
      if (apart < least) least = apart, best = j;
    }
    const auto was = find_blob(picture(batch.before, i), side), is = find_blob(picture(batch.after, i), side), seen = find_blob(picture(batch.after, best), side);
    if (!was || !is || !seen || std::hypot(is->x - was->x, is->y - was->y) < 0.05) continue;  // at least 2 cm
    before_off += std::hypot(is->x - was->x, is->y - was->y), foreseen_off += std::hypot(is->x - seen->x, is->y - seen->y);
    if (++asked % 12 == 0) rows.push_back({picture(batch.before, i), picture(batch.after, best), picture(batch.after, i)});
  }
  std::printf("%d pokes that moved the thing 2 cm or more: it went %.1f mm on average, the foreseen picture is %.1f mm off\n", asked, 400.0 * before_off / asked, 400.0 * foreseen_off / asked);
  ASSERT_GT(asked, 80);
  EXPECT_LT(foreseen_off, 0.8 * before_off);
  if (const char* file = std::getenv("HONE_PICTURES"); file != nullptr) {
    std::ofstream out(file, std::ios::binary);
    const std::size_t shown = std::min<std::size_t>(rows.size(), 8);
    out << "P6\n" << shown * (side + 2) << ' ' << 3 * (side + 2) << "\n255\n";
    for (std::size_t kind = 0; kind < 3; ++kind)
      for (std::size_t y = 0; y < side + 2; ++y)
        for (std::size_t r = 0; r < shown; ++r)
          for (std::size_t x = 0; x < side + 2; ++x)
            for (std::size_t c = 0; c < 3; ++c) out.put(y < side && x < side ? static_cast<char>(rows[r][kind][c * side * side + y * side + x]) : '\xff');
  }
}

}  // namespace
}  // namespace hone
