#include "learners/developmental/developmental.h"

#include <cmath>
#include <sstream>

#include "core/error.h"
#include "embedded/learner_prompt.h"
#include "learners/developmental/cycle.h"
#include "learners/developmental/pairs.h"
#include "learners/developmental/suites.h"
#include "learners/passes.h"
#include "wire/read.h"

namespace hone::developmental {

void validate(const Config& c) {
  if (c.written_by == WrittenBy::hand && (!c.situations.empty() || c.invent))
    throw Error(Fault::bad_input, std::string(c.invent ? "invent" : "situations") + ": the sentences that ship (written_by: hand) fit the dilemmas that ship only");
  if (c.invent && !c.situations.empty()) throw Error(Fault::bad_input, "invent: expected one source of dilemmas, got situations as well");
  if (c.sft_passes + c.dpo_passes == 0) throw Error(Fault::bad_input, "sft_passes: with dpo_passes 0 expected at least 1, got 0");
  if (!(c.train_config.lr > 0.0)) throw Error(Fault::bad_input, "lr: expected more than 0, got 0");
  if (c.train_config.sequences_per_step % 2 != 0) throw Error(Fault::bad_input, "sequences_per_step: expected an even number (pairs), got " + std::to_string(c.train_config.sequences_per_step));
  if (c.suites && c.records.empty()) throw Error(Fault::bad_input, "suites: expected a folder in `records` to keep the answers in, got none");
  hone::objective::validate(c.loss);
}

namespace {

// What the first weights made of the unseen pairs: sums of log-probabilities, chosen and rejected in turn.
struct Before {
  std::vector<double> unseen, masked;
};

class Developmental final : public Learner {
 public:
  Developmental(const Config& config, const LearnerContext& context)
      : config_(config), rng_(context.rng), anchors_(read_anchors(config.anchors)), judge_(make_judge(config)), situations_(situations_of(config, context.rng.split("situations"))) {}

  Need next(const Progress& progress) override {
    Need need;
    need.done = progress.last_call || (selected_ && sft_ >= config_.sft_passes && dpo_ >= config_.dpo_passes);
    return need;
  }

  Update learn(const Experience&, const Lessons&, Tools& tools) override {
    if (tools.policy() == nullptr || tools.tokenizer() == nullptr) throw Error(Fault::unavailable, "developmental: needs a model whose weights can be trained");
    if (calibration_.stages.empty()) return first_of_all(tools);
    if (stories_.size() < situations_.size()) return write(tools);
    if (!selected_) return take_stock(tools);
    if (sft_ < config_.sft_passes) return imitate_revisions(tools);
    return prefer_revisions(tools);
  }

  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  bool claims() const { return calibration_.claims_stages(config_); }

  Update first_of_all(Tools& tools) {
    calibration_ = calibrate(*judge_, anchors_, tools);
    Update update;
    update.metrics = {{"judge/exact", calibration_.exact_share()}, {"judge/within_one", calibration_.within_one_share()}, {"judge/anchors", static_cast<double>(calibration_.anchors)},
                      {"judge/traps_held", static_cast<double>(calibration_.traps_held)}, {"judge/traps", static_cast<double>(calibration_.traps)}, {"judge/claims_stages", claims() ? 1.0 : 0.0}};
    tools.report(claims() ? "the judge rates the anchors well enough: stages are told" : "the judge rates too few anchors as they are: no stage is claimed, only which of two answers it prefers", update.metrics);
    write_records(config_.records, stories_, anchors_, calibration_);
    return update;
  }

  Update write(Tools& tools) {
    const auto from = situations_.begin() + static_cast<std::ptrdiff_t>(stories_.size());
    const auto n = std::min<std::ptrdiff_t>(config_.batch, situations_.end() - from);
    CycleContext context{config_, *judge_, claims(), tools, {}};
    for (const auto& s : stories_) context.used.push_back(s.situation.scenario);
    std::vector<Situation> batch(from, from + n);
    auto done = config_.written_by == WrittenBy::hand ? by_hand(std::move(batch), context, rng_.split("hand")) : live_through(std::move(batch), context);
    Update update;
    for (auto& s : done) {
      update.metrics["accepted"] += s.accepted ? 1.0 : 0.0;
      update.metrics["written"] += 1.0;
      stories_.push_back(std::move(s));
    }
    write_records(config_.records, stories_, anchors_, calibration_);
    return update;
  }

