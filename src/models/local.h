// GGUF models run in this process by llama.cpp. No server, no network.
//
// Prompt: the messages go through the chat template of the model file (Jinja), with its start of the assistant's turn at the
// end. Messages of role "text" are taken as they stand: all "text" = a plain completion prompt, their concatenation; "text"
// after the others = the start of the assistant's turn. "text" before others: Error{bad_input}. The template's clock stands
// still (2025-01-01), so a template that writes the date gives the same prompt tomorrow. Text that spells a control token
// ("<|im_end|>") inside a message is read as ordinary characters: content can't end its own turn.
//
// Reply: text is valid UTF-8, stop words and the end token are not part of it; Trace::ids holds every sampled token, the end
// token included. Prompt and max_tokens together must fit ModelOptions::context, else Error{bad_input} with both numbers.
//
// Choices: each is tokenised as it would be after the lead, with one space between unless the text before ends in a
// newline, an opening bracket or a quote (a space at the end of the lead belongs to the choice), or is the bare start of a
// chat turn. A choice is scored to its END: after its own tokens comes the log of the probability that the line or the turn
// ends there, summed over every end-of-generation token and every token that begins with a newline (blanks before it
// allowed). So "card" and "card lost" compete fairly. Score::tokens counts the end as one token.
//
// Deterministic mode (the default): a result depends on the request, the model file, the thread count, this build and the
// CPU, never on other requests before or beside it. Logits depend on how a batch is composed and where keys lie in the cache;
// so each decode serves one request, the prompt is decoded in pieces cut at message boundaries whether cached or not, whole
// leading pieces are all that is ever reused, and a sequence always lies in the cache from cell 0 without gaps. Write what
// stays the same between requests (instructions) as messages of its own in front, then it is computed once.
// Free mode: sequences of all callers share each decode, prompt prefixes are reused token by token; results may differ in the
// last bits from run to run.
//
// Threads: any number of callers; one worker thread per object owns the model's state and serves them in turn.
#pragma once

#include <memory>
#include <string>

#include "core/model.h"
#include "models/backend.h"

namespace hone {

struct LocalFile {
  std::string path;  // of a GGUF file
  std::string name;  // for ModelFacts::name
};

class LocalModel final : public Model, public ChoiceModel {
 public:
  // Throws Error{usage | bad_input} naming the file when it is absent, truncated or no causal language model.
  LocalModel(const LocalFile& file, const ModelOptions& options);
  ~LocalModel() override;
  LocalModel(const LocalModel&) = delete;
  LocalModel& operator=(const LocalModel&) = delete;

  const ModelFacts& facts() const override;
  Reply chat(std::span<const Message> messages, const Sampling& sampling) override;
  int count_tokens(std::string_view text) override;
  // Scores with a `content_free` part are computed once per distinct (content_free, lead, choices) and remembered.
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override;
  // The slow, obvious version of score(): every choice as a sequence of its own, one decode each. Judge of the fast one.
  Score score_separately(const ChoiceRequest& request);
  // The text the model reads for these messages, control tokens written out.
  std::string rendered(std::span<const Message> messages) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Sentence vectors from a BERT-like GGUF: the file's pooling (mean for all-MiniLM), then unit length. Texts are cut at the
// model's window. Deterministic mode: one text per decode; free mode: as many as fit one.
class LocalEmbedder final : public Embedder {
 public:
  // Throws as LocalModel; also when the file has no pooling.
  LocalEmbedder(const LocalFile& file, const ModelOptions& options);
  ~LocalEmbedder() override;
  LocalEmbedder(const LocalEmbedder&) = delete;
  LocalEmbedder& operator=(const LocalEmbedder&) = delete;

  const ModelFacts& facts() const override;
  int dimensions() const override;
  void embed(std::span<const std::string_view> texts, std::span<float> out) override;
  // Token ids as the model reads them, special tokens included.
  std::vector<int> tokens(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone
