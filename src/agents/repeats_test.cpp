#include "agents/repeats.h"

#include <gtest/gtest.h>

namespace hone {

namespace {

using Indices = std::vector<std::size_t>;
const std::vector<std::string> offered{"look", "open box", "go"};

Observation seen(bool changed) { return {"", offered, {}, changed}; }

TEST(Repeats, AnyTimeOffersEverything) {
  Repeats r;
  r.saw(seen(true));
  r.did("look");
  r.saw(seen(false));
  EXPECT_EQ(r.open(offered), (Indices{0, 1, 2}));
}

TEST(Repeats, AfterChangeWithholdsUntilSomethingChanged) {
  Repeats r(Repeat::after_change);
  r.saw(seen(true));
  EXPECT_EQ(r.open(offered), (Indices{0, 1, 2}));
  r.did("look");
  r.saw(seen(false));
  EXPECT_EQ(r.open(offered), (Indices{1, 2}));
  r.did("go");
  r.saw(seen(false));
  EXPECT_EQ(r.open(offered), (Indices{1}));
  r.did("open box");
  r.saw(seen(true));
  EXPECT_EQ(r.open(offered), (Indices{0, 2})) << "what made the change is not offered at once again";
  r.did("look");
  r.saw(seen(true));
  EXPECT_EQ(r.open(offered), (Indices{1, 2}));
}

TEST(Repeats, SparingTakesWhatChangedSomethingOncePerTry) {
  Repeats r(Repeat::sparing);
  r.saw(seen(true));
  r.did("open box");
  r.saw(seen(true));
  r.did("go");
  r.saw(seen(true));
  EXPECT_EQ(r.open(offered), (Indices{0}));
  r.did("look");
  r.saw(seen(false));
  EXPECT_EQ(r.open(offered), (Indices{0, 1, 2})) << "nothing would be left, so all are";
}

}  // namespace

}  // namespace hone