  Selected selection(Tools& tools) const {
    return select_pairs(stories_, config_, [&](std::string_view text) { return static_cast<int>(tools.tokenizer()->encode(text, false).size()); });
  }

  std::vector<bool> swaps(const std::vector<Pair>& pairs) const {
    std::vector<bool> out;
    for (const auto& p : pairs) out.push_back(config_.labels == Labels::swapped || (config_.labels == Labels::shuffled && rng_.split("labels").split(p.story->situation.id).below(2) == 1));
    return out;
  }

  std::vector<PreferenceRow> training_rows(const Selected& selected) const {
    const auto swapped = swaps(selected.train);
    std::vector<PreferenceRow> out;
    for (std::size_t i = 0; i < selected.train.size(); ++i) out.push_back(row_of(selected.train[i], config_.fields, swapped[i]));
    return out;
  }

  // Sequences of the unseen pairs, chosen and rejected in turn; `change` may rewrite a side.
  std::vector<TokenSequence> sequences(const std::vector<Pair>& pairs, Tools& tools, const std::function<void(TrainingRow&)>& change = {}) const {
    std::vector<TokenSequence> out;
    for (const auto& pair : pairs) {
      PreferenceRow row = row_of(pair, config_.fields, false);
      for (TrainingRow* side : {&row.chosen, &row.rejected}) {
        if (change) change(*side);
        auto s = sequence_of(*side, *tools.tokenizer(), {config_.max_length, true});
        if (!s) throw Error(Fault::bad_input, side->where + ": does not fit max_length (" + std::to_string(config_.max_length) + ")");
        out.push_back(std::move(*s));
      }
    }
    return out;
  }

  static std::vector<double> sums(const std::vector<TokenSequence>& sequences, Tools& tools) {
    std::vector<double> out;
    for (const auto& s : tools.policy()->score(sequences, 1.0F, Which::current)) out.push_back(sum_of(s.logp));
    return out;
  }

  static void mask(TrainingRow& row) { row.completion[0].content = without_buzzwords(row.completion[0].content); }

  // Share of pairs whose chosen answer is likelier than the other, and, `before` given, whose chosen answer gained more.
  static void compare(const std::vector<double>& now, const std::vector<double>* before, const std::string& name, Metrics& out) {
    double likelier = 0.0, gained = 0.0, margin = 0.0;
    for (std::size_t i = 0; i < now.size(); i += 2) {
      likelier += now[i] > now[i + 1] ? 1.0 : 0.0;
      if (before == nullptr) continue;
      const double gain = (now[i] - (*before)[i]) - (now[i + 1] - (*before)[i + 1]);
      gained += gain > 0.0 ? 1.0 : 0.0;
      margin += gain;
    }
    const double n = static_cast<double>(now.size()) / 2.0;
    if (n == 0.0) return;
    out[name + "/likelier"] = likelier / n;
    if (before == nullptr) return;
    out[name + "/accuracy"] = gained / n;
    out[name + "/margin"] = margin / n;
  }

  double neutral_perplexity(Tools& tools) const {
    std::vector<TokenSequence> texts;
    std::istringstream in{std::string(learner_prompt("developmental/data/neutral.txt"))};
    for (std::string line; std::getline(in, line);) {
      TrainingRow row;
      row.plain = true;
      row.completion = {{"text", line}};
      if (auto s = sequence_of(row, *tools.tokenizer(), {config_.max_length, false})) texts.push_back(std::move(*s));
    }
    double sum = 0.0, n = 0.0;
    for (const auto& s : tools.policy()->score(texts, 1.0F, Which::current)) sum += sum_of(s.logp), n += static_cast<double>(s.logp.size());
    return std::exp(-sum / n);
  }

