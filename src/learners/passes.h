// One pass over data that are there from the start: replies to imitate, pairs to prefer.
#pragma once

#include "learners/training.h"
#include "learners/training_data.h"
#include "objective/kto.h"
#include "objective/preference.h"
#include "objective/sft.h"

namespace hone {

// Steps over all sequences in an order that rng fixes. Metrics: loss (mean over trained tokens), tokens, gradient_norm and lr (of the last step).
// pass: which of how many, for the learning rate.
Metrics imitate(std::vector<TokenSequence> sequences, const TrainConfig& train, const objective::SftConfig& loss, AtStep pass, Rng rng, Policy& policy);

// Chosen and rejected sequences in turn, and what the reference gives them.
struct Pairs {
  std::vector<TokenSequence> sequences;
  std::vector<objective::Pair> known;
  std::size_t left_out = 0;  // a side is longer than max_length: a cut on one side only would be what is learned
};
Pairs pairs_of(const std::vector<PreferenceRow>& rows, int max_length, Policy& policy, const Tokenizer& tokenizer);

// Steps over all pairs, as imitate(); metrics of the last step's PreferenceObjective and gradient_norm.
Metrics prefer(const Pairs& pairs, const TrainConfig& train, const objective::PreferenceConfig& loss, AtStep pass, Rng rng, Policy& policy);

// The same with each reply on its own, the chosen ones as good and the others as bad. KTO's baseline is estimated at each step on prompts of it
// with the replies of another pair; a step of one pair has none (0).
Metrics mark(const Pairs& pairs, const TrainConfig& train, const objective::KtoConfig& loss, AtStep pass, Rng rng, Policy& policy);

// Share of pairs whose chosen reply gained more than the rejected one since the reference.
double preferred(const Pairs& pairs, Policy& policy);

double sum_of(const std::vector<float>& logp);

}  // namespace hone
