// Settings of Learning to Poke by Poking (Agrawal et al. 2016, arXiv 1606.07419). Defaults are ours, for two cores (poke.md 7).
#pragma once

#include "core/config.h"
#include "core/poker.h"

namespace hone {

struct PokeLearnerConfig {
  std::int64_t pokes = 10000, updates = 6000;
  int rollout = 25, collect = 10000, round = 500, batch = 64;
  double lambda = 0.1, inverse = 1.0;
  FeatureNorm norm = FeatureNorm::l1;
  bool detach_target = false;
  HeadOrder order = HeadOrder::length_first;
  PokerLayout layout = PokerLayout::strided;
  int grid = 12, angles = 18, lengths = 6;
  bool no_contact = true;
  int shift = 4;
  int features = 128, hidden = 128;
  double lr = 0.001, final_lr = 0.1, clip = 40.0;
  bool shuffle_labels = false;
  double view = 0.40, finger_radius = 0.01;
  int held_out = 512;
  std::string start_from;
};
template <class V>
void visit(V& v, PokeLearnerConfig& c) {
  v.field("pokes", c.pokes, "pokes at random before anything is learned; their pictures are kept (12 kB each at 64 pixels) and are part of every checkpoint", {.min = 0, .max = 1000000});
  v.field("updates", c.updates, "steps of training after that", {.min = 0, .max = 1e9});
  v.field("rollout", c.rollout, "pokes of every slot at a time while collecting", {.min = 1, .max = 4096});
  v.field("collect", c.collect, "pokes between two checkpoints while collecting: a checkpoint holds all pictures so far", {.min = 1, .max = 1e9});
  v.field("round", c.round, "steps between two checkpoints and two points of the curves", {.min = 1, .max = 1000000});
  v.field("batch", c.batch, "pokes in a step", {.min = 1, .max = 4096});
  v.field("lambda", c.lambda, "weight of the forward model's loss; 0 = inverse model only", {.min = 0, .max = 1e6});
  v.field("inverse", c.inverse, "weight of the inverse model's loss; 0 = forward model only, whose features collapse", {.min = 0, .max = 1e6});
  v.choice("norm", c.norm, {{"l1", FeatureNorm::l1}, {"l2", FeatureNorm::l2}}, "what the forward loss is the mean of: distances or their squares");
  v.field("detach_target", c.detach_target, "the forward loss does not reach the features of the picture after");
  v.choice("order", c.order, {{"length_first", HeadOrder::length_first}, {"location_first", HeadOrder::location_first}, {"independent", HeadOrder::independent}},
           "how the heads hang together: length, angle, location (later version of the paper); location, angle, length (follow-up); or not at all (first version)");
  v.choice("layout", c.layout, {{"strided", PokerLayout::strided}, {"small", PokerLayout::small}, {"first", PokerLayout::first}, {"alexnet", PokerLayout::alexnet}},
           "the encoder: four strided convolutions with kernels of our own, five with pooling, the first version's three with a spatial softmax, AlexNet's (200 pixels)");
  v.field("grid", c.grid, "bins of the location along each axis", {.min = 2, .max = 64});
  v.field("angles", c.angles, "bins of the direction", {.min = 2, .max = 360});
  v.field("lengths", c.lengths, "bins of the length", {.min = 2, .max = 100});
  v.field("no_contact", c.no_contact, "one more class of the length for pokes that moved nothing; without it they say nothing");
  v.field("shift", c.shift, "pictures of a pair and its poke are moved together by up to so many pixels, drawn anew whenever it is learned from; 0 = never", {.min = 0, .max = 64});
  v.field("features", c.features, "width of a picture's code", {.min = 1, .max = 4096});
  v.field("hidden", c.hidden, "width of every layer of heads and forward model", {.min = 1, .max = 4096});
  v.field("lr", c.lr, "learning rate (Adam)", {.min = 0});
  v.field("final_lr", c.final_lr, "share of the learning rate that is left at the last step, reached along a cosine", {.min = 0, .max = 1});
  v.field("clip", c.clip, "most length of the gradient, 0 = any", {.min = 0});
  v.field("shuffle_labels", c.shuffle_labels, "a check: every pair learns the poke of another one");
  v.field("view", c.view, "what the picture shows, m; only the blob baseline asks", {.min = 0.01, .max = 10});
  v.field("finger_radius", c.finger_radius, "m; only the blob baseline asks", {.min = 0.001, .max = 1});
  v.field("held_out", c.held_out, "most pairs of the held-out slots (every eighth) that a round's accuracies are measured on", {.min = 1, .max = 100000});
  v.field("start_from", c.start_from, "file with the bytes of another run's published networks (hone store weights) to begin with; with pokes and updates 0 they are only played");
}

}  // namespace hone
