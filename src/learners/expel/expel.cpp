#include "learners/expel/expel.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "learners/expel/prompts.h"
#include "learners/folded.h"
#include "wire/read.h"

namespace hone {

namespace {

using expel::InsightCall;
using expel::Listed;
using expel::TaskRecord;
using wire::Json;

constexpr std::pair<std::string_view, RecallKey> key_names[] = {{"task", RecallKey::task},
                                                                {"thought", RecallKey::thought},
                                                                {"action", RecallKey::action},
                                                                {"step", RecallKey::step},
                                                                {"reflection", RecallKey::reflection}};

enum class Phase { gather, extract, done };
constexpr std::string_view phase_names[] = {"gather", "extract", "done"};

std::string fold_scope(int fold) { return "fold" + std::to_string(fold); }

// A case kept until gathering ends: for the folds, or because cases are not streamed.
struct KeptCase {
  std::size_t task = 0;  // index into records
  Lesson lesson;
};

class Expel final : public Learner, public Folded {
 public:
  Expel(ExpelConfig config, LearnerContext context)
      : config_(std::move(config)), context_(std::move(context)), keys_(recall_keys(config_)), lists_(static_cast<std::size_t>(config_.folds)) {}

  Need next(const Progress& progress) override {
    last_call_ = progress.last_call;
    Need need;
    need.done = phase_ == Phase::done;
    if (phase_ != Phase::gather || last_call_ || from_store()) return need;
    asked_ = open_tasks();
    if (progress.episodes_left > 0 && asked_.size() > static_cast<std::size_t>(progress.episodes_left))
      asked_.resize(static_cast<std::size_t>(progress.episodes_left));
    for (const std::size_t i : asked_) need.trials.push_back(trial(i));
    return need;
  }

  Update learn(const Experience& experience, const Lessons& /*known*/, Tools& tools) override {
    Update update;
    if (phase_ == Phase::gather) gather(experience.episodes, tools, update);
    else if (phase_ == Phase::extract && !last_call_) extract(tools, update);
    if (last_call_) phase_ = Phase::done;
    measure(update.metrics);
    return update;
  }

  void save(Sink& sink) const override;
  void load(Source& source) override;

  int folds() const override { return config_.folds; }
  std::string scope_for(const Task& task) const override {
    const std::string id = wire::valid_utf8(task.id);
    for (std::size_t i = 0; i < fold_of_.size(); ++i)
      if (records_[i].id == id) return fold_scope(fold_of_[i]);
    return "";
  }

 private:
  bool from_store() const { return config_.from_store || context_.train.empty(); }
  bool strict_split() const { return config_.folds > 1 && config_.retrieval_scope == RetrievalScope::train_fold; }
  bool holds_cases() const { return config_.folds > 1 || !config_.stream_cases; }

  // ---- stage A
  std::size_t group_end() const { return std::min(first_ + static_cast<std::size_t>(config_.round_tasks), context_.train.size()); }

  bool is_open(std::size_t i) const { return i >= records_.size() || (!records_[i].solved && records_[i].attempts <= config_.retries); }

  std::vector<std::size_t> open_tasks() const {
    std::vector<std::size_t> out;
    for (std::size_t i = first_; i < group_end(); ++i)
      if (is_open(i)) out.push_back(i);
    return out;
  }

  Trial trial(std::size_t i) const {
    Trial t;
    t.task = context_.train[i];
    t.group = t.task.id;
    t.with_lessons = config_.recall_while_gathering && !strict_split();
    if (i < records_.size()) {
      t.parent = records_[i].last_episode;
      t.attempt = records_[i].attempts;
      t.notes = records_[i].reflections;
    }
    return t;
  }

  void gather(std::span<const Episode> episodes, Tools& tools, Update& update) {
    if (from_store()) {
      take_stored(episodes, update);
      end_gathering(update);
      return;
    }
    if (!last_call_ || !episodes.empty()) take_tries(episodes, tools, update);
    if (last_call_ || first_ >= context_.train.size()) end_gathering(update);
  }

