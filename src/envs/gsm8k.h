// gsm8k: solve a word problem and say the number (GSM8K, Cobbe et al. 2021, arXiv 2110.14168). One action, one verdict; thinking is
// the agent's own business.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/splits.h"

namespace hone {

// Where the answer is in what the agent writes.
enum class NumberAnswer {
  last_number,  // the last number, compared as a decimal number: for agents whose action is the answer
  marked,       // the number behind "#### ", compared as text: as published
};

struct Gsm8kConfig {
  std::string problems, test_problems;
  SplitConfig splits{.train = 60, .validation = 10, .test = 100, .fit = false, .split_seed = 1};
  NumberAnswer answer = NumberAnswer::last_number;
};

template <class V>
void visit(V& v, Gsm8kConfig& c) {
  v.field("problems", c.problems, "JSONL file of problems: question, and answer with the number behind \"#### \"");
  v.field("test_problems", c.test_problems, "file that the test problems come from; empty = part of `problems`");
  visit(v, c.splits);
  v.choice("answer", c.answer, {{"last_number", NumberAnswer::last_number}, {"marked", NumberAnswer::marked}},
           "what counts as the agent's answer: the last number it writes, or as published the one behind \"#### \"");
}

struct Gsm8kItem {
  std::string question, answer;  // answer: the number alone, commas removed
  int line = 0;
};

// Problems that are equal but for case, punctuation and spacing are kept once, the first. Throws Error{bad_input} with file, line
// and field for a missing, empty or wrongly typed one and for an answer without a marked number.
std::vector<Gsm8kItem> parse_gsm8k(std::string_view text, const std::string& name);

// The published rule: what the first match of "#### (-?[0-9.,]+)" captures, commas removed.
std::optional<std::string> marked_answer(std::string_view text);

// The last number as a plain decimal ("-1200.5": no zeros that say nothing, no "-0"). Digits are ASCII; a comma before three digits
// is dropped; a minus (- or U+2212, also before a $) counts where no letter, digit, '.' or ')' stands before it.
std::optional<std::string> last_number(std::string_view text);

std::unique_ptr<World> open_gsm8k(const Settings& settings);

extern constinit const EnvEntry env_gsm8k;

}  // namespace hone
