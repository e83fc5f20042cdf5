#include "engine/gif.h"

#include <gif_lib.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"

namespace hone {
namespace {

struct Reading {
  std::string_view left;
};

int take(GifFileType* gif, GifByteType* to, int count) {
  auto& left = static_cast<Reading*>(gif->UserData)->left;
  const auto n = std::min(left.size(), static_cast<std::size_t>(count));
  std::memcpy(to, left.data(), n);
  left.remove_prefix(n);
  return static_cast<int>(n);
}

// What a reader of GIF files sees: for every picture [height, width] its colours.
std::vector<std::vector<std::array<int, 3>>> seen(const std::string& bytes, int width, int height) {
  Reading reading{bytes};
  int code = 0;
  GifFileType* gif = DGifOpen(&reading, &take, &code);
  EXPECT_NE(gif, nullptr);
  EXPECT_EQ(DGifSlurp(gif), GIF_OK);
  EXPECT_EQ(gif->SWidth, width);
  EXPECT_EQ(gif->SHeight, height);
  std::vector<std::vector<std::array<int, 3>>> out;
  for (int k = 0; k < gif->ImageCount; ++k) {
    auto& picture = out.emplace_back();
    for (int i = 0; i < width * height; ++i) {
      const GifColorType c = gif->SColorMap->Colors[gif->SavedImages[k].RasterBits[i]];
      picture.push_back({c.Red, c.Green, c.Blue});
    }
  }
  DGifCloseFile(gif, &code);
  return out;
}

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

TEST(Gif, GrayPicturesComeBackAsTheyWereAndLarger) {
  Recording r;
  r.width = 2, r.height = 1, r.pictures = {bytes({7, 200}), bytes({255, 0})};
  const auto all = seen(gif_of(r, 2), 4, 2);
  ASSERT_EQ(all.size(), 2U);
  const std::vector<std::array<int, 3>> first{{7, 7, 7}, {7, 7, 7}, {200, 200, 200}, {200, 200, 200}, {7, 7, 7}, {7, 7, 7}, {200, 200, 200}, {200, 200, 200}};
  EXPECT_EQ(all[0], first);
  EXPECT_EQ(all[1][0], (std::array{255, 255, 255}));
  EXPECT_EQ(all[1][2], (std::array{0, 0, 0}));
}

TEST(Gif, AFewColoursAreKeptNearlyAsTheyWere) {
  Recording r;
  r.width = 2, r.height = 2, r.colours = 3;
  r.pictures = {bytes({250, 10, 10, 10, 250, 10, 10, 10, 250, 0, 0, 0})};
  const auto all = seen(gif_of(r), 2, 2);
  const std::vector<std::array<int, 3>> wanted{{250, 10, 10}, {10, 250, 10}, {10, 10, 250}, {0, 0, 0}};
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(all.at(0)[i][c], wanted[i][c], 8);  // its palette has five bits a colour
}

TEST(Gif, SaysItsTimesAndThatItGoesOn) {
  Recording r;
  r.width = r.height = 1, r.pictures = {bytes({1}), bytes({2})};
  const std::string gif = gif_of(r, 1, 10);
  EXPECT_EQ(gif.substr(0, 6), "GIF89a");
  EXPECT_NE(gif.find("NETSCAPE2.0"), std::string::npos);
  EXPECT_NE(gif.find(std::string("\x21\xf9\x04\x00\x0a\x00", 6)), std::string::npos);
  EXPECT_NE(gif.find(std::string("\x21\xf9\x04\x00\x50\x00", 6)), std::string::npos);  // the last one longer
  EXPECT_THROW(gif_of({}), Error);
}

}  // namespace
}  // namespace hone
