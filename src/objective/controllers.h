// Coefficients that follow a measured quantity from step to step.
#pragma once

#include <algorithm>
#include <limits>

namespace hone::objective {

// TRL 1.9.0: the bonus applies while the last step's entropy (nats per token) is at or below the target, and its coefficient goes up by
// `delta` then and down otherwise.
struct EntropyController {
  double target = 0.2, delta = 0.005, least = 0.0, most = 1.0;
  double coef = 0.0;
  double last = std::numeric_limits<double>::infinity();  // entropy of the step before; no bonus before the first

  double applied() const { return last <= target ? coef : 0.0; }
  void observe(double entropy) {
    coef = entropy <= target ? std::min(coef + delta, most) : std::max(coef - delta, least);
    last = entropy;
  }
};

// verl 0.8.0: the weight of a divergence in the reward grows while it is above the target, by at most 20 % per `horizon` steps seen.
struct KlController {
  double coef = 0.001, target = 0.1, horizon = 10000;

  void observe(double kl, double steps) { coef *= 1.0 + std::clamp(kl / target - 1.0, -0.2, 0.2) * steps / horizon; }
};

}  // namespace hone::objective
