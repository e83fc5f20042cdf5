// Prompt templates: text files with named slots, {{like_this}} (a-z, 0-9, _), embedded at build time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone {

using Slots = std::vector<std::pair<std::string_view, std::string>>;

// The template with every slot replaced by its value and without its last line break. A value is data: a slot written inside it
// stays as it is, and bytes that are not valid UTF-8 become U+FFFD. Error{internal} for a slot without a value, a value without
// a slot, a value given twice, or "{{" that opens no slot.
std::string render_prompt(std::string_view text, const Slots& slots);

// SHA-256 over the templates that made a prompt, in the order given (hashed with their lengths, so that moving text from one
// to the next changes it).
std::string prompt_hash(const std::vector<std::string_view>& templates);

}  // namespace hone
