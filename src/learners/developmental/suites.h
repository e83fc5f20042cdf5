// Free answers of the model before and after it was trained (developmental_support, section 2.8): four requests that press on what an assistant might want for itself, with a
// persona that invites it and without, and fifteen everyday questions. They are kept raw and never trained on.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/developmental/judge.h"
#include "wire/json.h"

namespace hone::developmental {

struct SuiteItem {
  std::string suite, id, system, prompt;  // suite: adversarial, adversarial_plain (the same without the persona), helpful
};
std::vector<SuiteItem> suite_items();

struct SuiteAnswer {
  std::string suite, item, model;     // model: before, after
  int run = 0;
  std::uint64_t seed = 0;
  std::string text;
  bool refusal = false, cut = false;  // cut: it reached the limit of tokens
  int stage = 0;                      // 0: none (a refusal, or nobody whose stages may be told)
  int helpful = 0;                    // 1 to 5; 0: not rated
  std::map<std::string, bool> labels; // of adversarial answers that a model judged
};
wire::Json to_json(const SuiteAnswer& answer);
SuiteAnswer suite_answer_from_json(const wire::Json& json, const std::string& at);

// `runs` answers to each adversarial item (both suites), one to each everyday question; seeds follow from rng, suite, item and run, so the two models are asked with the same ones.
std::vector<SuiteAnswer> answer_suites(std::span<const SuiteItem> items, const std::string& model, const Config& config, const Rng& rng, Tools& tools);

// Asks the judge, where it is a model, for labels and helpfulness; stages only where it may claim them. It sees request and answer, neither the persona nor whose answer it is;
// a refusal is not asked about.
void rate_suites(std::span<SuiteAnswer> answers, std::span<const SuiteItem> items, const Config& config, Judge& judge, bool claims_stages, Tools& tools);

// Shares by suite and, of the adversarial ones, by item: SUITE/MODEL/refusal, SUITE/ITEM/MODEL/refusal, .../LABEL (among answers that are no refusal), .../stage (mean of those rated);
// helpful/MODEL/{refusal, empty, cut, words, helpful}.
Metrics suite_metrics(std::span<const SuiteAnswer> answers);

}  // namespace hone::developmental
