// The only way to reach a language model or an embedder. Calls block; an implementation is safe to call from many threads
// and batches behind its own queue. Interfaces only: back ends live in models/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

struct Message {
  std::string role;     // "system", "user", "assistant"
  std::string content;  // UTF-8
};

struct Sampling {
  float temperature = 0.0F;  // 0 = greedy
  int top_k = 0;             // 0 = off
  float top_p = 1.0F;
  float min_p = 0.0F;
  std::uint64_t seed = 0;    // same seed and prompt, same text (per sequence, whatever else is in the batch)
  int max_tokens = 256;
  std::vector<std::string> stop;  // generation ends before the first of these; it is not part of the text
  std::string grammar;            // GBNF; empty = free. At most one of grammar and json_schema.
  std::string json_schema;
  bool hold = true;               // false: where a model can't be held to the grammar it may write freely; true: that is Error{unavailable}
  bool logprobs = false;          // fill Trace::logp and Trace::entropy
};

// Per generated token. ids, logp and entropy have equal length (logp and entropy empty when not asked for).
struct Trace {
  std::vector<int> prompt_ids, ids;
  std::vector<float> logp;     // natural log, of the sampled token under the model before grammar and temperature
  std::vector<float> entropy;  // nats, of the same distribution
  Sampling sampling;
};

struct Usage {
  std::int64_t calls = 0, prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0;
  double seconds = 0.0, money = 0.0;  // seconds inside the model; money in the recipe's currency
  Usage& operator+=(const Usage& other) {
    calls += other.calls;
    prompt_tokens += other.prompt_tokens;
    cached_tokens += other.cached_tokens;
    generated_tokens += other.generated_tokens;
    seconds += other.seconds;
    money += other.money;
    return *this;
  }
};

enum class StopReason { end, stop_word, length };

struct Reply {
  std::string text;  // valid UTF-8
  StopReason why = StopReason::end;
  Trace trace;
  Usage usage;
};

struct ModelFacts {
  std::string name;          // as asked for
  std::string artifact_sha;  // SHA-256 of the file, or the server's model id
  std::string architecture;
  int context = 0;           // tokens
  std::int64_t parameters = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelFacts& facts() const = 0;
  virtual Reply chat(std::span<const Message> messages, const Sampling& sampling) = 0;
  virtual int count_tokens(std::string_view text) = 0;
};

// Choose among a given list. `content_free` is the same prompt without its content: the log-prior it gives to each choice is
// returned beside the score, and subtracting it is contextual calibration (Zhao et al. 2021, arXiv 2102.09690).
struct ChoiceRequest {
  std::vector<Message> prompt;
  std::string lead;                   // start of the assistant's turn, before the choice (e.g. "Queue:"); may be empty
  std::vector<std::string> choices;   // distinct, non-empty
  std::optional<std::vector<Message>> content_free;
};

struct Score {
  std::vector<double> logp;   // [choices] log P(choice and its end | prompt), sum over its tokens, natural log
  std::vector<double> prior;  // [choices] the same under content_free; empty without it, and from models that give no prior
  std::vector<int> tokens;    // [choices] number of tokens scored
  Usage usage;
};

class ChoiceModel {
 public:
  virtual ~ChoiceModel() = default;
  virtual std::vector<Score> score(std::span<const ChoiceRequest> requests) = 0;
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual const ModelFacts& facts() const = 0;
  virtual int dimensions() const = 0;
  // out: [texts x dimensions], rows of unit length. Texts beyond the model's window are cut at its end.
  virtual void embed(std::span<const std::string_view> texts, std::span<float> out) = 0;
};

}  // namespace hone
