// The table of poke as a camera above sees it: polygons drawn at twice the size and averaged, a light field, soft shadows, textures,
// noise of the sensor. Nothing here feeds back into the physics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"
#include "envs/poke/table.h"

namespace hone::poke {

// From table (metres) to picture (0 .. 1, x to the right, y down) and back: an affine map.
struct Camera {
  double view = 0.40;               // metres that the picture is wide
  double scale = 1.0, roll = 0.0;   // a little nearer or farther, turned
  double lean = 1.0;                // tilt, as foreshortening of y
  Vec shift;                        // metres
  Vec to_picture(Vec table) const;
  Vec to_table(Vec picture) const;
};

using Colour = std::array<float, 3>;

enum class Cloth { felt, weave, wood };

struct Look {
  Cloth cloth = Cloth::felt;
  Colour ground{0.36F, 0.52F, 0.40F};
  float stains = 0.0F;
  std::uint32_t pattern = 1;                         // which stains, which grain
  std::array<Colour, most_objects> colours{Colour{0.80F, 0.20F, 0.16F}, Colour{0.18F, 0.33F, 0.78F}, Colour{0.93F, 0.76F, 0.20F}};
  std::array<float, most_objects> texture{};         // strength of the pattern on a thing, which turns with it
  double light = 0.9;                                // direction the light comes from, radians
  float brightness = 1.0F, slope = 0.10F, vignette = 0.10F;  // slope: how much brighter the lit side is
  double shadow = 0.007;                             // m
  float exposure_jitter = 0.0F, noise = 0.0F;        // standard deviations, of each picture
};

class Painter {
 public:
  explicit Painter(int pixels);
  // Draws the empty table, once an episode.
  void prepare(const Look& look, const Camera& camera);
  // [3, pixels, pixels] bytes; the draws of exposure and noise come from rng.
  void paint(std::span<const Thing> things, Rng rng, std::span<std::byte> rgb);

 private:
  template <class Draw>
  void fill(const Part& part, const Pose& pose, Vec offset, Draw&& draw);
  void cast_shadows(std::span<const Thing> things);
  void draw_thing(const Thing& thing, std::size_t index);
  void blur(std::vector<float>& plane);

  int pixels_, samples_;
  Look look_;
  Camera camera_;
  std::vector<Colour> empty_, drawn_;    // colour before light, a sample each
  std::vector<float> light_, shadow_, scratch_;
  std::vector<std::uint8_t> owner_;      // 0 table, else the thing's number + 1
};

// Which thing a pixel's middle shows: 0 none, else its number + 1. [pixels, pixels]
void paint_mask(std::span<const Thing> things, const Camera& camera, int pixels, std::span<std::uint8_t> mask);

}  // namespace hone::poke
