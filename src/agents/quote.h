// Text from outside (requests, observations, recalled lessons) put into a prompt as data: it can't open a turn, end its line or
// spell a control token of a chat template. What a reader takes from it stays the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

struct QuoteRules {
  std::vector<std::string> cues;  // words that open a line of the prompt ("Queue"): "queue:" inside data loses its colon
  std::size_t limit = 2000;       // bytes; what is longer is cut at a character and ends in " ..."
};

// One line: invalid UTF-8 repaired, line breaks and control characters become one space, cues lose their colon, and angle or square brackets
// that spell a template marker ("<|im_start|>", "</s>", "[INST]") become round ones.
std::string quoted_line(std::string_view text, const QuoteRules& rules);

// Several lines of a recalled transcript: as above, but line breaks and cues stay; the cut is at a line.
std::string quoted_block(std::string_view text, const QuoteRules& rules);

}  // namespace hone
