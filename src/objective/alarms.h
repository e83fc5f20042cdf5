// Says in words when a training run goes wrong. Thresholds are settings; their defaults are our choice, not from a paper.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/lesson.h"
#include "core/reflex.h"

namespace hone::objective {

struct AlarmConfig {
  double constant_groups = 0.8;
  double missing_rewards = 0.05;
  double entropy_share = 0.2, entropy_floor = 0.01;
  double length_factor = 2.0;
  double kl_most = 0.5;
  int never_passes = 5;
  int baseline_rounds = 3, patience = 2;
};
template <class V>
void visit(V& v, AlarmConfig& c) {
  v.field("constant_groups", c.constant_groups, "groups without variance: alarm above this share", {.min = 0, .max = 1});
  v.field("missing_rewards", c.missing_rewards, "replies without a reward: alarm above this share", {.min = 0, .max = 1});
  v.field("entropy_share", c.entropy_share, "entropy: alarm below this share of what it was in the first rounds", {.min = 0, .max = 1});
  v.field("entropy_floor", c.entropy_floor, "entropy: alarm below this many nats per token", {.min = 0, .max = 100});
  v.field("length_factor", c.length_factor, "reply length: alarm when it has grown or shrunk by this factor since the first rounds", {.min = 1, .max = 1000});
  v.field("kl_most", c.kl_most, "divergence from the reference or from the policy that played: alarm above this, per token", {.min = 0, .max = 1000});
  v.field("never_passes", c.never_passes, "alarm after this many rounds in a row in which no reply got a reward above 0; 0 = never", {.min = 0, .max = 1000000});
  v.field("baseline_rounds", c.baseline_rounds, "first rounds that entropy and length are compared with", {.min = 1, .max = 1000000});
  v.field("patience", c.patience, "rounds in a row that a condition must hold (a blow-up of the divergence alarms at once)", {.min = 1, .max = 1000000});
}

// Reads groups_constant, rewards_missing, entropy, length_mean, kl_ref, kl_old and passed; what a round does not have is not judged.
class Alarms final : public Savable {
 public:
  explicit Alarms(const AlarmConfig& config) : config_(config) {}
  std::vector<std::string> round(const Metrics& metrics);  // once per round: the conditions that hold now
  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  struct Baseline {
    double sum = 0.0;
    std::int64_t rounds = 0;
  };
  struct State {  // saved as it is
    std::int64_t constant = 0, missing = 0, entropy = 0, length = 0, failing = 0;
    Baseline first_entropy, first_length;
  };
  bool holds(std::int64_t& rounds, bool now) const;

  AlarmConfig config_;
  State state_;
};

}  // namespace hone::objective
