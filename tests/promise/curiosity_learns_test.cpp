// What curiosity's networks must do with frames of random play (icm.md 8.4 to 8.6). No policy learns here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "engine/rollout.h"
#include "envs/maze/maze.h"
#include "models/policy_module.h"

namespace hone {
namespace {

constexpr std::size_t side = 42, pixels = side * side, channels = 4, picture = channels * pixels;
constexpr int steps = 20;
constexpr std::int32_t wait = 0, right = 2, left = 3;  // moves

class CuriosityLearns : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  }
};

// Always the same move.
class OneMove final : public BatchActor {
 public:
  explicit OneMove(std::int32_t move) : move_(move) {}
  void act(const Sight& sight, bool, Rng&, std::span<std::byte> out, std::span<float>, std::span<float>) override {
    for (int i = 0; i < sight.slots; ++i) std::memcpy(out.data() + static_cast<std::size_t>(i) * sizeof move_, &move_, sizeof move_);
  }

 private:
  std::int32_t move_;
};

struct Play {
  Play(const Settings& given, std::uint64_t seed, int slots, std::size_t task = 0)
      : world(open_maze(given)), collector(*world, from(*world, task), {.slots = slots}, Rng(seed)), random(collector.spec().action), memory(static_cast<std::size_t>(slots) * 512) {}
  static std::vector<Task> from(const BatchWorld& world, std::size_t task) {
    auto all = world.tasks(Split::train);
    return {all.begin() + static_cast<std::ptrdiff_t>(task), all.end()};
  }
  const Rollout& next() { return collector.collect(random, steps, stats); }
  Stretch stretch(const Rollout& of, std::span<const int> slots) const { return {&of, slots, memory, {}}; }
  std::unique_ptr<BatchWorld> world;
  RolloutCollector collector;
  RandomActor random;
  std::vector<float> memory;
  RolloutStats stats;
};

Settings maze(bool noise) { return settings({{"map", "full"}, {"start", "dense"}, {"noise", noise ? "true" : "false"}}); }

std::unique_ptr<Explorer> nets(Curiosity kind) {
  ExplorerOptions o;
  o.curiosity = kind, o.seed = 11, o.threads = 1;  // other tests run beside these
  return trained_nets().explorer(o);
}

// The same frames with actions dealt anew.
struct Shuffled {
  Shuffled(const Rollout& of, Rng rng) : rollout(of) {
    std::vector<std::int32_t> moves(of.actions.size() / sizeof(std::int32_t));
    std::memcpy(moves.data(), of.actions.data(), of.actions.size());
    rng.shuffle(moves);
    bytes.resize(of.actions.size());
    std::memcpy(bytes.data(), moves.data(), bytes.size());
    rollout.actions = bytes;
  }
  std::vector<std::byte> bytes;
  Rollout rollout;
};

// Two passes over quarters of the slots.
void learn(Explorer& net, const Play& play, const Rollout& x, Rng& rng, double lr = 1e-3) {
  std::vector<int> slots(static_cast<std::size_t>(x.slots));
  std::iota(slots.begin(), slots.end(), 0);
  for (int pass = 0; pass < 2; ++pass) {
    rng.shuffle(slots);
    const std::size_t width = std::max<std::size_t>(1, slots.size() / 4);
    for (std::size_t first = 0; first < slots.size(); first += width) {
      net.curiosity(play.stretch(x, std::span<const int>(slots).subspan(first, width)));
      net.learn_curiosity(0.2, {.lr = lr});
    }
  }
}

double mean(std::span<const float> of) { return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size()); }

CuriosityLoss judge(Explorer& net, const Play& play, const Rollout& x) {
  std::vector<int> slots(static_cast<std::size_t>(x.slots));
  std::iota(slots.begin(), slots.end(), 0);
  net.curiosity(play.stretch(x, slots));
  return net.learn_curiosity(0.2, {.lr = 0.0});
}

