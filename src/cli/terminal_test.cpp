#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

TEST(Printable, ShowsWhatATerminalWouldActOnAsADot) {
  EXPECT_EQ(printable("a\x1b[31mb\x7f"), "a.[31mb.");
  EXPECT_EQ(printable("a\xC2\x9B" "31mb\xC2\x85"), "a.31mb.");  // C1: CSI and NEL
  EXPECT_EQ(printable("\xC2\x80\xC2\x9F\xC2\xA0\xC3\xA9"), "..\xC2\xA0\xC3\xA9");
  EXPECT_EQ(printable("x\xE2\x80\xAEy\xE2\x81\xA6z\xE2\x80\x94"), "x.y.z\xE2\x80\x94");  // turns of direction, not the dash
  EXPECT_EQ(printable("a\nb\tc"), "a b c");
  EXPECT_EQ(printable("\xff"), "\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9\xC3\xA9…");
  EXPECT_EQ(printable_lines("a\x1b\nb\xC2\x9B\n"), "a.\nb.\n");
}

}  // namespace
}  // namespace hone::cli