  void take_tries(std::span<const Episode> episodes, Tools& tools, Update& update) {
    const auto& open = asked_;
    if (episodes.size() != open.size())
      throw Error(Fault::internal, "expel: expected " + std::to_string(open.size()) + " episodes, one per trial asked for, got " +
                                       std::to_string(episodes.size()) + " (stored episodes need from_store: true)");
    for (std::size_t i = records_.size(); i < group_end(); ++i) records_.push_back(expel::record_of(context_.train[i]));
    std::vector<std::size_t> failed;
    for (std::size_t n = 0; n < open.size(); ++n) {
      TaskRecord& record = records_[open[n]];
      if (wire::valid_utf8(episodes[n].task.id) != record.id)
        throw Error(Fault::internal, "expel: expected an episode of task '" + record.id + "', got '" + episodes[n].task.id + "'");
      take(open[n], episodes[n], update);
      if (!record.solved && episodes[n].ending != Ending::fault && record.attempts <= config_.retries) failed.push_back(open[n]);
    }
    if (config_.reflect && !last_call_) reflect(failed, tools);
    for (const std::size_t i : open)
      if (!is_open(i) && !(records_[i].solved && config_.insights)) records_[i].tries.clear();  // extraction has no use for them
    while (first_ < context_.train.size() && open_tasks().empty()) first_ = group_end();
  }

  // One finished try of records_[i].
  void take(std::size_t i, const Episode& episode, Update& update) {
    TaskRecord& record = records_[i];
    ++record.attempts;
    record.last_episode = episode.id;
    if (episode.ending == Ending::fault) return;
    record.solved = record.solved || episode.solved;
    if (!episode.solved) ++record.failures;
    record.tries.push_back({episode.id, episode.solved, transcript_steps(episode, context_.world)});
    if (episode.solved ? !config_.cases : !config_.keep_failures) return;
    Lesson lesson = case_of(episode, context_.world, keys_, config_.case_steps == CaseSteps::direct);
    if (holds_cases()) kept_.push_back({i, lesson});
    if (config_.stream_cases) update.lessons.add.push_back(std::move(lesson));
  }

  void reflect(const std::vector<std::size_t>& failed, Tools& tools) {
    std::vector<Request> requests;
    for (const std::size_t i : failed) {
      Request request;
      request.key = "reflect/" + std::to_string(i) + "/" + std::to_string(records_[i].attempts - 1);
      request.role = "reflection";
      request.prompt = {{"user", expel::reflection_prompt(records_[i], records_[i].tries.back(), prompt_context(tools)).text}};
      request.sampling.max_tokens = config_.reflection_tokens;
      request.sampling.stop = {"\n"};
      requests.push_back(std::move(request));
    }
    if (requests.empty()) return;
    const auto replies = generate(requests, tools);
    for (std::size_t n = 0; n < failed.size(); ++n) {
      std::string line = expel::reflection_line(wire::valid_utf8(replies[n].text));
      if (line.empty()) tools.report("an empty reflection was left out", {});
      else records_[failed[n]].reflections.push_back(std::move(line));
    }
    reflections_ += static_cast<int>(failed.size());
  }

  void take_stored(std::span<const Episode> episodes, Update& update) {
    for (const auto& episode : episodes) {
      TaskRecord record = expel::record_of(episode.task);
      if (record.id.empty()) record.id = record.text;  // imported chats may have no task ids
      const auto at = std::find_if(records_.begin(), records_.end(), [&](const TaskRecord& r) { return r.id == record.id; });
      const auto i = static_cast<std::size_t>(at - records_.begin());
      if (at == records_.end()) records_.push_back(std::move(record));
      take(i, episode, update);
    }
    for (auto& record : records_)
      if (!(record.solved && config_.insights)) record.tries.clear();
  }