TEST_F(CuriosityLearns, TheActionIsGuessedFromTwoStatesUnlessItHasNothingToDoWithThem) {  // 8.4
  double right_share[2] = {};
  for (const bool shuffled : {false, true}) {
    const auto net = nets(Curiosity::icm);
    Rng rng(5);
    Play play(maze(false), 21, 16), held_out(maze(false), 22, 16);
    for (int i = 0; i < 60; ++i) {
      const Rollout& x = play.next();
      learn(*net, play, shuffled ? Shuffled(x, rng.split(static_cast<std::uint64_t>(i))).rollout : x, rng);
    }
    for (int i = 0; i < 8; ++i) {
      const Rollout& x = held_out.next();
      const Shuffled other(x, rng.split("held out").split(static_cast<std::uint64_t>(i)));
      right_share[shuffled] += judge(*net, held_out, shuffled ? other.rollout : x).accuracy / 8;
    }
  }
  std::printf("actions guessed on 2,560 transitions held out: %.3f; dealt anew: %.3f\n", right_share[0], right_share[1]);
  EXPECT_GT(right_share[0], 0.35);
  EXPECT_NEAR(right_share[1], 0.25, 0.04);
}

TEST_F(CuriosityLearns, AFixedLoopBoresAndAnUnseenRoomDoesNot) {  // 8.5
  const auto net = nets(Curiosity::icm);
  OneMove turning(right);
  const std::vector<int> one{0};
  // Starts in six different rooms.
  std::vector<std::unique_ptr<Play>> loops;
  std::vector<const Rollout*> seen;
  std::vector<int> areas;
  for (std::size_t task = 0; seen.size() < 6; ++task) {
    auto play = std::make_unique<Play>(maze(false), 31, 1, task);
    const Rollout& x = play->collector.collect(turning, steps, play->stats);
    const int area = static_cast<int>(x.data.info[3]);
    if (std::find(areas.begin(), areas.end(), area) != areas.end()) continue;
    areas.push_back(area), loops.push_back(std::move(play)), seen.push_back(&x);
  }
  double first = 0.0, last = 0.0;
  for (int i = 0; i < 400; ++i) {
    last = mean(net->curiosity(loops[0]->stretch(*seen[0], one)));
    first = std::max(first, last);
    net->learn_curiosity(0.2, {.lr = 1e-3});
  }
  double unseen = 0.0;
  for (std::size_t i = 1; i < seen.size(); ++i) unseen += mean(net->curiosity(loops[i]->stretch(*seen[i], one))) / static_cast<double>(seen.size() - 1);
  std::printf("bonus in a loop at its highest %.4f, after 400 updates %.4f; of the same turn in five other rooms %.4f\n", first, last, unseen);
  EXPECT_LT(last, first / 10);
  EXPECT_GT(unseen, last * 1.5);
}

// The features of icm.md 2.2 by the book, from the bytes that networks save.
class Features {
 public:
  explicit Features(const Explorer& net) {
    MemorySink all, actor;
    net.save(all), nets(Curiosity::none)->save(actor);  // the actor's come first
    std::size_t at = actor.data.size() + sizeof(std::int64_t);
    for (int l = 0; l < 4; ++l) {
      layers_[l].resize(static_cast<std::size_t>(9 * (l == 0 ? 4 : 32) + 1) * 32);
      std::memcpy(layers_[l].data(), all.data.data() + at, layers_[l].size() * sizeof(float));
      at += layers_[l].size() * sizeof(float);
    }
  }
  std::vector<float> of(std::span<const std::byte> frames) const {
    int size = side, in = channels;
    std::vector<float> x(picture);  // [y, x, channel]
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t p = 0; p < pixels; ++p) x[p * channels + c] = static_cast<float>(std::to_integer<int>(frames[c * pixels + p])) / 255.0F;
    for (const auto& layer : layers_) {
      const int half = (size + 1) / 2;
      std::vector<float> y(static_cast<std::size_t>(half * half * 32));
      for (int row = 0; row < half; ++row)
        for (int column = 0; column < half; ++column) {
          float* out = y.data() + (row * half + column) * 32;
          std::copy_n(layer.end() - 32, 32, out);
          for (int k = 0; k < 9; ++k) {
            const int from_y = 2 * row - 1 + k / 3, from_x = 2 * column - 1 + k % 3;
            if (from_y < 0 || from_x < 0 || from_y >= size || from_x >= size) continue;
            for (int c = 0; c < in; ++c) {
              const float v = x[static_cast<std::size_t>((from_y * size + from_x) * in + c)];
              const float* w = layer.data() + (k * in + c) * 32;
              for (int f = 0; f < 32; ++f) out[f] += v * w[f];
            }
          }
          for (int f = 0; f < 32; ++f) out[f] = out[f] > 0.0F ? out[f] : std::expm1(out[f]);
        }
      x = std::move(y), size = half, in = 32;
    }
    return x;
  }

 private:
  std::vector<float> layers_[4];
};

