// Learning to Poke by Poking (Agrawal et al. 2016, arXiv 1606.07419): pokes at random, learns from the pictures before and after which poke
// leads from one to the other, and plays by asking that of the picture now and the goal's.
#pragma once

#include "core/learner.h"
#include "learners/poke/config.h"
#include "learners/poke/pairs.h"

namespace hone {

class PokeLearner final : public Learner, public ActingLearner {
 public:
  // Needs the world poke or one like it; throws Error{unavailable} otherwise or without networks.
  PokeLearner(const PokeLearnerConfig& config, const BatchSpec& spec, const Nets& nets, std::uint64_t seed);

  Need next(const Progress& progress) override;
  Update learn(const Experience& experience, const Lessons& known, Tools& tools) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;
  BatchActor& actor() override { return collecting_; }
  std::unique_ptr<BatchActor> player() override;
  std::vector<Rival> rivals() override;

  const PokePairs& pairs() const { return pairs_; }
  Poker& nets() { return *nets_; }
  const PokeBins& bins() const { return bins_; }

 private:
  class Random final : public BatchActor {  // as the paper's data were collected; the world turns px, py into a point of a thing
   public:
    explicit Random(const PokeBins& bins) : bins_(bins) {}
    void act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) override;

   private:
    PokeBins bins_;
  };

  void train(Metrics& metrics, Tools& tools);
  void measure(Metrics& metrics);
  double lr_now() const;

  PokeLearnerConfig config_;
  int slots_, side_;
  PokeBins bins_;
  std::unique_ptr<Poker> nets_;
  PokePairs pairs_;
  Random collecting_;
  std::int64_t poked_ = 0, updated_ = 0;
  bool finishing_ = false;  // a budget ends: what was collected is learned from for one round
};

extern constinit const LearnerEntry learner_poke;

}  // namespace hone
