// desk: route a request to one of N queues. The only feedback is solved or bounced; a bounced queue is not offered again in
// that try. Ships with its own requests (data/desk), reads a user's own (CSV or JSONL).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/env.h"
#include "envs/requests.h"

namespace hone {

// What the desk says, at the end of a try that failed, to who learns from it: nothing, the queue that it was for, or (control) the queue
// of another request.
enum class DeskFeedback { none, queue, other };

struct DeskConfig {
  std::string requests, test_requests;  // files; empty = the built-in set, no separate test file
  std::string descriptions;             // file with label and description; empty = the built-in one
  std::string text_field = "text", label_field = "label";
  int queues = 0, queue_offset = 0;
  int train = 200, validation = 60, test = 100;
  std::uint64_t split_seed = 1;
  int train_tries = 5, eval_tries = 1;
  bool shuffle_labels = false, describe = false, fit = false;
  DeskFeedback feedback = DeskFeedback::none;
};

template <class V>
void visit(V& v, DeskConfig& c) {
  constexpr double many = 1e8;
  v.field("requests", c.requests, "CSV or JSONL file of requests and their queues; empty = the built-in set");
  v.field("test_requests", c.test_requests, "file that the test requests come from; empty = part of `requests`");
  v.field("descriptions", c.descriptions, "CSV or JSONL file of queues and what each is for (label, description)");
  v.field("text_field", c.text_field, "name of the field with the request");
  v.field("label_field", c.label_field, "name of the field with the queue");
  v.field("queues", c.queues, "how many queues, in the order of a shuffle by split_seed; 0 = all", {.min = 0, .max = many});
  v.field("queue_offset", c.queue_offset, "how many queues of that order to skip: a second, disjoint desk", {.min = 0, .max = many});
  v.field("train", c.train, "training requests", {.min = 0, .max = many});
  v.field("validation", c.validation, "validation requests", {.min = 0, .max = many});
  v.field("test", c.test, "test requests", {.min = 0, .max = many});
  v.field("fit", c.fit, "with fewer requests than the three splits ask for, make all three smaller in proportion instead of refusing");
  v.field("split_seed", c.split_seed, "seed of the choice of queues and of the splits");
  v.field("train_tries", c.train_tries, "queues that may be tried for a training request", {.min = 1, .max = 1000});
  v.field("eval_tries", c.eval_tries, "queues that may be tried for a validation or test request", {.min = 1, .max = 1000});
  v.field("shuffle_labels", c.shuffle_labels, "negative control: the queues of the training requests are dealt at random");
  v.field("describe", c.describe, "tell the agent what each queue is for");
  v.choice("feedback", c.feedback, {{"none", DeskFeedback::none}, {"queue", DeskFeedback::queue}, {"other", DeskFeedback::other}},
           "what who learns is told after a training request that was never solved: nothing, its queue, or (negative control) some other request's");
}

// One request of a split with the queue that solves it. The label stays here: tasks and observations never carry it.
struct DeskItem {
  Task task;
  std::string label;
};

struct DeskSplits {
  std::vector<std::string> queues;                // sorted; what is offered
  std::vector<DeskItem> train, validation, test;  // disjoint by normalised text
  const std::vector<DeskItem>& of(Split split) const;
};

// Equal texts (normalised) are kept once, the first. Test, then validation, then training requests are dealt one queue after
// the other, in a new order of queues each round, so that every split and every prefix of one is as balanced as the data
// allow, and the test requests don't depend on how many training requests are asked for.
// Throws Error{bad_input} when there are fewer requests or queues than asked for. `test_rows` empty = test from `rows`.
DeskSplits split_desk(std::vector<LabelledText> rows, std::vector<LabelledText> test_rows, DeskConfig config);

std::unique_ptr<World> open_desk(const Settings& settings);

extern constinit const EnvEntry env_desk;

}  // namespace hone
