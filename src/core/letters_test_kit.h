// A tokenizer for tests: one token a byte, 0 ends; the chat form is "<role:content>" and "<assistant:" open.
#pragma once

#include "core/tokenizer.h"

namespace hone {

class Letters : public Tokenizer {
 public:
  int size() const override { return 256; }
  SpecialTokens special() const override { return {-1, 0, -1}; }
  std::vector<int> encode(std::string_view text, bool) const override {
    std::vector<int> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const int> ids, bool) const override {
    std::string text;
    for (const int id : ids) text += static_cast<char>(id);
    return text;
  }
  std::vector<int> chat(std::span<const Message> messages, bool open) const override {
    std::string text;
    for (const auto& m : messages) text += "<" + m.role + ":" + m.content + ">";
    return encode(text + (open ? "<assistant:" : ""), true);
  }
};

}  // namespace hone
