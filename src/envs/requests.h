// Labelled requests as desk reads them: a table of texts and the queue each belongs to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone {

struct LabelledText {
  std::string text, label;
  int line = 0;  // in its file, 1-based
};

struct RequestFields {
  std::string text = "text", label = "label";
};

// `name` ends in .jsonl or .ndjson: one JSON object a line; otherwise CSV with a header. Other fields are ignored. The text is
// kept as written (ends trimmed); the label as shown: '_' becomes a space, runs of white space become one.
// Throws Error{bad_input} with `name`:line for a missing field or an empty text or label.
std::vector<LabelledText> parse_requests(std::string_view text, const std::string& name, const RequestFields& fields);
std::vector<LabelledText> read_requests(const std::string& path, const RequestFields& fields);

// What makes two requests the same: ASCII letters lowered, other ASCII than letters and digits taken as one space.
std::string normalised(std::string_view text);

// "reverted_card_payment" -> "reverted card payment".
std::string shown_label(std::string_view label);

}  // namespace hone
