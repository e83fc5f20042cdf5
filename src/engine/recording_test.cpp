#include "engine/recording.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

Space pictures(std::int64_t channels, std::int64_t height, std::int64_t width) { return {SpaceKind::box, Dtype::u8, {channels, height, width}, 0.0, 255.0}; }

std::vector<std::byte> counting(std::size_t n, int from = 0) {
  std::vector<std::byte> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(static_cast<std::size_t>(from) + i);
  return out;
}

std::vector<int> numbers(const std::vector<std::byte>& bytes) {
  std::vector<int> out;
  for (const auto b : bytes) out.push_back(std::to_integer<int>(b));
  return out;
}

TEST(Recorder, OfFourGrayFramesShowsTheNewest) {
  Recorder recorder(pictures(4, 1, 2));
  recorder.see(0, counting(8));
  recorder.end(0, "a", 1.0);
  const auto all = recorder.take();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].colours, 1);
  EXPECT_EQ(numbers(all[0].pictures.at(0)), (std::vector{6, 7}));
}

TEST(Recorder, SetsTwoColourPicturesSideBySide) {
  Recorder recorder(pictures(6, 2, 1));  // red, green, blue of now, then of the goal, each of two rows
  recorder.see(0, counting(12));
  recorder.end(0, "a", 0.0);
  const auto all = recorder.take();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].width, 2);
  EXPECT_EQ(all[0].height, 2);
  EXPECT_EQ(numbers(all[0].pictures.at(0)), (std::vector{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
}

TEST(Recorder, ThinsALongEpisodeEvenlyAndKeepsItsLastPicture) {
  Recorder recorder(pictures(1, 1, 1), 2, 8);
  for (int step = 0; step <= 99; ++step) recorder.see(1, counting(1, step));
  recorder.see(0, counting(1));
  recorder.see(2, counting(1));  // one more than it keeps
  recorder.end(1, "long", 0.5);
  recorder.end(2, "other", 0.5);
  const auto all = recorder.take();
  ASSERT_EQ(all.size(), 1U) << "only what ended";
  EXPECT_EQ(all[0].task, "long");
  EXPECT_EQ(all[0].steps, 99);
  ASSERT_LE(all[0].pictures.size(), 9U);
  for (std::size_t i = 0; i + 1 < all[0].pictures.size(); ++i) EXPECT_EQ(std::to_integer<int>(all[0].pictures[i].at(0)), static_cast<int>(i) * all[0].every);
  EXPECT_EQ(std::to_integer<int>(all[0].pictures.back().at(0)), 99);
}

TEST(Recorder, KeepsNothingOfWorldsWithoutPictures) {
  Recorder recorder({SpaceKind::box, Dtype::f32, {4}, -1.0, 1.0});
  recorder.see(0, counting(16));
  recorder.end(0, "a", 1.0);
  EXPECT_TRUE(recorder.take().empty());
}

}  // namespace
}  // namespace hone
