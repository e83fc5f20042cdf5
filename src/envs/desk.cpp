#include "envs/desk.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/reflex.h"
#include "core/rng.h"
#include "embedded/desk_data.h"
#include "envs/splits.h"

namespace hone {

namespace {

Task task_of(const LabelledText& row) {
  const std::uint64_t hash = hash64(normalised(row.text));
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
  return {.id = std::string("desk/") + hex, .env = "desk", .kind = "route", .goal = row.text, .seed = hash, .params = {}};
}

// The queues in use, in shuffled order: a run of it that `queue_offset` and `queues` name.
std::vector<std::string> choose_queues(const std::vector<LabelledText>& rows, const DeskConfig& config) {
  std::set<std::string> labels;
  for (const auto& row : rows) labels.insert(row.label);
  std::vector<std::string> order(labels.begin(), labels.end());
  Rng(config.split_seed).split("queues").shuffle(order);
  const auto have = static_cast<int>(order.size());
  const int wanted = config.queues > 0 ? config.queues : have - config.queue_offset;
  if (wanted < 2 || config.queue_offset + wanted > have)
    throw Error(Fault::bad_input, "desk: expected at least 2 queues, the requests name " + std::to_string(have) +
                                      (config.queues > 0 || config.queue_offset > 0 ? "; queues " + std::to_string(config.queues) + " after queue_offset " +
                                                                                          std::to_string(config.queue_offset) + " do not fit" : ""));
  return {order.begin() + config.queue_offset, order.begin() + config.queue_offset + wanted};
}

// Requests of each queue, by their place in `rows`.
std::vector<std::vector<std::size_t>> by_queue(const std::vector<LabelledText>& rows, const std::vector<std::string>& queues) {
  std::unordered_map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < queues.size(); ++i) at[queues[i]] = i;
  std::vector<std::vector<std::size_t>> piles(queues.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (const auto it = at.find(rows[i].label); it != at.end()) piles[it->second].push_back(i);
  return piles;
}

std::vector<DeskItem> items_of(const std::vector<LabelledText>& rows, const std::vector<std::size_t>& dealt) {
  std::vector<DeskItem> out;
  for (const std::size_t i : dealt) out.push_back({task_of(rows[i]), rows[i].label});
  return out;
}

void keep_first_of_equal(std::vector<LabelledText>& rows, std::unordered_set<std::string>& seen) {
  std::erase_if(rows, [&](const LabelledText& row) { return !seen.insert(normalised(row.text)).second; });
}

struct DeskData {
  DeskConfig config;
  DeskSplits splits;
  WorldFacts facts;
};

std::string lowered(std::string_view s) {
  std::string out = shown_label(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The queue that a person or a model means by `action`: the exact name, else the only one equal but for case and '_'.
const std::string* meant_queue(const std::vector<std::string>& queues, std::string_view action) {
  const std::string* found = nullptr;
  for (const auto& q : queues) {
    if (q == action) return &q;
    if (lowered(q) != lowered(action)) continue;
    if (found != nullptr) return nullptr;
    found = &q;
  }
  return found;
}

class DeskEnv final : public Env, public Savable {
 public:
  DeskEnv(const DeskData& data, Split split) : data_(data), split_(split), tries_(split == Split::train ? data.config.train_tries : data.config.eval_tries) {
    // All of them: folds evaluate training tasks under the rules of evaluation.
    for (const Split s : {Split::train, Split::validation, Split::test})
      for (const auto& item : data.splits.of(s)) label_of_[item.task.id] = &item.label;
  }

  Observation reset(const Task& task) override {
    const auto it = label_of_.find(task.id);
    if (it == label_of_.end())
      throw Error(Fault::bad_input, "desk: expected a task of these settings, got '" + task.id + "'");
    task_ = task.id;
    label_ = it->second;
    left_ = tries_;
    open_ = data_.splits.queues;
    return {"", open_, {}};
  }

  Outcome step(std::string_view action) override {
    if (label_ == nullptr) throw Error(Fault::internal, "desk: step before reset or after the end");
    --left_;
    Outcome out;
    const std::string* queue = meant_queue(open_, action);
    if (queue != nullptr && *queue == *label_) {
      out.next.text = "Solved.";
      out.reward = 1.0F;
      out.ending = Ending::terminal;
      out.score = 1.0;
      out.solved = true;
      label_ = nullptr;
      return out;
    }
    out.next.text = refusal(queue, action);
    if (queue != nullptr) open_.erase(open_.begin() + (queue - open_.data()));
    if (left_ == 0 || open_.empty()) {
      out.ending = Ending::cut_off;
      out.feedback = feedback();
      label_ = nullptr;
    } else {
      out.next.choices = open_;
    }
    return out;
  }

  void save(Sink& sink) const override {
    put_text(sink, label_ != nullptr ? task_ : "");
    put(sink, static_cast<std::int32_t>(left_));
    for (const auto& queue : data_.splits.queues) put(sink, static_cast<std::uint8_t>(std::binary_search(open_.begin(), open_.end(), queue)));
  }

  void load(Source& source) override {
    const std::string task = get_text(source);
    std::int32_t left = 0;
    get(source, left);
    std::vector<std::string> open;
    for (const auto& queue : data_.splits.queues) {
      std::uint8_t offered = 0;
      get(source, offered);
      if (offered != 0) open.push_back(queue);
    }
    const auto it = label_of_.find(task);
    if ((!task.empty() && it == label_of_.end()) || left < 0 || left > tries_)
      throw Error(Fault::corrupt, "desk: saved state is of another desk");
    task_ = task;
    label_ = task.empty() ? nullptr : it->second;
    left_ = left;
    open_ = std::move(open);
  }

 private:
  // Training requests only: who learns is told nothing of those that judge.
  std::string feedback() const {
    const auto& train = data_.splits.train;
    if (data_.config.feedback == DeskFeedback::none || split_ != Split::train) return "";
    const std::string* queue = label_;
    if (data_.config.feedback == DeskFeedback::other && !train.empty()) queue = &train[Rng(data_.config.split_seed).split("other").split(task_).below(train.size())].label;
    return "It was for " + *queue + ".";
  }

  std::string refusal(const std::string* queue, std::string_view action) const {
    if (queue != nullptr) return "Bounced: " + *queue + " is not the right queue.";
    const std::string said(action.substr(0, 100));
    return meant_queue(data_.splits.queues, action) != nullptr ? "'" + said + "' has bounced already. That cost a try."
                                                               : "'" + said + "' is not a queue. That cost a try.";
  }

  const DeskData& data_;
  Split split_;
  int tries_, left_ = 0;
  std::unordered_map<std::string, const std::string*> label_of_;
  std::string task_;                    // id of the request at hand
  const std::string* label_ = nullptr;  // of it; null when there is none
  std::vector<std::string> open_;       // queues not tried yet, sorted as all of them are
};

class DeskWorld final : public World {
 public:
  explicit DeskWorld(DeskData data) : data_(std::move(data)), train_facts_(data_.facts) { train_facts_.max_steps = data_.config.train_tries; }
  const WorldFacts& facts(Split split) const override { return split == Split::train ? train_facts_ : data_.facts; }
  std::vector<Task> tasks(Split split) const override {
    std::vector<Task> out;
    for (const auto& item : data_.splits.of(split)) out.push_back(item.task);
    return out;
  }
  std::unique_ptr<Env> make(Split split) const override { return std::make_unique<DeskEnv>(data_, split); }

 private:
  DeskData data_;
  WorldFacts train_facts_;
};

WorldFacts desk_facts(const DeskConfig& config, const std::vector<std::string>& queues,
                      const std::map<std::string, std::string>& about) {
  WorldFacts f;
  f.name = "desk";
  f.role = "Each customer request goes to one queue.";
  if (!about.empty()) {
    f.role += " What each queue is for:";
    for (const auto& q : queues) f.role += "\n" + q + ": " + about.at(q);
  }
  f.action_help = "Answer with the name of one queue.";
  f.task_word = "Request";
  f.action_word = "Queue";
  f.max_steps = config.eval_tries;
  f.failure_reasons = {"every queue that was tried bounced the request"};
  return f;
}

std::map<std::string, std::string> read_descriptions(const DeskConfig& config, const std::vector<std::string>& queues) {
  const RequestFields fields{"description", "label"};
  if (config.descriptions.empty() && !config.requests.empty())
    throw Error(Fault::bad_input, "desk: describe with requests of your own needs `descriptions`, a file with label and description");
  const auto rows = config.descriptions.empty() ? parse_requests(desk_data("queues.csv"), "queues.csv", fields)
                                                : read_requests(config.descriptions, fields);
  std::map<std::string, std::string> about;
  for (const auto& row : rows) about[row.label] = row.text;
  for (const auto& q : queues)
    if (!about.contains(q))
      throw Error(Fault::bad_input, "desk: queue '" + q + "' has no description in " +
                                        (config.descriptions.empty() ? "the built-in set" : config.descriptions));
  return about;
}

}  // namespace

const std::vector<DeskItem>& DeskSplits::of(Split split) const {
  return split == Split::train ? train : split == Split::validation ? validation : test;
}

DeskSplits split_desk(std::vector<LabelledText> rows, std::vector<LabelledText> test_rows, DeskConfig config) {
  const bool own_test = !test_rows.empty();
  DeskSplits out;
  out.queues = choose_queues(rows, config);
  std::unordered_set<std::string> seen;  // test first: a text in both files is a test request only
  keep_first_of_equal(test_rows, seen);
  keep_first_of_equal(rows, seen);
  const Rng rng(config.split_seed);
  Piles piles(by_queue(rows, out.queues), rng.split("requests"));
  const auto shortage = [&](const char* parts) { return Shortage{"desk", "different requests", parts, config.fit, 10}; };
  if (own_test) {
    Piles test_piles(by_queue(test_rows, out.queues), rng.split("test requests"));
    require_enough(test_piles.left(), {&config.test}, shortage("test"));
    out.test = items_of(test_rows, test_piles.deal(config.test));
    require_enough(piles.left(), {&config.validation, &config.train}, shortage("validation and train"));
  } else {
    require_enough(piles.left(), {&config.test, &config.validation, &config.train}, shortage("test, validation and train"));
    out.test = items_of(rows, piles.deal(config.test));
  }
  out.validation = items_of(rows, piles.deal(config.validation));
  out.train = items_of(rows, piles.deal(config.train));
  if (config.shuffle_labels) {
    std::vector<std::string> labels;
    for (const auto& item : out.train) labels.push_back(item.label);
    rng.split("shuffled labels").shuffle(labels);
    for (std::size_t i = 0; i < labels.size(); ++i) out.train[i].label = labels[i];
  }
  std::sort(out.queues.begin(), out.queues.end());
  return out;
}

std::unique_ptr<World> open_desk(const Settings& settings) {
  DeskData data;
  data.config = read_config<DeskConfig>(settings);
  const auto& c = data.config;
  const RequestFields fields{c.text_field, c.label_field};
  auto rows = c.requests.empty() ? parse_requests(desk_data("requests.csv"), "requests.csv", {}) : read_requests(c.requests, fields);
  auto test_rows = c.test_requests.empty() ? std::vector<LabelledText>{} : read_requests(c.test_requests, fields);
  if (!c.test_requests.empty() && test_rows.empty()) throw Error(Fault::bad_input, c.test_requests + ": holds no request");
  data.splits = split_desk(std::move(rows), std::move(test_rows), c);
  const auto about = c.describe ? read_descriptions(c, data.splits.queues) : std::map<std::string, std::string>{};
  data.facts = desk_facts(c, data.splits.queues, about);
  return std::make_unique<DeskWorld>(std::move(data));
}

constinit const EnvEntry env_desk{
    .name = "desk",
    .summary = "route a request to one of N queues; the only feedback is solved or bounced",
    .fields = &describe_config<DeskConfig>,
    .open = &open_desk,
    .open_batch = nullptr,
    .needs_settings = false,
};

}  // namespace hone
