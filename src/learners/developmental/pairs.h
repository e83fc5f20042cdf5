// Which stories become pairs, and the files that hold them.
#pragma once

#include <functional>

#include "learners/developmental/records.h"
#include "learners/training_data.h"

namespace hone::developmental {

struct Pair {
  const Story* story = nullptr;
  int tokens_chosen = 0, tokens_rejected = 0;
};
struct Selected {
  std::vector<Pair> train, unseen;
  Metrics counts;  // dropped/REASON of all stories, pairs/train, pairs/unseen, length/mean_difference of both
};
// Leaves out, in this order: stories without an accepted revision; training dilemmas like an unseen one; pairs whose lengths are too far
// apart; the pairs that push the mean lengths apart most; delexicalised: those that say the words beyond a fifth. Throws what provenance() throws.
Selected select_pairs(const std::vector<Story>& stories, const Config& config, const std::function<int(std::string_view)>& count_tokens);

// Share of 13-character strings (letters lowered, blanks as one) that two texts have in common: intersection over union.
double overlap13(std::string_view a, std::string_view b);

// Prompt, preferred and other answer as chats without a system turn; `swap`: the other way round.
PreferenceRow row_of(const Pair& pair, Fields fields, bool swap);

// records.jsonl, calibration.jsonl and, once selected, sft.jsonl, dpo.jsonl, unseen.jsonl with *.meta.jsonl, each whole or not at all.
void write_records(const std::string& folder, const std::vector<Story>& stories, const std::vector<Anchor>& anchors, const Calibration& calibration);
void write_pairs(const std::string& folder, const Selected& selected, const Config& config, bool claims_stages, const std::vector<bool>& swapped);

}  // namespace hone::developmental
