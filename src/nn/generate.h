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
  // A result depends on its request alone, to the bit, whoever else is in the batch: prompts are read one by one, next tokens in slabs of
  // so many rows as this machine's products compute alike (steady_rows in product.h).
  bool fixed = false;
};

// In the order of the requests. Prompt and max_tokens must fit the model's context: Error{bad_input}.
std::vector<Sampled> generate(Decoder& decoder, std::span<const SampleRequest> requests, const GenerateOptions& options);

}  // namespace hone::nn