  void measure(const Selected& selected, Tools& tools, Metrics& out) {
    compare(sums(sequences(selected.unseen, tools), tools), &before_.unseen, "unseen", out);
    if (!before_.masked.empty()) compare(sums(sequences(selected.unseen, tools, mask), tools), &before_.masked, "unseen_masked", out);
    out["neutral/perplexity"] = neutral_perplexity(tools);
    if (sft_ == config_.sft_passes && dpo_ == config_.dpo_passes) ask_suites("after", tools, out);
  }

  // Free answers of the model as it is now.
  void ask_suites(const std::string& model, Tools& tools, Metrics& out) {
    if (!config_.suites) return;
    const auto items = suite_items();
    auto answers = answer_suites(items, model, config_, rng_.split("suites"), tools);
    rate_suites(answers, items, config_, *judge_, claims(), tools);
    for (const auto& [name, value] : suite_metrics(answers)) out[name] = value;
    answers_.insert(answers_.end(), answers.begin(), answers.end());
    std::vector<wire::Json> lines;
    for (const auto& a : answers_) lines.push_back(to_json(a));
    write_lines(std::filesystem::path(config_.records) / "suites.jsonl", lines);
  }

  // Pairs are chosen, and what the model thinks of them before it has learned anything.
  Update take_stock(Tools& tools) {
    const Selected selected = selection(tools);
    Update update;
    update.metrics = selected.counts;
    if (selected.train.empty()) {
      std::string why;
      for (const auto& [name, n] : selected.counts)
        if (name.starts_with("dropped/")) why += (why.empty() ? "" : ", ") + name.substr(8) + " " + std::to_string(static_cast<int>(n));
      throw Error(Fault::bad_input, "no pair to learn from is left of " + std::to_string(stories_.size()) + " dilemmas (" + why + ")");
    }
    tools.policy()->keep_reference();
    before_.unseen = sums(sequences(selected.unseen, tools), tools);
    compare(before_.unseen, nullptr, "unseen", update.metrics);
    bool words = false;
    for (const auto& p : selected.unseen) words = words || has_buzzword(p.story->first) || has_buzzword(p.story->last);
    if (words) before_.masked = sums(sequences(selected.unseen, tools, mask), tools);
    // The plain way to the same end: say so in the prompt.
    const auto told = [](TrainingRow& row) { row.prompt[0].content += "\n\nUse universal ethical principles."; };
    compare(sums(sequences(selected.unseen, tools, told), tools), &before_.unseen, "prompt_only", update.metrics);
    update.metrics["neutral/perplexity"] = neutral_perplexity(tools);
    write_pairs(config_.records, selected, config_, claims(), swaps(selected.train));
    ask_suites("before", tools, update.metrics);
    selected_ = true;
    return update;
  }

  Update imitate_revisions(Tools& tools) {
    const Selected selected = selection(tools);
    std::vector<TokenSequence> rows;
    for (const auto& row : training_rows(selected))
      if (auto s = sequence_of(row.chosen, *tools.tokenizer(), {config_.max_length, true})) rows.push_back(std::move(*s));
    PassConfig train{config_.train_config};
    train.lr = config_.sft_lr;
    ++sft_;
    Update update;
    for (const auto& [name, value] : imitate(std::move(rows), train, {}, {sft_ - 1, config_.sft_passes}, tools.rng("order"), *tools.policy())) update.metrics["sft/" + name] = value;
    // Published runs of this recipe logged zeros and went on.
    if (!(update.metrics["sft/loss"] > 0.0) || !(update.metrics["sft/gradient_norm"] > 0.0)) throw Error(Fault::internal, "supervised fine-tuning trains nothing: expected a loss and a gradient above 0, got a loss of " + std::to_string(update.metrics["sft/loss"]) + " and a gradient of " + std::to_string(update.metrics["sft/gradient_norm"]));
    if (sft_ == config_.sft_passes) measure(selected, tools, update.metrics);
    return update;
  }

