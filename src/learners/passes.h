// One pass over data that are there from the start: replies to imitate, pairs to prefer, replies marked good or bad.
#pragma once

#include "learners/training.h"
#include "learners/training_data.h"
#include "objective/kto.h"
#include "objective/preference.h"
#include "objective/sft.h"

namespace hone {

struct PassConfig : TrainConfig {
  int tokens_per_step = 0;
};
template <class V>
void visit(V& v, PassConfig& c) {
  visit(v, static_cast<TrainConfig&>(c));
  v.field("tokens_per_step", c.tokens_per_step,
          "tokens of one optimiser step, packed with whole sequences (best-fit decreasing) that don't see each other; sequences_per_step is then not looked at; 0 = off", {.min = 0});
}
// tokens_per_step holds whatever fits max_length, `sides` of it at a time (2 = pairs). Throws Error{bad_input}.
void validate(const PassConfig& c, int max_length, int sides);

// Steps over all sequences in an order that rng fixes. Metrics: loss (mean over trained tokens), tokens, steps, gradient_norm and lr (of the last step).
// pass: which of how many, for the learning rate.
Metrics imitate(std::vector<TokenSequence> sequences, const PassConfig& train, const objective::SftConfig& loss, AtStep pass, Rng rng, Policy& policy);

// Chosen and rejected sequences in turn, and what the reference gives them.
struct Pairs {
  std::vector<TokenSequence> sequences;
  std::vector<objective::Pair> known;
  std::size_t left_out = 0;  // a side is longer than max_length: a cut on one side only would be what is learned
};
Pairs pairs_of(const std::vector<PreferenceRow>& rows, int max_length, Policy& policy, const Tokenizer& tokenizer);

// Steps over all pairs, as imitate(); metrics of the last step's PreferenceObjective, gradient_norm and lr.
Metrics prefer(const Pairs& pairs, const PassConfig& train, const objective::PreferenceConfig& loss, AtStep pass, Rng rng, Policy& policy);

// Sequences of one reply each, and whether it is good; `together` of them (2: a pair taken apart) are always in the same step.
struct MarkedReplies {
  std::vector<TokenSequence> sequences;
  std::vector<objective::MarkedReply> known;
  int together = 1, max_length = 1024;
  std::size_t left_out = 0;  // longer than max_length: what would be cut off was judged, too
};
MarkedReplies replies_of(const std::vector<MarkedRow>& rows, int max_length, Policy& policy, const Tokenizer& tokenizer);
MarkedReplies replies_of(const Pairs& pairs, int max_length = 1024);

// Steps over all replies. KTO's baseline is estimated at each step on its prompts, each with the reply to another prompt of the step (the next one's, cut at max_length); a step
// of one prompt has none (0).
Metrics mark(const MarkedReplies& replies, const PassConfig& train, const objective::KtoConfig& loss, AtStep pass, Rng rng, Policy& policy);

// Share of pairs whose chosen reply gained more than the rejected one since the reference.
double preferred(const Pairs& pairs, Policy& policy);

double sum_of(const std::vector<float>& logp);

}  // namespace hone
