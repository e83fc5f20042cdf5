// Many continuations at once from the weights that are being trained: one batch of the next tokens, keys and values kept, a prompt that
// several share computed once. Every continuation draws from its own seed.
#pragma once

#include <span>
#include <vector>

#include "core/policy.h"
#include "core/tokenizer.h"
#include "nn/decoder.h"

namespace hone::nn {

struct GenerateOptions {
  std::vector<int> end_ids;                // a continuation ends with the first of these
  const Tokenizer* tokenizer = nullptr;    // for stop words
  int batch = 64;                          // continuations at a time; finished ones make room for the next
  // Every product has the same number of rows whoever else is in the batch (prompts one by one, then always `batch` rows): sums are
  // then taken in the same order and a result depends on its request alone. Below `batch` continuations that costs time.
  bool fixed = false;
};

// In the order of the requests. Prompt and max_tokens must fit the model's context: Error{bad_input}.
std::vector<Sampled> generate(Decoder& decoder, std::span<const SampleRequest> requests, const GenerateOptions& options);

}  // namespace hone::nn
