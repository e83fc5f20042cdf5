// Exact match and F1 of short answers as HotpotQA's scorer defines them (Yang et al. 2018, arXiv 1809.09600). Checked against
// tests/reference/hotpot_metrics.json.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// Lower case, ASCII punctuation dropped, the words a, an and the dropped, single spaces.
std::string normalised_answer(std::string_view text);

bool exact_match(std::string_view said, std::string_view right);

// F1 over the bags of words; 0 when one of the two is yes, no or noanswer and the other differs, and when nothing is shared (so
// also when both are empty).
double answer_f1(std::string_view said, std::string_view right);

}  // namespace hone
