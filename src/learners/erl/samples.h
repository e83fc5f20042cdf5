// What a round is trained on: the token sequences of the four roles, and what the objective must know of each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/episode.h"
#include "core/policy.h"
#include "learners/erl/erl.h"
#include "objective/sample.h"

namespace hone::erl {

enum class Role { first, reflect, second, distill };
const char* name_of(Role role);

// One first try and what followed it.
struct Tried {
  Episode first;
  std::optional<Generation> reflection;  // none: not asked for (the gate, an ablation, a prompt too long)
  std::optional<Episode> second;         // none: the first try was good enough, broke, or was dropped
};

struct Samples {
  std::vector<Role> roles;
  std::vector<TokenSequence> sequences;
  std::vector<objective::Sample> samples;
};

// The second try's tokens as if the agent had been told `first`'s first message: what the two prompts differ in at their start is
// exchanged, everything after it stays, ids included. Throws Error{bad_input} when a part of the second try does not begin as its first prompt does.
std::vector<TokenSequence> distilled(const Episode& first, const Episode& second);

// Every trained run of tokens replaced by what its text is as tokens; an end token stays.
TokenSequence tokenised_again(const TokenSequence& sequence, const Tokenizer& tokenizer);

// Roles are never compared with each other: the group is the task's, and the role's. Tokenizer: only for distill_tokens: again.
Samples samples_of(const std::vector<Tried>& tried, const ErlConfig& config, const Tokenizer* tokenizer);

}  // namespace hone::erl
