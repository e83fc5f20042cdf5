// From messages to tokens: chat template, control tokens, and where a prompt may be cut.
#pragma once

#include <common/chat.h>

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "models/llama/handle.h"

namespace hone::llama {

// A prompt ready to be read. `cuts` are rising token counts at which deterministic mode cuts it into pieces; the last is
// tokens.size(). They follow from the prompt alone: message boundaries at least min_piece tokens apart, and before the last
// token of a long rest, so that all but that token can be reused when the same prompt comes again.
struct Prompt {
  std::vector<llama_token> tokens;
  std::vector<int> cuts;
  std::string text;  // as read, control tokens written out
};

constexpr int min_piece = 32;  // tokens: a decode of fewer costs as much as one of this many

// `boundaries` are token counts, rising. Pure.
std::vector<int> cut_points(int tokens, std::span<const int> boundaries);

// Text with every control token's name broken up by a marker after its first character, and the marker itself dropped
// from the input. tokenising the parts between markers on their own reads the names as ordinary characters. Pure.
std::string defused(std::string_view text, std::span<const std::string> control_names);
std::vector<std::string> split_at_marker(std::string_view text);

// What stands between the text before and a choice: a space, or nothing after a newline, opening bracket or quote. Pure.
// `after_turn_start`: the text before is the bare start of a chat turn.
std::string_view choice_gap(std::string_view before, bool after_turn_start);

class Prompter {
 public:
  explicit Prompter(const llama_model& model);

  // Error{bad_input} for no or only empty messages, unknown roles, "text" before other roles, a template that refuses.
  // `open`: with the start of the assistant's turn at the end.
  Prompt prompt(std::span<const Message> messages, std::string_view lead = "", bool open = true) const;

  struct Choices {
    Prompt prompt;                              // lead included
    std::vector<std::vector<int>> tokens;       // per choice, at least one
  };
  Choices choices(std::span<const Message> messages, std::string_view lead, std::span<const std::string> choices) const;

  // Text without control tokens: what spells one is read as ordinary characters.
  std::vector<llama_token> ordinary(std::string_view text) const;

  const llama_vocab& vocab() const { return *vocab_; }
  // Tokens that end a line or a turn: see local.h.
  std::span<const int> ends() const { return ends_; }

 private:
  struct Rendered {
    std::string text;                     // markers included
    std::vector<std::size_t> boundaries;  // byte offsets, markers included
    bool turn_start = false;              // ends with the template's start of a turn, nothing after it
  };
  Rendered render(std::span<const Message> messages, std::string_view lead, bool open) const;
  std::string templated(std::span<const common_chat_msg> messages, bool open) const;
  Prompt tokenized(const Rendered& rendered) const;

  const llama_vocab* vocab_;
  common_chat_templates_ptr templates_;
  mutable std::mutex lock_;  // around the template engine
  std::vector<std::string> control_names_;
  std::vector<int> ends_;
};

}  // namespace hone::llama
