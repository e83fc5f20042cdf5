// Builds what the model reads. The part that is the same in every episode (role, help, choices, insights placed before) is the
// first message, so that its computation can be reused; cases, notes, task and transcript follow.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/quote.h"
#include "agents/react_config.h"
#include "core/env.h"
#include "core/lesson.h"

namespace hone {

// Puts values into {{slots}}, once (what a value contains is not looked at again). A line that holds only slots and whose slots are
// all empty is dropped; runs of blank lines become one. Throws Error{internal} for a slot without a value.
using Slots = std::vector<std::pair<std::string_view, std::string>>;
std::string fill_template(std::string_view text, const Slots& slots);

// All texts as they came; the builder quotes them.
struct PromptParts {
  const WorldFacts* world = nullptr;
  bool choosing = true;                  // among choices; else free text
  std::vector<std::string> choices;      // named in the first message; empty = none
  std::vector<std::string> insights, notes;
  std::vector<Case> cases;               // in the order in which they are shown
  std::string task;
  std::vector<std::string> transcript;   // lines, quoted already (see transcript_line)
};

std::string task_word(const WorldFacts& world);    // "Task" when the world names none
std::string action_word(const WorldFacts& world);  // "Action" when the world names none
QuoteRules quote_rules(const WorldFacts& world, int limit);

// "Queue: gift card", of what came from outside.
std::string transcript_line(const std::string& cue, std::string_view text, const QuoteRules& rules);

// A case as the prompt shows it: "Request: ...\nQueue: ...". Of a transcript only those lines keep "Queue:" or "Thought:" that the
// case's own actions and thoughts bear out.
std::string shown_case(const Case& known, const PromptParts& parts, const ReactConfig& config);

std::vector<Message> react_prompt(const PromptParts& parts, const ReactConfig& config);

// The same prompt without its content, for calibration: the task is "N/A", no notes; no transcript either unless asked for. Cases stay.
std::vector<Message> content_free_prompt(PromptParts parts, const ReactConfig& config);

}  // namespace hone
