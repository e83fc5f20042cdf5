#include "envs/maze/texture.h"

#include <algorithm>
#include <cmath>

#include "core/rng.h"
#include "envs/frames.h"

namespace hone::maze {

namespace {

// Brightness in 0 .. 1 of pattern `kind` at (u across, v down).
double pattern(int kind, int u, int v) {
  const auto wave = [](double x) { return 0.5 + 0.5 * std::sin(x); };
  switch (kind) {
    case 0: {  // bricks
      const int row = v / 16, shift = row % 2 * 16;
      return v % 16 < 2 || (u + shift) % 32 < 2 ? 0.25 : 0.7 + 0.1 * ((u + shift) / 32 % 2);
    }
    case 1: return u % 16 < 3 ? 0.2 : 0.75;                                            // boards
    case 2: return (u / 16 + v / 16) % 2 == 0 ? 0.3 : 0.85;                            // chequers
    case 3: return std::abs(u - v % 64) < 5 || std::abs(63 - u - v % 64) < 5 ? 0.25 : 0.7;  // crates
    case 4: return v % 32 < 8 ? 0.95 : 0.4;                                            // bands
    case 5: return std::hypot(u % 32 - 15.5, v % 32 - 15.5) < 9.0 ? 0.95 : 0.35;       // discs
    case 6: return (u + v) % 24 < 8 ? 0.8 : 0.3;                                       // slanted
    case 7: return v > 88 ? 0.3 : u % 32 < 4 || v % 44 < 4 ? 0.9 : 0.6;                // panels
    case 8: return 0.3 + 0.6 * wave(v / 9.0 + 2.0 * std::sin(u / 10.0));               // falls
    case 9: return u % 64 < 20 ? 0.9 : 0.25;                                           // pillars
    // the other set
    case 10: return v % 20 < 2 || (u + v / 20 * 21) % 43 < 2 ? 0.85 : 0.45;            // stones
    case 11: return v % 12 < 6 ? 0.75 : 0.3;                                           // slats
    case 12: return std::abs(u - 32) + std::abs(v % 64 - 32) < 24 ? 0.9 : 0.3;         // diamonds
    case 13: return 0.2 + 0.7 * wave(u / 5.0);                                         // curtain
    case 14: return (u % 21 < 4) != (v % 21 < 4) ? 0.85 : 0.35;                        // weave
    case 15: return (u - v + 128) % 32 < 10 ? 0.9 : 0.45;                              // slanted the other way
    case 16: return std::fmod(std::hypot(u - 32.0, v % 64 - 32.0), 14.0) < 6.0 ? 0.8 : 0.25;  // rings
    case 17: return v < 40 ? 0.9 : v < 80 ? 0.55 : 0.25;                               // three tiers
    case 18: return u % 8 < 2 && v % 8 < 4 ? 0.95 : 0.5;                               // studs
    default: return u < 32 ? (v / 8 % 2 != 0 ? 0.7 : 0.4) : 0.9;                       // ladder
  }
}

constexpr Colour tints[] = {{170, 110, 90}, {190, 120, 60}, {200, 200, 210}, {170, 140, 90}, {90, 160, 200}, {120, 200, 120}, {200, 90, 90}, {190, 190, 200}, {90, 120, 220}, {220, 200, 110},
                            {150, 150, 140}, {140, 180, 90}, {220, 140, 180}, {180, 60, 120}, {160, 200, 220}, {230, 170, 80}, {120, 120, 230}, {210, 210, 160}, {110, 190, 180}, {200, 160, 140}};

Texture make(int kind) {
  Texture out;
  Rng grain = Rng(0x6d617a65).split(static_cast<std::uint64_t>(kind));
  for (int u = 0; u < texture_width; ++u)
    for (int v = 0; v < texture_height; ++v) {
      const double light = std::clamp(pattern(kind, u, v) + 0.05 * (grain.uniform() - 0.5), 0.0, 1.0);
      const Colour& t = tints[kind];
      const auto shade = [&](std::uint8_t c) { return static_cast<std::uint8_t>(std::min(255.0, c * light * 1.2)); };
      const Colour c{shade(t.r), shade(t.g), shade(t.b)};
      out.colour.push_back(c);
      out.gray.push_back(luma(c.r, c.g, c.b));
    }
  return out;
}

std::array<Texture, texture_count> make_set(int first) {
  std::array<Texture, texture_count> out;
  for (int i = 0; i < texture_count; ++i) out[static_cast<std::size_t>(i)] = make(first + i);
  return out;
}

}  // namespace

const std::array<Texture, texture_count>& textures(TextureSet set) {
  static const auto train = make_set(0), test = make_set(texture_count);
  return set == TextureSet::train ? train : test;
}

}  // namespace hone::maze
