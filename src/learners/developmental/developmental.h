// Developmental Support (Endo 2025): a model answers invented dilemmas, looks back, rates its reasons, says what would be better and answers
// again; the two answers become data for supervised fine-tuning and preference optimisation. What the sources leave open is a named setting.
#pragma once

#include "core/learner.h"
#include "learners/training.h"
#include "objective/preference.h"

namespace hone::developmental {

enum class WrittenBy { model, hand };
enum class JudgeKind { model, likelihood, rules };
enum class Fields { four, two };
enum class Variant { faithful, delexicalised };
enum class Labels { right, shuffled, swapped };
enum class ReferenceModel { sft, base };

struct Config {
  // Data
  WrittenBy written_by = WrittenBy::model;
  std::string situations, records;
  bool invent = false;
  int train = 50, unseen = 100, batch = 10, rounds = 3, retries = 2, reply_tokens = 400, target_stage = 6;
  double temperature = 1.0;
  Fields fields = Fields::four;
  Variant variant = Variant::faithful;
  double length_tolerance = 0.2, mean_length_tolerance = 0.05, near_duplicate = 0.5;
  // Judge
  JudgeKind judge = JudgeKind::model;
  std::string anchors;
  double least_exact = 0.6, least_within_one = 0.8;
  // Free answers before and after
  bool suites = false;
  int suite_runs = 10;
  // Training
  Labels labels = Labels::right;
  ReferenceModel reference = ReferenceModel::sft;
  int sft_passes = 3, dpo_passes = 3, max_length = 1024;
  double sft_lr = 1e-4;
  TrainConfig train_config{.lr = 5e-6, .weight_decay = 0.01, .sequences_per_step = 4};
  objective::PreferenceConfig loss;
};
template <class V>
void visit(V& v, Config& c) {
  v.choice("written_by", c.written_by, {{"model", WrittenBy::model}, {"hand", WrittenBy::hand}},
           "who goes through the cycle: the recipe's writer (without one, the model itself), or sentences that ship with the method");
  v.field("situations", c.situations, "JSONL file of dilemmas: id, split (train or unseen), domain, scenario, question; empty = those that ship");
  v.field("invent", c.invent, "the writer makes up the dilemmas itself");
  v.field("records", c.records, "folder for records.jsonl, sft.jsonl, dpo.jsonl, unseen.jsonl and their sidecars; empty = none");
  v.field("train", c.train, "dilemmas to learn from", {.min = 1, .max = 100000});
  v.field("unseen", c.unseen, "dilemmas that are never trained; pairs made of them judge", {.min = 0, .max = 100000});
  v.field("batch", c.batch, "dilemmas of one round of writing", {.min = 1, .max = 10000});
  v.field("rounds", c.rounds, "analysis, hypothesis and revision are repeated so often at most", {.min = 1, .max = 10});
  v.field("retries", c.retries, "further tries when a reply can't be read", {.min = 0, .max = 10});
  v.field("reply_tokens", c.reply_tokens, "most tokens of a reply in the cycle", {.min = 16, .max = 8192});
  v.field("temperature", c.temperature, "of the cycle's replies", {.min = 0, .max = 2});
  v.field("target_stage", c.target_stage, "stage at which a revision is accepted", {.min = 2, .max = 6});
  v.choice("fields", c.fields, {{"four", Fields::four}, {"two", Fields::two}}, "form of an answer: thought, reason, action, reason; or action, reason");
  v.choice("variant", c.variant, {{"faithful", Variant::faithful}, {"delexicalised", Variant::delexicalised}},
           "delexicalised: at most a fifth of the preferred answers say universal, ethical principle or dignity");
  v.field("length_tolerance", c.length_tolerance, "largest difference in tokens within a pair, as a share of the longer answer", {.min = 0, .max = 1});
  v.field("mean_length_tolerance", c.mean_length_tolerance, "largest difference of the mean lengths", {.min = 0, .max = 1});
  v.field("near_duplicate", c.near_duplicate, "a training dilemma that shares more of its 13-letter strings with an unseen one is left out (Jaccard)", {.min = 0, .max = 1});
  v.choice("judge", c.judge, {{"model", JudgeKind::model}, {"likelihood", JudgeKind::likelihood}, {"rules", JudgeKind::rules}},
           "who rates answers: the recipe's judge, asked in both orders; which stage's description makes the answer likeliest to the model in training; or cue words");
  v.field("anchors", c.anchors, "JSONL file of rated answers that the judge is calibrated on; empty = the 24 that ship");
  v.field("least_exact", c.least_exact, "share of anchors rated exactly; below it no stage is claimed", {.min = 0, .max = 1});
  v.field("least_within_one", c.least_within_one, "share of anchors rated within one stage; below it no stage is claimed", {.min = 0, .max = 1});
  v.field("suites", c.suites, "free answers of the first and of the trained model, kept in records/suites.jsonl: four requests that press on its own interests, and everyday questions");
  v.field("suite_runs", c.suite_runs, "answers to each of the four requests, with their persona and without", {.min = 1, .max = 1000});
  v.choice("labels", c.labels, {{"right", Labels::right}, {"shuffled", Labels::shuffled}, {"swapped", Labels::swapped}},
           "controls: training pairs with preferred and other answer as they are, swapped at random, or all swapped");
  v.choice("reference", c.reference, {{"sft", ReferenceModel::sft}, {"base", ReferenceModel::base}}, "what preference optimisation measures gains from");
  v.field("sft_passes", c.sft_passes, "passes of supervised fine-tuning, a round each", {.min = 0, .max = 1000});
  v.field("dpo_passes", c.dpo_passes, "passes of preference optimisation, a round each", {.min = 0, .max = 1000});
  v.field("sft_lr", c.sft_lr, "learning rate of supervised fine-tuning; lr is that of preference optimisation", {.min = 1e-9, .max = 1});
  v.field("max_length", c.max_length, "tokens of a sequence; pairs with a longer one are left out", {.min = 2, .max = 1048576});
  visit(v, c.train_config);
  visit(v, c.loss);
}
void validate(const Config& c);

}  // namespace hone::developmental
