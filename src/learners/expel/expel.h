// ExpeL: an agent that practises on training tasks, keeps its tries, and learns from them in two ways without changing weights:
// a counted list of insights edited by a model, and its own successful tries recalled as examples.
// Zhao, Huang, Xu, Lin, Liu, Huang: "ExpeL: LLM Agents Are Experiential Learners", AAAI 2024, arXiv 2308.10144.
//
// Reading order: this file, expel.cpp (the stages), operations.h (the list), extract.h (which calls), transcript.h (what a Case
// remembers: `transcript_of`), transfer.h (stage D).
//
// Stages and rounds, one learn() each:
//   A  gather    for each group of `round_tasks` tasks, in order: one round per attempt 0..retries; tries of the group still
//                unsolved are reflected upon and repeated with all their earlier reflections as notes. Solved tries become Cases.
//   B  extract   rounds without tries: one model call per fold and round, first the compare calls, then the batches of successes;
//                the list of insights is changed and committed after every call.
//   C  evaluation is the engine's: Folded (learners/folded.h) says which scope a task is evaluated with.
//   D  transfer  transfer.h.
// With `from_store`, or without training tasks, round 0 asks for nothing, takes the episodes it is told and goes on with B.
//
// A try that ended by a fault is no failure: it uses up an attempt, is not reflected upon and not remembered.
// The result depends on settings, training tasks, generator and episodes only, never on the text of random ids.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/learner.h"
#include "learners/expel/operations.h"
#include "learners/transcript.h"

namespace hone {

enum class OperatorNames { vote, agree };
enum class RetrievalScope { train_fold, all_tasks };
enum class CaseSteps { all, direct };

struct ExpelConfig {
  int round_tasks = 8;
  int retries = 3;
  bool reflect = true;
  int reflection_examples = 0;
  int reflection_tokens = 120;
  int transcript_tokens = 12000;
  bool cases = true;
  bool keep_failures = false;
  CaseSteps case_steps = CaseSteps::all;
  std::vector<std::string> keys = {"task", "thought", "action", "step", "reflection"};
  bool stream_cases = true;
  bool recall_while_gathering = true;
  bool insights = true;
  int successes_per_call = 8;
  int max_insights = 20;
  int insight_calls = 0;
  int insight_tokens = 400;
  bool constrain = true;
  OperatorNames operator_names = OperatorNames::vote;
  bool strict_parity = false;
  bool hard_cap = false;
  int folds = 1;
  RetrievalScope retrieval_scope = RetrievalScope::train_fold;
  bool from_store = false;
};

template <class V>
void visit(V& v, ExpelConfig& c) {
  v.field("round_tasks", c.round_tasks, "training tasks gathered side by side before the lessons are updated", {.min = 1, .max = 1e6});
  v.field("retries", c.retries, "Z: tries after the first failed one; 0 = no retries (the ablation)", {.min = 0, .max = 100});
  v.field("reflect", c.reflect, "reflect on a failed try and show the reflections in the next one; off = plain retries");
  v.field("reflection_examples", c.reflection_examples, "worked examples in the reflection prompt; the paper shows 2, small models copy them", {.min = 0, .max = 2});
  v.field("reflection_tokens", c.reflection_tokens, "longest reflection, tokens", {.min = 1, .max = 100000});
  v.field("transcript_tokens", c.transcript_tokens,
          "transcripts in one prompt are cut to this many tokens together by leaving out their longest steps; 0 = never", {.min = 0, .max = 1e8});
  v.field("cases", c.cases, "remember solved tries as cases to recall");
  v.field("keep_failures", c.keep_failures, "[OURS] remember failed tries too, marked as not solved");
  v.choice("case_steps", c.case_steps, {{"all", CaseSteps::all}, {"direct", CaseSteps::direct}},
           "[OURS] what a case remembers of a try: all steps, as published, or the way without its detours");
  v.field("keys", c.keys, "what a case can be found by: task, thought, action, step, reflection");
  v.field("stream_cases", c.stream_cases, "[OURS] commit cases round by round while gathering; off = after gathering, as published");
  v.field("recall_while_gathering", c.recall_while_gathering,
          "[OURS] tries see the lessons so far; off = as published. Always off with folds and retrieval_scope train_fold");
  v.field("insights", c.insights, "extract insights (stage B); off = recall only");
  v.field("successes_per_call", c.successes_per_call, "L: solved tries shown in one call of the success phase", {.min = 1, .max = 1000});
  v.field("max_insights", c.max_insights, "M: from this many insights on the prompt asks to hold back, from M + 5 on removing counts 3",
          {.min = 1, .max = 10000});
  v.field("insight_calls", c.insight_calls, "[OURS] most insight calls per fold, picked at even distances, first and last included; 0 = all",
          {.min = 0, .max = 1e6});
  v.field("insight_tokens", c.insight_tokens, "longest reply of an insight call, tokens", {.min = 16, .max = 100000});
  v.field("constrain", c.constrain, "[OURS] hold replies to the operations' grammar, so that small models stay parseable; servers that take no grammar write freely");
  v.choice("operator_names", c.operator_names, {{"vote", OperatorNames::vote}, {"agree", OperatorNames::agree}},
           "names in prompts: UPVOTE and DOWNVOTE (paper) or AGREE and REMOVE (release); both are read");
  v.field("strict_parity", c.strict_parity, "list operations exactly as released, known bugs included; needs operator_names agree");
  v.field("hard_cap", c.hard_cap, "[OURS] never keep more than max_insights");
  v.field("folds", c.folds, "k: extract one list of insights per fold of the training tasks; 1 = one list from all of them",
          {.min = 1, .max = 1000});
  v.choice("retrieval_scope", c.retrieval_scope, {{"train_fold", RetrievalScope::train_fold}, {"all_tasks", RetrievalScope::all_tasks}},
           "with folds: a held-out task recalls cases of the other folds only, or of every task (as released)");
  v.field("from_store", c.from_store, "learn from stored episodes instead of playing");
}

void validate(const ExpelConfig& config);

// The kinds named by `keys`; Error{bad_input} for an unknown one.
std::vector<RecallKey> recall_keys(const ExpelConfig& config);

inline expel::ListOptions list_options(const ExpelConfig& c) { return {c.max_insights, c.strict_parity, c.hard_cap}; }

extern constinit const LearnerEntry learner_expel;

}  // namespace hone
