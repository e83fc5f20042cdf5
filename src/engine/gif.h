// A recording as an animated GIF, for slides and messages.
#pragma once

#include <string>

#include "engine/recording.h"

namespace hone {

// The bytes of the file: every picture `scale` times as large, shown for `hundredths` of a second, over and over. A gray recording keeps its
// 256 shades, a coloured one gets the 256 colours that suit all of its pictures best. Throws Error{internal} when there is no picture.
std::string gif_of(const Recording& recording, int scale = 1, int hundredths = 12);

}  // namespace hone