  Update prefer_revisions(Tools& tools) {
    const Selected selected = selection(tools);
    if (dpo_ == 0 && config_.reference == ReferenceModel::sft) tools.policy()->keep_reference();
    const auto pairs = pairs_of(training_rows(selected), config_.max_length, *tools.policy(), *tools.tokenizer());
    if (pairs.known.empty()) throw Error(Fault::bad_input, "no pair fits max_length (" + std::to_string(config_.max_length) + ")");
    ++dpo_;
    Update update;
    for (const auto& [name, value] : prefer(pairs, PassConfig{config_.train_config}, config_.loss, {dpo_ - 1, config_.dpo_passes}, tools.rng("order"), *tools.policy())) update.metrics["dpo/" + name] = value;
    update.metrics["dpo/left_out"] = static_cast<double>(pairs.left_out);
    if (dpo_ == config_.dpo_passes) measure(selected, tools, update.metrics);
    return update;
  }

  Config config_;
  Rng rng_;
  std::vector<Anchor> anchors_;
  std::unique_ptr<Judge> judge_;
  std::vector<Situation> situations_;
  Calibration calibration_;
  std::vector<Story> stories_;
  Before before_;
  std::vector<SuiteAnswer> answers_;
  bool selected_ = false;
  int sft_ = 0, dpo_ = 0;
};

void put_all(Sink& sink, const std::vector<double>& values) {
  put(sink, static_cast<std::uint64_t>(values.size()));
  for (const double v : values) put(sink, v);
}
std::vector<double> get_all(Source& source) {
  std::uint64_t n = 0;
  get(source, n);
  std::vector<double> out;
  for (std::uint64_t i = 0; i < n; ++i) {
    double v = 0.0;
    get(source, v);
    out.push_back(v);
  }
  return out;
}

void Developmental::save(Sink& sink) const {
  for (const int n : {calibration_.anchors, calibration_.exact, calibration_.within_one, calibration_.traps, calibration_.traps_held, static_cast<int>(calibration_.stages.size())}) put(sink, n);
  for (const int stage : calibration_.stages) put(sink, stage);
  put(sink, static_cast<std::uint64_t>(stories_.size()));
  for (const auto& s : stories_) put_text(sink, wire::dump(to_json(s)));
  put(sink, static_cast<std::uint8_t>(selected_));
  put(sink, sft_);
  put(sink, dpo_);
  put_all(sink, before_.unseen);
  put_all(sink, before_.masked);
  put(sink, static_cast<std::uint64_t>(answers_.size()));
  for (const auto& a : answers_) put_text(sink, wire::dump(to_json(a)));
}

void Developmental::load(Source& source) {
  int rated = 0;
  for (int* n : {&calibration_.anchors, &calibration_.exact, &calibration_.within_one, &calibration_.traps, &calibration_.traps_held, &rated}) get(source, *n);
  calibration_.stages.clear();
  for (int i = 0; i < rated; ++i) {
    int stage = 0;
    get(source, stage);
    calibration_.stages.push_back(stage);
  }
  std::uint64_t stories = 0;
  get(source, stories);
  stories_.clear();
  for (std::uint64_t i = 0; i < stories; ++i) stories_.push_back(story_from_json(wire::parse(get_text(source), "checkpoint"), "checkpoint: story " + std::to_string(i)));
  std::uint8_t selected = 0;
  get(source, selected);
  selected_ = selected != 0;
  get(source, sft_);
  get(source, dpo_);
  before_.unseen = get_all(source);
  before_.masked = get_all(source);
  std::uint64_t answers = 0;
  get(source, answers);
  answers_.clear();
  for (std::uint64_t i = 0; i < answers; ++i) answers_.push_back(suite_answer_from_json(wire::parse(get_text(source), "checkpoint"), "checkpoint: answer " + std::to_string(i)));
}

std::unique_ptr<Learner> make(const Settings& settings, const LearnerContext& context) { return std::make_unique<Developmental>(read_config<Config>(settings), context); }

}  // namespace

}  // namespace hone::developmental

namespace hone {

extern constinit const LearnerEntry learner_developmental;
constinit const LearnerEntry learner_developmental{
    .name = "developmental",
    .summary = "weights: answers dilemmas, looks back, answers better; learns from the two by SFT and DPO",
    .citation = "Endo 2025, Developmental Support Approach to AI's Autonomous Growth, arXiv 2502.19798",
    .trains = true,
    .asks = true,
    .fields = &describe_config<developmental::Config>,
    .make = &developmental::make,
};

}  // namespace hone
