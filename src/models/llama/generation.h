// One reply in the making: sampling, grammar, stop words, log-probabilities. Knows nothing of batches or caches.
#pragma once

#include <span>
#include <string>

#include "core/model.h"
#include "models/llama/handle.h"

namespace hone::llama {

// Error{bad_input} for what no model could do: max_tokens below 1, both grammar and json_schema, top_p outside (0, 1], ...
void check_sampling(const Sampling& sampling);
// `text` without an incomplete character at its end; other invalid bytes become U+FFFD. Pure.
std::string finished_text(std::string text);

class Generation {
 public:
  // Error{bad_input} for a bad grammar or schema.
  Generation(const llama_vocab& vocab, const Sampling& sampling, std::vector<int> prompt_ids);

  // Samples the next token from the logits [vocabulary] after the last one. False when the reply is complete.
  bool advance(std::span<const float> logits);
  llama_token last_token() const { return trace_.ids.back(); }
  int generated() const { return static_cast<int>(trace_.ids.size()); }
  int most() const { return trace_.sampling.max_tokens; }
  Reply reply() &&;  // without usage

 private:
  llama_token choose(std::span<const float> logits);
  llama_token sample(llama_token_data_array& candidates);
  bool allowed(llama_token token);
  void accept_in_grammar(llama_token token);
  void candidates_from(std::span<const float> logits);

  const llama_vocab* vocab_;
  SamplerPtr chain_, grammar_;
  std::vector<llama_token_data> candidates_;
  std::string text_;
  StopReason why_ = StopReason::end;
  Trace trace_;
  std::size_t longest_stop_ = 0;
};

}  // namespace hone::llama
