// Curiosity: a reward for what the agent cannot yet predict (Pathak et al. 2017, arXiv 1705.05363), with its rivals and ablations.
#pragma once

#include <map>
#include <string>

#include "core/learner.h"
#include "learners/icm/config.h"
#include "learners/icm/keep_best.h"
#include "learners/icm/returns.h"

namespace hone {

class Icm final : public Learner, public ActingLearner {
 public:
  // Needs observations u8 [channels, side, side] and discrete i32 actions; throws Error{unavailable} otherwise or without networks.
  Icm(const IcmConfig& config, const BatchSpec& spec, const Nets& nets, std::uint64_t seed);

  Need next(const Progress& progress) override;
  Update learn(const Experience& experience, const Lessons& known, Tools& tools) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;
  BatchActor& actor() override { return collecting_; }
  std::unique_ptr<BatchActor> player() override;

 private:
  // Draws from softmax(logits); remembers one LSTM state per slot.
  class Actor final : public BatchActor {
   public:
    Actor(Icm& of, int slots);
    void act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) override;
    std::vector<float> memory;

   private:
    Icm& of_;
    std::vector<float> logits_, values_;
  };

  // What a value foresees: the rewards of every step, and how they add up.
  struct Stream {
    std::vector<float> reward;
    double gamma;
    bool endless;
  };
  std::vector<Stream> rewards_of(const Rollout& x, Metrics& metrics, Rng& rng);
  std::vector<float> bonus_of(const Rollout& x, Metrics& metrics, Rng& rng);
  CuriosityLoss update_curiosity(const Rollout& x, std::vector<int>& order, const NetStep& how, Rng& rng);
  std::vector<float> values_of(const Rollout& x);    // [steps, slots, streams]
  std::vector<float> last_values(const Rollout& x);  // [slots, streams] of the states after the last step
  Returns returns_of_streams(const Rollout& x, std::span<const Stream> streams);
  void update_actor(const Rollout& x, const Returns& returns, Metrics& metrics, Rng& rng);
  Stretch stretch(const Rollout& x, std::span<const int> slots) const;
  double done() const { return static_cast<double>(seen_) / static_cast<double>(config_.steps); }

  IcmConfig config_;
  int first_action_, actions_, streams_;
  std::unique_ptr<Explorer> nets_;
  Actor collecting_;
  std::vector<float> began_;        // the memory when the rollout at hand began
  std::vector<std::uint8_t> counts_;
  KeepBest kept_;
  std::int64_t seen_ = 0;
  struct Mean {
    double sum = 0.0;
    int of = 0;
  };
  std::map<std::string, Mean> means_;  // of the round's rollouts
  // Running mean and squares of each slot's discounted bonus (normalise_bonus).
  double bonus_count_ = 0.0, bonus_mean_ = 0.0, bonus_squares_ = 0.0;
  std::vector<double> bonus_sum_;
};

extern constinit const LearnerEntry learner_icm;

}  // namespace hone
