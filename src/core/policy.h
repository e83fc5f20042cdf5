// A language model whose weights can be trained, without a word about tensors: methods decide what each token's log-probability is
// worth, the policy does the rest. Room nn implements it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/arch.h"
#include "core/model.h"
#include "core/reflex.h"
#include "core/tokenizer.h"

namespace hone {

// One training sequence: prompt, replies, and what the world said in between.
struct TokenSequence {
  std::vector<int> ids;
  std::vector<std::uint8_t> trained;  // [ids] 1 = this token's log-probability counts; never the first
};

// Of each trained token, in order, under logits / temperature.
struct SequenceScores {
  std::vector<float> logp, entropy;  // natural log of the token; entropy of the whole vocabulary, nats
};

// d loss / d logp and d loss / d entropy of the same tokens; d_entropy may be left empty.
struct SequenceGradient {
  std::vector<float> d_logp, d_entropy;
};

// Called with a few sequences at a time (`which` are their places among all of the step); writes one gradient per sequence and
// returns their part of the loss. Whatever is summed over the whole step (numbers of tokens, of sequences) it must know beforehand.
using Loss = std::function<double(std::span<const std::size_t> which, std::span<const SequenceScores> scores, std::span<SequenceGradient> gradients)>;

struct StepOptions {
  double lr = 1e-6, weight_decay = 0.0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip = 1.0;               // gradient norm; 0 = off
  double skip_above = 0.0;         // no update when the norm is larger; 0 = off
  float temperature = 1.0F;        // logits are divided by it
  int microbatch_tokens = 4096;    // at a time; bounds memory, changes nothing else
  int together = 1;                // so many consecutive sequences are always handed to the loss in one call (2 = pairs)
  double ema = 0.0;                // WeightSet::average becomes ema * average + (1 - ema) * weights after the step; 0 = none is kept
};

struct StepResult {
  double loss = 0.0, gradient_norm = 0.0, seconds = 0.0;
  std::int64_t tokens = 0, trained = 0;
  bool skipped = false;            // norm above skip_above: weights as before
};

struct SampleRequest {
  std::vector<int> prompt;
  Sampling sampling;               // temperature, top_k, top_p, min_p, seed, max_tokens, stop; no grammars
  // Not empty: the reply is one of these (end tokens included), drawn token by token among those that may still follow, by temperature
  // alone. logp and entropy stay those of the whole vocabulary.
  std::vector<std::vector<int>> allowed;
};

struct Sampled {
  std::vector<int> ids;            // the end token included when it came
  std::vector<float> logp, entropy;  // of each, under logits / temperature before top_k, top_p and min_p
  StopReason why = StopReason::end;
};

enum class Which { current, reference };

// all: the published weights, which adapters leave as they are. trained: those that steps change, either the same or the adapters.
// average: the moving average of the trained ones, in their order; empty when none is kept.
enum class WeightSet { all, trained, average };

// One weight by its published name ("model.layers.0.mlp.up_proj.weight"; adapters by peft's); values may be written, then
// Policy::weights_changed().
struct PolicyWeight {
  std::string name;
  std::vector<std::int64_t> shape;  // [out, in] or [width]
  std::span<float> values;          // float masters
};

// A loss or gradient that is not finite throws Error{bad_input} before any weight changes.
class Policy : public Savable {  // saves what steps change (weights or adapters), optimizer and step count
 public:
  virtual std::vector<Sampled> sample(std::span<const SampleRequest> requests) = 0;
  virtual std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float temperature, Which weights) = 0;
  virtual StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions& options) = 0;
  virtual void keep_reference() = 0;  // Which::reference is the model as it is now
  virtual std::vector<PolicyWeight> weights(WeightSet which) = 0;
  virtual void weights_changed() = 0;
  // A published weight as it plays: adapters are added in. Error{usage}: no such weight, a span of another size.
  virtual void read(const std::string& name, std::span<float> out) = 0;
};

// Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): a target matrix W [out, in] plays as W + alpha / rank * B A; A [rank, in]
// and B [out, rank] learn, everything else stays as it is.
struct LoraOptions {
  int rank = 0;  // 0 = none: the weights themselves learn
  double alpha = 16.0;
  std::vector<std::string> targets{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
};

enum class Precision { automatic, f32, bf16 };  // automatic: bf16 products where the CPU has them, masters are always float

struct PolicyOptions {
  Arch arch;
  Precision precision = Precision::automatic;
  std::uint64_t seed = 0;              // of the first weights; most are then read from a file
  std::vector<int> end_ids;            // a reply ends with the first of these
  const Tokenizer* tokenizer = nullptr;  // for stop words; must outlive the policy
  int threads = 0;                     // 0 = one per core
  int batch = 32;                      // continuations at a time
  bool fixed_batches = true;           // results of sample() depend on the request alone, not on what else is asked for
  bool checkpointing = false;          // a third more time, a tenth of the memory between forward and backward
  int frozen_layers = 0;               // layers below this one (and embeddings) stay as they are
  LoraOptions lora = {};
};

}  // namespace hone