  void end_gathering(Update& update) {
    if (!config_.stream_cases)
      for (const auto& kept : kept_) update.lessons.add.push_back(kept.lesson);
    if (config_.folds > 1 && !records_.empty()) {
      deal();
      for (const auto& kept : kept_) {
        for (int fold = 0; fold < config_.folds; ++fold) {
          if (strict_split() && fold_of_[kept.task] == fold) continue;
          update.lessons.add.push_back(kept.lesson);
          update.lessons.add.back().scope = fold_scope(fold);
        }
      }
    }
    kept_.clear();
    phase_ = config_.insights && most_calls() > 0 ? Phase::extract : Phase::done;
  }

  void deal() {
    std::vector<expel::FoldItem> items;
    for (const auto& record : records_) items.push_back({expel::outcome_of(record), record.kind});
    fold_of_ = expel::deal_folds(items, config_.folds, context_.rng.split("expel folds"));
  }

  // ---- stage B
  // The calls of each fold; follows from the records, so it is worked out again after a load.
  const std::vector<std::vector<InsightCall>>& plan() {
    if (plan_) return *plan_;
    plan_.emplace();
    for (int fold = 0; fold < config_.folds; ++fold) {
      std::vector<std::size_t> tasks;
      for (std::size_t i = 0; i < records_.size(); ++i)
        if (config_.folds == 1 || fold_of_[i] != fold) tasks.push_back(i);
      auto calls = expel::plan_calls(records_, tasks, config_.successes_per_call,
                                     context_.rng.split("expel successes").split(static_cast<std::uint64_t>(fold)));
      plan_->push_back(expel::evenly(std::move(calls), config_.insight_calls));
    }
    return *plan_;
  }

  std::size_t most_calls() {
    std::size_t most = 0;
    for (const auto& calls : plan()) most = std::max(most, calls.size());
    return most;
  }

  void extract(Tools& tools, Update& update) {
    std::vector<std::size_t> folds;
    std::vector<Request> requests;
    std::vector<expel::Origin> origins;
    for (std::size_t fold = 0; fold < plan().size(); ++fold) {
      if (cursor_ >= plan()[fold].size()) continue;
      const InsightCall& call = plan()[fold][cursor_];
      auto prompt = expel::insight_prompt(call, records_, expel::rules_of(lists_[fold]), prompt_context(tools));
      folds.push_back(fold);
      requests.push_back(insight_request(fold, std::move(prompt.text)));
      origins.push_back({config_.folds > 1 ? fold_scope(static_cast<int>(fold)) : "", std::move(prompt.hash), evidence_of(call)});
    }
    const auto replies = generate(requests, tools);
    for (std::size_t n = 0; n < folds.size(); ++n) {
      const auto operations = expel::parse_operations(wire::valid_utf8(replies[n].text), config_.strict_parity);
      const auto dropped = expel::update_list(lists_[folds[n]], operations, list_options(config_), origins[n], update.lessons);
      for (const auto& d : dropped)
        tools.report("insights: dropped " + std::string(to_string(d.operation.kind)) + " '" + d.operation.text + "': " + d.why, {});
      dropped_ += static_cast<int>(dropped.size());
      operations_ += static_cast<int>(operations.size());
      ++calls_;
    }
    if (++cursor_ >= most_calls()) phase_ = Phase::done;
  }

  Request insight_request(std::size_t fold, std::string prompt) const {
    Request request;
    request.key = "insights/" + std::to_string(fold) + "/" + std::to_string(cursor_);
    request.role = "insights";
    request.prompt = {{"user", std::move(prompt)}};
    request.sampling.max_tokens = config_.insight_tokens;
    if (config_.constrain) {
      const auto rules = expel::rules_of(lists_[fold]);
      const bool may_add = !config_.hard_cap || rules.size() < static_cast<std::size_t>(config_.max_insights);
      request.sampling.grammar = expel::operations_grammar(rules, config_.operator_names == OperatorNames::vote, may_add);
      request.sampling.hold = false;
    }
    return request;
  }

