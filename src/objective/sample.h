// What an objective must know of one sequence before the step: everything but the current policy's scores.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"
#include "objective/config.h"

namespace hone::objective {

// What one sample does differently from the objective's settings.
struct Override {
  std::optional<Advantage> adv;
  std::optional<Surrogate> surrogate;
  std::optional<OldLogp> old_logp;
};

// Vectors per trained token have `tokens` entries or none.
struct Sample {
  std::string group;               // samples with the same key are compared: a task, task and role; never the place in the batch
  int tokens = 0;                  // trained tokens
  int length = 0;                  // of the whole reply for soft_penalty; 0 = tokens
  bool truncated = false;          // the length limit cut it off
  std::optional<double> reward;    // none: nobody could score it; it counts in no mean and its advantage is 0
  std::vector<double> rewards;     // one per reward function (NaN: this one could not); then `reward` is their weighted sum
  std::vector<double> advantages;  // per token, or one for all; given: rewards are not looked at
  std::vector<float> logp_old, logp_roll, logp_ref, logp_past;
  std::vector<float> logp_now;     // by a pass just before this step; clip_cov and kl_cov take their statistics from it (empty: logp_old)
  std::vector<float> entropy;      // when it was sampled; for top_entropy
  double weight = 1.0;             // of its policy term
  Override own;
};

// Of the current policy, and what is asked of it: d loss / d logp, d loss / d entropy. Same order as the samples' tokens.
struct Scores {
  std::vector<double> logp, entropy;
};
struct Slopes {
  std::vector<double> logp, entropy;
};

using Evaluate = std::function<double(std::span<const std::size_t> which, std::span<const Scores> scores, std::span<Slopes> slopes)>;
// An objective as a policy wants it: numbers as float outside, double inside.
Loss as_loss(Evaluate evaluate);

// A call whose numbers of sequences and tokens fit; throws Error{bad_input} that names `what` and the sequence.
void check_call(std::string_view what, std::span<const std::size_t> which, std::span<const int> tokens, std::span<const Scores> scores, std::span<Slopes> slopes);

// "sample 3 (group 'a')", for errors.
std::string place(std::size_t index, const Sample& s);
// Throws Error{bad_input} when a vector has another length than `tokens` or a number is not finite.
void check(std::span<const Sample> samples);

}  // namespace hone::objective
