// Training data in TRL's JSONL shapes, one object a line (sft_dpo_reference, sections 1 and 2), and the token sequences made of it.
//
//   {"messages": [{"role", "content"}, ...]}                    a chat; assistant turns are trained
//   {"prompt": X, "completion": X}                              X: a text, or a list of messages
//   {"prompt": X, "chosen": X, "rejected": X}                   a pair; without "prompt" the common start of both is it
//   {"prompt": X, "completion": X, "label": true | false}       a reply marked good or bad
//   {"text": "..."}                                             all tokens but the first are trained
// Older "conversations" of {"from", "value"} are read as messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/policy.h"

namespace hone {

// One side of a row: what is given, what is trained. Texts are messages of the single role "text".
struct TrainingRow {
  std::vector<Message> prompt, completion;
  bool plain = false;      // texts, not chats
  bool every_turn = false; // "messages": all assistant turns of prompt + completion are trained
  std::string where;       // "data.jsonl:3"
};
struct PreferenceRow {
  TrainingRow chosen, rejected;
};
struct MarkedRow {
  TrainingRow reply;
  bool good = false;
};

// Throw Error{bad_input} with file and line: no JSON, none of the shapes, an empty completion; {not_found} for the file.
std::vector<TrainingRow> read_training_rows(const std::string& path);
std::vector<PreferenceRow> read_preference_rows(const std::string& path);
std::vector<MarkedRow> read_marked_rows(const std::string& path);
// Whether the first row is a reply with a label and no pair.
bool starts_with_label(const std::string& path);

struct Cut {
  int max_length = 1024;   // tokens; the end of a longer sequence is cut off, prompt first kept
  bool completion_only = true;
};

// Nothing when no trained token is left (the prompt alone reaches max_length). Throws Error{bad_input} that starts with the row's place
// when prompt and completion together don't start with the prompt's tokens: a mask would be off by a token.
std::optional<TokenSequence> sequence_of(const TrainingRow& row, const Tokenizer& tokenizer, const Cut& cut);

}  // namespace hone