  std::vector<std::string> evidence_of(const InsightCall& call) const {
    std::vector<std::string> out;
    for (const auto& s : call.shown) {
      const std::string& id = records_[s.task].tries[s.attempt].episode;
      if (!id.empty() && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
    }
    return out;
  }

  // ---- both
  expel::PromptContext prompt_context(Tools& tools) const {
    return {context_.world, config_, [&tools](std::string_view text) { return tools.count_tokens(text); }};
  }

  static std::vector<Generation> generate(const std::vector<Request>& requests, Tools& tools) {
    auto replies = tools.generate(requests);
    if (replies.size() != requests.size())
      throw Error(Fault::internal, "expel: expected " + std::to_string(requests.size()) + " replies, got " + std::to_string(replies.size()));
    return replies;
  }

  void measure(Metrics& metrics) const {
    int tried = 0, solved = 0, tries = 0;
    for (const auto& record : records_) {
      tried += record.attempts > 0 ? 1 : 0;
      solved += record.solved ? 1 : 0;
      tries += record.attempts;
    }
    if (tried == 0) return;
    metrics["gather/tasks"] = tried;
    metrics["gather/solved"] = solved;
    metrics["gather/tries"] = tries;
    metrics["gather/reflections"] = reflections_;
    for (std::size_t fold = 0; fold < lists_.size(); ++fold)
      metrics[lists_.size() == 1 ? "insights/size" : "insights/size/" + fold_scope(static_cast<int>(fold))] =
          static_cast<double>(lists_[fold].size());
    metrics["insights/calls"] = calls_;
    metrics["insights/operations"] = operations_;
    metrics["insights/dropped"] = dropped_;
  }

  const ExpelConfig config_;
  const LearnerContext context_;
  const std::vector<RecallKey> keys_;
  std::vector<std::size_t> asked_;                          // set by next(): the tasks whose tries learn() is told
  bool last_call_ = false;                                  // set by next() for the learn() that follows
  std::optional<std::vector<std::vector<InsightCall>>> plan_;  // [fold][call], derived
  // What a checkpoint keeps:
  Phase phase_ = Phase::gather;
  std::size_t first_ = 0;                // first task of the group being gathered
  std::size_t cursor_ = 0;               // next insight call of every fold
  std::vector<TaskRecord> records_;      // of the tasks begun, in the order of training
  std::vector<int> fold_of_;             // [records] once dealt, else empty
  std::vector<std::vector<Listed>> lists_;  // [folds]
  std::vector<KeptCase> kept_;
  int reflections_ = 0, calls_ = 0, operations_ = 0, dropped_ = 0;
};

void Expel::save(Sink& sink) const {
  Json records = Json::array(), lists = Json::array(), kept = Json::array();
  for (const auto& record : records_) records.push_back(to_json(record));
  for (const auto& list : lists_) {
    Json entries = Json::array();
    for (const auto& listed : list) entries.push_back(to_json(listed));
    lists.push_back(std::move(entries));
  }
  for (const auto& k : kept_) kept.push_back({{"task", k.task}, {"lesson", wire::to_json(k.lesson)}});
  put_text(sink, wire::dump({{"expel", 1},
                             {"train", context_.train.size()},
                             {"phase", phase_names[static_cast<int>(phase_)]},
                             {"first", first_},
                             {"cursor", cursor_},
                             {"records", std::move(records)},
                             {"fold_of", fold_of_},
                             {"lists", std::move(lists)},
                             {"kept", std::move(kept)},
                             {"counts", {reflections_, calls_, operations_, dropped_}}}));
}

void Expel::load(Source& source) try {
  const std::string at = "expel checkpoint";
  const Json json = wire::parse(get_text(source), at);
  const wire::Fields f(json, at);
  const auto index = [&](const char* name, std::size_t max) {
    return static_cast<std::size_t>(wire::read_int(f.required(name), f.at(name), 0, static_cast<std::int64_t>(max)));
  };
  if (index("expel", 1000000) != 1) throw Error(Fault::corrupt, at + ": written by another version");
  if (index("train", SIZE_MAX >> 1) != context_.train.size())
    throw Error(Fault::corrupt, at + ": it is about another number of training tasks");
  std::string phase;
  f.need("phase", phase);
  const auto named = std::find(std::begin(phase_names), std::end(phase_names), phase);
  if (named == std::end(phase_names)) throw Error(Fault::corrupt, at + ": no phase is called '" + phase + "'");
  phase_ = static_cast<Phase>(named - std::begin(phase_names));
  first_ = index("first", context_.train.size());
  cursor_ = index("cursor", SIZE_MAX >> 1);
  records_ = wire::Fields::elements<TaskRecord>(f.required("records"), f.at("records"), expel::record_from_json);
  const std::size_t n = records_.size();
  fold_of_ = wire::Fields::elements<int>(f.required("fold_of"), f.at("fold_of"), [&](const Json& j, const std::string& where) {
    return static_cast<int>(wire::read_int(j, where, 0, config_.folds - 1));
  });
  lists_ = wire::Fields::elements<std::vector<Listed>>(f.required("lists"), f.at("lists"), [](const Json& j, const std::string& where) {
    return wire::Fields::elements<Listed>(j, where, expel::listed_from_json);
  });
  if (lists_.size() != static_cast<std::size_t>(config_.folds) || (!fold_of_.empty() && fold_of_.size() != n))
    throw Error(Fault::corrupt, at + ": it is about another number of folds");
  kept_ = wire::Fields::elements<KeptCase>(f.required("kept"), f.at("kept"), [&](const Json& j, const std::string& where) {
    const wire::Fields g(j, where);
    return KeptCase{static_cast<std::size_t>(wire::read_int(g.required("task"), g.at("task"), 0, static_cast<std::int64_t>(n) - 1)),
                    wire::lesson_from_json(g.required("lesson"), g.at("lesson"))};
  });
  const auto counts = wire::Fields::elements<int>(f.required("counts"), f.at("counts"), [](const Json& j, const std::string& where) {
    return static_cast<int>(wire::read_int(j, where, 0, INT32_MAX));
  });
  if (counts.size() != 4) throw Error(Fault::corrupt, at + ".counts: expected 4 numbers");
  reflections_ = counts[0], calls_ = counts[1], operations_ = counts[2], dropped_ = counts[3];
  plan_.reset();
  last_call_ = false;
} catch (const Error& e) {
  if (e.fault() == Fault::bad_input) throw Error(Fault::corrupt, e.what());
  throw;
}

std::unique_ptr<Learner> make_expel(const Settings& settings, const LearnerContext& context) {
  return std::make_unique<Expel>(read_config<ExpelConfig>(settings), context);
}

}  // namespace

std::vector<RecallKey> recall_keys(const ExpelConfig& config) {
  std::vector<RecallKey> out;
  std::vector<std::string> known;
  for (const auto& [name, key] : key_names) known.emplace_back(name);
  for (const auto& wanted : config.keys) {
    const auto at = std::find_if(std::begin(key_names), std::end(key_names), [&](const auto& k) { return k.first == wanted; });
    if (at == std::end(key_names)) throw Error(Fault::bad_input, std::string("keys: ") + unknown_name("key", wanted, known).what());
    out.push_back(at->second);
  }
  return out;
}

void validate(const ExpelConfig& config) {
  recall_keys(config);
  if (config.strict_parity && config.operator_names == OperatorNames::vote)
    throw Error(Fault::bad_input, "strict_parity: expected operator_names agree (the release reads no other names), got vote");
}

constinit const LearnerEntry learner_expel = {
    .name = "expel",
    .summary = "practise with retries, recall successful tries, and keep a counted list of insights",
    .citation = "Zhao et al. 2024, ExpeL: LLM Agents Are Experiential Learners, arXiv 2308.10144",
    .tempo = Tempo::deliberate,
    .fields = describe_config<ExpelConfig>,
    .make = make_expel,
};

}  // namespace hone