bool outside(std::size_t pixel) { return pixel / side >= 27 || pixel % side >= 41; }  // where there is nothing but noise

std::vector<std::byte> with_noise_of(std::span<const std::byte> seen, std::span<const std::byte> noise) {
  std::vector<std::byte> out(seen.begin(), seen.end());
  for (std::size_t i = 0; i < picture; ++i)
    if (outside(i % pixels)) out[i] = noise[i];
  return out;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  return std::sqrt(sum);
}

// How far the features move when only the noise changes, over how far they move when only what is seen does, by a turn.
double response(const Explorer& net, const Rollout& x) {
  const Features phi(net);
  const auto at = [&](int t, int slot) { return x.data.obs.subspan((static_cast<std::size_t>(t) * static_cast<std::size_t>(x.slots) + static_cast<std::size_t>(slot)) * picture, picture); };
  double by_noise = 0.0, by_turn = 0.0;
  for (int t = 4; t + 1 < x.steps; t += 5)
    for (int slot = 0; slot < x.slots; ++slot) {
      std::int32_t move = 0;
      std::memcpy(&move, x.actions.data() + static_cast<std::size_t>(t * x.slots + slot) * sizeof move, sizeof move);
      if (move != right && move != left) continue;
      const auto now = phi.of(at(t, slot));
      by_noise += distance(now, phi.of(with_noise_of(at(t, slot), at(t, (slot + 1) % x.slots))));
      by_turn += distance(now, phi.of(with_noise_of(at(t + 1, slot), at(t, slot))));
    }
  return by_noise / by_turn;
}

TEST_F(CuriosityLearns, NoiseStaysNewsForPixelsAndFadesFromFeatures) {  // 8.6
  double floor[2] = {};  // of standing still in four places, where nothing but the noise changes
  OneMove waiting(wait);
  for (const bool noise : {false, true}) {
    const auto net = nets(Curiosity::pixels);
    Rng rng(5);
    Play play(maze(noise), 41, 4);
    for (int i = 0; i < 24; ++i) {  // less than an episode
      const Rollout& x = play.collector.collect(waiting, steps, play.stats);
      for (int again = 0; again < 4; ++again) learn(*net, play, x, rng, 3e-3 / (1 + i / 6));
    }
    floor[noise] = judge(*net, play, play.collector.collect(waiting, steps, play.stats)).forward;
  }
  const auto net = nets(Curiosity::icm);
  Rng rng(5);
  Play play(maze(true), 41, 16), held_out(maze(true), 42, 16);
  const Rollout& judged = held_out.next();
  double sum = 0.0, squares = 0.0, count = 0.0;
  for (std::size_t i = 0; i < 16 * picture; ++i)
    if (outside(i % pixels)) {
      const double v = std::to_integer<int>(judged.data.obs[i + 10 * 16 * picture]) / 255.0;
      sum += v, squares += v * v, ++count;
    }
  const double variance = squares / count - sum / count * sum / count, unforeseen = 0.5 * 0.433 * variance;
  const double before = response(*net, judged);
  for (int i = 0; i < 60; ++i) learn(*net, play, play.next(), rng);
  const double after = response(*net, judged);
  std::printf("pixel bonus of standing still with noise %.5f (half the noise's variance over the picture %.5f), without %.5f; features move by noise over by a turn: %.2f as drawn, %.2f after\n", floor[1], unforeseen,
              floor[0], before, after);
  EXPECT_GT(floor[1], 0.9 * unforeseen);
  EXPECT_NEAR(floor[1] - floor[0], unforeseen, 0.5 * unforeseen);  // what noise adds
  EXPECT_LT(floor[0], 0.6 * unforeseen);                           // and falls on
  EXPECT_LT(after, 0.7 * before);
}

}  // namespace
}  // namespace hone
