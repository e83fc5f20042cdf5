#include "envs/frames.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace hone {
namespace {

TEST(Frames, LumaIsCutNotRounded) {
  EXPECT_EQ(luma(255, 255, 255), 255);  // 0.299 + 0.587 + 0.114 = 1
  EXPECT_EQ(luma(255, 0, 0), 76);       // 76.245
  EXPECT_EQ(luma(0, 255, 0), 149);      // 149.685
  EXPECT_EQ(luma(0, 0, 255), 29);       // 29.07
  const std::array<std::uint8_t, 6> rgb{10, 20, 30, 0, 1, 0};
  std::array<std::uint8_t, 2> gray{};
  luma(rgb, gray);
  EXPECT_EQ(gray[0], 18);  // 2.99 + 11.74 + 3.42
  EXPECT_EQ(gray[1], 0);
}

TEST(Frames, ShrinksBetweenCentres) {
  // 4 -> 2 in one row: centres at 0.5 and 2.5 of the input.
  const std::array<std::uint8_t, 4> row{0, 10, 20, 40};
  std::array<std::uint8_t, 2> half{};
  Shrink(4, 1, 2, 1)(row, half);
  EXPECT_EQ(half, (std::array<std::uint8_t, 2>{5, 30}));
  // 160 -> 42: column 0 is at (0.5 * 160 / 42) - 0.5 = 1.40476, column 41 at 157.59524.
  const Shrink doom(160, 120, 42, 42);
  EXPECT_EQ(doom.columns()[0].first, 1);
  EXPECT_NEAR(doom.columns()[0].share, 0.40476F, 1e-5F);
  EXPECT_EQ(doom.columns()[41].first, 157);
  EXPECT_NEAR(doom.columns()[41].share, 0.59524F, 1e-5F);
  EXPECT_EQ(doom.rows()[0].first, 0);
  EXPECT_NEAR(doom.rows()[0].share, 0.92857F, 1e-5F);
  // Two by two to one: the mean of four.
  const std::array<std::uint8_t, 4> square{1, 2, 3, 6};
  std::array<std::uint8_t, 1> one{};
  Shrink(2, 2, 1, 1)(square, one);
  EXPECT_EQ(one[0], 3);
}

// Recorded with cv2.resize(picture, (42, 42), interpolation=cv2.INTER_LINEAR) of opencv-python-headless 5.0.0, which rounds in between.
TEST(Frames, ShrinksAsOpenCvDoes) {
  std::vector<std::uint8_t> from(160 * 120), to(42 * 42);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(i * 7919 % 251);
  Shrink(160, 120, 42, 42)(from, to);
  const std::array<std::array<int, 8>, 3> recorded{{{85, 156, 228, 48, 120, 191, 78, 101}, {156, 180, 54, 126, 197, 24, 89, 161}, {73, 145, 103, 127, 108, 174, 198, 72}}};
  const std::array<std::size_t, 3> where{0, 20 * 42 + 18, 41 * 42 + 34};
  for (std::size_t part = 0; part < 3; ++part)
    for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(to[where[part] + i], recorded[part][i], 1) << part << " " << i;
}

TEST(Frames, StackHasTheOldestFirstAndBlackBefore) {
  FrameStack stack(4, 1);
  std::array<std::byte, 4> out{};
  for (std::uint8_t v = 1; v <= 5; ++v) stack.next()[0] = v;
  stack.write(out);
  EXPECT_EQ(out, (std::array{std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}}));
  MemorySink sink;
  stack.save(sink);
  stack.clear();
  stack.next()[0] = 9;
  stack.write(out);
  EXPECT_EQ(out, (std::array{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}}));
  MemorySource source(sink.data);
  stack.load(source);
  EXPECT_EQ(stack.newest()[0], 5);
}

}  // namespace
}  // namespace hone
