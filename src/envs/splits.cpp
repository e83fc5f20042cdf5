#include "envs/splits.h"

#include <algorithm>
#include <numeric>

namespace hone {

namespace {

std::vector<std::vector<std::size_t>> one_pile(std::size_t n) {
  std::vector<std::vector<std::size_t>> out(1, std::vector<std::size_t>(n));
  std::iota(out[0].begin(), out[0].end(), std::size_t{0});
  return out;
}

}  // namespace

Piles::Piles(std::vector<std::vector<std::size_t>> piles, Rng rng) : rng_(rng), piles_(std::move(piles)) {
  for (auto& pile : piles_) {
    rng_.shuffle(pile);
    left_ += pile.size();
  }
}

std::vector<std::size_t> Piles::deal(int count) {
  std::vector<std::size_t> out;
  const auto wanted = static_cast<std::size_t>(count);
  std::vector<std::size_t> order(piles_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  while (out.size() < wanted && left_ > 0) {
    rng_.shuffle(order);
    for (const std::size_t p : order) {
      if (piles_[p].empty() || out.size() == wanted) continue;
      out.push_back(piles_[p].back());
      piles_[p].pop_back();
      --left_;
    }
  }
  return out;
}

void require_enough(std::size_t have, const std::vector<int*>& splits, const Shortage& shortage) {
  long long wanted = 0;
  for (const int* n : splits) wanted += *n;
  const auto supply = static_cast<long long>(have);
  if (supply >= wanted) return;
  if (!shortage.fit || supply < shortage.fewest)
    throw Error(Fault::bad_input, shortage.world + ": expected at least " + std::to_string(shortage.fit ? shortage.fewest : wanted) + " " + shortage.items +
                                      " (" + shortage.parts + "), got " + std::to_string(supply) +
                                      (shortage.fit ? "" : "; set train, validation and test so that they fit, or fit: true"));
  for (int* n : splits)
    if (*n > 0) *n = static_cast<int>(std::max(1LL, *n * supply / wanted));
}

SplitIndices deal_splits(std::size_t have, const std::size_t* own_test, SplitConfig config, Shortage shortage) {
  shortage.fit = config.fit;
  const Rng rng(config.split_seed);
  Piles piles(one_pile(have), rng.split("items"));
  SplitIndices out;
  if (own_test != nullptr) {
    shortage.parts = "test";
    require_enough(*own_test, {&config.test}, shortage);
    out.test = Piles(one_pile(*own_test), rng.split("test items")).deal(config.test);
    shortage.parts = "validation and train";
    require_enough(have, {&config.validation, &config.train}, shortage);
  } else {
    shortage.parts = "test, validation and train";
    require_enough(have, {&config.test, &config.validation, &config.train}, shortage);
    out.test = piles.deal(config.test);
  }
  out.validation = piles.deal(config.validation);
  out.train = piles.deal(config.train);
  return out;
}

}  // namespace hone
