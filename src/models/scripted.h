// Tests only: models whose answers are known in advance. No recipe ships with one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"

namespace hone {

// Replies by a function or a table; implements both interfaces of a language model, counts calls and keeps what it was asked.
// Functions are called one at a time (under the model's lock), from any thread. What they throw passes through.
// Stop words and max_tokens are honoured as a real model would, one token being one word with the blanks before it.
class ScriptedModel final : public Model, public ChoiceModel {
 public:
  using ChatFunction = std::function<std::string(std::span<const Message>, const Sampling&)>;
  // Log-probability of request.choices[choice]. Called with `prompt` = content_free for the prior.
  using ChoiceFunction = std::function<double(const ChoiceRequest& request, std::size_t choice)>;
  using Table = std::vector<std::pair<std::string, std::string>>;  // {part of the prompt, reply}; first match wins

  struct Call {
    std::vector<Message> prompt;
    Sampling sampling;
    std::vector<std::string> choices;  // empty for chat
  };

  explicit ScriptedModel(ChatFunction chat, ChoiceFunction choose = word_overlap, std::string name = "scripted");
  // `otherwise` answers a prompt in which no key of the table occurs.
  explicit ScriptedModel(Table table, std::string otherwise = "", std::string name = "scripted");

  const ModelFacts& facts() const override { return facts_; }
  Reply chat(std::span<const Message> messages, const Sampling& sampling) override;
  int count_tokens(std::string_view text) override;
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override;

  std::int64_t calls() const;      // chat calls and scored requests
  std::vector<Call> record() const;

  // The standard chooser: the log of (1 + words the choice shares with the last message) over the sum of the same of all.
  static double word_overlap(const ChoiceRequest& request, std::size_t choice);

 private:
  ChatFunction chat_;
  ChoiceFunction choose_;
  ModelFacts facts_;
  mutable std::mutex lock_;
  std::int64_t calls_ = 0;
  std::vector<Call> record_;
};

// Hashed bag of words, unit length: texts that share words are near, the same text gives the same vector everywhere.
class ScriptedEmbedder final : public Embedder {
 public:
  explicit ScriptedEmbedder(int dimensions = 64);
  const ModelFacts& facts() const override { return facts_; }
  int dimensions() const override { return dimensions_; }
  void embed(std::span<const std::string_view> texts, std::span<float> out) override;

 private:
  int dimensions_;
  ModelFacts facts_;
};

// "scripted:echo" repeats the last message; "scripted:FILE.json" reads {"replies": {"part of prompt": "reply", ...},
// "otherwise": "..."}. "scripted:N" as an embedder has N dimensions; "scripted:echo" 64.
std::unique_ptr<ScriptedModel> open_scripted(const std::string& spec);
std::unique_ptr<Embedder> open_scripted_embedder(const std::string& spec);

}  // namespace hone
