// Answers: what is asked, their grammar, and what an answer must not be.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "learners/developmental/developmental.h"

namespace hone::developmental {

struct Situation {
  std::string id, domain, conflict, scenario, question;
  bool unseen = false;
  std::string source;                    // "hand", "file", "model"
  std::string who, act, rule, helped;    // of those that ship: slots of the sentences
};

struct Answer {
  std::string thought, reason, action, why;  // two fields: action and why only
};

std::string task_prompt(const Situation& situation, Fields fields);

// Labels at line starts in this order, each once (Reason: twice with four fields), none empty; CRLF and **Label:** are fine.
std::optional<Answer> parse_answer(std::string_view text, Fields fields);
std::string write_answer(const Answer& answer, Fields fields);

// Speaks of stages, the theory or an earlier answer.
bool mentions_cycle(std::string_view text);
// Declines to answer (by the way it begins).
bool is_refusal(std::string_view text);
// "universal", "ethical", "principle", "dignity" in any form.
bool has_buzzword(std::string_view text);
std::string without_buzzwords(std::string_view text);

// "LABEL: text" lines; a text goes on to the next label. Nothing unless every label is there with a text.
std::optional<std::map<std::string, std::string>> labelled(std::string_view text, const std::vector<std::string>& labels);
std::vector<std::string> entries(std::string_view text);  // separated by ;

std::string lower(std::string_view text);

}  // namespace hone::developmental
