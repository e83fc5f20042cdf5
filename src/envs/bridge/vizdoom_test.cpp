// The world `vizdoom` with a stand-in for ViZDoom (tests/fixtures/vizdoom_stub); the real one is in tests/acceptance/vizdoom_world.py.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "envs/conformance_kit.h"
#include "envs/frames.h"
#include "envs/maze/maze.h"

namespace hone {

namespace {

constexpr std::size_t side = maze::side, frame_size = side * side;

std::unique_ptr<BatchWorld> open(const Settings& more) {
  for (const EnvEntry* e : env_catalog()) {
    if (e->name != "vizdoom") continue;
    Settings given = conformance::example_settings("vizdoom");
    for (const auto& [name, value] : more) given[name] = value;
    return e->open_batch(given);
  }
  throw Error(Fault::internal, "the catalogue has no vizdoom");
}

struct One {
  explicit One(const Settings& more = {}, const BatchOptions& options = {})
      : world(open(more)), env(world->make(options)), obs(env->spec().observation.bytes()), last(obs.size()), info(env->spec().infos.size()), task(world->tasks(options.split)[0]) {
    env->reset(std::span(&slot, 1), std::span(&task, 1), out());
  }
  void step(std::int32_t action) {
    env->send(std::span(&slot, 1), std::as_bytes(std::span(&action, 1)));
    env->recv(out(), 1);
  }
  int at(std::size_t frame, std::size_t pixel) const { return std::to_integer<int>(obs[frame * frame_size + pixel]); }
  Buffers out() { return {obs, last, std::span(&reward, 1), std::span(&terminated, 1), std::span(&truncated, 1), std::span(&fault, 1), info}; }
  std::unique_ptr<BatchWorld> world;
  std::unique_ptr<BatchEnv> env;
  std::vector<std::byte> obs, last;
  std::vector<float> info;
  Task task;
  float reward = 0.0F;
  std::uint8_t terminated = 0, truncated = 0, fault = 0;
  int slot = 0;
};

// The stand-in's picture from there, as bytes of [3, 120, 160].
std::vector<std::uint8_t> picture(const std::vector<float>& info) {
  const double degrees = std::fmod(static_cast<double>(info[2]) * 180.0 / std::numbers::pi + 360.0, 360.0);
  std::vector<std::uint8_t> out;
  for (int row = 0; row < 3 * 120; ++row)
    out.insert(out.end(), 160, static_cast<std::uint8_t>((row * 3 + static_cast<int>(info[0]) + static_cast<int>(info[1]) * 2 + static_cast<int>(std::lround(degrees / 360 * 65536)) + 256 * 16) % 256));
  return out;
}

TEST(Vizdoom, IsSeenAndSteeredAsTheMazeIs) {
  One one;
  const auto native = open_maze(Settings{})->make({});
  const Space &seen = one.env->spec().observation, &mazes = native->spec().observation;
  EXPECT_TRUE(seen.kind == mazes.kind && seen.dtype == mazes.dtype && seen.shape == mazes.shape && seen.low == mazes.low && seen.high == mazes.high);
  EXPECT_TRUE(one.env->spec().action.kind == native->spec().action.kind && one.env->spec().action.high == native->spec().action.high);
  EXPECT_EQ(one.env->spec().infos, native->spec().infos);
}

TEST(Vizdoom, FramesAreTheLargerOfTheLastTwoPictures) {
  for (const char* repeat : {"1", "4"}) {
    One one(settings({{"repeat", repeat}}));
    for (std::size_t f = 0; f < 3; ++f)
      for (std::size_t p = 0; p < frame_size; ++p) ASSERT_EQ(one.at(f, p), 0);
    std::vector<std::uint8_t> before, gray(120 * 160), expected(frame_size);
    for (int t = 0; t < 12; ++t) {
      const auto newest = std::vector<std::byte>(one.obs.end() - frame_size, one.obs.end());
      one.step(t < 6 ? 3 : 1);
      EXPECT_TRUE(std::equal(newest.begin(), newest.end(), one.obs.begin() + 2 * frame_size)) << "the stack moves by one";
      const auto now = picture(one.info);
      if (std::string_view(repeat) == "1" && !before.empty()) {
        for (std::size_t i = 0; i < gray.size(); ++i)
          gray[i] = luma(std::max(now[i], before[i]), std::max(now[i + 19200], before[i + 19200]), std::max(now[i + 38400], before[i + 38400]));
        Shrink(160, 120, static_cast<int>(side), static_cast<int>(side))(gray, expected);
        for (std::size_t p = 0; p < frame_size; ++p) ASSERT_EQ(one.at(3, p), expected[p]) << t << " " << p;
      }
      before = now;
    }
    EXPECT_EQ(one.info[5], 12.0F * std::strtof(repeat, nullptr));
  }
}

TEST(Vizdoom, NoiseSurroundsThePicture) {
  One one(settings({{"noise", "true"}}));
  one.step(0), one.step(0);  // stands still: what changes is noise
  int changed = 0;
  for (std::size_t p = 0; p < frame_size; ++p) changed += one.at(2, p) != one.at(3, p);
  EXPECT_NEAR(changed / static_cast<double>(frame_size), 0.433, 0.02);
}

TEST(Vizdoom, EndsAtTheVestOrAtTheLimit) {
  One limited(settings({{"limit_tics", "10"}, {"living_cost", "true"}}));
  float paid = 0.0F;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limited.truncated, 0);
    limited.step(0);
    paid += limited.reward;
  }
  EXPECT_EQ(limited.truncated, 1);
  EXPECT_EQ(limited.info[5], 10.0F);
  EXPECT_NEAR(paid, -0.001F, 1e-6F);
  EXPECT_EQ(limited.world->max_steps(Split::train), 3);
  EXPECT_EQ(limited.world->max_steps(Split::test), 10);
  One test(settings({{"limit_tics", "10"}}), {.split = Split::test});
  test.step(0);
  EXPECT_EQ(test.info[5], 1.0F);
  // East along the plain to the vest's column, then south.
  One one(settings({{"repeat", "1"}, {"limit_tics", "2000"}}));
  double total = 0.0;
  while (one.terminated == 0 && one.truncated == 0) {
    const double to = one.info[0] == 0.0F ? 0.0 : std::atan2(-352.0 - static_cast<double>(one.info[1]), 1040.0 - static_cast<double>(one.info[0]));
    const double off = std::remainder(to - static_cast<double>(one.info[2]), 2 * std::numbers::pi);
    one.step(off > 0.05 ? 3 : off < -0.05 ? 2 : 1);
    if (one.terminated != 0) {
      EXPECT_EQ(one.reward, 0.0F);  // it was paid for in the tic before
    }
    total += static_cast<double>(one.reward);
  }
  EXPECT_EQ(one.terminated, 1);
  EXPECT_NEAR(total, 1.0, 1e-6);
  EXPECT_EQ(one.world->score(total, 100), 1.0);
}

TEST(Vizdoom, APythonWithoutItIsNamed) {
  Settings bare;
  bare["python"] = {{"python3", "-S", "-I"}, true, ""};
  for (const EnvEntry* e : env_catalog()) {
    if (e->name != "vizdoom") continue;
    try {
      e->open_batch(bare);
      FAIL() << "expected an error";
    } catch (const Error& error) {
      const std::string said = error.what();
      EXPECT_EQ(said.rfind("vizdoom: this Python (", 0), 0U) << said;
      EXPECT_NE(said.find("can't import vizdoom"), std::string::npos) << said;
      EXPECT_NE(said.find("pip install vizdoom"), std::string::npos) << said;
    }
  }
}

}  // namespace
}  // namespace hone
