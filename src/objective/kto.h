// Losses on single replies marked good or bad: KTO (arXiv 2402.01306) and APO-zero's unpaired form, as TRL 1.9.0 computes them.
//
//   x = log p - log p_ref, summed.   kto: good w+ (1 - s(b (x - z))), bad w- (1 - s(b (z - x))).   apo_zero: 1 - s(bx), s(bx).   Mean over the step.
#pragma once

#include "core/lesson.h"
#include "objective/preference.h"

namespace hone::objective {

enum class KtoLoss { kto, apo_zero_unpaired };

struct KtoConfig {
  KtoLoss loss = KtoLoss::kto;
  double beta = 0.1, desirable_weight = 1.0, undesirable_weight = 1.0;
};
template <class V>
void visit(V& v, KtoConfig& c) {
  v.choice("loss", c.loss, {{"kto", KtoLoss::kto}, {"apo_zero_unpaired", KtoLoss::apo_zero_unpaired}}, "loss on a reply marked good or bad");
  v.field("beta", c.beta, "how strongly the reference holds", {.min = 1e-6, .max = 1000});
  v.field("desirable_weight", c.desirable_weight, "weight of good replies", {.min = 0, .max = 1000});
  v.field("undesirable_weight", c.undesirable_weight, "weight of bad replies", {.min = 0, .max = 1000});
}

struct MarkedReply {
  Reply reply;
  bool good = false;
};

// kto's z: the mean of policy - reference over replies that belong to other prompts, at least 0. Sums, one per reply.
double kto_baseline(std::span<const double> policy, std::span<const double> reference);

class KtoObjective {
 public:
  KtoObjective(std::vector<MarkedReply> replies, const KtoConfig& config, double baseline = 0.0);

  double evaluate(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes);
  Loss loss();  // refers to this object; starts counting anew
  // rewards/chosen, rewards/rejected, rewards/margins, logps/chosen, logps/rejected, kl (z), loss
  Metrics metrics() const;

 private:
  std::vector<MarkedReply> replies_;
  KtoConfig config_;
  double baseline_ = 0.0;
  std::vector<int> tokens_;
  struct Side {
    double n = 0.0, reward = 0.0, logp = 0.0;
  };
  double loss_ = 0.0;
  Side good_, bad_;
};

}  // namespace hone::objective
