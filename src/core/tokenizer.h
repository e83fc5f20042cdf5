// Text to token ids and back, and the chat form of a model. Implementations are safe to call from many threads.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"

namespace hone {

struct SpecialTokens {
  int begin = -1, end = -1, pad = -1;  // -1 = the model has none; end: what ends a reply
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual int size() const = 0;
  virtual SpecialTokens special() const = 0;
  // `control`: text that spells a control token ("<|im_end|>") becomes that token; otherwise ordinary characters.
  virtual std::vector<int> encode(std::string_view text, bool control) const = 0;
  // Bytes; cut inside a character they are not valid UTF-8. Control tokens are written out when `control`.
  virtual std::string decode(std::span<const int> ids, bool control) const = 0;
  // The messages in the model's chat form; `open`: with the start of the assistant's turn at the end.
  virtual std::vector<int> chat(std::span<const Message> messages, bool open) const = 0;
};

}  // namespace hone
