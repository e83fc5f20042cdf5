#include "engine/gif.h"

#include <gif_lib.h>

#include <array>
#include <memory>

#include "core/error.h"

namespace hone {

namespace {

// Colours of all pictures, and each pixel's place among them.
struct Palette {
  std::array<GifColorType, 256> colours{};
  std::vector<GifByteType> pixels;
};

Palette palette_of(const Recording& r) {
  Palette out;
  const std::size_t size = static_cast<std::size_t>(r.width) * static_cast<std::size_t>(r.height);
  std::vector<GifByteType> planes[3];
  for (const auto& picture : r.pictures)
    for (std::size_t i = 0; i < size; ++i) {
      if (r.colours == 1) out.pixels.push_back(std::to_integer<GifByteType>(picture[i]));
      else
        for (std::size_t c = 0; c < 3; ++c) planes[c].push_back(std::to_integer<GifByteType>(picture[3 * i + c]));
    }
  if (r.colours == 1) {
    for (std::size_t i = 0; i < 256; ++i) out.colours[i] = {static_cast<GifByteType>(i), static_cast<GifByteType>(i), static_cast<GifByteType>(i)};
    return out;
  }
  out.pixels.resize(planes[0].size());
  int count = 256;
  if (GifQuantizeBuffer(static_cast<unsigned>(planes[0].size()), 1, &count, planes[0].data(), planes[1].data(), planes[2].data(), out.pixels.data(), out.colours.data()) != GIF_OK)
    throw Error(Fault::internal, "gif: no palette for these pictures");
  return out;
}

int append(GifFileType* gif, const GifByteType* bytes, int count) {
  static_cast<std::string*>(gif->UserData)->append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
  return count;
}

}  // namespace

std::string gif_of(const Recording& r, int scale, int hundredths) {
  if (r.pictures.empty()) throw Error(Fault::internal, "gif: a recording without pictures");
  Palette palette = palette_of(r);
  const int width = r.width * scale, height = r.height * scale;
  std::string out;
  int code = 0;
  const auto demand = [&](int status) {
    if (status != GIF_OK) throw Error(Fault::internal, "gif: the library refused a picture of " + std::to_string(width) + " by " + std::to_string(height));
  };
  const auto close = [](GifFileType* file) { EGifCloseFile(file, nullptr); };
  {
    const std::unique_ptr<GifFileType, decltype(close)> gif(EGifOpen(&out, &append, &code), close);
    const std::unique_ptr<ColorMapObject, decltype(&GifFreeMapObject)> colours(GifMakeMapObject(256, palette.colours.data()), &GifFreeMapObject);
    demand(gif && colours ? GIF_OK : GIF_ERROR);
    EGifSetGifVersion(gif.get(), true);  // 89a: time and repetition
    demand(EGifPutScreenDesc(gif.get(), width, height, 8, 0, colours.get()));
    const std::array<GifByteType, 3> for_ever{1, 0, 0};
    demand(EGifPutExtensionLeader(gif.get(), APPLICATION_EXT_FUNC_CODE));
    demand(EGifPutExtensionBlock(gif.get(), 11, "NETSCAPE2.0"));
    demand(EGifPutExtensionBlock(gif.get(), 3, for_ever.data()));
    demand(EGifPutExtensionTrailer(gif.get()));
    std::vector<GifByteType> line(static_cast<std::size_t>(width));
    const GifByteType* from = palette.pixels.data();
    for (std::size_t k = 0; k < r.pictures.size(); ++k) {
      const int time = k + 1 == r.pictures.size() ? 8 * hundredths : hundredths;  // the end is to be seen
      const std::array<GifByteType, 4> shown{0, static_cast<GifByteType>(time & 255), static_cast<GifByteType>(time >> 8), 0};
      demand(EGifPutExtension(gif.get(), GRAPHICS_EXT_FUNC_CODE, 4, shown.data()));
      demand(EGifPutImageDesc(gif.get(), 0, 0, width, height, false, nullptr));
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) line[static_cast<std::size_t>(x)] = from[y / scale * r.width + x / scale];
        demand(EGifPutLine(gif.get(), line.data(), width));
      }
      from += static_cast<std::size_t>(r.width) * static_cast<std::size_t>(r.height);
    }
  }
  return out;
}

}  // namespace hone
