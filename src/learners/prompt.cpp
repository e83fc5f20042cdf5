#include "learners/prompt.h"

#include <algorithm>

#include "core/error.h"
#include "wire/json.h"
#include "wire/sha256.h"

namespace hone {

namespace {

bool is_slot_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Error broken(const std::string& what) { return Error(Fault::internal, "prompt template: " + what); }

}  // namespace

std::string render_prompt(std::string_view text, const Slots& slots) {
  for (std::size_t i = 0; i < slots.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (slots[i].first == slots[j].first) throw broken("two values for slot '" + std::string(slots[i].first) + "'");
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<bool> used(slots.size(), false);
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t open = text.find("{{", at);
    out += text.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find("}}", open);
    const auto name = close == std::string_view::npos ? std::string_view() : text.substr(open + 2, close - open - 2);
    if (!is_slot_name(name))
      throw broken("expected a slot like {{name}}, got '" + std::string(text.substr(open, 20)) + "'");
    const auto slot = std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.first == name; });
    if (slot == slots.end()) throw broken("no value for slot '" + std::string(name) + "'");
    used[static_cast<std::size_t>(slot - slots.begin())] = true;
    out += slot->second;
    at = close + 2;
  }
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (!used[i]) throw broken("a value for slot '" + std::string(slots[i].first) + "', which it does not have");
  return wire::valid_utf8(out);
}

std::string prompt_hash(const std::vector<std::string_view>& templates) {
  if (templates.size() == 1) return sha256_hex(templates[0]);
  std::string all;
  for (const auto text : templates) all += std::to_string(text.size()) + "\n" + std::string(text);
  return sha256_hex(all);
}

}  // namespace hone
