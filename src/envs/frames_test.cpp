#include "envs/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/error.h"

namespace hone {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Frames, LumaWeighsTheChannelsAndCutsTheFractionOff) {
  const Bytes rgb{255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
  Bytes gray(6);
  luma(rgb, gray);
  EXPECT_EQ(gray, (Bytes{255, 0, 76, 149, 29, 18}));  // 76.245, 149.685, 29.07, 18.15
}

TEST(Frames, LumaIsExactForEveryColour) {
  int wrong = 0;
  Bytes rgb(3 * 256), gray(256);
  for (int r = 0; r < 256; ++r)
    for (int g = 0; g < 256; ++g) {
      for (int b = 0; b < 256; ++b) {
        const auto at = static_cast<std::size_t>(3 * b);
        rgb[at] = static_cast<std::uint8_t>(r), rgb[at + 1] = static_cast<std::uint8_t>(g), rgb[at + 2] = static_cast<std::uint8_t>(b);
      }
      luma(rgb, gray);
      for (int b = 0; b < 256; ++b) wrong += gray[static_cast<std::size_t>(b)] != (299 * r + 587 * g + 114 * b) / 1000;
    }
  EXPECT_EQ(wrong, 0);
}

// 4 x 3 made 2 x 2: columns lie at 0.5 and 2.5, rows at 0.25 and 1.75.
TEST(Frames, ShrinkInterpolatesBetweenCentresOfPixels) {
  const Bytes from{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120};
  Bytes to(4);
  Shrink(4, 3, 2, 2)(from, to);
  EXPECT_EQ(to, (Bytes{25, 45, 85, 105}));
  Bytes same(12);
  Shrink(4, 3, 4, 3)(from, same);
  EXPECT_EQ(same, from);
  Bytes larger(8);  // 2 made 8: at -0.375 (held at 0), -0.125, 0.125, 0.375, 0.625, 0.875, 1.125 (held at 1), 1.375
  Shrink(2, 1, 8, 1)(Bytes{0, 80}, larger);
  EXPECT_EQ(larger, (Bytes{0, 0, 10, 30, 50, 70, 80, 80}));
}

// Recorded with cv2.resize(picture, (42, 42), interpolation=cv2.INTER_LINEAR) of opencv-python-headless 5.0.0; it rounds in between.
TEST(Frames, ShrinkAgreesWithOpenCv) {
  Bytes from(160 * 120), to(42 * 42);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(i * 7919 % 251);
  Shrink(160, 120, 42, 42)(from, to);
  const std::array<std::array<int, 8>, 3> recorded{{{85, 156, 228, 48, 120, 191, 78, 101}, {156, 180, 54, 126, 197, 24, 89, 161}, {73, 145, 103, 127, 108, 174, 198, 72}}};
  const std::array<std::size_t, 3> where{0, 20 * 42 + 18, 41 * 42 + 34};
  for (std::size_t part = 0; part < 3; ++part)
    for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(to[where[part] + i], recorded[part][i], 1) << part << " " << i;
}

TEST(Frames, AStackStartsBlackAndKeepsTheNewest) {
  FrameStack stack(3, 2);
  std::array<std::byte, 6> out{};
  const auto seen = [&] {
    stack.write(out);
    std::array<int, 6> numbers{};
    std::transform(out.begin(), out.end(), numbers.begin(), [](std::byte b) { return std::to_integer<int>(b); });
    return numbers;
  };
  stack.reset(Bytes{1, 2});
  EXPECT_EQ(seen(), (std::array<int, 6>{0, 0, 0, 0, 1, 2}));
  for (std::uint8_t i = 3; i < 9; i = static_cast<std::uint8_t>(i + 2)) stack.push(Bytes{i, static_cast<std::uint8_t>(i + 1)});
  EXPECT_EQ(seen(), (std::array<int, 6>{3, 4, 5, 6, 7, 8}));

  MemorySink sink;
  stack.save(sink);
  const auto before = seen();
  stack.reset(Bytes{9, 9});
  EXPECT_EQ(seen(), (std::array<int, 6>{0, 0, 0, 0, 9, 9}));
  MemorySource source(sink.data);
  stack.load(source);
  EXPECT_EQ(seen(), before);
  stack.push(Bytes{11, 12});
  EXPECT_EQ(seen(), (std::array<int, 6>{5, 6, 7, 8, 11, 12}));
  sink.data[0] = std::byte{1};
  MemorySource damaged(sink.data);
  EXPECT_THROW(stack.load(damaged), Error);
}

TEST(Frames, AnotherSizeIsRefused) {
  Bytes four(4), six(6);
  Shrink half(4, 4, 2, 2);
  EXPECT_THROW(half(six, four), Error);
  EXPECT_THROW(Shrink(0, 4, 2, 2), Error);
  FrameStack stack(2, 2);
  EXPECT_THROW(stack.push(four), Error);
  EXPECT_THROW(FrameStack(0, 2), Error);
}

}  // namespace
}  // namespace hone
