#include "learners/icm/keep_best.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

struct Number final : Savable {
  std::int32_t is = 0;
  void save(Sink& sink) const override { put(sink, is); }
  void load(Source& source) override { get(source, is); }
};

// Two slots; every row of `steps` says reward and end of both.
struct Played {
  struct Row {
    float reward[2];
    std::uint8_t ended[2], fault[2] = {0, 0};
  };
  Played(std::initializer_list<Row> rows) {
    for (const Row& row : rows)
      for (int i = 0; i < 2; ++i) reward.push_back(row.reward[i]), ended.push_back(row.ended[i]), fault.push_back(row.fault[i]);
    truncated.resize(ended.size());
    rollout.steps = static_cast<int>(rows.size()), rollout.slots = 2;
    rollout.data = {{}, {}, reward, ended, truncated, fault, {}};
  }
  std::vector<float> reward;
  std::vector<std::uint8_t> ended, truncated, fault;
  Rollout rollout;
};

TEST(KeepBest, HoldsTheNetworksOfTheBestStretchOfEpisodes) {
  KeepBest kept(2, 2);
  Number nets;
  nets.is = 1;
  kept.see(Played{{{1, 0}, {0, 1}}}.rollout, nets);  // slot 1 ends with 0; one episode is no stretch of two
  nets.is = 9;
  kept.restore(nets);
  EXPECT_EQ(nets.is, 9);
  nets.is = 2;
  kept.see(Played{{{0, 0}, {0, 0}}, {{2, 0}, {1, 0}}}.rollout, nets);  // slot 0 ends with 1 + 0 + 2, over two rollouts: mean of 0 and 3
  EXPECT_EQ(kept.best(), 1.5);
  nets.is = 3;
  kept.see(Played{{{0, 0}, {0, 1}}}.rollout, nets);  // mean of 3 and 0: no better
  nets.is = 4;
  kept.see(Played{{{5, 7}, {1, 1}, {0, 1}}}.rollout, nets);  // a fault's episode is none: mean of 0 and 5
  EXPECT_EQ(kept.best(), 2.5);
  nets.is = 5;
  kept.see(Played{{{0, 0}, {1, 1}}}.rollout, nets);  // lost again

  MemorySink sink;
  kept.save(sink);
  KeepBest again(2, 2);
  MemorySource source(sink.data);
  again.load(source);
  for (const KeepBest* k : {&kept, &again}) {
    nets.is = 9;
    k->restore(nets);
    EXPECT_EQ(nets.is, 4);
  }
  again.see(Played{{{4, 2}, {1, 1}}}.rollout, nets);  // the means go on: 4 and 2
  EXPECT_EQ(again.best(), 3.0);
}

}  // namespace
}  // namespace hone
