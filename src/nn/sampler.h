// The next token from one row of logits.
#pragma once

#include <span>
#include <vector>

#include "core/model.h"
#include "core/rng.h"

namespace hone::nn {

struct Drawn {
  int id = 0;
  float logp = 0.0F, entropy = 0.0F;  // under logits / temperature (temperature 0: under the logits), before top_k, top_p, min_p
};

// Reads temperature, top_k, top_p, min_p of `how`. `order` is scratch. Ties go to the lower id.
Drawn draw(std::span<const float> logits, const Sampling& how, Rng& rng, std::vector<int>& order);

// Among these ids only (at least one), by temperature; logp and entropy as above, of the whole vocabulary.
Drawn draw_among(std::span<const float> logits, std::span<const int> ids, float temperature, Rng& rng);

}  // namespace hone::nn
