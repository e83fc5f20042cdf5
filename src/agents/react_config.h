// Settings of the react agent. The defaults are what served a 135M model best on desk (docs/worlds/desk.md, "Prompts"): plain text to
// complete, the nearest case last, no list of the choices, half of the calibration where cases are shown.
#pragma once

#include <string>

#include "agents/repeats.h"
#include "core/config.h"
#include "core/recall.h"

namespace hone {

enum class RecallFor { task, thought, action, step, task_thought, rotation, random, none };
enum class InsightPlace { after_cases, before };
enum class Calibrate { never, always, without_cases };
enum class ContentFree { bare, transcript };
enum class CaseOrder { nearest_last, nearest_first };
enum class PromptFormat { chat, turns, plain };
enum class Writes { line, step };
enum class CaseShows { automatic, last_action, actions, transcript };

struct ReactConfig {
  // recall of cases
  int cases = 3;
  RecallBy recall_by = RecallBy::dense;
  RecallFor recall_key = RecallFor::task;
  int rho = 4;
  int case_token_limit = 0;
  std::string examples;
  double diversity = 0.0;
  // prompt
  CaseOrder case_order = CaseOrder::nearest_last;
  CaseShows case_shows = CaseShows::automatic;
  bool insights = true;
  int max_insights = 0;
  InsightPlace insight_place = InsightPlace::after_cases;
  PromptFormat format = PromptFormat::plain;
  bool list_choices = false;
  int text_limit = 2000, transcript_limit = 6000;
  // choosing
  Calibrate calibrate = Calibrate::always;
  ContentFree content_free = ContentFree::bare;
  double calibrate_weight = 1.0, calibrate_with_cases = 0.5;
  bool rescore = true;
  bool length_normalise = false;
  bool think = false;
  Repeat repeat = Repeat::any_time;
  // free text
  int thoughts = 2, least_thoughts = 0;
  Writes writes = Writes::line;
  bool hold_action = false;
  int line_tokens = 96;
  // beside the model
  double vote = 0.0, vote_power = 4.0, vote_smoothing = 0.05;
  int vote_k = 12;
  double explore = 0.0;
};

template <class V>
void visit(V& v, ReactConfig& c) {
  v.field("cases", c.cases, "solved cases shown as examples (k)", {.min = 0, .max = 1000});
  v.choice("recall_by", c.recall_by, {{"dense", RecallBy::dense}, {"fused", RecallBy::fused}, {"text", RecallBy::text}},
           "how cases are found: sentence vectors, full text, or both fused");
  v.choice("recall_key", c.recall_key,
           {{"task", RecallFor::task}, {"thought", RecallFor::thought}, {"action", RecallFor::action}, {"step", RecallFor::step},
            {"task_thought", RecallFor::task_thought}, {"rotation", RecallFor::rotation}, {"random", RecallFor::random},
            {"none", RecallFor::none}},
           "what is compared with what was remembered (ExpeL's few-shot strategies); random draws from the nearest cases * rho");
  v.field("rho", c.rho, "candidates looked at per case shown", {.min = 1, .max = 1000});
  v.field("case_token_limit", c.case_token_limit, "longer cases are passed over, in tokens of the model; 0 = no limit", {.min = 0});
  v.field("examples", c.examples, "file of solved tasks that somebody wrote down (JSONL: task, kind, steps of thought, action and observation); they fill the places of `cases` for which nothing is recalled");
  v.field("diversity", c.diversity, "0 = nearest cases, 1 = cases that differ most from each other (MMR)", {.min = 0, .max = 1});
  v.choice("case_order", c.case_order, {{"nearest_last", CaseOrder::nearest_last}, {"nearest_first", CaseOrder::nearest_first}},
           "order of the cases in the prompt");
  v.choice("case_shows", c.case_shows,
           {{"auto", CaseShows::automatic}, {"last_action", CaseShows::last_action}, {"actions", CaseShows::actions},
            {"transcript", CaseShows::transcript}},
           "what of a case is shown after its task; auto = last action where choices are given, else the transcript");
  v.field("insights", c.insights, "show the insights");
  v.field("max_insights", c.max_insights, "at most so many of them, most important first; 0 = all", {.min = 0});
  v.choice("insight_place", c.insight_place, {{"after_cases", InsightPlace::after_cases}, {"before", InsightPlace::before}},
           "insights after the cases, or before them with the part that all prompts share");
  v.choice("format", c.format, {{"chat", PromptFormat::chat}, {"turns", PromptFormat::turns}, {"plain", PromptFormat::plain}},
           "chat = instruction and one user message; turns = cases as earlier turns; plain = text to complete, no chat template");
  v.field("list_choices", c.list_choices, "name the choices in the prompt");
  v.field("text_limit", c.text_limit, "bytes of one request, thought or observation; longer ones are cut", {.min = 16, .max = 1e7});
  v.field("transcript_limit", c.transcript_limit, "bytes of transcript shown; the oldest lines give way", {.min = 64, .max = 1e7});
  v.choice("calibrate", c.calibrate,
           {{"never", Calibrate::never}, {"always", Calibrate::always}, {"without_cases", Calibrate::without_cases}},
           "subtract what the model prefers without the task's text (contextual calibration)");
  v.choice("content_free", c.content_free, {{"bare", ContentFree::bare}, {"transcript", ContentFree::transcript}},
           "what that prompt keeps beside the cases: nothing, or the transcript too, so that only what the task itself speaks for counts");
  v.field("calibrate_weight", c.calibrate_weight, "share of it that is subtracted when no case is shown", {.min = 0, .max = 1});
  v.field("calibrate_with_cases", c.calibrate_with_cases, "share of it that is subtracted when cases are shown (they stay in that prompt)",
          {.min = 0, .max = 1});
  v.field("rescore", c.rescore, "ask the model again after each step; off = its first scores hold for what is left of the choices");
  v.field("length_normalise", c.length_normalise, "divide a choice's log-probability by its number of tokens");
  v.choice("repeat", c.repeat, {{"any_time", Repeat::any_time}, {"after_change", Repeat::after_change}, {"sparing", Repeat::sparing}},
           "after_change = an action is not offered to the model again until something in the world changed, if the world tells; "
           "sparing = besides, what changed something is offered once per try; free text: what is written again is asked for anew, up to three times at a temperature of at least 0.8");
  v.field("think", c.think, "among choices: write one line of thought before choosing");
  v.field("thoughts", c.thoughts, "free text: most lines of thought before each action; 0 = act without thinking (the Act baseline)", {.min = 0, .max = 100});
  v.field("least_thoughts", c.least_thoughts, "free text: fewest lines of thought before each action; needs writes: step and hold_action", {.min = 0, .max = 100});
  v.choice("writes", c.writes, {{"line", Writes::line}, {"step", Writes::step}},
           "free text: what one call of the model gives, a line as ExpeL does it, or all lines of a step up to its action");
  v.field("hold_action", c.hold_action, "free text: a grammar sees to it that lines are thoughts or actions and that a step ends in an action; servers that take no grammar write freely");
  v.field("line_tokens", c.line_tokens, "most tokens of one generated line", {.min = 1, .max = 4096});
  v.field("vote", c.vote, "weight b of the nearest-neighbour vote: log p_model + b * log p_vote; 0 = text only", {.min = 0, .max = 1000});
  v.field("vote_k", c.vote_k, "neighbours that vote", {.min = 1, .max = 1000});
  v.field("vote_power", c.vote_power, "a neighbour's vote weighs cosine^power", {.min = 0, .max = 100});
  v.field("vote_smoothing", c.vote_smoothing, "share of the vote spread evenly", {.min = 1e-6, .max = 1});
  v.field("explore", c.explore, "bonus c * sqrt(ln(1 + tries) / (1 + tries of this choice)); for learning", {.min = 0, .max = 1000});
}

inline void validate(const ReactConfig& c) {
  if (c.least_thoughts > c.thoughts)
    throw Error(Fault::bad_input, "least_thoughts: expected at most thoughts (" + std::to_string(c.thoughts) + "), got " + std::to_string(c.least_thoughts));
  if (c.least_thoughts > 0 && (c.writes != Writes::step || !c.hold_action))
    throw Error(Fault::bad_input, "least_thoughts: needs writes: step and hold_action: true, which keep the model thinking");
}

}  // namespace hone
