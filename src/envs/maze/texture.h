// What walls are drawn with: patterns of our own, made from a number; two sets that share none.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace hone::maze {

inline constexpr int texture_width = 64, texture_height = 128;  // a texel per map unit
inline constexpr int texture_count = 10;                        // brick, then one per room

enum class TextureSet { train, test };

struct Colour {
  std::uint8_t r = 0, g = 0, b = 0;
};

struct Texture {
  std::vector<Colour> colour;      // [width, height]: a column lies together, from the top
  std::vector<std::uint8_t> gray;  // luma of the same
};

const std::array<Texture, texture_count>& textures(TextureSet set);

}  // namespace hone::maze
