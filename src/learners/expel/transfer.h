// Stage D (expel.md sections 3 and 3b): one model call rewrites the insights of a source world into a paragraph of advice for a
// target world. The engine makes the call and commits the lesson.
#pragma once

#include <vector>

#include "core/env.h"
#include "core/learner.h"

namespace hone {

struct Transfer {
  WorldFacts source, target;
  std::vector<Lesson> insights;  // of the source, most important first; other forms are ignored
  std::vector<Case> examples;    // of the target, its few-shots; empty = the ablation without task demonstrations
  int max_tokens = 300;
};

// Key and role "transfer". Unlike in every other prompt each insight is followed by its count. Error{bad_input} when there is
// no insight to transfer.
Request transfer_request(const Transfer& transfer);

// The reply as one insight, text as is but for blanks around it, with the highest count of its sources; it rests on all their
// evidence. Scope empty = the run's own. Error{bad_input} when the reply is empty.
Lesson transferred_insight(const Transfer& transfer, const Generation& reply);

}  // namespace hone
