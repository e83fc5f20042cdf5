// How a file of items becomes training, validation and test tasks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/rng.h"

namespace hone {

// Items in piles (one per queue, or a single one), each in random order. Dealt one pile after the other, in a new order of
// piles each round, so that every run of what is dealt is as balanced as the piles allow.
class Piles {
 public:
  Piles(std::vector<std::vector<std::size_t>> piles, Rng rng);
  std::size_t left() const { return left_; }
  // At most `count` of what is left.
  std::vector<std::size_t> deal(int count);

 private:
  Rng rng_;
  std::vector<std::vector<std::size_t>> piles_;
  std::size_t left_ = 0;
};

// What an error about too few items says, and when `fit` may help.
struct Shortage {
  std::string world, items, parts;  // "desk", "different requests", "validation and train"
  bool fit = false;
  int fewest = 1;                   // with `fit`: fewer than this are refused all the same
};

// Splits that come from one supply of `have` items: as they are when they fit, made smaller in proportion when `fit` allows it
// (none that was asked for becomes empty), else Error{bad_input}.
void require_enough(std::size_t have, const std::vector<int*>& splits, const Shortage& shortage);

struct SplitConfig {
  int train = 0, validation = 0, test = 0;
  bool fit = false;
  std::uint64_t split_seed = 1;
};

template <class V>
void visit(V& v, SplitConfig& c) {
  constexpr double many = 1e8;
  v.field("train", c.train, "training tasks", {.min = 0, .max = many});
  v.field("validation", c.validation, "validation tasks", {.min = 0, .max = many});
  v.field("test", c.test, "test tasks", {.min = 0, .max = many});
  v.field("fit", c.fit, "with fewer tasks than the three splits ask for, make all three smaller in proportion instead of refusing");
  v.field("split_seed", c.split_seed, "seed of the splits");
}

struct SplitIndices {
  std::vector<std::size_t> train, validation, test;
};

// Test, then validation, then training items from one shuffle of `have`, so that the test items stay the same when `train`
// changes. With a file of its own for the test (`own_test` items in it) `test` counts into that file.
SplitIndices deal_splits(std::size_t have, const std::size_t* own_test, SplitConfig config, Shortage shortage);

}  // namespace hone
