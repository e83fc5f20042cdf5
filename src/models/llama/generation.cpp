#include "models/llama/generation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/rng.h"
#include "models/llama/grammar.h"
#include "models/llama/logits.h"
#include "wire/json.h"

namespace hone::llama {
namespace {

constexpr float nothing = -std::numeric_limits<float>::infinity();

void require(bool good, const std::string& what) {
  if (!good) throw Error(Fault::bad_input, "sampling: " + what);
}

// llama.cpp takes 32 bits and reads all ones as "from the clock".
std::uint32_t seed32(std::uint64_t seed) {
  const auto folded = static_cast<std::uint32_t>(mix64(seed));
  return folded == LLAMA_DEFAULT_SEED ? 0 : folded;
}

SamplerPtr make_chain(const Sampling& s) {
  SamplerPtr chain(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  if (s.top_k > 0) llama_sampler_chain_add(chain.get(), llama_sampler_init_top_k(s.top_k));
  if (s.top_p < 1.0F) llama_sampler_chain_add(chain.get(), llama_sampler_init_top_p(s.top_p, 1));
  if (s.min_p > 0.0F) llama_sampler_chain_add(chain.get(), llama_sampler_init_min_p(s.min_p, 1));
  llama_sampler_chain_add(chain.get(), llama_sampler_init_temp(s.temperature));
  llama_sampler_chain_add(chain.get(), llama_sampler_init_dist(seed32(s.seed)));
  return chain;
}

}  // namespace

void check_sampling(const Sampling& s) {
  require(s.max_tokens >= 1, "max_tokens: expected at least 1, got " + std::to_string(s.max_tokens));
  require(s.temperature >= 0.0F && std::isfinite(s.temperature), "temperature: expected 0 or more, got " + std::to_string(s.temperature));
  require(s.top_k >= 0, "top_k: expected 0 (off) or more, got " + std::to_string(s.top_k));
  require(s.top_p > 0.0F && s.top_p <= 1.0F, "top_p: expected above 0 up to 1, got " + std::to_string(s.top_p));
  require(s.min_p >= 0.0F && s.min_p <= 1.0F, "min_p: expected 0 to 1, got " + std::to_string(s.min_p));
  require(s.grammar.empty() || s.json_schema.empty(), "expected at most one of grammar and json_schema, got both");
  require(std::none_of(s.stop.begin(), s.stop.end(), [](const std::string& w) { return w.empty(); }), "stop: expected words, got an empty one");
}

std::string finished_text(std::string text) {
  // At most three bytes can stand at the end waiting for the rest of their character.
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back) text.resize(text.size() - back);
    break;
  }
  return wire::valid_utf8(text);
}

Generation::Generation(const llama_vocab& vocab, const Sampling& sampling, std::vector<int> prompt_ids) : vocab_(&vocab) {
  check_sampling(sampling);
  trace_.sampling = sampling;
  trace_.prompt_ids = std::move(prompt_ids);
  for (const std::string& word : sampling.stop) longest_stop_ = std::max(longest_stop_, word.size());
  if (sampling.temperature > 0.0F) chain_ = make_chain(sampling);
  grammar_ = make_grammar(vocab, grammar_of(sampling));
}

void Generation::candidates_from(std::span<const float> logits) {
  candidates_.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) candidates_[i] = {static_cast<llama_token>(i), logits[i], 0.0F};
}

bool Generation::allowed(llama_token token) {
  if (!grammar_) return true;
  llama_token_data one{token, 0.0F, 0.0F};
  llama_token_data_array array{&one, 1, -1, false};
  llama_sampler_apply(grammar_.get(), &array);
  return one.logit != nothing;
}

void Generation::accept_in_grammar(llama_token token) {
  try {
    llama_sampler_accept(grammar_.get(), token);
  } catch (const std::exception& e) {
    throw Error(Fault::internal, std::string("grammar: ") + e.what());
  }
}

llama_token Generation::sample(llama_token_data_array& candidates) {
  llama_sampler_apply(chain_.get(), &candidates);
  const auto at = static_cast<std::size_t>(std::max<std::int64_t>(candidates.selected, 0));
  if (candidates.data[at].logit != nothing) return candidates.data[at].id;
  // A draw of exactly zero lands on the first candidate even when it is impossible: take the likeliest then.
  return std::max_element(candidates.data, candidates.data + candidates.size, [](const auto& a, const auto& b) { return a.logit < b.logit; })->id;
}

// First without the grammar, which is slow over a whole vocabulary; only a refused token is drawn again under it. For plain
// sampling that has the same distribution as masking first: p + (1 - allowed) p / allowed = p / allowed.
llama_token Generation::choose(std::span<const float> logits) {
  llama_token token = 0;
  if (chain_) {
    candidates_from(logits);
    llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
    token = sample(array);
  } else {
    token = argmax(logits);
  }
  if (allowed(token)) return token;
  candidates_from(logits);
  llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
  llama_sampler_apply(grammar_.get(), &array);
  const auto best = std::max_element(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) { return a.logit < b.logit; });
  if (best->logit == nothing) return LLAMA_TOKEN_NULL;  // the grammar is at a dead end
  return chain_ ? sample(array) : best->id;
}

bool Generation::advance(std::span<const float> logits) {
  const llama_token token = choose(logits);
  if (token == LLAMA_TOKEN_NULL) return false;
  trace_.ids.push_back(token);
  if (trace_.sampling.logprobs) {
    const RowFacts facts = row_facts(logits);
    trace_.logp.push_back(static_cast<float>(logits[token] - facts.log_sum));
    trace_.entropy.push_back(static_cast<float>(facts.entropy));
  }
  if (llama_vocab_is_eog(vocab_, token)) return false;
  if (grammar_) accept_in_grammar(token);
  if (chain_) llama_sampler_accept(chain_.get(), token);
  const std::size_t before = text_.size();
  text_ += piece(*vocab_, token, false);
  std::size_t cut = std::string::npos;
  for (const std::string& word : trace_.sampling.stop)
    cut = std::min(cut, text_.find(word, before - std::min(before, longest_stop_ - 1)));
  if (cut != std::string::npos) {
    text_.resize(cut);
    why_ = StopReason::stop_word;
    return false;
  }
  if (generated() >= trace_.sampling.max_tokens) {
    why_ = StopReason::length;
    return false;
  }
  return true;
}

Reply Generation::reply() && {
  Reply reply;
  reply.text = finished_text(std::move(text_));
  reply.why = why_;
  reply.trace = std::move(trace_);
  return reply;
}

}  // namespace hone::llama
